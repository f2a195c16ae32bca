"""The messages for errors, which only the user who caused them sees."""

from datetime import timedelta

from slack_sdk.models.blocks import ActionsBlock

from bot.errors import (
    BotError,
    CaRejected,
    CaUnavailable,
    CommitUnknown,
    CooldownActive,
    InvalidInput,
    LimitReached,
    MistypedCommand,
    NotAllowed,
    NotResendable,
    PermissionUnknown,
    SlackRejected,
    SlackUnavailable,
    StaleInteraction,
    StoreUnavailable,
    asked_for,
)
from bot.models import Cooldown, Grantees, TargetKey
from bot.parsing.commands import form_line
from bot.policy.rules import INELIGIBLE
from bot.views.blocks import Message, admins, date_time, escape, person, section, time_of_day, without_internals
from bot.views.command_buttons import command_button, command_buttons
from bot.views.console_links import console_button
from bot.views.help import OPEN_FORM
from bot.views.resend_asks import ask_button, mentions
from bot.views.revalidation import revalidate_button

_SHOW_PENDING = ("Show pending orders", "/dcv-status")
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
            words = without_internals(str(error))
            return words if words.startswith("DigiCert") else f"DigiCert rejected the request: {words}"
        case CaUnavailable():
            return f"{without_internals(str(error))} Nothing was sent. Try again in a moment."
        case SlackRejected(code=code) if code in _TRIGGER_IS_OVER:
            return "The form didn't open in time. Run the command again."
        case SlackRejected() | SlackUnavailable():
            return "Slack returned an error. Nothing was sent. Try again."
        case _:
            return str(error)


def message_for(
    error: BotError, contact: str | None = None, *, can_ask: bool = False, line: str = "", console: str = ""
) -> Message:
    """Return an error as an ephemeral message for the user who caused it, with the ways out as buttons.

    `line` is the command that failed, and `can_ask` says if the user can ask others in the channel. `console` is the
    address of CertCentral.
    """
    words = _words(error, contact)
    ways_out = _ways_out(error, can_ask=can_ask, line=line)
    if isinstance(error, NotResendable):
        ways_out = _instead(error, console)
    return Message(words, (section(words), *ways_out))


def _words(error: BotError, contact: str | None) -> str:
    match error:
        case MistypedCommand(suggestion=suggestion):
            return f"{escape(str(error))} Did you mean `{escape(suggestion.removeprefix('/dcv-resend '))}`?"
        case CooldownActive(cooldown=cooldown):
            return cooled_down(cooldown)
        case LimitReached():
            until = f"at {time_of_day(error.until)}" if error.span < timedelta(hours=12) else date_time(error.until)
            return f"{asked_for(error.requests, error.span)} You can continue {until}."
        case NotAllowed():
            return refusal(error, contact)
        case PermissionUnknown() if contact:
            return f"{escape(describe(error))} If that doesn't help, ask {admins(contact)}."
        case _:
            return escape(describe(error))


def _ways_out(error: BotError, *, can_ask: bool, line: str) -> tuple[ActionsBlock, ...]:
    form = form_line(line) if line else None
    match error:
        case NotAllowed():
            return refusal_buttons(error, can_ask=can_ask, has_why=bool(line))
        case MistypedCommand(suggestion=suggestion):
            return command_buttons((suggestion, suggestion))
        case CooldownActive() if form:
            return command_buttons(("Resend anyway…", form))
        case InvalidInput() if form:
            return command_buttons(("Choose recipients…", form))

        case StaleInteraction():
            return command_buttons(OPEN_FORM)
        case InvalidInput() if line:
            return command_buttons(_SHOW_PENDING if line.startswith(_SHOW_PENDING[1]) else OPEN_FORM)
        case CaUnavailable() | SlackUnavailable() | SlackRejected() | PermissionUnknown() if line:
            return command_buttons(("Try again", line))
        case StoreUnavailable() if line and not isinstance(error, CommitUnknown):
            return command_buttons(("Try again", line))
        case _:
            return ()


def _instead(error: NotResendable, console: str) -> tuple[ActionsBlock, ...]:
    """Return what helps instead of an email: a revalidation, and the page in CertCentral."""
    elements = [revalidate_button(error.revalidates, "the domain")] if error.revalidates else []
    if error.page is not None and console:
        elements.append(console_button(console, error.page))
    return (ActionsBlock(elements=elements),) if elements else ()


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


def refusal_buttons(error: NotAllowed, *, can_ask: bool, has_why: bool = False) -> tuple[ActionsBlock, ...]:
    """Return the ways out of a denial. Asking needs a channel, and *Why?* a message that its answer can replace."""
    elements = [ask_button(error.target)] if error.can_ask and can_ask else []
    if has_why and error.rule not in INELIGIBLE:
        elements.append(command_button("Why?", f"/dcv-resend why {TargetKey.parse(error.target).value}".strip()))
    return (ActionsBlock(elements=elements),) if elements else ()


def _who_can(who: Grantees) -> str:
    """Return who can do it instead, groups first; empty if the policy allows it to no one else."""
    some = mentions(who)
    return f"{some} {'can' if who.is_certain else 'might be able to'}." if some else ""


def cooled_down(cooldown: Cooldown) -> str:
    """Return who sent the email and when, and how to send it again anyway, on one line."""
    thread = f" (<{cooldown.link}|thread>)" if cooldown.link else ""
    return (
        f"Nothing was sent. {person(cooldown.user_id)} resent this {date_time(cooldown.at)}{thread}. "
        f"To resend before {date_time(cooldown.until)}, add `because` and a reason."
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
    return ephemeral("I'm restarting. If you don't see a result within a minute, check the channel, then try again.")
