"""The messages of a follow-up: its state, what changed, advice, and why it is over."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.follow_up_schedule import NOT_SUBMITTED
from bot.models import (
    Call,
    CallResult,
    FollowUp,
    FollowUpState,
    LedgerEvent,
    OrderTarget,
    ResendRequest,
    StatusUpdate,
    waiting_names,
)
from bot.views.blocks import Message, date_time, duration_since, escape, names, person, section, still_wait, time_of_day
from bot.views.resend_messages import CHECK_NOW, SEND_AGAIN, STOP_FOLLOWING, FollowUpStatus, buttons

GONE = "gone"
_ROOM = 600
_HELP = (
    "What usually helps:\n"
    "• Does the mailbox exist, and does somebody read it?\n"
    "• Is `no-reply@digitalcertvalidation.com` let through? Look in spam and quarantine.\n"
    "• Choose another recipient: *Send again*.\n"
    "• Validate by a DNS record instead of a mail, in CertCentral."
)


def status(
    request: ResendRequest,
    results: Mapping[int, CallResult],
    follow_ups: Sequence[FollowUp],
    links: Mapping[str, str | None],
) -> FollowUpStatus | None:
    """Return the state of the follow-ups, for the root message. `links` lead to the requests that took them over.

    Returns None if the request has no follow-ups.
    """
    if not follow_ups:
        return None
    followed = any(follow_up.is_open for follow_up in follow_ups)
    waiting = waiting_names(request, follow_ups)
    if not waiting:
        return FollowUpStatus(
            _validated(request, results, follow_ups), ":white_check_mark:", settled=True, followed=False
        )
    sentences = [_count(request, follow_ups, waiting)] if followed or _seen_at(follow_ups) else []
    sentences += dict.fromkeys(
        _end(request, follow_up, links) for follow_up in follow_ups if follow_up.state in _ENDS_BEFORE_VALIDATION
    )
    icon = ":hourglass:" if followed else ":information_source:"
    return FollowUpStatus(" ".join(filter(None, sentences)), icon, settled=not followed, followed=followed)


def changed(request: ResendRequest, follow_ups: Sequence[FollowUp], call: Call, update: StatusUpdate) -> Message | None:
    """Return what one check of a call announces in the thread, or None if nothing changed."""
    waiting = waiting_names(request, follow_ups)
    sentences = [*_changes(update), *_unreachable(update)]
    if update.state is FollowUpState.VALIDATED and update.word:
        sentences.append(f"{_target(call)} is {escape(update.word)}.")
    if update.state is FollowUpState.ENDED:
        sentences.append(
            f"{_ended(call, update.word)}, seen at {time_of_day(update.at)}; it is not followed any longer."
        )
    elif update.newly_validated or update.reopened:
        sentences.append(_remaining(len(waiting), _total(request, follow_ups)))
    if update.state is FollowUpState.FINISHED:
        return _finished(request, waiting, sentences)
    icon = ":white_check_mark:" if update.newly_validated else ":information_source:"
    return _said(icon, " ".join(sentences)) if sentences else None


def nudge(request: ResendRequest, follow_ups: Sequence[FollowUp], now: datetime) -> Message:
    """Return the advice for a request that is still open."""
    waiting = waiting_names(request, [follow_up for follow_up in follow_ups if follow_up.is_open])
    since = min(follow_up.since for follow_up in follow_ups)
    head = f"Still open after {duration_since(since, now)}: {names(waiting, _ROOM)}."
    return _said(":bulb:", f"{head} {_HELP}", buttons(request, CHECK_NOW, SEND_AGAIN, STOP_FOLLOWING))


def stopped(request: ResendRequest, follow_ups: Sequence[FollowUp], update: StatusUpdate) -> Message:
    """Return the message that a user stopped the follow-up."""
    waiting = waiting_names(request, follow_ups)
    at, still_waited = time_of_day(update.at), names(waiting, _ROOM)
    words = f"{person(update.word)} stopped following this at {at}; {still_waited} still waited."
    return _said(":black_square_for_stop:", words, buttons(request, CHECK_NOW, SEND_AGAIN))


def superseded(request: ResendRequest, follow_ups: Sequence[FollowUp], by: str, link: str | None) -> Message:
    """Return the message that a newer request follows some of the targets, with a link to its thread."""
    # `word` is the id of the newer request, and one request may be superseded by several.
    mine = [
        follow_up for follow_up in follow_ups if follow_up.state is FollowUpState.SUPERSEDED and follow_up.word == by
    ]
    superseded_names = names([name for follow_up in mine for name in request.calls[follow_up.call_no].names], _ROOM)
    words = f"{superseded_names}: asked for again, and followed by {_newer(link)} from here on."
    return _said(":arrow_right:", words)


def why_over(follow_ups: Sequence[FollowUp]) -> str:
    """Return why a request is no longer followed, for a user who wants to stop it."""
    states = {follow_up.state for follow_up in follow_ups}
    reasons = [reason for state, reason in _OVER_BECAUSE.items() if state in states]
    return "; ".join(reasons) or "it was never followed, or that is long ago"


_ENDS_BEFORE_VALIDATION = frozenset(FollowUpState) - {FollowUpState.FOLLOWING, FollowUpState.VALIDATED}
_OVER_BECAUSE = {
    FollowUpState.VALIDATED: "its names were seen validated",
    FollowUpState.ENDED: "its order is not open any longer",
    FollowUpState.SUPERSEDED: "a newer request for the same is followed instead",
    FollowUpState.STOPPED: "somebody stopped it",
    FollowUpState.FINISHED: "the last check was made",
}


def _validated(request: ResendRequest, results: Mapping[int, CallResult], follow_ups: Sequence[FollowUp]) -> str:
    total = _total(request, follow_ups)
    mine = [name for follow_up in follow_ups for name in request.calls[follow_up.call_no].names]
    what = f"all {total} names" if total > 1 else names(mine)
    in_doubt = any(results[follow_up.call_no].outcome is LedgerEvent.UNKNOWN for follow_up in follow_ups)
    doubt = ", although nobody knows whether this mail was sent" if in_doubt else ""
    words = f"*Validated*: {what}, seen {date_time(_seen_at(follow_ups) or request.at)}{doubt}."
    over = [follow_up for follow_up in follow_ups if follow_up.word and follow_up.state is FollowUpState.VALIDATED]
    states = dict.fromkeys(f"{_target(request.calls[each.call_no])} is {escape(each.word)}." for each in over)
    return " ".join([words, *states])


def _count(request: ResendRequest, follow_ups: Sequence[FollowUp], waiting: Sequence[str]) -> str:
    """Return how many names still wait; empty before the first check."""
    seen_at = _seen_at(follow_ups)
    total = _total(request, follow_ups)
    return f"{still_wait(len(waiting), total)}, checked {date_time(seen_at)}." if seen_at else ""


def _end(request: ResendRequest, follow_up: FollowUp, links: Mapping[str, str | None]) -> str:
    """Return why one follow-up ended although names were still pending."""
    match follow_up.state:
        case FollowUpState.ENDED:
            return f"*{_ended(request.calls[follow_up.call_no], follow_up.word)}*; it is not followed any longer."
        case FollowUpState.STOPPED if follow_up.word.startswith(("U", "W")):
            return f"{person(follow_up.word)} stopped following it."
        case FollowUpState.SUPERSEDED:
            return f"Asked for again, and followed by {_newer(links.get(follow_up.word))}."
        case _:
            return "The bot does not look any longer; *Check now* in the thread does."


def _changes(update: StatusUpdate) -> list[str]:
    ways = ((update.newly_validated, "seen validated"), (update.reopened, "seen waiting again"))
    return [f"{names(affected, _ROOM)}: {how} at {time_of_day(update.at)}." for affected, how in ways if affected]


def _unreachable(update: StatusUpdate) -> list[str]:
    if not update.unreachable:
        return []
    retries = " The bot keeps asking." if update.state is FollowUpState.FOLLOWING else ""
    return [f"DigiCert has not answered since {date_time(update.at)}.{retries}"]


def _remaining(waiting: int, total: int) -> str:
    return f"{still_wait(waiting, total)}." if waiting else "No name waits any longer."


def _finished(request: ResendRequest, waiting: Sequence[str], sentences: Sequence[str]) -> Message:
    head = f"That was the last check: {names(waiting, _ROOM)} still waited." if waiting else "That was the last check."
    words = " ".join([*sentences, head, _HELP])
    return _said(":information_source:", words, buttons(request, CHECK_NOW, SEND_AGAIN))


def _said(icon: str, words: str, *more: Block) -> Message:
    return Message(words, (section(f"{icon} {words}"), *more))


def _newer(link: str | None) -> str:
    return f"<{link}|a newer request>" if link else "a newer request"


def _target(call: Call) -> str:
    return f"Order {call.target.order_id}" if isinstance(call.target, OrderTarget) else "Its order"


def _ended(call: Call, word: str) -> str:
    if word == GONE:
        return f"DigiCert does not know this any longer ({escape(str(call.target))})"
    if word == NOT_SUBMITTED:
        named = names(call.names, _ROOM)
        return f"{named}: not validated, and not submitted for validation any more; submit it again in CertCentral"
    return f"{_target(call)} is {escape(word)}"


def _total(request: ResendRequest, follow_ups: Sequence[FollowUp]) -> int:
    return sum(len(request.calls[follow_up.call_no].names) for follow_up in follow_ups)


def _seen_at(follow_ups: Sequence[FollowUp]) -> datetime | None:
    return max((follow_up.observed_at for follow_up in follow_ups if follow_up.observed_at), default=None)
