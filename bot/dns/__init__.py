"""DNS: who is asked what, and what the answers mean for a validation. The only package that imports dnspython."""
