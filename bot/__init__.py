"""All that the bot can do and say, whoever asks."""
