"""The front doors: what the bot listens to."""
