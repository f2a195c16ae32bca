"""The offer in the thread of an alert, and the summary if there would be too many offers."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.models import VALIDATED, Offer, OfferResend, OfferTarget, TargetKey
from bot.parsing.domain_names import display_name
from bot.views.blocks import (
    Message,
    context,
    date_time,
    duration_since,
    escape,
    join_names,
    names,
    person,
    plain,
    section,
    time_of_day,
    truncate_middle,
)

# Slack wants each action id once in a block, so a number follows.
RESEND = "offer_resend_"
CHOOSE = "offer_choose"
NOT_NOW = "offer_not_now"
SHOW_PENDING = "offer_show_pending"
_ROOM_FOR_NAMES = 200
_MOST_ALSO = 3
# Phones cut a longer label.
_LONGEST_LABEL = 30
_NO_LINKS: Mapping[str, str] = {}


def offer(offer: Offer, links: Mapping[str, str] = _NO_LINKS) -> Message:
    """Return an offer: its targets, a button for each that may still need a resend, and later changes.

    `links` has the links to the threads of later resends, by request id.
    """
    lines = [_line(target, offer, links) for target in offer.with_button]
    lines += _rest(offer)
    since = _since(offer)
    blocks: list[Block] = [section("\n".join(lines)), *map(context, since)]
    if buttons := _buttons(offer):
        blocks.append(ActionsBlock(elements=buttons))
    return Message(" · ".join([*lines, *since]).replace("*", ""), tuple(blocks))


def summary(offer: Offer, span: timedelta) -> Message:
    """Return the notice that more alerts mention pending targets than one sender gets offers for."""
    count = offer.repeat_count
    head = "1 more alert mentions a pending order" if count == 1 else f"{count} more alerts mention pending orders"
    rest = f"I've paused suggestions for this sender for {span.total_seconds() / 60:.0f} minutes."
    show = ButtonElement(text=plain("Show pending orders"), action_id=SHOW_PENDING, value=offer.id)
    return Message(f"{head}. {rest}", (section(f"*{head}.* {rest}"), ActionsBlock(elements=[show])))


def _line(target: OfferTarget, offer: Offer, links: Mapping[str, str]) -> str:
    """Return what is known about a target: that it is waiting, was resent, or is no longer pending."""
    head = f"*{_title(target)}*"
    if target.closed_at:
        return f"{_closed(target.closed_status)} {_time(target.closed_at, offer)} · {head}"
    if target.resend:
        return f"{_resent(target.resend, offer, links)} · {head}"
    for_how_long = f" ({duration_since(target.since, offer.at)})" if target.since else ""
    return f"{head} is waiting for email approval{for_how_long}"


def _closed(status: str) -> str:
    return "✅ Validated" if status == VALIDATED else escape(status).capitalize()


def _resent(resend: OfferResend, offer: Offer, links: Mapping[str, str]) -> str:
    link = links.get(resend.request_id)
    thread = f" (<{link}|thread>)" if link else ""
    return f"📨 Resent by {person(resend.user_id)} {_time(resend.at, offer)}{thread}"


def _time(at: datetime, offer: Offer) -> str:
    """Return the time alone if it is of the day of the offer, which Slack shows."""
    return time_of_day(at) if at.date() == offer.at.date() else date_time(at)


def _title(target: OfferTarget) -> str:
    order_ids = [str(order_id) for key in target.keys if (order_id := TargetKey.parse(key).order_id)]
    named = names(target.names, room=_ROOM_FOR_NAMES)
    if not order_ids:
        return f"Domain {named}"
    more = f" (also {join_names(order_ids[1:], _MOST_ALSO)})" if order_ids[1:] else ""
    return f"Order {order_ids[0]}{more} · {named}"


def _rest(offer: Offer) -> list[str]:
    """Return a line on the targets that have no button of their own; empty if there are none."""
    more = len(offer.without_button)
    if not more or not offer.is_open:
        return []
    return ["1 more in this alert is pending." if more == 1 else f"{more} more in this alert are pending."]


def _since(offer: Offer) -> list[str]:
    """Return the changes since the offer was made: a snooze, and repeated alerts."""
    lines: list[str] = []
    if not offer.is_open:
        return lines
    if offer.snoozed_until and offer.snoozed_by:
        lines.append(f"Snoozed by {person(offer.snoozed_by)} until {date_time(offer.snoozed_until)}")
    if offer.repeat_count:
        lines.append(f"{offer.repeat_count} more alert{'' if offer.repeat_count == 1 else 's'} since")
    return lines


def _buttons(offer: Offer) -> list[ButtonElement]:
    """Return a button for each target that may need a resend, one to choose from the rest, and *Not now*."""
    if not offer.is_open:
        return []
    pending = [(number, target) for number, target in enumerate(offer.with_button) if target.is_open]
    # Slack advises one button of this style at most.
    style = "primary" if len(pending) == 1 else None
    shown = [_resend(number, target, style) for number, target in pending]
    if more := len(offer.without_button):
        shown.append(ButtonElement(text=plain(f"Choose from {more}…"), action_id=CHOOSE, value=offer.id))
    if offer.snoozed_until is None:
        shown.append(ButtonElement(text=plain("Not now"), action_id=NOT_NOW, value=offer.id))
    return shown


def _resend(number: int, target: OfferTarget, style: str | None) -> ButtonElement:
    what = str(TargetKey.parse(target.key).order_id or display_name(target.names[0]))
    room = _LONGEST_LABEL - len("Resend …")
    kind = "order" if TargetKey.parse(target.key).order_id else "domain"
    label = f"Resend {truncate_middle(what, room)}…"
    return ButtonElement(
        text=plain(label),
        action_id=f"{RESEND}{number}",
        value=target.opens,
        style=style,
        # Voice control finds a button by the label that is seen (WCAG 2.5.3).
        accessibility_label=truncate_middle(f"{label} DCV email for {kind} {what}", 75),
    )
