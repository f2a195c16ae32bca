"""The policy: rules, principals, and the policy file. Pure."""
