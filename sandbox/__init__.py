"""A local Slack and a local CertCentral, for the demo and the tests; they know nothing of the bot."""
