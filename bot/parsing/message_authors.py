"""The author of a Slack message: a person, or an app or webhook. Pure, and no JSON value makes it raise.

Slack puts `bot_id` on every message that was posted through its Web API. If an app posts in the name of a person,
`user` is that person. Without `user`, the author is an app or a webhook.
Sources: Slack's pages of the events "message" and "bot_message"; a report about posts with a person's token:
https://github.com/anneschuth/claude-threads/issues/526
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.parsing.slack_ids import is_person

SLACKBOT = "USLACKBOT"
_LONGEST_ID = 32
_BOT_ID = re.compile(r"B[A-Z0-9]{1,30}")
# The workspaces of the author, as messages in shared channels name them.
_TEAMS = ("team", "user_team", "source_team")


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a message by Slack's ids. Only Slack can say if `user_id` is a person or the bot user of an app."""

    bot_id: str | None = None
    user_id: str | None = None


def read_author(message: Mapping[str, Any], team_id: str | None) -> Author | None:
    """Return the author of a message; None if that is unclear, or if the author belongs to another workspace.

    On Enterprise Grid `team_id` is None: the bot does not know the ids of sister workspaces, and asks Slack instead.
    """
    if team_id and any(message.get(key) not in (None, "", team_id) for key in _TEAMS):
        return None
    bot_id, user_id = (None if message.get(key) == "" else message.get(key) for key in ("bot_id", "user"))
    if user_id == SLACKBOT:
        # Slackbot repeats texts of any user, as in reminders. It also posts emails to a channel's address.
        return Author(bot_id=SLACKBOT) if _is_email(message) else None
    if bot_id is None and user_id is None:
        return None
    return Author(bot_id, user_id) if _is_bot_id(bot_id) and _is_user_id(user_id) else None


def _is_bot_id(value: Any) -> bool:
    return value is None or (isinstance(value, str) and _BOT_ID.fullmatch(value) is not None)


def _is_user_id(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= _LONGEST_ID and is_person(value))


def _is_email(message: Mapping[str, Any]) -> bool:
    """Return True if a file of the message is an email. Slack says so twice, and may leave out either."""
    files = message.get("files")
    return isinstance(files, list) and any(
        isinstance(file, dict) and "email" in (file.get("filetype"), file.get("mode")) for file in files
    )
