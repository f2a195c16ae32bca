"""The state of a Slack workspace, and the payloads composed from it."""
