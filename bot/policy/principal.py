"""Who asks: a Slack user, as Slack describes them now. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from bot.parsing.slack_ids import is_person

# Slack says so itself: Slackbot's `is_bot` is false. Source: Slack, "User object".
_SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody as Slack reports them at this moment; an empty `user_id` is nobody that Slack knows.

    On Enterprise Grid `grid_id` is their id in the whole organisation, which may differ from that in the workspace;
    both are theirs alone. Source: Slack, "migration.exchange". `hoped` are groups that count for an allow only: with
    them, a decision shows if the groups that are `unclear` could change it.
    """

    user_id: str
    teams: frozenset[str]
    deleted: bool
    bot: bool
    guest: bool
    stranger: bool
    groups: frozenset[str]
    unclear: frozenset[str] = frozenset()
    grid_id: str = ""
    hoped: frozenset[str] = frozenset()

    @classmethod
    def read(cls, user: Mapping[str, Any], groups: Collection[str], unclear: Collection[str] = ()) -> Self:
        """Read the `user` object of users.info; `groups` are the ids of the user groups that list this person.

        `unclear` are the groups that Slack could not read.
        Never raises: a flag that is neither absent nor false counts against the person, a malformed id is no id.
        Source: Slack, "User object" and users.info.
        """
        user = _mapping(user)
        user_id = _user_id(user.get("id"))
        return cls(
            user_id=user_id,
            teams=_teams(user),
            deleted=_flagged(user, "deleted"),
            bot=_flagged(user, "is_bot", "is_workflow_bot") or user_id == _SLACKBOT,
            guest=_flagged(user, "is_restricted", "is_ultra_restricted"),
            stranger=_flagged(user, "is_stranger"),
            groups=_ids(groups),
            unclear=_ids(unclear),
            grid_id=grid_id(user),
        )


def _flagged(user: Mapping[str, Any], *names: str) -> bool:
    """True unless each flag is absent or false: a null or a text in its place is no promise that it is false."""
    return any(user.get(name, False) is not False for name in names)


def grid_id(user: Mapping[str, Any]) -> str:
    """A person's id in the whole organisation on Enterprise Grid; empty where they have none."""
    return _user_id(_mapping(user.get("enterprise_user")).get("id"))


def _user_id(value: object) -> str:
    return value if isinstance(value, str) and is_person(value) else ""


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
