"""Ids of Slack users. Pure."""

import re

_USER_ID = re.compile(r"[UW][A-Z0-9]+")


def is_person(user_id: str) -> bool:
    """Return True if this has the format of a user's id."""
    return _USER_ID.fullmatch(user_id) is not None
