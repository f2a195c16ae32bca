"""The history of requests and their results: ephemeral messages with buttons for paging."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.models import OUTCOMES, LedgerEvent, PastCall, PastRequest, TargetKey
from bot.views.blocks import (
    Message,
    date_time,
    duration_since,
    emails,
    escape,
    name,
    names,
    person,
    plain,
    section,
    truncate,
)

NEWER = "history_newer"
OLDER = "history_older"
PER_PAGE = 10

# Slack takes about 13,200 characters in all blocks of a message; the bot's texts have 4,000 at most.
_ROOM_IN_BLOCKS = 900
_ROOM_IN_TEXT = 340
_ROOM_FOR_THE_HEAD = 500
_ROOM_FOR_WORDS = 160
_ROOM_FOR_A_RULE = 60


@dataclass(frozen=True, slots=True)
class PageLinks:
    """The values of the buttons to the newer and the older page; None if there is no such page."""

    newer: str | None = None
    older: str | None = None


def page(key: str, found: Sequence[PastRequest], links: PageLinks, now: datetime) -> Message:
    """Return one page of requests, newest first, with buttons to the neighbouring pages."""
    if not found:
        words = f"The ledger tells of nothing that was asked{_of(key)}."
        if links.older:
            words = "Nothing that you may see is among so many entries. *Older* goes further back."
        return Message(words, (section(words), *_navigation(links)))
    head = truncate(f"*What was asked{_of(key)}*, the newest first.", _ROOM_FOR_THE_HEAD)
    lines = [_line(past, now) for past in found]
    blocks = [section(head), *(section(truncate(line, _ROOM_IN_BLOCKS)) for line in lines), *_navigation(links)]
    return Message("\n".join([head, *(truncate(line, _ROOM_IN_TEXT) for line in lines)]), tuple(blocks))


def _of(key: str) -> str:
    asked = TargetKey.parse(key)
    return {
        "order": f" for order {escape(asked.value)}",
        "name": f" for {name(asked.value)}",
        "user": f" by {person(asked.value)}",
    }.get(asked.kind, "")


def _navigation(links: PageLinks) -> Iterable[Block]:
    chosen = ((NEWER, "Newer", links.newer), (OLDER, "Older", links.older))
    buttons = [ButtonElement(action_id=each, text=plain(label), value=value) for each, label, value in chosen if value]
    return [ActionsBlock(elements=buttons)] if buttons else []


def _line(past: PastRequest, now: datetime) -> str:
    """Return the line of one request: outcome, time and user first, because the end may be cut off.

    A user can ask for the part that is cut off by a narrower search.
    """
    thread = f" (<{past.link}|thread>)" if past.link else ""
    asker = person(past.user_id) if past.user_id else "nobody"
    asked = f"{duration_since(past.at, now)} ago, at {date_time(past.at)}, by {asker}"
    match past.decision:
        case LedgerEvent.ACCEPTED:
            return f"*{_outcome(past.calls)}*{thread} · {asked} · {_targets(past)}{_mailed(past)}.{_words(past)}"
        case LedgerEvent.COOLED_DOWN:
            return f"*Held back* by the cooldown · {asked} · {_targets(past)}{_times(past)}. Nothing was sent."
        case _:
            rule = truncate(escape(past.rule or "no rule"), _ROOM_FOR_A_RULE)
            return f"*Not allowed* ({rule}) · {asked} · {_wanted(past.about)}{_times(past)}.{_more(past)}"


def _wanted(about: str) -> str:
    """Return the target of a denied request, as far as it is known."""
    asked = TargetKey.parse(about)
    words = {"order": f"order {asked.value}", "name": asked.value, "page": "what waits", "user": "what somebody asked"}
    target = words.get(asked.kind, about)
    return truncate(escape(target), _ROOM_FOR_WORDS) or "a form or a button"


def _times(past: PastRequest) -> str:
    """Return how often an equal request was repeated within the hour before."""
    return f", {past.times} times within an hour" if past.times > 1 else ""


def _more(past: PastRequest) -> str:
    """Return how many denials of the same user the page leaves out."""
    if not past.merged:
        return ""
    denials = "1 more refusal" if past.merged == 1 else f"{past.merged} more refusals"
    return f" {denials}: type /dcv-resend history and this person's name."


def _outcome(calls: Sequence[PastCall]) -> str:
    """Return the outcome in one word for one call, else the number of calls per outcome."""
    results = [call.result.outcome if call.result else None for call in calls]
    if len(results) == 1:
        return _word(results[0])
    counts = {way: results.count(way) for way in (*OUTCOMES, None)}
    return ", ".join(f"{count} {_word(way).lower()}" for way, count in counts.items() if count)


def _word(outcome: LedgerEvent | None) -> str:
    return outcome.value.replace("_", " ").capitalize() if outcome else "Under way"


def _targets(past: PastRequest) -> str:
    waiting = list(dict.fromkeys(each for call in past.calls for each in call.names))
    return truncate(f"{escape(past.about)} ({names(waiting, room=_ROOM_FOR_WORDS)})", 2 * _ROOM_FOR_WORDS)


def _mailed(past: PastRequest) -> str:
    mailed = list(dict.fromkeys(email for call in past.calls for email in call.emails))
    return f", to {emails(mailed)}" if mailed else ""


def _words(past: PastRequest) -> str:
    """Return the message of DigiCert or the bot, and the reason that the user gave."""
    said = next((call.result.message for call in past.calls if call.result and call.result.message), "")
    message = f" {truncate(escape(said), _ROOM_FOR_WORDS)}" if said else ""
    return f"{message} Reason: {truncate(escape(past.reason), _ROOM_FOR_WORDS)}" if past.reason else message
