"""Alerts: their ingestion, the triage that decides which get an offer to resend, and the offers."""
