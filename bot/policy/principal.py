"""The principal of a decision: a Slack user, as Slack describes them now. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from bot.parsing.slack_ids import is_person

# Slackbot must be recognised by its id, because its `is_bot` is false. Source: Slack, "User object".
_SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Principal:
    """A Slack user, as Slack describes them at this moment. `user_id` is empty if Slack does not know the user.

    On Enterprise Grid, `grid_id` is the user's id in the whole organization. It may differ from the id in the
    workspace, and both belong to this user alone. Source: Slack, "migration.exchange".

    Slack could not list the members of the `unclear` groups. `hoped` groups count only for an allow. A decision with
    them shows if the `unclear` groups could change it.
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
        """Read the `user` object of users.info. `groups` are the ids of the user groups that list this user.

        `unclear` are the ids of the groups that Slack could not list. Never raises: a flag that is neither absent nor
        false counts against the user, and a malformed id counts as no id. Source: Slack, "User object" and users.info.
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
    """Return False only if each flag is absent or false.

    A null or a text in its place does not prove that it is false.
    """
    return any(user.get(name, False) is not False for name in names)


def grid_id(user: Mapping[str, Any]) -> str:
    """Return a user's id in the whole organization on Enterprise Grid; empty if they have none."""
    return _user_id(_mapping(user.get("enterprise_user")).get("id"))


def _user_id(value: object) -> str:
    return value if isinstance(value, str) and is_person(value) else ""


def _teams(user: Mapping[str, Any]) -> frozenset[str]:
    """Return the team, and on Enterprise Grid also the enterprise and each of its workspaces that the user is in."""
    grid = _mapping(user.get("enterprise_user"))
    teams = grid.get("teams")
    return _ids([user.get("team_id"), grid.get("enterprise_id"), *(teams if isinstance(teams, list) else [])])


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _ids(values: object) -> frozenset[str]:
    items = values if isinstance(values, Collection) else ()
    return frozenset(item for item in items if isinstance(item, str) and item)
