"""The offer in the thread of an alert, and the summary if there would be too many offers."""

from datetime import timedelta

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.models import Offer, OfferTarget, TargetKey
from bot.views.blocks import Message, context, date_time, join_names, names, person, plain, section

RESEND = "offer_resend"
NOT_NOW = "offer_not_now"
_ROOM_FOR_NAMES = 200
_MOST_NAMED = 20


def offer(offer: Offer) -> Message:
    """Return an offer: the pending targets, since when they are pending, a button for each, and later changes."""
    quiet = offer.snoozed_until is not None
    words = [_waits(target) for target in offer.with_button]
    rest = _rest(offer)
    question = "Resend the mail?" if len(offer.targets) == 1 else "Resend the mails?"
    spoken = " ".join([*(f"{line}." for line in words), *rest, question])
    since = _since(offer)
    blocks: list[Block] = [context(line) for line in since]
    if len(words) == 1:
        shown: list[Block] = [section(f":email: {words[0]}. {question}"), _buttons(offer, quiet=quiet)]
    else:
        shown = [
            section(f"{line}.", accessory=_resend(target))
            for line, target in zip(words, offer.with_button, strict=True)
        ]
        shown += [context(line) for line in rest]
        shown += [] if quiet else [ActionsBlock(elements=[_not_now(offer)])]
    return Message(" ".join([spoken, *since]), (*shown, *blocks))


def summary(offer: Offer, most: int, span: timedelta) -> Message:
    """Return the notice that more alerts name pending targets than a channel gets offers for."""
    alerts = "1 more alert names" if offer.repeat_count == 1 else f"{offer.repeat_count} more alerts name"
    words = (
        f"{most} offers within {span.total_seconds() / 60:.0f} minutes are the most for one sender. Since then "
        f"{alerts} orders or domains that are pending at DigiCert. `/dcv-status` lists what waits; the shortcut "
        "*Resend DCV email* on an alert opens its form."
    )
    return Message(words.replace("`", ""), (section(f":email: {words}"),))


def _waits(target: OfferTarget) -> str:
    order_id, named = TargetKey.parse(target.key).order_id, names(target.names, room=_ROOM_FOR_NAMES)
    what = f"Domain {named}" if order_id is None else f"Order {order_id} ({named})"
    since = f" since {date_time(target.since)}" if target.since else ""
    return f"{what} waits for e-mail validation{since}"


def _rest(offer: Offer) -> list[str]:
    """Return a line on the targets that have no button; empty if there are none."""
    more = offer.without_button
    if not more:
        return []
    listed = join_names(list(map(_short, more)), _MOST_NAMED)
    return [f"Waiting too: {listed}; the shortcut *Resend DCV email* on the alert opens each."]


def _short(target: OfferTarget) -> str:
    order_id = TargetKey.parse(target.key).order_id
    return f"domain {names(target.names, room=_ROOM_FOR_NAMES)}" if order_id is None else f"order {order_id}"


def _since(offer: Offer) -> list[str]:
    """Return the changes since the offer was made: a snooze, and repeated alerts."""
    lines = []
    if offer.snoozed_until and offer.snoozed_by:
        lines.append(f"Not now, says {person(offer.snoozed_by)}; quiet until {date_time(offer.snoozed_until)}.")
    if offer.repeat_count:
        what = "it" if len(offer.targets) == 1 else "some of this"
        lines.append(f"{offer.repeat_count} more alert{' names' if offer.repeat_count == 1 else 's name'} {what}.")
    return lines


def _buttons(offer: Offer, *, quiet: bool) -> ActionsBlock:
    return ActionsBlock(elements=[_resend(offer.targets[0]), *([] if quiet else [_not_now(offer)])])


def _resend(target: OfferTarget) -> ButtonElement:
    label = f"Resend DCV email for {_short(target)}"[:75]
    return ButtonElement(
        text=plain("Resend DCV email"), action_id=RESEND, value=target.opens, accessibility_label=label
    )


def _not_now(offer: Offer) -> ButtonElement:
    return ButtonElement(text=plain("Not now"), action_id=NOT_NOW, value=offer.id)
