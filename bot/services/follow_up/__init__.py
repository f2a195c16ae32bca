"""Follow-ups: checks after a resend until the names are validated."""
