"""Until when a domain may be snoozed in a digest. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from bot.expiry.digest_file import DigestRule

_LAST_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


class SnoozeChoice(StrEnum):
    """The time that a user chooses. The value is that of the option in the form."""

    TOMORROW = "tomorrow"
    MONDAY = "monday"
    WEEK_BEFORE = "week_before"


def snooze_end(choice: SnoozeChoice, rule: DigestRule, ends_at: datetime | None, now: datetime) -> datetime | None:
    """Return until when to snooze: to the digest's time of day on the chosen day, or 7 days before the end.

    It is never past the begin of the last day. Return None if that leaves no time at all.
    """
    until = _chosen(choice, rule, ends_at, now)
    if until and ends_at:
        until = min(until, ends_at - _LAST_DAY)
    return until if until and until > now else None


def _chosen(choice: SnoozeChoice, rule: DigestRule, ends_at: datetime | None, now: datetime) -> datetime | None:
    if choice is SnoozeChoice.WEEK_BEFORE:
        return ends_at - _WEEK if ends_at else None
    return _next(choice, rule, now)


def _next(choice: SnoozeChoice, rule: DigestRule, now: datetime) -> datetime:
    day = now.astimezone(rule.timezone).date() + timedelta(days=1)
    while choice is SnoozeChoice.MONDAY and day.weekday() != 0:
        day += timedelta(days=1)
    return datetime.combine(day, rule.due.at, rule.timezone)
