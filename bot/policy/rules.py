"""The policy decision and its explanation. Pure; anything that is unclear is denied."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from bot.models import NAME, NO_GRANTEES, NO_REACH, Grantees, Reach, TargetKey
from bot.parsing.domain_names import display_name
from bot.policy.principal import Principal


class Action(StrEnum):
    """What a user wants to do, as the policy file and the ledger write it."""

    STATUS = "status"
    RESEND = "resend"
    REVALIDATE = "revalidate"
    OVERRIDE = "override-cooldown"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class Resource:
    """The resource of a decision: a channel, domain names (ASCII-encoded, without wildcard), and the order they are on.

    An allow must cover each of `names`. A deny counts if it matches any of them, or anything in `reach`.

    If not `resolved`, `names` and `order` are only what the user typed. Anything unknown counts in their favour, so
    that a denial needs no DigiCert call. If `resolved`, they are final, and `order=None` means there is no order.

    `target` is the key of the order or name that the user asked for, which the text of a denial may repeat.
    """

    channel: str | None = None
    names: tuple[str, ...] = ()
    order: int | None = None
    resolved: bool = False
    reach: Reach = NO_REACH
    target: str = ""


# The actions that lead to emails.
_EMAILING = frozenset({Action.RESEND, Action.REVALIDATE, Action.APPROVE})

ANYTHING = Resource()
# The part of a resource that a deny matches: a name, a pattern of the rule, an order id, or None for unknown names.
Part = str | int | None


def _above(name: str) -> list[str]:
    """Return every proper parent of a name, up to the top-level domain."""
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels))]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the policy: its principals, its actions and their effect, its channels, and its names and orders.

    An empty set means "any". A name is exact, or `*.example.com` for all names below example.com, which does not
    include example.com itself. `scope_text` tells users where the rule is written.
    """

    name: str
    effect_allows: bool
    actions: frozenset[Action]
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    orders: frozenset[int] = frozenset()
    scope_text: str = ""

    @property
    def is_for_all(self) -> bool:
        """Return True if the rule applies to every user."""
        return not self.users and not self.groups

    @property
    def is_about_everything(self) -> bool:
        """Return True if the rule is limited to no name and no order."""
        return not self.names and not self.orders

    def matches_principal(self, person: "Principal") -> bool:
        """Return True if the rule applies to this user.

        A group that Slack could not list counts for a deny, not for an allow.
        """
        groups = person.groups | (person.hoped if self.effect_allows else person.unclear)
        # An allow without users or groups matches no user: the schema of the file rejects it, and so does this.
        may_be_all = self.is_for_all and not self.effect_allows
        return may_be_all or self.names_principal(person) or not groups.isdisjoint(self.groups)

    def names_principal(self, person: "Principal") -> bool:
        """Return True if the rule lists this user by either id."""
        return not self.users.isdisjoint({person.user_id, person.grid_id} - {""})

    def matches_channel(self, channel: str | None, *, if_unknown: bool) -> bool:
        """Return True if the rule counts in a channel.

        Returns `if_unknown` if the channel is not known and the rule is limited to some channels.
        """
        return not self.channels or (if_unknown if channel is None else channel in self.channels)

    def matches(self, name: str | None, resource: Resource, *, if_unknown: bool) -> bool:
        """Return True if the rule matches this name in this channel.

        Returns `if_unknown` if the resource is not resolved enough to know.
        """
        return self.matches_channel(resource.channel, if_unknown=if_unknown) and self._matches_name(
            name, resource, if_unknown
        )

    def denies_part_of(self, resource: Resource) -> list[Part]:
        """Return each part of a resource that the rule matches as a deny: names, its own patterns, order ids."""
        names = resource.names or (None,)
        parts: list[Part] = [name for name in names if self.matches(name, resource, if_unknown=resource.resolved)]
        # A deny without names or orders matched above already. The reach matters only for a limited deny.
        if not self.is_about_everything and self.matches_channel(resource.channel, if_unknown=resource.resolved):
            parts += (name for name in resource.reach.names if self._matches(name))
            parts += (pattern for root in resource.reach.below for pattern in self._within(root))
            parts += (order for order in resource.reach.orders if order in self.orders)
        return list(dict.fromkeys(parts))

    def may_match(self, resource: Resource) -> bool:
        """Return True if the rule matches any part of a resource, or might match once more of it is known."""
        names = resource.names or (None,)
        return bool(self.denies_part_of(resource)) or any(
            self.matches(name, resource, if_unknown=True) for name in names
        )

    def _matches_name(self, name: str | None, resource: Resource, if_unknown: bool) -> bool:
        if self.is_about_everything:
            return True
        if resource.order in self.orders or (name is not None and self._matches(name)):
            return True
        # It is still open if the rule is limited by a name or an order that is not known yet.
        is_open = (name is None and self.names) or (resource.order is None and not resource.resolved and self.orders)
        return if_unknown and bool(is_open)

    def _matches(self, name: str) -> bool:
        return name in self.names or any(f"*.{above}" in self.names for above in _above(name))

    def _within(self, root: str) -> list[str]:
        """Return the patterns that match `root` or any name below it."""
        # A pattern reaches into the tree of `root` if it is there itself, or if its wildcard is above `root`.
        suffix = f".{root}"
        return [
            pattern
            for pattern in sorted(self.names)
            if (bare := pattern.removeprefix("*.")) == root
            or bare.endswith(suffix)
            or (pattern.startswith("*.") and root.endswith(pattern[1:]))
        ]


class _Candidates:
    """An index of rules by what they name, so that a decision checks only the few rules that can match."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.all = tuple(rules)
        self._open = [number for number, rule in enumerate(rules) if rule.is_about_everything]
        self._by_name: dict[str | int, list[int]] = {}
        # `_by_parent`: wildcards by their parent. `_by_root`: denies by each name at or above their names, because
        # the validation of such a name reaches everything below it.
        self._by_parent: dict[str, list[int]] = {}
        self._by_root: dict[str, list[int]] = {}
        for number, rule in enumerate(rules):
            for order in rule.orders:
                self._by_name.setdefault(order, []).append(number)
            for pattern in rule.names:
                bare = pattern.removeprefix("*.")
                by = self._by_name if bare == pattern else self._by_parent
                by.setdefault(bare, []).append(number)
                for root in () if rule.effect_allows else (bare, *_above(bare)):
                    self._by_root.setdefault(root, []).append(number)

    def of(self, resource: Resource) -> Sequence[Rule]:
        """Return the rules that can match a resource, in their order.

        Returns all of them if too little of it is known.
        """
        if not resource.names or (resource.order is None and not resource.resolved):
            return self.all
        reach, found = resource.reach, set(self._open)
        for order in (resource.order, *reach.orders):
            found.update(self._by_name.get(order or 0, ()))
        for name in (*resource.names, *reach.names, *reach.below):
            found.update(self._by_name.get(name, ()))
            # Walk up the parents by index, without building lists: this runs for every line of a search.
            dot = name.find(".") if self._by_parent else -1
            while dot >= 0:
                found.update(self._by_parent.get(name[dot + 1 :], ()))
                dot = name.find(".", dot + 1)
        for root in reach.below:
            found.update(self._by_root.get(root, ()))
        return [self.all[number] for number in sorted(found)] if found else ()


LISTED_USER = "listed-user"
LISTED_GROUP = "listed-group"
NO_RULE = "no-rule"


@dataclass(frozen=True)
class Rules:
    """The rules in force: two lists of Slack ids, and the rules of the policy file.

    `home` is our team's id and, on Enterprise Grid, the enterprise's. Each list is a rule that allows every action.
    """

    users: frozenset[str]
    groups: frozenset[str]
    home: frozenset[str]
    of_file: tuple[Rule, ...] = ()

    @cached_property
    def all(self) -> tuple[Rule, ...]:
        """Return every rule in the order in which it is tried."""
        every = frozenset(Action)
        users = Rule(LISTED_USER, True, every, users=self.users, scope_text="DCV_ALLOWED_USERS")
        groups = Rule(LISTED_GROUP, True, every, groups=self.groups, scope_text="DCV_ALLOWED_USERGROUPS")
        return (*self.of_file, *(rule for rule in (users, groups) if not rule.is_for_all))

    def groups_about(self, user_id: str, action: Action | None = None, resource: Resource = ANYTHING) -> frozenset[str]:
        """Return the user groups that can change a decision about this user. Only these are worth a call to Slack."""
        listed = frozenset() if user_id in self.users else self.groups
        of_file = (rule for rule in self.of_file if action in (None, *rule.actions) and rule.may_match(resource))
        return listed.union(*(rule.groups for rule in of_file))

    @cached_property
    def limited_denies(self) -> tuple[Rule, ...]:
        """Return the rules that deny emails only for some names or orders.

        The reach of an email matters only for these.
        """
        return tuple(
            rule
            for rule in self.of_file
            if not rule.effect_allows and not rule.is_about_everything and not rule.actions.isdisjoint(_EMAILING)
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """A yes or a no. `rule` is a stable word for ledger and log. `sentence` may be shown to the user it is about.

    `by` are the rules that decided, if any did. `about` are the denied names that may be shown to the user. If
    `is_unknown`, it is no decision: Slack's answer was not enough, and may be in a minute.
    """

    allowed: bool
    rule: str
    sentence: str
    by: tuple[Rule, ...] = ()
    about: tuple[str, ...] = ()
    is_unknown: bool = False


UNKNOWN_PERSON = "unknown"
_UNVERIFIED = "I couldn't verify your Slack account, so I didn't send anything. Try again in a minute."
_UNKNOWN = Decision(allowed=False, rule=UNKNOWN_PERSON, sentence=_UNVERIFIED)
_PERSON_UNKNOWN = Decision(allowed=False, rule=UNKNOWN_PERSON, sentence=_UNVERIFIED, is_unknown=True)
UNREAD_GROUP = "unread-group"
_UNREAD = Decision(
    allowed=False,
    rule=UNREAD_GROUP,
    sentence="I couldn't check your user groups with Slack, so I didn't send anything. Try again in a minute.",
    is_unknown=True,
)
_DEACTIVATED = Decision(
    allowed=False,
    rule="deactivated",
    sentence="Your Slack account is deactivated. Only active members of this workspace can resend DCV emails.",
)
_BOT = Decision(allowed=False, rule="bot", sentence="Bots and workflows can't use this command.")
_OTHER_WORKSPACE = Decision(
    allowed=False, rule="other-workspace", sentence="Only members of this workspace can resend DCV emails."
)
_GUEST = Decision(
    allowed=False,
    rule="guest",
    sentence="Guests can't resend DCV emails. Ask a full member of this workspace.",
)
_YES = {
    LISTED_USER: "You are on the list of people who can resend DCV emails.",
    LISTED_GROUP: "You are in a user group that can resend DCV emails.",
}
NOT_LISTED = "not-listed"
NO_ONE_LISTED = "nobody-listed"
_NO_ONE_CAN = "No one can resend DCV emails yet."


# The ledger uses these words in place of a rule's name, so no rule of the file may have one as its name.
RESERVED_NAMES = frozenset(
    {
        *(each.rule for each in (_UNKNOWN, _DEACTIVATED, _BOT, _OTHER_WORKSPACE, _GUEST)),
        *(LISTED_USER, LISTED_GROUP, NO_RULE, UNREAD_GROUP, NOT_LISTED, NO_ONE_LISTED),
    }
)
# No rule can allow these users anything, and they do not learn who may.
INELIGIBLE = frozenset(each.rule for each in (_UNKNOWN, _DEACTIVATED, _BOT, _OTHER_WORKSPACE, _GUEST))

# What an action is called, and how it goes on with a target or without one.
DOING = {
    Action.STATUS: ("view status", ""),
    Action.RESEND: ("resend", " DCV emails"),
    Action.REVALIDATE: ("revalidate", " domains"),
    Action.OVERRIDE: ("resend during the cooldown", ""),
    Action.APPROVE: ("approve emails", ""),
}
_MOST_NAMES = 3


@dataclass(frozen=True)
class AccessContext:
    """A principal and the rules, both as they were at one moment."""

    rules: Rules
    person: Principal | None

    def decide(self, action: Action, resource: Resource = ANYTHING) -> Decision:
        """Return the decision with its sentence; see the function `decide`."""
        return self._barred or self._evaluate(action, resource)

    @property
    def is_ineligible(self) -> bool:
        """Return True unless the user is an active full member of this workspace, whatever the rules say."""
        return self._barred is not None

    def permits(self, action: Action, resource: Resource = ANYTHING) -> bool:
        """Return True if the user may do this now. The same answer as `decide`, without its sentence, and faster."""
        if self._barred:
            return False
        rules = self._mine(action, resource.channel).of(resource)
        if not rules:
            return False
        if any(not rule.effect_allows and rule.denies_part_of(resource) for rule in rules):
            return False
        return all(
            any(rule.effect_allows and _allows(rule, name, resource) for rule in rules)
            for name in resource.names or (None,)
        )

    def sees(self, channel: str | None, name: str, order: int | None = None) -> bool:
        """Return True if the user may see a name on an order, because they may see its status or resend for it."""
        resource = Resource(channel, (name,), order, resolved=True)
        return self.permits(Action.STATUS, resource) or self.permits(Action.RESEND, resource)

    def is_unrestricted(self, action: Action, channel: str | None) -> bool:
        """Return True if the user may do this in a channel for every possible name and order."""
        if self._barred:
            return False
        mine = self._mine(action, channel).all
        allows = (rule for rule in mine if rule.effect_allows and rule.is_about_everything)
        denies = (rule for rule in mine if not rule.effect_allows)
        return any(rule.matches_channel(channel, if_unknown=False) for rule in allows) and not any(
            rule.matches_channel(channel, if_unknown=True) for rule in denies
        )

    @property
    def limited_to_channels(self) -> tuple[str, ...]:
        """Return the channels to which rules are limited that allow this user anything, by id."""
        if self._barred or self.person is None:
            return ()
        mine = (rule for rule in self.rules.of_file if rule.effect_allows and rule.matches_principal(self.person))
        return tuple(sorted({channel for rule in mine for channel in rule.channels}))

    @cached_property
    def _barred(self) -> Decision | None:
        """Return the denial that applies whatever the rules say, or None."""
        if self.person is None:
            return _PERSON_UNKNOWN
        return _ineligible(self.rules, self.person) if self.person.user_id else _UNKNOWN

    @property
    def unanswered(self) -> Decision | None:
        """Return the decision to show if Slack could not identify the user, or list a group that matters; else None."""
        if self._barred or self.person is None:
            return self._barred if self._barred is _PERSON_UNKNOWN else None
        return _UNREAD if self.person.unclear else None

    @cached_property
    def _best(self) -> "AccessContext | None":
        """Return the context in which every group that Slack could not list counts in the user's favour.

        None if there is none.
        """
        if self.person is None or not self.person.unclear:
            return None
        return AccessContext(self.rules, replace(self.person, hoped=self.person.unclear, unclear=frozenset()))

    @cached_property
    def _mentions(self) -> dict[tuple[Action, str | None], _Candidates]:
        return {}

    def _mine(self, action: Action, channel: str | None) -> _Candidates:
        """Return the rules for this action that match the user, and can count in this channel."""
        key = action, channel
        if key not in self._mentions:
            rules = [rule for rule in self.rules.all if self.person and rule.matches_principal(self.person)]
            self._mentions[key] = _Candidates(
                [rule for rule in rules if action in rule.actions and rule.matches_channel(channel, if_unknown=True)]
            )
        return self._mentions[key]

    def _evaluate(self, action: Action, resource: Resource) -> Decision:
        rules = self._mine(action, resource.channel).of(resource)
        denying = [
            (rule, parts) for rule in rules if not rule.effect_allows and (parts := rule.denies_part_of(resource))
        ]
        for rule, parts in denying:
            if self._is_certain(rule):
                return self._denied_names(rule, action, parts, resource)
        names = resource.names or (None,)
        by = {name: [rule for rule in rules if rule.effect_allows and _allows(rule, name, resource)] for name in names}
        bare = [name for name, found in by.items() if not found]
        # An uncertain deny, or a missing allow, is a no only if the unlisted groups could not turn it into a yes.
        if (bare or denying) and self._best and self._best.permits(action, resource):
            return _UNREAD
        if bare:
            return self._implicit_deny(action, self._named(bare, resource), resource)
        first = next(iter(by.values()))[0]
        sentence = _YES.get(first.name, f"The rule “{first.name}” lets you {''.join(DOING[action])}.")
        return Decision(
            True, first.name, sentence, tuple(dict.fromkeys(rule for found in by.values() for rule in found))
        )

    def _is_certain(self, rule: Rule) -> bool:
        """Return True if a deny matches the user whatever the members of the groups are that Slack could not list."""
        person = self.person
        return rule.is_for_all or (
            person is not None and (rule.names_principal(person) or bool(person.groups & rule.groups))
        )

    def _denied_names(self, rule: Rule, action: Action, parts: Sequence[Part], resource: Resource) -> Decision:
        """Return the denial by a rule. It shows no matched name that the user may not see."""
        asked = [part for part in parts if part is None or part in resource.names]
        names = self._named(asked or resource.names, resource)
        where = " in this channel" if rule.channels else ""
        blocked = f"Blocked by the rule “{rule.name}”{_besides(names, resource)}."
        why = blocked if asked else f"{self._also(parts, resource)} {blocked}"
        return Decision(False, rule.name, f"{cannot(action, resource, names, where)} {why}", (rule,), names)

    def _implicit_deny(self, action: Action, names: tuple[str, ...], resource: Resource) -> Decision:
        """Return the denial of what no rule allows. It says so if another channel would make a difference."""
        if not self.rules.of_file:
            rule = NOT_LISTED if self.rules.all else NO_ONE_LISTED
            return Decision(False, rule, cannot(action, resource, names) if self.rules.all else _NO_ONE_CAN)
        is_elsewhere = resource.channel is not None and self.permits(action, replace(resource, channel=None))
        where = " in this channel" if is_elsewhere else ""
        besides = _besides(names, resource)
        why = f" No rule allows it{besides}." if besides else ""
        return Decision(False, NO_RULE, f"{cannot(action, resource, names, where)}{why}", about=names)

    def _named(self, names: Sequence[Part], resource: Resource) -> tuple[str, ...]:
        """Return the names that may be shown to the user: those that they typed, and those that they may see."""
        known = [name for name in names if isinstance(name, str)]
        if not resource.resolved:
            return tuple(known)
        orders = [resource.order, *resource.reach.orders]
        return tuple(name for name in known if any(self.sees(resource.channel, name, order) for order in orders))

    def _also(self, parts: Sequence[Part], resource: Resource) -> str:
        """Return the text on what the email would validate besides its names, which is why a rule denies it."""
        visible = [
            f"order {part}" if isinstance(part, int) else part
            for part in parts
            if part is not None and self.sees_part(resource.channel, part)
        ]
        what = _listed(visible) if visible else "something else that the rule names"
        return f"The email would also validate {what}."

    def sees_part(self, channel: str | None, part: str | int) -> bool:
        """Return True if the user may see this pattern or order id of a rule."""
        if isinstance(part, str):
            return self.sees(channel, part.removeprefix("*."))
        resource = Resource(channel, ("",), part, resolved=True)
        return self.permits(Action.STATUS, resource) or self.permits(Action.RESEND, resource)


def decide(
    rules: Rules, person: Principal | None, action: Action = Action.RESEND, resource: Resource = ANYTHING
) -> Decision:
    """Return the decision if `person` may do this now. None means that Slack could not identify them: no decision.

    A user who is ineligible is denied before any rule is tried. Then a rule that denies wins, and what no rule allows
    is denied. Every name of a resource must be allowed. Until the resource is resolved, unknown parts count in the
    user's favour.
    """
    return AccessContext(rules, person).decide(action, resource)


def _ineligible(rules: Rules, person: Principal) -> Decision | None:
    """Return the denial for users whom no rule can admit, or None if the user is eligible."""
    if person.deleted:
        return _DEACTIVATED
    if person.bot:
        return _BOT
    if person.stranger or not person.teams & rules.home:
        return _OTHER_WORKSPACE
    return _GUEST if person.guest else None


def _allows(rule: Rule, name: str | None, resource: Resource) -> bool:
    return rule.matches(name, resource, if_unknown=not resource.resolved)


def cannot(action: Action, resource: Resource, names: Sequence[str] = (), where: str = "") -> str:
    """Return that the user can't do this, with the target that they asked for, or else with `names`."""
    verb, everything = DOING[action]
    about = _target_words(resource.target) or _listed(names) or ("" if resource.order is None else str(resource.order))
    return f"You can't {verb} for {about}{where}." if about else f"You can't {verb}{everything}{where}."


def _besides(names: Sequence[str], resource: Resource) -> str:
    """Return the names that matter, if the target that the user asked for is something else, such as their order."""
    listed, target = _listed(names), _target_words(resource.target)
    return f" for {listed}" if listed and target and listed != target else ""


def _target_words(key: str) -> str:
    target = TargetKey.parse(key)
    return display_name(target.value) if target.kind == NAME else target.value


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return f"{', '.join(names[:_MOST_NAMES])}{f' and {more} more names' if more > 0 else ''}"


def who_can(rules: Rules, action: Action, resource: Resource = ANYTHING) -> Grantees:
    """Return the users and groups that the rules allow this. A member of such a group may still be denied by id.

    If too little of the resource is known for any rule to allow it for certain, return those that may be allowed.
    """
    mine = [rule for rule in rules.all if action in rule.actions]
    denying = [rule for rule in mine if not rule.effect_allows and rule.denies_part_of(resource)]
    # A deny for all users leaves no user who can.
    if any(rule.is_for_all for rule in denying):
        return NO_GRANTEES
    for if_unknown in (False,) if resource.resolved else (False, True):
        users, groups = _granted(mine, resource, if_unknown=if_unknown)
        users -= {user for rule in denying for user in rule.users}
        groups -= {group for rule in denying for group in rule.groups}
        if users or groups:
            return Grantees(tuple(sorted(users)), tuple(sorted(groups)), is_certain=not if_unknown)
    return NO_GRANTEES


def _granted(mine: Sequence[Rule], resource: Resource, *, if_unknown: bool) -> tuple[set[str], set[str]]:
    """Return the users and the groups of the rules that allow every name of a resource."""
    allowing = [
        rule
        for rule in mine
        if rule.effect_allows
        and all(rule.matches(name, resource, if_unknown=if_unknown) for name in resource.names or (None,))
    ]
    return {user for rule in allowing for user in rule.users}, {group for rule in allowing for group in rule.groups}


def possible_denials(rules: Rules, person: Principal, action: Action, resource: Resource) -> tuple[Rule, ...]:
    """Return the rules that may still deny this to a user once more of the resource is known."""
    mine = [
        rule
        for rule in rules.all
        if not rule.effect_allows and action in rule.actions and rule.matches_principal(person)
    ]
    return tuple(rule for rule in mine if rule.may_match(resource))
