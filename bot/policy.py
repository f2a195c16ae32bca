"""The allowlist as a pure decision that can explain itself; whatever is unclear is a no."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

# Slack says so itself: Slackbot's `is_bot` is false. Source: Slack, "User object".
_SLACKBOT = "USLACKBOT"
_USER_ID = re.compile(r"[UW][A-Z0-9]+")


class Action(StrEnum):
    """What somebody wants to do: read from DigiCert, or have mail sent."""

    LOOK = "look"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may use the bot, by Slack ids; `home` is our team's id and, on Enterprise Grid, the enterprise's."""

    users: frozenset[str]
    groups: frozenset[str]
    home: frozenset[str]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as Slack reports them at this moment; an empty `user_id` is nobody that Slack knows."""

    user_id: str
    teams: frozenset[str]
    deleted: bool
    bot: bool
    guest: bool
    stranger: bool
    groups: frozenset[str]

    @classmethod
    def read(cls, user: Mapping[str, Any], groups: Collection[str]) -> Self:
        """Read the `user` object of users.info; `groups` are the ids of the user groups that list this person.

        Never raises: a flag that is neither absent nor false counts against the person, a malformed id is no id.
        Source: Slack, "User object" and users.info.
        """
        user = _mapping(user)
        user_id = user.get("id")
        known = isinstance(user_id, str) and _USER_ID.fullmatch(user_id) is not None
        return cls(
            user_id=str(user_id) if known else "",
            teams=_teams(user),
            deleted=_flagged(user, "deleted"),
            bot=_flagged(user, "is_bot", "is_workflow_bot") or user_id == _SLACKBOT,
            guest=_flagged(user, "is_restricted", "is_ultra_restricted"),
            stranger=_flagged(user, "is_stranger"),
            groups=_ids(groups),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no; `rule` is a stable word for ledger and log, `sentence` may be shown to the person it is about."""

    allowed: bool
    rule: str
    sentence: str


UNKNOWN_PERSON = "unknown"
_UNKNOWN = Decision(
    allowed=False,
    rule=UNKNOWN_PERSON,
    sentence="Slack did not say who you are, so nothing was done. Try again in a minute; if that does not help, "
    "ask the people who run this bot.",
)
_DEACTIVATED = Decision(
    allowed=False,
    rule="deactivated",
    sentence="Your Slack account is deactivated, so nothing was done. Ask an admin of your workspace to activate it.",
)
_BOT = Decision(
    allowed=False,
    rule="bot",
    sentence="You are a bot or a workflow, and only people may use this. Have a person on the list do it.",
)
_OTHER_WORKSPACE = Decision(
    allowed=False,
    rule="other-workspace",
    sentence="You belong to another workspace, and only members of this one may use this. Ask one of them to do it.",
)
_GUEST = Decision(
    allowed=False,
    rule="guest",
    sentence="You are a guest in this workspace, and only full members may use this. Ask one of them to do it.",
)
_LISTED_USER = Decision(
    allowed=True,
    rule="listed-user",
    sentence="You are on the list of people who may resend validation e-mails.",
)
_LISTED_GROUP = Decision(
    allowed=True,
    rule="listed-group",
    sentence="You are in a user group that may resend validation e-mails.",
)
_NOT_LISTED = Decision(
    allowed=False,
    rule="not-listed",
    sentence="You are not on the list of people who may resend validation e-mails. "
    "Ask the people who run this bot to add you, or a colleague who is on it to do it.",
)
_NOBODY_LISTED = Decision(
    allowed=False,
    rule="nobody-listed",
    sentence="Nobody may resend validation e-mails yet, because the list of people is empty. "
    "Ask the people who run this bot to add you.",
)


def decide(rules: Rules, person: Person | None, action: Action = Action.RESEND) -> Decision:
    """Whether `person` may use the bot now; None, where Slack could not tell who it is, is a no.

    `action` makes no difference today: whoever may look may resend.
    """
    if person is None or not person.user_id:
        return _UNKNOWN
    return _objection(rules, person) or _listing(rules, person)


def _objection(rules: Rules, person: Person) -> Decision | None:
    """What keeps a person out whether or not they are listed."""
    if person.deleted:
        return _DEACTIVATED
    if person.bot:
        return _BOT
    if person.stranger or not person.teams & rules.home:
        return _OTHER_WORKSPACE
    return _GUEST if person.guest else None


def _listing(rules: Rules, person: Person) -> Decision:
    if person.user_id in rules.users:
        return _LISTED_USER
    if person.groups & rules.groups:
        return _LISTED_GROUP
    return _NOT_LISTED if rules.users or rules.groups else _NOBODY_LISTED


def _flagged(user: Mapping[str, Any], *names: str) -> bool:
    """True unless each flag is absent or false: a null or a text in its place is no promise that it is false."""
    return any(user.get(name, False) is not False for name in names)


def _teams(user: Mapping[str, Any]) -> frozenset[str]:
    """The team, and on Enterprise Grid the enterprise and each of its workspaces that the person is in."""
    grid = _mapping(user.get("enterprise_user"))
    teams = grid.get("teams")
    return _ids([user.get("team_id"), grid.get("enterprise_id"), *(teams if isinstance(teams, list) else [])])


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _ids(values: object) -> frozenset[str]:
    items = values if isinstance(values, Collection) else ()
    return frozenset(item for item in items if isinstance(item, str) and item)
