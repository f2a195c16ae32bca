"""Who may do what, and which rule says so, in words: for Slack, and for a terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.models import Holders
from bot.parsing.domain_names import plain_name, without_wildcard
from bot.policy.rules import (
    LISTED_GROUP,
    LISTED_USER,
    OUTSIDERS,
    UNKNOWN_PERSON,
    Action,
    Decision,
    Matter,
    Rule,
    Standing,
    holders,
    reservations,
)
from bot.views.blocks import Message, channel, context, escape, join_names, person, section

MOST_NAMED = 12
MOST_RULES = 3


@dataclass(frozen=True, slots=True)
class Ink:
    """How people, groups, channels and our own words are written, and which parts of a rule the reader `sees`."""

    user: Callable[[str], str]
    group: Callable[[str], str]
    channel: Callable[[str], str]
    words: Callable[[str], str]
    sees: Callable[[str | int], bool] = lambda _: True


# A mention in a whisper or a form shows a name and notifies nobody.
SLACK = Ink(person, lambda group: f"<!subteam^{group}>", channel, escape)
TERMINAL = Ink(str, str, str, str)

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


def explained(user_id: str, standing: Standing, matter: Matter, reader: Standing, problems: Sequence[str]) -> Message:
    """Return what a user may do and why, as the `reader` may learn it.

    `problems` say why a new policy file is being ignored.
    """
    ink = replace(SLACK, sees=partial(reader.sees_part, matter.channel))
    head, *lines = told(user_id, standing, matter, ink)
    warnings = [f":warning: {words}" for words in ignored(problems, SLACK)]
    blocks = (section(f"*{head}*"), *(section(f"• {line}") for line in lines), *map(context, warnings))
    return Message(" ".join([head, *lines, *warnings]), blocks)


def told(user_id: str, standing: Standing, matter: Matter, ink: Ink) -> list[str]:
    """A heading, and a line for each action: the rule that decides, and who may where this person may not."""
    head = f"What {ink.user(user_id)} may do{_about(matter, ink)}:"
    outside = standing.decide(Action.RESEND, matter)
    if outside.could_not_tell and outside.rule == UNKNOWN_PERSON:
        return [head, "Slack could not tell right now who this is. Try again in a minute."]
    if outside.rule in OUTSIDERS:
        return [head, f"Nothing: {_OUTSIDE[outside.rule]}. No rule can change that."]
    return [head, *(_line(standing, action, matter, ink) for action in (Action.RESEND, Action.LOOK, Action.OVERRIDE))]


def ignored(problems: Sequence[str], ink: Ink) -> list[str]:
    """That the policy file is broken, in a sentence; nothing where it is not."""
    if not problems:
        return []
    more = " There is more in the bot's log." if len(problems) > 1 else ""
    words = f"The policy file is broken, so the version before it still counts. {problems[0]}{more}"
    return [ink.words(words.strip())]


def may_instead(who: Holders, ink: Ink = SLACK) -> str:
    """Who may do it, in a sentence; nothing where the rules name nobody."""
    some = [*map(ink.group, who.groups), *map(ink.user, who.users)]
    return f"Who may: {join_names(some, MOST_NAMED)}." if some else ""


def _line(standing: Standing, action: Action, matter: Matter, ink: Ink) -> str:
    decision = standing.decide(action, matter)
    if decision.could_not_tell:
        unread = [ink.group(group) for group in sorted(standing.person.unclear)] if standing.person else []
        why = f"Slack could not tell right now who is in {join_names(unread, MOST_NAMED)}"
        return f"{action}: not known. {why}. Try again in a minute."
    why = " ".join(_reasons(decision, ink))
    if decision.allowed:
        return " ".join([f"{action}: yes. {why}", *_buts(standing, action, matter, ink)])
    who = may_instead(holders(standing.rules, action, matter), ink) or "Nobody may, as the rules are."
    return f"{action}: no. {why} {who}"


def _reasons(decision: Decision, ink: Ink) -> list[str]:
    if decision.by:
        verb = "allows" if decision.allowed else "denies"
        return [_LISTS.get(rule.name) or f"{_rule(rule, ink, verb)}." for rule in decision.by[:MOST_RULES]]
    return [_UNLISTED.get(decision.rule, "No rule allows it.")]


def _buts(standing: Standing, action: Action, matter: Matter, ink: Ink) -> list[str]:
    if standing.person is None:
        return []
    denying = reservations(standing.rules, standing.person, action, matter)
    return [f"But note: {_rule(rule, ink, 'denies')}." for rule in denying[:MOST_RULES]]


def _rule(rule: Rule, ink: Ink, verb: str) -> str:
    """A rule by its name and place, with what it is about, as far as the reader may learn it."""
    names_seen = [name for name in sorted(rule.names) if ink.sees(name)]
    orders_seen = [order for order in sorted(rule.orders) if ink.sees(order)]
    hides = len(names_seen) + len(orders_seen) < len(rule.names) + len(rule.orders)
    what = [*map(_name, names_seen), *(f"order {order}" for order in orders_seen), *(["other names"] * hides)]
    names = f" for {ink.words(join_names(what, MOST_NAMED, 'or'))}" if what else ""
    channels = list(map(ink.channel, sorted(rule.channels)))
    where = f" in {join_names(channels, MOST_NAMED, 'or')}" if channels else ""
    return f"{ink.words(f'Rule “{rule.name}” ({rule.where}) {verb} it')}{names}{where}"


def _name(pattern: str) -> str:
    bare = without_wildcard(pattern)
    return pattern if plain_name(bare) == bare else f"{pattern.removesuffix(bare)}{plain_name(bare)}"


def _about(matter: Matter, ink: Ink) -> str:
    what = [*map(plain_name, matter.names), *([f"order {matter.order}"] if matter.order is not None else [])]
    names = f" for {ink.words(join_names(what, MOST_NAMED))}" if what else ""
    return f"{names} in {ink.channel(matter.channel)}" if matter.channel else names
