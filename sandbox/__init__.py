"""A local Slack and a local CertCentral for the demo and the tests. Nothing here depends on the bot."""
