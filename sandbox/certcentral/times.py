"""How CertCentral writes and reads moments: UTC timestamps, and Mountain Time where its pages say so (pure)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MOUNTAIN = ZoneInfo("America/Denver")


def format_timestamp(moment: datetime) -> str:
    """A timestamp such as 2026-01-31T10:00:00+00:00."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def mountain_day(moment: datetime) -> date:
    """The calendar day of the moment in Mountain Time."""
    return moment.astimezone(MOUNTAIN).date()


def mountain_date(moment: datetime) -> str:
    """The same day as YYYY-MM-DD."""
    return mountain_day(moment).isoformat()


def parse_time(text: str) -> datetime:
    """The moment that a filter names; without an offset it is Mountain Time. ValueError if it is none."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=MOUNTAIN)


def _parse_range_end(text: str) -> datetime:
    moment = parse_time(text)
    return moment + timedelta(days=1) if len(text.strip()) == len("2026-01-31") else moment + timedelta(seconds=1)


def parse_time_range(text: str) -> tuple[datetime, datetime]:
    """The half-open span that `a...b`, `>a`, `<b`, or one date or moment means; ValueError if malformed."""
    first, dots, last = text.partition("...")
    if dots:
        return parse_time(first), _parse_range_end(last)
    if text.startswith(">"):
        return parse_time(text[1:]), datetime.max.replace(tzinfo=UTC)
    if text.startswith("<"):
        return datetime.min.replace(tzinfo=UTC), parse_time(text[1:])
    return parse_time(text), _parse_range_end(text)
