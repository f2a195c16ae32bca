"""CertCentral's timestamps: UTC, or Mountain Time as documented for some fields (pure)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MOUNTAIN = ZoneInfo("America/Denver")


def format_timestamp(moment: datetime) -> str:
    """Return a timestamp such as 2026-01-31T10:00:00+00:00."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def mountain_day(moment: datetime) -> date:
    """Return the calendar day in Mountain Time."""
    return moment.astimezone(MOUNTAIN).date()


def mountain_date(moment: datetime) -> str:
    """Return the day in Mountain Time as YYYY-MM-DD."""
    return mountain_day(moment).isoformat()


def parse_time(text: str) -> datetime:
    """Parse the time of a filter, in Mountain Time unless it has an offset. Raises ValueError if it is malformed."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=MOUNTAIN)


def _parse_range_end(text: str) -> datetime:
    moment = parse_time(text)
    # A date means the whole day, a time the whole second.
    return moment + timedelta(days=1) if len(text.strip()) == len("2026-01-31") else moment + timedelta(seconds=1)


def parse_time_range(text: str) -> tuple[datetime, datetime]:
    """Parse `a...b`, `>a`, `<b`, a date or a time to a half-open range. Raises ValueError if it is malformed."""
    first, dots, last = text.partition("...")
    if dots:
        return parse_time(first), _parse_range_end(last)
    if text.startswith(">"):
        return parse_time(text[1:]), datetime.max.replace(tzinfo=UTC)
    if text.startswith("<"):
        return datetime.min.replace(tzinfo=UTC), parse_time(text[1:])
    return parse_time(text), _parse_range_end(text)
