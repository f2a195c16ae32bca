"""Questions to the people who read a mailbox, to approve the email in it."""
