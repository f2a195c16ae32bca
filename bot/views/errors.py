"""The messages for errors, which only the user who caused them sees."""

from datetime import timedelta

from slack_sdk.models.blocks import ActionsBlock

from bot.errors import (
    BotError,
    CaRejected,
    CaUnavailable,
    CooldownActive,
    InvalidInput,
    LimitReached,
    NotAllowed,
    NotResendable,
    PermissionUnknown,
    SlackRejected,
    SlackUnavailable,
    asked_for,
)
from bot.models import Cooldown, Grantees
from bot.policy.rules import INELIGIBLE
from bot.views.blocks import Message, admins, date_time, escape, person, section, time_of_day
from bot.views.resend_asks import ask_button, mentions

# Slack's guide and its reference use different codes. A trigger expires after three seconds and opens one form.
_TRIGGER_IS_OVER = frozenset({"expired_trigger_id", "invalid_trigger_id", "trigger_expired"})


def describe(error: BotError) -> str:
    """Return an error as one or two sentences for the user: what happened, then what to do."""
    match error:
        case InvalidInput():
            return str(error)
        case NotResendable(hint=instead):
            return f"{error} {instead}"
        case CaRejected():
            return str(error) if str(error).startswith("DigiCert") else f"DigiCert refused: {error}"
        case CaUnavailable():
            return f"{error} Nothing was sent; try again in a moment."
        case SlackRejected(code=code) if code in _TRIGGER_IS_OVER:
            return "Slack gave the bot too little time to open the form. Try again."
        case SlackRejected() | SlackUnavailable():
            return f"{error} Nothing was sent; try again."
        case _:
            return str(error)


def message_for(error: BotError, contact: str | None = None, *, can_ask: bool = False) -> Message:
    """Return an error as an ephemeral message for the user who caused it."""
    if isinstance(error, CooldownActive):
        words = cooled_down(error.cooldown)
        return Message(words, (section(words),))
    if isinstance(error, LimitReached):
        until = time_of_day(error.until) if error.span < timedelta(hours=12) else date_time(error.until)
        words = f"{asked_for(error.requests, error.span)} You can continue at {until}."
        return Message(words, (section(words),))
    if isinstance(error, NotAllowed):
        words = refusal(error, contact)
        return Message(words, (section(words), *refusal_buttons(error, can_ask=can_ask)))
    if isinstance(error, PermissionUnknown) and contact:
        words = f"{escape(describe(error))} If that doesn't help, ask {admins(contact)}."
        return Message(words, (section(words),))
    return ephemeral(describe(error))


def refusal(error: NotAllowed, contact: str | None) -> str:
    """Return a denial as marked-up text, with those who can do it, and whom to ask for access.

    Guests and people of other workspaces read only that members can.
    """
    words = escape(str(error))
    if error.rule in INELIGIBLE:
        return words
    who = _who_can(error.holders)
    access = f"For access, ask {admins(contact)}." if contact or not who else ""
    return " ".join(filter(None, [words, who, access]))


def refusal_buttons(error: NotAllowed, *, can_ask: bool) -> tuple[ActionsBlock, ...]:
    """Return the ways out of a denial. Asking needs a channel."""
    return () if error.request is None or not can_ask else (ActionsBlock(elements=[ask_button(error.request)]),)


def _who_can(who: Grantees) -> str:
    """Return who can do it instead, groups first; empty if the policy allows it to no one else."""
    some = mentions(who)
    return f"{some} {'can' if who.is_certain else 'might be able to'}." if some else ""


def cooled_down(cooldown: Cooldown) -> str:
    """Return who sent the email and when, and how to send it again anyway, on one line."""
    thread = f" (<{cooldown.link}|thread>)" if cooldown.link else ""
    return (
        f"Nothing was sent: {person(cooldown.user_id)} sent this at {date_time(cooldown.at)}{thread}. Until "
        f"{date_time(cooldown.until)} it is sent again only with a reason: add `because` and the reason."
    )


def ephemeral(sentence: str) -> Message:
    """Return a message of one sentence for one user."""
    return Message(escape(sentence), (section(escape(sentence)),))


def internal_error(reference: str, contact: str | None) -> Message:
    """Return the message for an unexpected exception. The reference finds it in the log."""
    words = (
        "Something went wrong. Check the channel before you try again. "
        f"If it keeps happening, send {admins(contact)} this code: `{escape(reference)}`"
    )
    return Message(words, (section(words),))


def stopping() -> Message:
    """Return the notice that the bot is shutting down while a user waits for its answer, which may still arrive."""
    return ephemeral(
        "The bot is being restarted and may not finish what you asked. If nothing shows within a minute, look in the "
        "channel before you try again."
    )
