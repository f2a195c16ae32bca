"""Lookup: the pending orders and domains of the DigiCert account, and the recipients of their emails."""
