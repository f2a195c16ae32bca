"""Parsers of what people type and alerts contain: commands, order ids and domain names. Pure."""
