"""Until when validations hold, seen from one moment, and what a revalidation by email would change. Pure."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from bot.expiry.calendar import Calendar
from bot.expiry.effective_end import (
    EMAIL,
    EffectiveEnd,
    end_if_validated,
    end_of_domain,
    is_worthwhile,
)
from bot.models import Domain, Expired, NeverValidated, Pending, Valid

# No validation lasts longer than that, so a later day moves the end if any does.
_AHEAD = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a revalidation by email would change if its email was approved today.

    `end` is until when it would hold, None if email validation is over. If it is not worthwhile yet, `moves_from` is
    the first day on which it would move the end at all, and `pays_from` the first on which it would by a week. Both are
    None if there is no such day, or if the present end is unknown.
    """

    end: EffectiveEnd | None = None
    is_worthwhile: bool = False
    moves_from: date | None = None
    pays_from: date | None = None


NO_PROSPECT = Prospect()


@dataclass(frozen=True, slots=True)
class Outlook:
    """The calendar of rules, seen from one moment."""

    calendar: Calendar
    now: datetime

    @property
    def today(self) -> date:
        """Return the day in UTC."""
        return self.now.astimezone(UTC).date()

    def end(self, domain: Domain) -> EffectiveEnd | None:
        """Return the effective end of a domain's validation, or None if it has none that is known."""
        return end_of_domain(domain, self.calendar)

    def effective(self, domain: Domain) -> Domain:
        """Return the domain as it counts: a validation whose effective end has passed has expired.

        CertCentral may still show a later date.
        """
        end = self.end(domain)
        if end is None or end.at > self.now:
            return domain
        validation = Pending() if isinstance(domain.validation, Pending) else Expired(end.at)
        return replace(domain, validation=validation)

    def prospect(self, domain: Domain) -> Prospect:
        """Return what a revalidation of a domain would change. It is no help for a pending or an inactive domain."""
        if not domain.is_active:
            return NO_PROSPECT
        match domain.validation:
            case Expired() | NeverValidated():
                return self._prospect(None)
            case Valid(lapsed=lapsed) if lapsed:
                # Validating once renews every kind of validation, so the one that has expired counts.
                return self._prospect(None)
            case Valid():
                end = self.end(domain)
                return self._prospect(end) if end else NO_PROSPECT
            case _:
                return NO_PROSPECT

    def _prospect(self, current: EffectiveEnd | None) -> Prospect:
        new = self._end_on(self.today)
        if current is None or is_worthwhile(current, new):
            return Prospect(new, is_worthwhile(current, new))
        return Prospect(new, False, self._first_day(current, timedelta(0)), self._first_day(current, None))

    def _first_day(self, current: EffectiveEnd, least: timedelta | None) -> date | None:
        """Return the first day on which a revalidation moves the end by more than `least`, or is worthwhile if None."""
        for ahead in range(_AHEAD.days):
            day = self.today + timedelta(days=ahead)
            new = self._end_on(day)
            if new and (is_worthwhile(current, new) if least is None else new.at - current.at > least):
                return day
        return None

    def _end_on(self, day: date) -> EffectiveEnd | None:
        return end_if_validated(day, EMAIL, self.calendar)
