"""The effective end of a domain validation: the first of all dates that can end it, and the reason. Pure.

CertCentral shows a date of its own, which ignores rules that come into force later. A validation that is older than a
new rule allows becomes void on the day of that rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from bot.expiry.calendar import Calendar, ValidityRule
from bot.models import Domain, Pending, Valid

EMAIL = "email"
# A revalidation is worth an email only if it moves the end by at least this long.
WORTHWHILE = timedelta(days=7)


class EndReason(StrEnum):
    """What ends a validation. The value is stored."""

    AGE = "age"
    RULE = "rule"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class EffectiveEnd:
    """The moment at which a validation ends, and why. `rule` is the rule of reasons RULE and METHOD."""

    at: datetime
    reason: EndReason
    rule: ValidityRule | None = None

    @property
    def day(self) -> date:
        """Return the day to show, in UTC. An end at 00:00 is shown as that day, on which it no longer holds."""
        return self.at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class Validation:
    """A passed validation. `listed_end` is CertCentral's own date, and `method` the DCV method if it is known.

    While a revalidation is pending, CertCentral lists the new method, so that of this validation is unknown.
    """

    approved_at: datetime | None
    listed_end: datetime | None
    method: str | None = None


def validation_of(domain: Domain) -> Validation | None:
    """Return the validation of a domain that is in force, or None if there is none or if DigiCert does not say."""
    match domain.validation:
        case Valid(until):
            return Validation(domain.approved_at, until, domain.method)
        case Pending(until) if until:
            return Validation(domain.approved_at, until)
        case _:
            return None


def end_of_domain(domain: Domain, calendar: Calendar) -> EffectiveEnd | None:
    """Return the effective end of a domain's validation, or None if it has none that is known."""
    validation = validation_of(domain)
    return effective_end(validation, calendar) if validation else None


def effective_end(validation: Validation, calendar: Calendar) -> EffectiveEnd | None:
    """Return the effective end, or None if DigiCert gave neither date. An unknown method counts as email."""
    if validation.approved_at is None and validation.listed_end is None:
        return None
    method = validation.method or EMAIL
    ends = list(_ends(validation, method, calendar))
    return min(ends, key=_by_time_then_reason, default=None)


def end_if_validated(day: date, method: str, calendar: Calendar) -> EffectiveEnd | None:
    """Return until when a validation would hold that is made on this day, or None if that method ended before."""
    approved_at = datetime.combine(day, time(), UTC)
    end = effective_end(Validation(approved_at, None, method), calendar)
    return end if end and end.at > approved_at else None


def is_worthwhile(current: EffectiveEnd | None, new: EffectiveEnd | None) -> bool:
    """Return True if a revalidation moves the end far enough. `current` is None for a domain that is not valid."""
    if new is None:
        return False
    return current is None or new.at - current.at >= WORTHWHILE


def _ends(validation: Validation, method: str, calendar: Calendar) -> Iterator[EffectiveEnd]:
    if validation.listed_end:
        yield EffectiveEnd(validation.listed_end, EndReason.AGE)
    for rule in calendar.rule:
        if validation.approved_at:
            of_age = validation.approved_at + timedelta(days=rule.reuse_days)
            if of_age < rule.starts:
                yield EffectiveEnd(rule.starts, EndReason.RULE, rule)
            else:
                yield EffectiveEnd(of_age, EndReason.AGE)
        if method in rule.forbid:
            yield EffectiveEnd(rule.starts, EndReason.METHOD, rule)


def _by_time_then_reason(end: EffectiveEnd) -> tuple[datetime, int]:
    # Of several reasons for the same moment, the end of the method comes first: no revalidation by it can help.
    return end.at, (EndReason.METHOD, EndReason.AGE, EndReason.RULE).index(end.reason)
