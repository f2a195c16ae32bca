"""What is told while a request is followed: how it stands, what changed, what usually helps, and why it is over."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.follow_up_schedule import NOT_SUBMITTED
from bot.models import (
    Call,
    Ending,
    Following,
    FollowState,
    LedgerEvent,
    News,
    OrderTarget,
    ResendRequest,
    waiting_names,
)
from bot.views.blocks import Message, ago, clock, date_time, escape, names, person, section, still_wait
from bot.views.resend_messages import CHECK_NOW, SEND_AGAIN, STOP_FOLLOWING, Standing, buttons

GONE = "gone"
_ROOM = 600
_HELP = (
    "What usually helps:\n"
    "• Does the mailbox exist, and does somebody read it?\n"
    "• Is `no-reply@digitalcertvalidation.com` let through? Look in spam and quarantine.\n"
    "• Choose another recipient: *Send again*.\n"
    "• Validate by a DNS record instead of a mail, in CertCentral."
)


def standing(
    request: ResendRequest,
    endings: Mapping[int, Ending],
    followings: Sequence[Following],
    links: Mapping[str, str | None],
) -> Standing | None:
    """How it stands with what is followed, for the root message; `links` lead to the requests that took over."""
    if not followings:
        return None
    followed = any(following.is_open for following in followings)
    waiting = waiting_names(request, followings)
    if not waiting:
        return Standing(_validated(request, endings, followings), ":white_check_mark:", settled=True, followed=False)
    sentences = [_count(request, followings, waiting)] if followed or _seen_at(followings) else []
    sentences += dict.fromkeys(
        _end(request, following, links) for following in followings if following.state in _ENDS_BEFORE_VALIDATION
    )
    icon = ":hourglass:" if followed else ":information_source:"
    return Standing(" ".join(filter(None, sentences)), icon, settled=not followed, followed=followed)


def changed(request: ResendRequest, followings: Sequence[Following], call: Call, news: News) -> Message | None:
    """What one look at a call has to tell in the thread; None where nothing changed."""
    waiting = waiting_names(request, followings)
    sentences = [*_seen(news), *_silence(news)]
    if news.state is FollowState.VALIDATED and news.word:
        sentences.append(f"{_target(call)} is {escape(news.word)}.")
    if news.state is FollowState.ENDED:
        sentences.append(f"{_ended(call, news.word)}, seen at {clock(news.at)}; it is not followed any longer.")
    elif news.fresh or news.again:
        sentences.append(_left(len(waiting), _total(request, followings)))
    if news.state is FollowState.FINISHED:
        return _finished(request, waiting, sentences)
    icon = ":white_check_mark:" if news.fresh else ":information_source:"
    return _said(icon, " ".join(sentences)) if sentences else None


def nudge(request: ResendRequest, followings: Sequence[Following], now: datetime) -> Message:
    """What usually helps with a request that is still open."""
    waiting = waiting_names(request, [following for following in followings if following.is_open])
    since = min(following.since for following in followings)
    head = f"Still open after {ago(since, now)}: {names(waiting, _ROOM)}."
    return _said(":bulb:", f"{head} {_HELP}", buttons(request, CHECK_NOW, SEND_AGAIN, STOP_FOLLOWING))


def stopped(request: ResendRequest, followings: Sequence[Following], news: News) -> Message:
    """Somebody stopped it."""
    waiting = waiting_names(request, followings)
    words = f"{person(news.word)} stopped following this at {clock(news.at)}; {names(waiting, _ROOM)} still waited."
    return _said(":black_square_for_stop:", words, buttons(request, CHECK_NOW, SEND_AGAIN))


def taken_over(request: ResendRequest, followings: Sequence[Following], by: str, link: str | None) -> Message:
    """A newer request follows some of the targets; the older thread leads there."""
    mine = [following for following in followings if following.state is FollowState.TAKEN_OVER and following.word == by]
    taken = names([name for following in mine for name in request.calls[following.call_no].names], _ROOM)
    return _said(":arrow_right:", f"{taken}: asked for again, and followed by {_newer(link)} from here on.")


def why_over(followings: Sequence[Following]) -> str:
    """Why a request is not followed any longer, for somebody who would stop it."""
    states = {following.state for following in followings}
    reasons = [reason for state, reason in _OVER_BECAUSE.items() if state in states]
    return "; ".join(reasons) or "it was never followed, or that is long ago"


_ENDS_BEFORE_VALIDATION = frozenset(FollowState) - {FollowState.FOLLOWING, FollowState.VALIDATED}
_OVER_BECAUSE = {
    FollowState.VALIDATED: "its names were seen validated",
    FollowState.ENDED: "its order is not open any longer",
    FollowState.TAKEN_OVER: "a newer request for the same is followed instead",
    FollowState.STOPPED: "somebody stopped it",
    FollowState.FINISHED: "the last check was made",
}


def _validated(request: ResendRequest, endings: Mapping[int, Ending], followings: Sequence[Following]) -> str:
    total = _total(request, followings)
    mine = [name for following in followings for name in request.calls[following.call_no].names]
    what = f"all {total} names" if total > 1 else names(mine)
    in_doubt = any(endings[following.call_no].outcome is LedgerEvent.UNKNOWN for following in followings)
    doubt = ", although nobody knows whether this mail was sent" if in_doubt else ""
    words = f"*Validated*: {what}, seen {date_time(_seen_at(followings) or request.at)}{doubt}."
    over = [following for following in followings if following.word and following.state is FollowState.VALIDATED]
    states = dict.fromkeys(f"{_target(request.calls[each.call_no])} is {escape(each.word)}." for each in over)
    return " ".join([words, *states])


def _count(request: ResendRequest, followings: Sequence[Following], waiting: Sequence[str]) -> str:
    """How many names still wait; nothing before the first look."""
    seen_at = _seen_at(followings)
    total = _total(request, followings)
    return f"{still_wait(len(waiting), total)}, checked {date_time(seen_at)}." if seen_at else ""


def _end(request: ResendRequest, following: Following, links: Mapping[str, str | None]) -> str:
    """Why one following ended although names still waited."""
    match following.state:
        case FollowState.ENDED:
            return f"*{_ended(request.calls[following.call_no], following.word)}*; it is not followed any longer."
        case FollowState.STOPPED if following.word.startswith(("U", "W")):
            return f"{person(following.word)} stopped following it."
        case FollowState.TAKEN_OVER:
            return f"Asked for again, and followed by {_newer(links.get(following.word))}."
        case _:
            return "The bot does not look any longer; *Check now* in the thread does."


def _seen(news: News) -> list[str]:
    ways = ((news.fresh, "seen validated"), (news.again, "seen waiting again"))
    return [f"{names(changed, _ROOM)}: {how} at {clock(news.at)}." for changed, how in ways if changed]


def _silence(news: News) -> list[str]:
    if not news.silent:
        return []
    goes_on = " The bot keeps asking." if news.state is FollowState.FOLLOWING else ""
    return [f"DigiCert has not answered since {date_time(news.at)}.{goes_on}"]


def _left(waiting: int, total: int) -> str:
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


def _total(request: ResendRequest, followings: Sequence[Following]) -> int:
    return sum(len(request.calls[following.call_no].names) for following in followings)


def _seen_at(followings: Sequence[Following]) -> datetime | None:
    return max((following.seen_at for following in followings if following.seen_at), default=None)
