"""Slack messages that must appear exactly once, whatever fails."""
