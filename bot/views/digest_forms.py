"""The forms that the buttons of a digest open: snooze, and the choice of what to resend or revalidate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    CheckboxesElement,
    PlainTextInputElement,
    StaticMultiSelectElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.errors import InvalidInput
from bot.expiry.digest_content import DigestContent
from bot.expiry.domain_expiry import DomainExpiry, ExpiryState
from bot.expiry.snoozing import SnoozeChoice
from bot.models import Order, domain_key, order_key
from bot.parsing.commands import LONGEST_REASON, readable
from bot.parsing.domain_names import display_name
from bot.views.blocks import Message, checkboxes, date_time, escape, field, option, plain, radio_buttons, section
from bot.views.digest import day
from bot.views.resend_form import CALLBACK as RESEND_FORM
from bot.views.resend_form import ModalView

SNOOZE = "digest_snooze_form"
CHOICE = "digest_revalidate_choice"
TARGETS = "snooze_targets"
UNTIL = "snooze_until"
REASON = "snooze_reason"
MOST_OPTIONS = 100
_TITLE = "Snooze domains"
_CHOICES = {
    SnoozeChoice.TOMORROW: "Until tomorrow",
    SnoozeChoice.MONDAY: "Until Monday",
    SnoozeChoice.WEEK_BEFORE: "Until 7 days before the end",
}


@dataclass(frozen=True, slots=True)
class SnoozeInput:
    """A submitted form: the key of the digest's message, the keys of domains and orders, until when, and why."""

    digest: str
    targets: tuple[str, ...]
    choice: SnoozeChoice
    reason: str


def loading() -> ModalView:
    """Return the view that is opened before anything is read."""
    return _modal("", [section("⏳ Loading…")], submit=None)


def snooze(key: str, content: DigestContent) -> ModalView:
    """Return the form. It offers the first MOST_OPTIONS domains and orders of the digest."""
    rows = [option(domain_key(row.domain.id), display_name(row.domain.name), _state(row)) for row in content.rows]
    rows += [option(order_key(order.id), _order(order), "waiting for approval") for order in content.orders]
    if not rows:
        return unavailable("This digest lists nothing that can be snoozed.")
    targets: CheckboxesElement | StaticMultiSelectElement = checkboxes(TARGETS, rows[:MOST_OPTIONS], has_focus=True)
    until = radio_buttons(UNTIL, [option(choice.value, label) for choice, label in _CHOICES.items()])
    reason = PlainTextInputElement(action_id=REASON, max_length=LONGEST_REASON)
    blocks = [
        field("Domains", targets, block_id=TARGETS, hint="No domain is snoozed on its last day."),
        field("Until", until, block_id=UNTIL),
        field("Reason", reason, block_id=REASON, hint="Visible in the audit log."),
    ]
    return _modal(key, blocks, submit="Snooze")


def unavailable(sentence: str) -> ModalView:
    """Return the view that says why nothing can be done."""
    return _modal("", [section(escape(sentence))], submit=None)


def read_snooze(view: Mapping[str, Any]) -> SnoozeInput:
    """Return what was submitted. Raises InvalidInput with the field to correct, also if Slack's data is malformed."""
    try:
        values = view["state"]["values"]
        picked = values[TARGETS][TARGETS]["selected_options"]
        choice = SnoozeChoice(values[UNTIL][UNTIL]["selected_option"]["value"])
        reason = readable(str(values[REASON][REASON].get("value") or "")[: 4 * LONGEST_REASON])
        targets = tuple(_opaque(each["value"]) for each in picked)
        digest = _opaque(view["private_metadata"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("I can't read this form. Open it again.") from error
    if not targets or len(targets) > MOST_OPTIONS:
        raise InvalidInput("Choose domains.", {TARGETS: "Choose domains."})
    if not reason or len(reason) > LONGEST_REASON:
        words = f"Give a reason of {LONGEST_REASON} characters or fewer."
        raise InvalidInput(words, {REASON: words})
    return SnoozeInput(digest, targets, choice, reason)


def snoozed(targets: Mapping[str, datetime]) -> Message:
    """Return the confirmation for the user: what is snoozed until when, by the shown name."""
    lines = [f"• *{escape(shown)}* until {date_time(until)}" for shown, until in list(targets.items())[:5]]
    more = [f"+ {len(targets) - len(lines)} more"] if len(targets) > len(lines) else []
    words = "\n".join(["Snoozed in this channel:", *lines, *more])
    return Message(words.replace("*", ""), (section(words),))


def choice_to_revalidate(form_id: str, rows: Sequence[DomainExpiry]) -> ModalView:
    """Return the form with a choice of the domains to revalidate, one at a time."""
    if not rows:
        return unavailable("No domain of this digest needs a revalidation now.")
    options = [option(domain_key(row.domain.id), display_name(row.domain.name), _gain(row)) for row in rows]
    count = "1 domain" if len(rows) == 1 else f"{len(rows)} domains"
    select = StaticSelectElement(
        action_id=CHOICE, options=options[:MOST_OPTIONS], placeholder=plain("Choose a domain"), focus_on_load=True
    )
    blocks = [section(f"*Revalidate one of {count}*"), ActionsBlock(elements=[select])]
    return _modal(form_id, blocks, submit=None, callback_id=RESEND_FORM, title="Revalidate")


def _gain(row: DomainExpiry) -> str:
    return f"{_state(row)}, then until {day(row.renewed_until.day)}" if row.renewed_until else _state(row)


def _state(row: DomainExpiry) -> str:
    if row.state is ExpiryState.WAITING:
        return "waiting for approval"
    if row.end is None:
        return "never validated" if row.state is ExpiryState.NEVER_VALIDATED else "end unknown"
    return f"{'expired' if row.state is ExpiryState.EXPIRED else 'ends'} {day(row.end.day)}"


def _order(order: Order) -> str:
    return f"Order {order.id} · {display_name(order.common_name)}"


def _opaque(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError
    return value


def _modal(
    metadata: str, blocks: Sequence[Block], *, submit: str | None, callback_id: str = SNOOZE, title: str = _TITLE
) -> ModalView:
    view = View(
        type="modal",
        callback_id=callback_id,
        private_metadata=metadata,
        title=plain(title, 24),
        submit=plain(submit) if submit else None,
        close=plain("Cancel" if submit else "Close"),
        blocks=blocks,
    )
    return cast(ModalView, view.to_dict())
