"""All outgoing calls to Slack's Web API: what the bot reads, what it posts, and what each error means."""
