"""Authorization: every decision of the policy, its audit, and its explanation."""
