"""Policy explanations as text, for Slack and for a terminal: who may do what, and which rule decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.models import Grantees
from bot.parsing.domain_names import display_name, without_wildcard
from bot.policy.rules import (
    INELIGIBLE,
    LISTED_GROUP,
    LISTED_USER,
    UNKNOWN_PERSON,
    AccessContext,
    Action,
    Decision,
    Resource,
    Rule,
    possible_denials,
    who_can,
)
from bot.views.blocks import Message, channel, context, escape, join_names, person, section

MOST_NAMED = 12
MOST_RULES = 3


@dataclass(frozen=True, slots=True)
class Markup:
    """The way to write users, groups, channels and our own words. `sees` decides which parts of a rule are shown."""

    user: Callable[[str], str]
    group: Callable[[str], str]
    channel: Callable[[str], str]
    words: Callable[[str], str]
    sees: Callable[[str | int], bool] = lambda _: True


# A mention in an ephemeral message or a form shows a name and sends no notification.
SLACK = Markup(person, lambda group: f"<!subteam^{group}>", channel, escape)
TERMINAL = Markup(str, str, str, str)

_OUTSIDE = {
    UNKNOWN_PERSON: "Slack did not say who this is, and without that the answer is no",
    "deactivated": "this account is deactivated",
    "bot": "this is a bot or a workflow, and only people may use this",
    "other-workspace": "this person belongs to another workspace, and only members of this one may use this",
    "guest": "this person is a guest, and only full members of this workspace may use this",
}
_LISTS = {
    LISTED_USER: "DCV_ALLOWED_USERS lists this person.",
    LISTED_GROUP: "DCV_ALLOWED_USERGROUPS lists a user group of this person.",
}
_UNLISTED = {
    "not-listed": "DCV_ALLOWED_USERS and DCV_ALLOWED_USERGROUPS do not list this person.",
    "nobody-listed": "DCV_ALLOWED_USERS and DCV_ALLOWED_USERGROUPS are empty, so nobody may.",
}


def explained(
    user_id: str, access: AccessContext, resource: Resource, reader: AccessContext, problems: Sequence[str]
) -> Message:
    """Return what a user may do and why, as far as the `reader` may see it.

    `problems` say why a new policy file is being ignored.
    """
    markup = replace(SLACK, sees=partial(reader.sees_part, resource.channel))
    head, *lines = explanation_lines(user_id, access, resource, markup)
    warnings = [f":warning: {words}" for words in ignored(problems, SLACK)]
    blocks = (section(f"*{head}*"), *(section(f"• {line}") for line in lines), *map(context, warnings))
    return Message(" ".join([head, *lines, *warnings]), blocks)


def explanation_lines(user_id: str, access: AccessContext, resource: Resource, markup: Markup) -> list[str]:
    """Return a heading, and a line for each action: the rule that decides, and who may do it if this user may not."""
    head = f"What {markup.user(user_id)} may do{_about(resource, markup)}:"
    outside = access.decide(Action.RESEND, resource)
    if outside.is_unknown and outside.rule == UNKNOWN_PERSON:
        return [head, "Slack could not tell right now who this is. Try again in a minute."]
    if outside.rule in INELIGIBLE:
        return [head, f"Nothing: {_OUTSIDE[outside.rule]}. No rule can change that."]
    return [
        head,
        *(_line(access, action, resource, markup) for action in (Action.RESEND, Action.STATUS, Action.OVERRIDE)),
    ]


def ignored(problems: Sequence[str], markup: Markup) -> list[str]:
    """Return a sentence that the policy file is broken; empty if there are no problems."""
    if not problems:
        return []
    more = " There is more in the bot's log." if len(problems) > 1 else ""
    words = f"The policy file is broken, so the version before it still counts. {problems[0]}{more}"
    return [markup.words(words.strip())]


def who_can_instead(who: Grantees, markup: Markup = SLACK) -> str:
    """Return a sentence on who may do it; empty if the rules allow it to no user and no group."""
    some = [*map(markup.group, who.groups), *map(markup.user, who.users)]
    return f"Who may: {join_names(some, MOST_NAMED)}." if some else ""


def _line(access: AccessContext, action: Action, resource: Resource, markup: Markup) -> str:
    decision = access.decide(action, resource)
    if decision.is_unknown:
        unread = [markup.group(group) for group in sorted(access.person.unclear)] if access.person else []
        why = f"Slack could not tell right now who is in {join_names(unread, MOST_NAMED)}"
        return f"{action}: not known. {why}. Try again in a minute."
    why = " ".join(_reasons(decision, markup))
    if decision.allowed:
        return " ".join([f"{action}: yes. {why}", *_buts(access, action, resource, markup)])
    who = who_can_instead(who_can(access.rules, action, resource), markup) or "Nobody may, as the rules are."
    return f"{action}: no. {why} {who}"


def _reasons(decision: Decision, markup: Markup) -> list[str]:
    if decision.by:
        verb = "allows" if decision.allowed else "denies"
        return [_LISTS.get(rule.name) or f"{_rule(rule, markup, verb)}." for rule in decision.by[:MOST_RULES]]
    return [_UNLISTED.get(decision.rule, "No rule allows it.")]


def _buts(access: AccessContext, action: Action, resource: Resource, markup: Markup) -> list[str]:
    if access.person is None:
        return []
    denying = possible_denials(access.rules, access.person, action, resource)
    return [f"But note: {_rule(rule, markup, 'denies')}." for rule in denying[:MOST_RULES]]


def _rule(rule: Rule, markup: Markup, verb: str) -> str:
    """Return a rule by its name and location, with what it matches, as far as the reader may see it."""
    names_seen = [name for name in sorted(rule.names) if markup.sees(name)]
    orders_seen = [order for order in sorted(rule.orders) if markup.sees(order)]
    hides = len(names_seen) + len(orders_seen) < len(rule.names) + len(rule.orders)
    what = [*map(_name, names_seen), *(f"order {order}" for order in orders_seen), *(["other names"] * hides)]
    names = f" for {markup.words(join_names(what, MOST_NAMED, 'or'))}" if what else ""
    channels = list(map(markup.channel, sorted(rule.channels)))
    where = f" in {join_names(channels, MOST_NAMED, 'or')}" if channels else ""
    return f"{markup.words(f'Rule “{rule.name}” ({rule.scope_text}) {verb} it')}{names}{where}"


def _name(pattern: str) -> str:
    bare = without_wildcard(pattern)
    return pattern if display_name(bare) == bare else f"{pattern.removesuffix(bare)}{display_name(bare)}"


def _about(resource: Resource, markup: Markup) -> str:
    what = [*map(display_name, resource.names), *([f"order {resource.order}"] if resource.order is not None else [])]
    names = f" for {markup.words(join_names(what, MOST_NAMED))}" if what else ""
    return f"{names} in {markup.channel(resource.channel)}" if resource.channel else names
