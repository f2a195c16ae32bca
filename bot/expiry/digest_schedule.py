"""When digests and warnings are due: local times, daylight saving, thresholds and quiet hours. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from bot.expiry.digest_file import DigestRule, QuietTime

# A digest that is later than this, after a downtime, is not posted any more.
LATEST = timedelta(hours=2)
# A domain that crosses one of these is also announced on that day, in the thread.
ANNOUNCED_AT_ONCE = (7, 1)
# From so many days before the end on, the owner is warned every day.
DAILY_BELOW = 7
_SATURDAY = 5


def due_since(rule: DigestRule, now: datetime) -> datetime | None:
    """Return the moment of the digest that is due now, or None. A digest is due for LATEST after its moment.

    A local time that daylight saving skips counts as the moment one hour later on the clock, and one that it repeats
    counts once, at its first moment.
    """
    today = now.astimezone(rule.timezone).date()
    for day in (today, today - timedelta(days=1)):
        moment = _moment(rule, day)
        if moment and moment <= now < moment + LATEST:
            return moment
    return None


def next_after(rule: DigestRule, now: datetime) -> datetime:
    """Return the moment of the next digest after `now`."""
    day = now.astimezone(rule.timezone).date()
    while True:
        moment = _moment(rule, day)
        if moment and moment > now:
            return moment
        day += timedelta(days=1)


def threshold(rule: DigestRule, end: datetime, now: datetime) -> int | None:
    """Return the smallest threshold that a domain with this end has crossed, or None above the largest."""
    crossed = [days for days in rule.days if end - now <= timedelta(days=days)]
    return min(crossed, default=None)


def is_quiet(rule: DigestRule, now: datetime) -> bool:
    """Return True if warnings must wait: it is a quiet hour or a quiet day where the digest is read."""
    local = now.astimezone(rule.timezone)
    return any(_covers(quiet, local) for quiet in rule.quiet)


def is_warning_hour(rule: DigestRule, now: datetime) -> bool:
    """Return True from the digest's time of day on. Before it, today's warnings wait."""
    return now.astimezone(rule.timezone).time() >= rule.due.at


def is_warning_due(rule: DigestRule, end: datetime, now: datetime) -> bool:
    """Return True if a domain with this end deserves a warning in the thread today.

    That is daily in its last seven days, on a weekend only if it ends on it. The last 24 hours ignore quiet times.
    """
    left = end - now
    if not timedelta(0) < left <= timedelta(days=DAILY_BELOW):
        return False
    if left <= timedelta(days=1):
        return True
    if is_quiet(rule, now):
        return False
    today, last = (moment.astimezone(rule.timezone).date() for moment in (now, end))
    return today.weekday() < _SATURDAY or last in _weekend(today)


def weekly_portion(ends: Iterable[datetime], target: date, today: date) -> int:
    """Return how many of the domains that end on the day `target` to revalidate this week, so that all are in time."""
    waiting = sum(end.astimezone(UTC).date() == target for end in ends)
    weeks = max(1, -(-(target - today).days // 7))
    return -(-waiting // weeks)


def _moment(rule: DigestRule, day: date) -> datetime | None:
    if rule.due.weekday not in (None, day.weekday()):
        return None
    # Through UTC: a local time that does not exist becomes one that does.
    return datetime.combine(day, rule.due.at, rule.timezone).astimezone(UTC)


def _covers(quiet: QuietTime, local: datetime) -> bool:
    if quiet.weekday is not None:
        return local.weekday() == quiet.weekday
    return _is_between(quiet.start, quiet.end, local.time())


def _is_between(start: time, end: time, at: time) -> bool:
    return start <= at < end if start <= end else at >= start or at < end


def _weekend(day: date) -> tuple[date, date]:
    saturday = day - timedelta(days=day.weekday() - _SATURDAY)
    return saturday, saturday + timedelta(days=1)
