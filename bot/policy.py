"""Who may do what, as a pure decision that can explain itself; whatever is unclear is a no."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from bot.models import NOBODY, Holders

# Slack says so itself: Slackbot's `is_bot` is false. Source: Slack, "User object".
_SLACKBOT = "USLACKBOT"
_USER_ID = re.compile(r"[UW][A-Z0-9]+")


class Action(StrEnum):
    """What somebody wants to do, in the words of the policy file and the ledger."""

    LOOK = "status"
    RESEND = "resend"
    OVERRIDE = "override-cooldown"


@dataclass(frozen=True, slots=True)
class Matter:
    """What an action is about: a channel, domain names (ASCII-encoded, without wildcard), and the order they are on.

    While it is not `settled`, names and order are what somebody typed, if anything, and the question is whether this
    person may at all: a no then costs DigiCert no call. Settled, they are what would be done, and no order means none.
    """

    channel: str | None = None
    names: tuple[str, ...] = ()
    order: int | None = None
    settled: bool = False


ANYTHING = Matter()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: whom it is about, what it lets them do or keeps them from, where and for which names.

    An empty set leaves that open. A name is exact, or `*.example.com` for all below example.com, which itself is not
    meant. `where` tells people where the rule stands.
    """

    name: str
    allows: bool
    actions: frozenset[Action]
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    orders: frozenset[int] = frozenset()
    where: str = ""

    @property
    def is_for_all(self) -> bool:
        """Whether it is about everybody."""
        return not self.users and not self.groups

    def is_about(self, person: "Person") -> bool:
        """Whether it is about this person; a group that Slack could not read counts for a deny and not for an allow."""
        groups = person.groups if self.allows else person.groups | person.unclear
        may_be_all = self.is_for_all and not self.allows
        return may_be_all or self.lists(person) or not groups.isdisjoint(self.groups)

    def lists(self, person: "Person") -> bool:
        """Whether it names this person, by either id."""
        return not self.users.isdisjoint({person.user_id, person.grid_id} - {""})

    def covers(self, name: str | None, matter: Matter, *, doubtful: bool) -> bool:
        """Whether it is about this name of a matter in its channel; `doubtful` where too little is known to tell."""
        here = doubtful if matter.channel is None else matter.channel in self.channels
        return (here or not self.channels) and self._covers_name(name, matter, doubtful=doubtful)

    def may_cover(self, matter: Matter) -> bool:
        """Whether it is, or may turn out to be, about any name of a matter."""
        return any(self.covers(name, matter, doubtful=True) for name in matter.names or (None,))

    def _covers_name(self, name: str | None, matter: Matter, *, doubtful: bool) -> bool:
        if not self.names and not self.orders:
            return True
        if matter.order in self.orders or (name is not None and self._matches(name)):
            return True
        is_open = (name is None and self.names) or (matter.order is None and not matter.settled and self.orders)
        return doubtful and bool(is_open)

    def _matches(self, name: str) -> bool:
        above = name.split(".")
        return name in self.names or any(f"*.{'.'.join(above[start:])}" in self.names for start in range(1, len(above)))


LISTED_USER = "listed-user"
LISTED_GROUP = "listed-group"
NO_RULE = "no-rule"


@dataclass(frozen=True)
class Rules:
    """Who may use the bot: two lists of Slack ids, and the policy file's rules.

    `home` is our team's id and, on Enterprise Grid, the enterprise's. Each list is a rule that allows everything.
    """

    users: frozenset[str]
    groups: frozenset[str]
    home: frozenset[str]
    of_file: tuple[Rule, ...] = ()

    @cached_property
    def all(self) -> tuple[Rule, ...]:
        """Every rule in the order in which it is tried."""
        every = frozenset(Action)
        users = Rule(LISTED_USER, True, every, users=self.users, where="DCV_ALLOWED_USERS")
        groups = Rule(LISTED_GROUP, True, every, groups=self.groups, where="DCV_ALLOWED_USERGROUPS")
        return (*self.of_file, *(rule for rule in (users, groups) if not rule.is_for_all))

    def groups_about(self, user_id: str, action: Action | None = None, matter: Matter = ANYTHING) -> frozenset[str]:
        """The user groups that can make a difference for this person: no other is worth a question to Slack."""
        listed = frozenset() if user_id in self.users else self.groups
        of_file = (rule for rule in self.of_file if action in (None, *rule.actions) and rule.may_cover(matter))
        return listed.union(*(rule.groups for rule in of_file))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as Slack reports them at this moment; an empty `user_id` is nobody that Slack knows.

    On Enterprise Grid `grid_id` is their id in the whole organisation, which may differ from that in the workspace;
    both are theirs alone. Source: Slack, "migration.exchange".
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


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no; `rule` is a stable word for ledger and log, `sentence` may be shown to the person it is about.

    `by` are the rules that decided, if any did, and `about` the names that were denied, for those who are told of it.
    """

    allowed: bool
    rule: str
    sentence: str
    by: tuple[Rule, ...] = ()
    about: tuple[str, ...] = ()


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
_YES = {
    LISTED_USER: "You are on the list of people who may resend validation e-mails.",
    LISTED_GROUP: "You are in a user group that may resend validation e-mails.",
}
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


# Words of the ledger that are no rule's name; a rule of the file may not take one.
OWN_WORDS = frozenset(
    {
        *(each.rule for each in (_UNKNOWN, _DEACTIVATED, _BOT, _OTHER_WORKSPACE, _GUEST, _NOT_LISTED, _NOBODY_LISTED)),
        *(LISTED_USER, LISTED_GROUP, NO_RULE),
    }
)
# No rule lets these in, and they are not told who may.
OUTSIDERS = frozenset(each.rule for each in (_UNKNOWN, _DEACTIVATED, _BOT, _OTHER_WORKSPACE, _GUEST))

_DOING = {
    Action.LOOK: "look at validations",
    Action.RESEND: "resend validation e-mails",
    Action.OVERRIDE: "send again within the cooldown",
}
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """A person before the rules, as both were at one moment."""

    rules: Rules
    person: Person | None

    def decide(self, action: Action, matter: Matter = ANYTHING) -> Decision:
        """Whether the person may; see `decide`."""
        return decide(self.rules, self.person, action, matter)


def decide(rules: Rules, person: Person | None, action: Action = Action.RESEND, matter: Matter = ANYTHING) -> Decision:
    """Whether `person` may do this now; None, where Slack could not tell who it is, is a no.

    What keeps a person out comes before any rule. Then a rule that denies wins, and what no rule allows is refused; all
    names of a matter must be allowed. What is not known yet counts for the person, until the matter is settled.
    """
    if person is None or not person.user_id:
        return _UNKNOWN
    return _objection(rules, person) or _ruling(rules, person, action, matter)


def _objection(rules: Rules, person: Person) -> Decision | None:
    """What keeps a person out, whatever the rules say."""
    if person.deleted:
        return _DEACTIVATED
    if person.bot:
        return _BOT
    if person.stranger or not person.teams & rules.home:
        return _OTHER_WORKSPACE
    return _GUEST if person.guest else None


def _ruling(rules: Rules, person: Person, action: Action, matter: Matter) -> Decision:
    mine = [rule for rule in rules.all if action in rule.actions and rule.is_about(person)]
    for rule in mine:
        if not rule.allows and (hit := _hit(rule, matter)):
            return _denial(rule, person, action, tuple(name for name in hit if name), matter)
    names = matter.names or (None,)
    by = {name: [rule for rule in mine if rule.allows and _lets(rule, name, matter)] for name in names}
    if bare := [name for name, found in by.items() if not found]:
        return _default(rules, action, tuple(name for name in bare if name), matter)
    first = next(iter(by.values()))[0]
    sentence = _YES.get(first.name, f"Rule “{first.name}” of the policy lets you {_DOING[action]}.")
    return Decision(True, first.name, sentence, tuple(dict.fromkeys(rule for found in by.values() for rule in found)))


def _hit(rule: Rule, matter: Matter) -> list[str | None]:
    """The names of a matter that a rule denies; None stands for all that are not known."""
    return [name for name in matter.names or (None,) if rule.covers(name, matter, doubtful=matter.settled)]


def _lets(rule: Rule, name: str | None, matter: Matter) -> bool:
    return rule.covers(name, matter, doubtful=not matter.settled)


def _denial(rule: Rule, person: Person, action: Action, names: tuple[str, ...], matter: Matter) -> Decision:
    unread = sorted(rule.groups & person.unclear)
    is_certain = rule.is_for_all or rule.lists(person) or person.groups & rule.groups
    place = " in this channel" if rule.channels else ""
    doing = f"{_DOING[action]}{_for(names, matter)}{place}"
    if unread and not is_certain:
        sentence = (
            f"Rule “{rule.name}” of the policy keeps a user group from this, and Slack could not tell whether you are "
            f"in it ({unread[0]}), so you may not {doing} now. Try again in a minute."
        )
    else:
        sentence = f"Rule “{rule.name}” of the policy does not let you {doing}. {_ASK}"
    return Decision(False, rule.name, sentence, (rule,), names)


def _default(rules: Rules, action: Action, names: tuple[str, ...], matter: Matter) -> Decision:
    if not rules.of_file:
        return _NOT_LISTED if rules.all else _NOBODY_LISTED
    sentence = f"No rule of the policy lets you {_DOING[action]}{_for(names, matter)} here. {_ASK}"
    return Decision(False, NO_RULE, sentence, about=names)


_ASK = "To see which rules count and who may, type /dcv-resend why and the name."


def _for(names: Sequence[str], matter: Matter) -> str:
    if names:
        more = len(names) - _MOST_NAMES
        return f" for {', '.join(names[:_MOST_NAMES])}{f' and {more} more names' if more > 0 else ''}"
    return f" for order {matter.order}" if matter.order is not None else ""


def holders(rules: Rules, action: Action, matter: Matter = ANYTHING) -> Holders:
    """Who may do this, by the ids that the rules name; a member of a group named here may still be denied by id."""
    mine = [rule for rule in rules.all if action in rule.actions]
    denying = [rule for rule in mine if not rule.allows and _hit(rule, matter)]
    if any(rule.is_for_all for rule in denying):
        return NOBODY
    names = matter.names or (None,)
    letting = [rule for rule in mine if rule.allows and all(_lets(rule, name, matter) for name in names)]
    users = {user for rule in letting for user in rule.users} - {user for rule in denying for user in rule.users}
    groups = {group for rule in letting for group in rule.groups} - {group for rule in denying for group in rule.groups}
    return Holders(tuple(sorted(users)), tuple(sorted(groups)))


def reservations(rules: Rules, person: Person, action: Action, matter: Matter) -> tuple[Rule, ...]:
    """The rules that may still deny this to a person, once more of the matter is known."""
    mine = [rule for rule in rules.all if not rule.allows and action in rule.actions and rule.is_about(person)]
    return tuple(rule for rule in mine if rule.may_cover(matter))


def _flagged(user: Mapping[str, Any], *names: str) -> bool:
    """True unless each flag is absent or false: a null or a text in its place is no promise that it is false."""
    return any(user.get(name, False) is not False for name in names)


def grid_id(user: Mapping[str, Any]) -> str:
    """A person's id in the whole organisation on Enterprise Grid; empty where they have none."""
    return _user_id(_mapping(user.get("enterprise_user")).get("id"))


def is_person(user_id: str) -> bool:
    """Whether it has the shape of a person's id."""
    return _USER_ID.fullmatch(user_id) is not None


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
