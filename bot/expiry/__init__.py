"""Expiry of domain validations: the calendar of industry rules, and the date on which a validation ends. Pure."""
