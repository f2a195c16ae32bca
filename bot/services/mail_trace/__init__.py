"""*Where did the email go?*: one line for each mailbox of what waits for approval."""
