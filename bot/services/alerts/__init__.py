"""Alerts: which messages are kept, which of them get an offer to resend, and the offers."""
