"""Policy explanations as text, for Slack and for a terminal: who may do what, and which rule decides."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bot.models import Grantees
from bot.parsing.domain_names import display_name, without_wildcard
from bot.policy.rules import (
    INELIGIBLE,
    LISTED_GROUP,
    LISTED_USER,
    NO_ONE_LISTED,
    NOT_LISTED,
    UNKNOWN_PERSON,
    AccessContext,
    Action,
    Decision,
    Resource,
    Rule,
    possible_denials,
    who_can,
)
from bot.views.blocks import Message, channel, context, escape, group, join_names, person, section

MOST_NAMED = 12
MOST_RULES = 3


@dataclass(frozen=True, slots=True)
class Markup:
    """The way to write users, groups, channels and our own words. `sees` decides which parts of a rule are shown.

    Only an operator, in a terminal, learns the file and the line of a rule.
    """

    user: Callable[[str], str]
    group: Callable[[str], str]
    channel: Callable[[str], str]
    words: Callable[[str], str]
    bold: str = ""
    shows_location: bool = False
    sees: Callable[[str | int], bool] = lambda _: True


# A mention in an ephemeral message or a form shows a name and sends no notification.
SLACK = Markup(person, group, channel, escape, bold="*")
TERMINAL = Markup(str, str, str, str, shows_location=True)

_OUTSIDE = {
    UNKNOWN_PERSON: "Slack doesn't know this account",
    "deactivated": "The account is deactivated",
    "bot": "Bots and workflows can't use DCV Resend",
    "other-workspace": "Only members of this workspace can use DCV Resend",
    "guest": "Guests can't use DCV Resend",
}
_ACTIONS = {
    Action.RESEND: "Resend",
    Action.REVALIDATE: "Revalidate",
    Action.STATUS: "View status",
    Action.OVERRIDE: "Resend during cooldown",
}
_LISTS = {LISTED_USER: "on the list of allowed people", LISTED_GROUP: "in an allowed user group"}
_UNLISTED = {NOT_LISTED: "not on the list of allowed people", NO_ONE_LISTED: "no one has been allowed yet"}
_DIRECT = "on Home and in direct messages"
_UNVERIFIED = "I couldn't verify this account with Slack. Try again in a minute."
_UNREAD = "I couldn't check the user groups with Slack. Try again in a minute."


def explained(
    user_id: str, access: AccessContext, resource: Resource, reader: AccessContext, *, is_outdated: bool
) -> Message:
    """Return what a user can do and why, as far as the `reader` may see it.

    `is_outdated` means that a new policy file is being ignored.
    """
    markup = replace(SLACK, sees=partial(reader.sees_part, resource.channel))
    head, *lines = explanation_lines(user_id, access, resource, markup)
    blocks = (section(head), section("\n".join(lines)), *(context(_OUTDATED) for _ in range(is_outdated)))
    return Message("\n".join([head, *lines, *([_OUTDATED] * is_outdated)]), blocks)


_OUTDATED = "⚠️ The latest policy file has an error, so the previous version is still in use."


def explanation_lines(user_id: str, access: AccessContext, resource: Resource, markup: Markup) -> list[str]:
    """Return a heading, and a line for each action: the rule that decides, and who can do it if this user can't."""
    head = f"{markup.bold}{markup.user(user_id)}'s permissions{_about(resource, markup)}{markup.bold}"
    outside = access.decide(Action.RESEND, resource)
    if outside.is_unknown and outside.rule == UNKNOWN_PERSON:
        return [head, _UNVERIFIED]
    if outside.rule in INELIGIBLE:
        return [head, f"None. {_OUTSIDE[outside.rule]}, whatever the policy says."]
    return [head, *(_line(access, action, resource, markup) for action in _ACTIONS)]


def who_can_instead(who: Grantees, markup: Markup = SLACK) -> str:
    """Return a sentence on who can do it; empty if the rules allow it to no user and no group."""
    some = [*map(markup.group, who.groups), *map(markup.user, who.users)]
    can = "Who can" if who.is_certain else "Who might be able to"
    return f"{can}: {join_names(some, MOST_NAMED)}." if some else ""


def _line(access: AccessContext, action: Action, resource: Resource, markup: Markup) -> str:
    decision = access.decide(action, resource)
    if decision.is_unknown:
        return f"⚠️ {_ACTIONS[action]} · {_UNREAD}"
    why = f"{_ACTIONS[action]} · {_reasons(decision, markup)}."
    if decision.allowed:
        return " ".join([f"✅ {why}", *_exceptions(access, action, resource, markup)])
    who = who_can_instead(who_can(access.rules, action, resource), markup) or "No one can."
    return f"⛔ {why}" if decision.rule == NO_ONE_LISTED else f"⛔ {why} {who}"


def _reasons(decision: Decision, markup: Markup) -> str:
    if not decision.by:
        return _UNLISTED.get(decision.rule, "no rule allows it")
    verb = "allowed by" if decision.allowed else "blocked by"
    rules = [_LISTS.get(rule.name) or f"{verb} {_rule(rule, markup)}" for rule in decision.by[:MOST_RULES]]
    return "; ".join(rules)


def _exceptions(access: AccessContext, action: Action, resource: Resource, markup: Markup) -> list[str]:
    if access.person is None:
        return []
    denying = possible_denials(access.rules, access.person, action, resource)
    return [f"Except{_matched(rule, markup, '')} (rule {_title(rule, markup)})." for rule in denying[:MOST_RULES]]


def _rule(rule: Rule, markup: Markup) -> str:
    return f"{_title(rule, markup)}{_matched(rule, markup, ' for')}"


def _title(rule: Rule, markup: Markup) -> str:
    location = f" ({rule.scope_text})" if markup.shows_location else ""
    return markup.words(f"“{rule.name}”{location}")


def _matched(rule: Rule, markup: Markup, before_names: str) -> str:
    """Return the names, orders and channels of a rule, as far as the reader may see them."""
    names_seen = [name for name in sorted(rule.names) if markup.sees(name)]
    orders_seen = [order for order in sorted(rule.orders) if markup.sees(order)]
    hides = len(names_seen) + len(orders_seen) < len(rule.names) + len(rule.orders)
    what = [*map(_name, names_seen), *(f"order {order}" for order in orders_seen), *(["other names"] * hides)]
    names = f"{before_names} {markup.words(join_names(what, MOST_NAMED, 'or'))}" if what else ""
    channels = list(map(markup.channel, sorted(rule.channels)))
    return f"{names} in {join_names(channels, MOST_NAMED, 'or')}" if channels else names


def _name(pattern: str) -> str:
    bare = without_wildcard(pattern)
    return pattern if display_name(bare) == bare else f"{pattern.removesuffix(bare)}{display_name(bare)}"


def _about(resource: Resource, markup: Markup) -> str:
    what = [*map(display_name, resource.names), *([f"order {resource.order}"] if resource.order is not None else [])]
    names = f" for {markup.words(join_names(what, MOST_NAMED))}" if what else ""
    if not resource.channel:
        return names
    # A press on Home has no channel, so its answer is for the direct messages of that user.
    is_direct = resource.channel.startswith(("U", "W", "D"))
    return f"{names} {_DIRECT if is_direct else f'in {markup.channel(resource.channel)}'}"
