"""What followed the emails to a mailbox, from the requests of the past. Pure.

Only the five constructed mailboxes have figures: other addresses often belong to one person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bot.recipients import CONSTRUCTED, folded

# An email that is younger may still be approved, so its silence counts for nothing yet.
SETTLED_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PastEmail:
    """One email for one name, to everyone in `emails`, at the same time. `target` is the key of its order or domain.

    `validated_at` is when the bot saw the name validated, None if it did not. `is_certain` is False if DigiCert's
    answer was lost.
    """

    request_id: str
    target: str
    name: str
    emails: tuple[str, ...]
    at: datetime
    is_certain: bool = True
    validated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """The newest emails to one mailbox that ended alike: how many, and how long approval took if they were approved."""

    email: str
    validated: int = 0
    typical: timedelta = timedelta(0)
    unanswered: int = 0


def has_figures(email: str) -> bool:
    """Return True for a constructed mailbox."""
    return email.partition("@")[0].lower() in CONSTRUCTED


def track_record(email: str, past: Iterable[PastEmail], now: datetime) -> TrackRecord:
    """Return the record of a constructed mailbox, an empty one for other addresses.

    A validation counts only if no one else was emailed. Silence counts for everyone who was.
    """
    if not has_figures(email):
        return TrackRecord(email)
    mine = sorted((each for each in past if _is_to(each, email)), key=lambda each: each.at, reverse=True)
    counted = [each for each in mine if _counts(each, now)]
    same = _newest_alike(counted)
    if not same or same[0].validated_at is None:
        return TrackRecord(email, unanswered=len(same))
    spans = [(each.validated_at - each.at).total_seconds() for each in same if each.validated_at]
    return TrackRecord(email, len(same), timedelta(seconds=max(0.0, median(spans))))


def proven(emails: Sequence[str], last: Sequence[str], past: Sequence[PastEmail], now: datetime) -> tuple[str, ...]:
    """Return the mailboxes to preselect by their record, the best first; none if those used last are as good.

    A contact that was used last stays the first choice: it has no figures to compare.
    """
    if any(not has_figures(email) for email in last):
        return ()
    records = [track_record(email, past, now) for email in emails]
    best = sorted((each for each in records if each.validated), key=lambda each: (-each.validated, each.typical))
    names = tuple(each.email for each in best)
    return () if set(map(folded, last)) & set(map(folded, names)) else names


def _is_to(past: PastEmail, email: str) -> bool:
    return folded(email) in map(folded, past.emails)


def _counts(past: PastEmail, now: datetime) -> bool:
    if past.validated_at:
        return len(past.emails) == 1
    return past.is_certain and now - past.at >= SETTLED_AFTER


def _newest_alike(past: Sequence[PastEmail]) -> list[PastEmail]:
    """Return the emails from the newest on, up to the first that ended differently."""
    found: list[PastEmail] = []
    for each in past:
        if found and (each.validated_at is None) != (found[0].validated_at is None):
            break
        found.append(each)
    return found
