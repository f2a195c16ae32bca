"""The replies in the thread of a card: what changed, what to try, and when tracking ends."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.follow_up_schedule import NOT_SUBMITTED
from bot.models import (
    Call,
    FollowUp,
    FollowUpState,
    LedgerEvent,
    OrderTarget,
    ResendRequest,
    StatusUpdate,
    waiting_names,
)
from bot.views.blocks import Message, emails, escape, names, person, section, time_of_day
from bot.views.resend_messages import GONE, CardFacts, Successor, buttons, resent_by, several

SENDER = "no-reply@digitalcertvalidation.com"
DNS_GUIDE = (
    "https://docs.digicert.com/en/certcentral/manage-certificates/domain-control-validation-methods/"
    "dns-based-dcv-methods.html"
)
_ROOM = 600
_OVER_BECAUSE = {
    FollowUpState.VALIDATED: "all domains are validated",
    FollowUpState.ENDED: "the order is closed",
    FollowUpState.SUPERSEDED: "a newer request replaced it",
    FollowUpState.STOPPED: "someone stopped it",
    FollowUpState.FINISHED: "the tracking period ended",
}


def changed(request: ResendRequest, updates: Mapping[int, StatusUpdate]) -> Message | None:
    """Return what one check found, by call number, or None if nothing changed."""
    validated = [name for update in updates.values() for name in update.newly_validated]
    reopened = [name for update in updates.values() for name in update.reopened]
    at = max(update.at for update in updates.values())
    sentences: list[tuple[str, str]] = []
    if validated:
        sentences.append(("✅", f"{names(validated, _ROOM)} {_was(validated)} validated ({time_of_day(at)})."))
    if reopened:
        need = "needs" if len(reopened) == 1 else "need"
        sentences.append(("⚠️", f"{names(reopened, _ROOM)} {need} approval again ({time_of_day(at)})."))
    ends = [(_icon(update), _ended(request.calls[number], update)) for number, update in updates.items()]
    sentences += dict.fromkeys(end for end in ends if end[1])
    if any(update.unreachable for update in updates.values()):
        retries = " I'll keep trying." if any(_is_open(update) for update in updates.values()) else ""
        sentences.append(("⚠️", f"No response from DigiCert since {time_of_day(at)}.{retries}"))
    if not sentences:
        return None
    words = f"{sentences[0][0]} {' '.join(sentence for _, sentence in sentences)}"
    return Message(words, (section(words),))


def reminder(facts: CardFacts, since: datetime, at: datetime, *, is_last: bool = False) -> Message:
    """Return what to try for a request that is not approved yet, with the request's buttons.

    It mentions the user who made the request. `at` is when it was first posted.
    """
    request = facts.request
    open_ones = [each for each in facts.follow_ups if each.is_open or is_last]
    unapproved = list(waiting_names(request, open_ones))
    head = _last_head(since, at) if is_last else _head(since, at)
    count = several(unapproved[:1]) if len(unapproved) == 1 else f"{len(unapproved)} domains"
    lines = [
        f"⏳ {person(request.actor.user_id)} *{head}: {count}*",
        *([several(unapproved)] if len(unapproved) > 1 else []),
        "*Try this:*",
        *(f"{number}. {step}" for number, step in enumerate(_steps(facts, open_ones), start=1)),
    ]
    actions = buttons(facts)
    text = " ".join(lines).replace("*", "").replace("`", "")
    return Message(text, (section("\n".join(lines)), *([actions] if actions else [])))


def reminder_over(since: datetime, at: datetime, *, is_last: bool = False) -> Message:
    """Return a reminder that has lost its buttons, because a newer message has them or nothing is left to do."""
    words = f"⏳ {_last_head(since, at) if is_last else _head(since, at)}"
    return Message(words, (section(words),))


def resent_elsewhere(newer: Successor) -> Message:
    """Return the reply that a newer request, which is not in this thread, has taken over."""
    words = f"📨 {resent_by(newer)}"
    return Message(words, (section(words),))


def email_ends() -> Message:
    """Return the note on the end of email validation."""
    words = f"{EMAIL_ENDS} <{DNS_GUIDE}|Switch to DNS validation>"
    return Message(words, (section(words),))


EMAIL_ENDS = "Email validation ends on March 15, 2028."


def why_over(follow_ups: Sequence[FollowUp]) -> str:
    """Return why a request is no longer tracked, for a user who wants to stop or resume that."""
    states = {follow_up.state for follow_up in follow_ups}
    reasons = [reason for state, reason in _OVER_BECAUSE.items() if state in states]
    return ", ".join(reasons) or "it isn't being tracked"


def elapsed(since: datetime, at: datetime) -> str:
    """Return a short length of time in one unit, such as `30 min`, `8 h` or `3 days`."""
    seconds = max(1, round((at - since).total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 2 * 86400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"


def _head(since: datetime, at: datetime) -> str:
    return f"Still not approved after {elapsed(since, at)}"


def _last_head(since: datetime, at: datetime) -> str:
    return f"I stopped checking after {elapsed(since, at)}. Still not approved"


def _steps(facts: CardFacts, open_ones: Sequence[FollowUp]) -> list[str]:
    """Return what to try, in the order that promises most now."""
    calls = [facts.request.calls[each.call_no] for each in open_ones]
    addresses = list(dict.fromkeys(recipient.email for call in calls for recipient in call.recipients))
    results = [facts.results[each.call_no].outcome for each in open_ones]
    ask = f"Ask {emails(addresses)} whether the email arrived."
    reads = ask if LedgerEvent.UNKNOWN in results else f"Check that someone reads {emails(addresses)}."
    spam = f"Look in spam and quarantine for an email from `{SENDER}`."
    another, dns = "Resend to another address.", "Use DNS validation in CertCentral."
    # After a second reminder, the mailbox is probably not read at all.
    return [another, dns, reads, spam] if any(each.nudges > 1 for each in open_ones) else [reads, spam, another, dns]


def _is_open(update: StatusUpdate) -> bool:
    return update.state is FollowUpState.FOLLOWING


def _icon(update: StatusUpdate) -> str:
    return "✅" if update.state is FollowUpState.VALIDATED else "⛔"


def _ended(call: Call, update: StatusUpdate) -> str:
    """Return the sentence on the end of an order or its follow-up; empty if there is none."""
    over = f"{_end_words(call, update.word)}"
    if update.state is FollowUpState.VALIDATED and update.word:
        return f"{over}."
    return f"{over}. Tracking ended." if update.state is FollowUpState.ENDED else ""


def _end_words(call: Call, word: str) -> str:
    order = f"order {call.target.order_id}" if isinstance(call.target, OrderTarget) else "the order"
    if word == GONE:
        subject = order if isinstance(call.target, OrderTarget) else names(call.names, _ROOM)
        return f"{subject[:1].upper()}{subject[1:]} no longer exists in CertCentral"
    if word == NOT_SUBMITTED:
        is_are = "is" if len(call.names) == 1 else "are"
        return f"{names(call.names, _ROOM)} {is_are} no longer submitted for validation. Submit again in CertCentral"
    if word == "issued":
        return f"The certificate for {order} has been issued"
    return f"{order[:1].upper()}{order[1:]} was {escape(word)}"


def _was(some: Sequence[str]) -> str:
    return "was" if len(some) == 1 else "were"
