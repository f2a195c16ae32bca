"""The bot: decisions, services and texts, independent of how Slack reaches it."""
