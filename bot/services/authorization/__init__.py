"""Authorization: the policy decisions, the audit of denials, and the explanations."""
