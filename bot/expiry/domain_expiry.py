"""The state of each domain by the rules in force: waiting, expired, or valid until its effective end. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.expiry.calendar import Calendar
from bot.expiry.effective_end import (
    EMAIL,
    EffectiveEnd,
    EndReason,
    end_if_validated,
    end_of_domain,
    is_worthwhile,
)
from bot.models import Domain, DomainCounts, Expired, NeverValidated, Valid

_METHODS = frozenset(
    {EMAIL, "dns-txt-token", "dns-cname-token", "http-token", "http-token-static", "http-token-dynamic"}
)
COUNTED_DAYS = (7, 14, 30, 60)


class ExpiryState(StrEnum):
    """The state of a domain. The value is a label of the metrics."""

    WAITING = "waiting"
    EXPIRED = "expired"
    NEVER_VALIDATED = "never_validated"
    VALID = "valid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DomainExpiry:
    """A domain and its state at one moment.

    `end` is the effective end of its validation, also one in the past, None if it is not known. If the domain is
    waiting, an earlier validation may hold until then. `renewed_until` is when a validation made now would end, and
    None if that is not worth an email.
    """

    domain: Domain
    state: ExpiryState
    end: EffectiveEnd | None = None
    renewed_until: EffectiveEnd | None = None

    @property
    def ends_at(self) -> datetime | None:
        """Return the end of the validation that is in force; None if none is, or if it is not known."""
        return self.end.at if self.end and self.state is not ExpiryState.EXPIRED else None

    def is_due(self, horizon: datetime) -> bool:
        """Return True if someone must act before the horizon. A domain that was never validated may not be in use."""
        if self.state in (ExpiryState.WAITING, ExpiryState.EXPIRED):
            return True
        return self.ends_at is not None and self.ends_at <= horizon


def expiries(domains: Iterable[Domain], calendar: Calendar, now: datetime) -> list[DomainExpiry]:
    """Return the state of each domain. A validation that a rule has ended counts as expired, whatever DigiCert lists.

    For 2,000 domains this takes some ten milliseconds.
    """
    # A new validation is by email, as that is what the bot can send.
    new = end_if_validated(now.date(), EMAIL, calendar)
    return [_expiry(domain, calendar, new, now) for domain in domains]


def nearest_first(rows: Iterable[DomainExpiry]) -> list[DomainExpiry]:
    """Return the rows in the order in which they matter.

    First those that hold now, by their end, then those that are waiting for a first validation. Those that have expired
    are last, the latest of them first: the longer ago that was, the less they are in use.
    """
    return sorted(rows, key=_urgency)


def count_domains(rows: Sequence[DomainExpiry], now: datetime) -> DomainCounts:
    """Return the numbers for the metrics. Those that end within 7 days also count within 14."""
    left = [row.ends_at - now for row in rows if row.ends_at]
    return DomainCounts(
        {state.value: sum(row.state is state for row in rows) for state in ExpiryState},
        Counter(_method(row.domain) for row in rows),
        {days: sum(each <= timedelta(days=days) for each in left) for days in COUNTED_DAYS},
    )


def _method(domain: Domain) -> str:
    if domain.method is None:
        return "unknown"
    return domain.method if domain.method in _METHODS else "other"


def _expiry(domain: Domain, calendar: Calendar, new: EffectiveEnd | None, now: datetime) -> DomainExpiry:
    state, end = _state(domain, end_of_domain(domain, calendar), now)
    # If the end is not known, nothing says that a new validation would move it.
    may_gain = state in (ExpiryState.EXPIRED, ExpiryState.NEVER_VALIDATED) or (state is ExpiryState.VALID and end)
    current = end if state is ExpiryState.VALID else None
    return DomainExpiry(domain, state, end, new if may_gain and is_worthwhile(current, new) else None)


def _state(domain: Domain, end: EffectiveEnd | None, now: datetime) -> tuple[ExpiryState, EffectiveEnd | None]:
    if domain.is_pending:
        return ExpiryState.WAITING, end if end and end.at > now else None
    match domain.validation:
        case Valid():
            return (ExpiryState.EXPIRED if end and end.at <= now else ExpiryState.VALID), end
        case Expired(at):
            return ExpiryState.EXPIRED, EffectiveEnd(at, EndReason.AGE) if at else None
        case NeverValidated():
            return ExpiryState.NEVER_VALIDATED, None
        case _:
            return ExpiryState.UNKNOWN, None


def _urgency(row: DomainExpiry) -> tuple[int, float, str]:
    domain = row.domain
    if row.ends_at:
        return 0, row.ends_at.timestamp(), domain.name
    if row.state is ExpiryState.WAITING:
        return 1, domain.since.timestamp() if domain.since else 0.0, domain.name
    return 2, -row.end.at.timestamp() if row.end else 0.0, domain.name
