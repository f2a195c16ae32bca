"""The history of requests and their results: ephemeral messages with buttons for paging."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.models import OUTCOMES, CallStep, LedgerEvent, PastCall, PastRequest, TargetKey
from bot.policy.rules import RESERVED_NAMES
from bot.views.blocks import (
    Message,
    date_time,
    emails,
    escape,
    join_names,
    name,
    names,
    person,
    plain,
    section,
    truncate,
)
from bot.views.revalidation_card import stop_at
from bot.views.validity import valid_until

NEWER = "history_newer"
OLDER = "history_older"
PER_PAGE = 10

# Slack takes about 13,200 characters in all blocks of a message; the bot's texts have 4,000 at most.
_ROOM_IN_BLOCKS = 900
_ROOM_IN_TEXT = 340
_ROOM_FOR_THE_HEAD = 500
_ROOM_FOR_WORDS = 160
_ROOM_FOR_A_RULE = 60
_MOST_TITLES = 3


@dataclass(frozen=True, slots=True)
class PageLinks:
    """The values of the buttons to the newer and the older page; None if there is no such page."""

    newer: str | None = None
    older: str | None = None


def page(key: str, found: Sequence[PastRequest], links: PageLinks) -> Message:
    """Return one page of requests, newest first, with buttons to the neighbouring pages."""
    if not found:
        words = f"No requests{_of(key)} yet."
        if links.older:
            words = "None of the latest requests is one that you can see. Select *Older* to go further back."
        return Message(words, (section(words), *_navigation(links)))
    head = truncate(f"*Recent requests{_of(key)}* · Newest first", _ROOM_FOR_THE_HEAD)
    lines = [line(past) for past in found]
    blocks = [section(head), *(section(truncate(each, _ROOM_IN_BLOCKS)) for each in lines), *_navigation(links)]
    return Message("\n".join([head, *(truncate(each, _ROOM_IN_TEXT) for each in lines)]), tuple(blocks))


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


def line(past: PastRequest, *, is_tracked: bool = False) -> str:
    """Return the line of one request: time, outcome, target, who asked, to whom, link.

    A request that `is_tracked` has no end yet. A user can ask for the part that is cut off by a narrower search.
    """
    thread = f"<{past.link}|thread>" if past.link else ""
    asker = person(past.user_id) if past.user_id else "someone"
    at = date_time(past.at)
    match past.decision:
        case LedgerEvent.ACCEPTED if past.others:
            parts = [at, *_plan(past, is_tracked=is_tracked), asker, thread, *_words(past)[1:]]
        case LedgerEvent.ACCEPTED:
            state = _validated(past.calls) or ("waiting for approval" if is_tracked else "")
            outcome = f"*{_outcome(past.calls)}*{f' · {state}' if state else ''}"
            parts = [at, outcome, _targets(past), asker, _mailed(past), thread, *_words(past)]
        case LedgerEvent.COOLED_DOWN:
            parts = [at, "*Blocked by cooldown*", _targets(past), f"{asker}{_times(past)}", "no email was sent", thread]
        case _:
            # Only the name of a rule of the policy file says something to a user.
            is_named = past.rule and past.rule not in RESERVED_NAMES
            rule = f" (rule “{truncate(escape(past.rule or ''), _ROOM_FOR_A_RULE)}”)" if is_named else ""
            parts = [at, f"*Not permitted*{rule}", _wanted(past.about), f"{asker}{_times(past)}", _more(past)]
    return truncate(" · ".join(filter(None, parts)), _ROOM_IN_BLOCKS)


def _plan(past: PastRequest, *, is_tracked: bool) -> list[str]:
    """Return what became of the items of a plan that share a line, and their targets."""
    items = (past, *past.others)
    results = [call.result.outcome if (call := _deciding(item.calls)).result else None for item in items if item.calls]
    calls = [call for item in items for call in item.calls if call.step is CallStep.RESEND]
    names = {name for call in calls for name in call.names}
    done = {name for call in calls if call.validated for name in call.validated.names}
    state = f"{len(done)} of {len(names)} validated" if done else "waiting for approval" if is_tracked else ""
    titles = [truncate(escape(item.about), 100) for item in items]
    return [
        f"*Bulk resend: {_counted(results)}*{f' · {state}' if state else ''}",
        f"{len(items)} targets: {join_names(titles, _MOST_TITLES)}",
    ]


def _deciding(calls: Sequence[PastCall]) -> PastCall:
    """Return the call that decides on an outcome: the first that did not succeed, else the last."""
    return next((call for call in calls if not call.result or call.result.outcome is not LedgerEvent.SENT), calls[-1])


def _counted(results: Sequence[LedgerEvent | None]) -> str:
    """Return the number of calls per outcome."""
    counts = {way: results.count(way) for way in (*OUTCOMES, None)}
    return ", ".join(f"{count} {_word(way).lower()}" for way, count in counts.items() if count)


def _wanted(about: str) -> str:
    """Return the target of a denied request, as far as it is known."""
    asked = TargetKey.parse(about)
    words = {
        "order": f"order {asked.value}",
        "name": asked.value,
        "page": "pending orders",
        "user": "a person's requests",
    }
    target = words.get(asked.kind, about)
    return truncate(escape(target), _ROOM_FOR_WORDS) or "a form or a button"


def _times(past: PastRequest) -> str:
    """Return how often an equal request was repeated within the hour before."""
    return f", {past.times} times within an hour" if past.times > 1 else ""


def _more(past: PastRequest) -> str:
    """Return how many denials of the same user the page leaves out."""
    if not past.merged:
        return ""
    denials = "1 more denial" if past.merged == 1 else f"{past.merged} more denials"
    return f"{denials}: type /dcv-resend history and this person's name"


def _outcome(calls: Sequence[PastCall]) -> str:
    """Return the outcome in one word for one call, else the number of calls per outcome."""
    results = [call.result.outcome if call.result else None for call in calls]
    if any(call.step is not CallStep.RESEND for call in calls):
        return f"Revalidation: {_outcome_of_steps(calls)}"
    if len(results) == 1:
        return _word(results[0])
    return _counted(results)


def _validated(calls: Sequence[PastCall]) -> str:
    """Return which names the bot saw validated, and until when that holds if it read it; empty if it saw none."""
    emailing = [call for call in calls if call.step is CallStep.RESEND]
    names = {name for call in emailing for name in call.names}
    seen = [call.validated for call in emailing if call.validated]
    done = {name for each in seen for name in each.names}
    if not done:
        return ""
    if len(done) < len(names):
        return f"{len(done)} of {len(names)} validated"
    ends = list(dict.fromkeys(valid_until(each) for each in seen))
    return f"validated {ends[0]}".strip() if len(ends) == 1 else "validated"


def _outcome_of_steps(calls: Sequence[PastCall]) -> str:
    """Return the outcome of a revalidation: of the first step that did not succeed, else of its email."""
    last = _deciding(calls)
    if last.result and (stop := stop_at(last.step, last.result)):
        return stop.headline
    return _word(last.result.outcome if last.result else None).lower()


def _word(outcome: LedgerEvent | None) -> str:
    return outcome.value.replace("_", " ").capitalize() if outcome else "In progress"


def _targets(past: PastRequest) -> str:
    waiting = list(dict.fromkeys(each for call in past.calls for each in call.names))
    of_names = f" ({names(waiting, room=_ROOM_FOR_WORDS)})" if waiting else ""
    return truncate(f"{escape(past.about)}{of_names}", 2 * _ROOM_FOR_WORDS)


def _mailed(past: PastRequest) -> str:
    mailed = list(dict.fromkeys(email for call in past.calls for email in call.emails))
    return f"to {emails(mailed)}" if mailed else ""


def _words(past: PastRequest) -> list[str]:
    """Return the message of DigiCert or the bot, and the reason that the user gave."""
    said = next((call.result.message for call in past.calls if call.result and call.result.message), "")
    reason = f"Reason: {past.reason}" if past.reason else ""
    return [truncate(escape(each), _ROOM_FOR_WORDS) for each in (said, reason)]
