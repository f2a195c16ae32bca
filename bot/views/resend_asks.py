"""The way out of a refusal: ask those who may resend, and the message with which they are asked."""

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.models import NAME, Grantees, ResendAsk, TargetKey
from bot.views.blocks import Message, group, join_names, name, person, plain, section
from bot.views.resend_messages import Successor, resent_by

ASK = "ask_to_resend"
REVIEW = "review_ask"
MOST_HOLDERS = 5


def ask_button(target: str) -> ButtonElement:
    """Return the button below a refusal. `target` is the key of what the user wanted, empty if they named nothing."""
    # Slack rejects a button with an empty value.
    return ButtonElement(text=plain("Ask them to resend"), action_id=ASK, value=target or None)


def mentions(who: Grantees) -> str:
    """Return those who can do something, groups first, at most MOST_HOLDERS of them."""
    return join_names([*map(group, who.groups), *map(person, who.users)], MOST_HOLDERS)


def question(ask: ResendAsk, who: Grantees) -> Message:
    """Return the message in the channel that asks those who may resend, with a button that opens the form."""
    words = f"{mentions(_first(who))}: {person(ask.actor.user_id)} asks to resend {_what(ask)}."
    review = ButtonElement(text=plain("Review and resend…"), action_id=REVIEW, value=ask.id, style="primary")
    return Message(words, (section(words), ActionsBlock(elements=[review])))


def answered(ask: ResendAsk, newer: Successor) -> Message:
    """Return the question after the email was sent: without its button, with who sent it."""
    words = f"{person(ask.actor.user_id)} asked to resend {_what(ask)}. {resent_by(newer)}."
    return Message(words, (section(words),))


def asked(who: Grantees) -> Message:
    """Return the confirmation for the user who asked."""
    words = f"I asked {mentions(_first(who))} in this channel. You'll see there when the email is resent."
    return Message(words, (section(words),))


def _what(ask: ResendAsk) -> str:
    return f"the DCV email for *{_shown(ask.target)}*" if ask.target else "a DCV email"


def _first(who: Grantees) -> Grantees:
    """Return the first MOST_HOLDERS, groups first: only they are mentioned."""
    return Grantees(who.users[: max(0, MOST_HOLDERS - len(who.groups))], who.groups[:MOST_HOLDERS], who.is_certain)


def _shown(key: str) -> str:
    target = TargetKey.parse(key)
    return name(target.value) if target.kind == NAME else target.value
