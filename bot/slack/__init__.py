"""The only outgoing Web API calls: what the bot asks Slack, says in it, and what each refusal means."""
