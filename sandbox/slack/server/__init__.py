"""The servers of the local Slack: Web API, Socket Mode, request URL and Events API."""
