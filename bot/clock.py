"""The time, passed in where it is needed so that a test can choose it; and how far it is from other machines' time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

Clock = Callable[[], datetime]
OnDate = Callable[[str], None]


def utc_now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def seconds_since_boot() -> float:
    """Return the seconds of a clock that nobody sets; on Linux it also counts while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def steady_clock(clock: Clock = utc_now) -> Clock:
    """Return a clock for ages within this process: it begins with the present moment, and nobody can set it."""
    began, booted = clock(), seconds_since_boot()
    return lambda: began + timedelta(seconds=seconds_since_boot() - booted)


def parse_timestamp(text: str) -> datetime:
    """A date or a time as ISO 8601 writes it, in UTC where it names no zone; ValueError says what would be right."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("give a date or a time in UTC, such as 2026-01-31 or 2026-01-31T10:00.") from None


class ClockSkew:
    """This machine's clock beside another one's, whose HTTP answers carry a Date header (RFC 9110, section 6.6.1)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset: timedelta | None = None
        """How much later it is here, a second more or less; None while no answer told the time."""

    def observe(self, date: str) -> None:
        """Take the Date header of an answer that arrives now; one that cannot be read tells nothing."""
        try:
            there = parsedate_to_datetime(date)
        except ValueError:
            return
        self.offset = self._clock() - there.replace(tzinfo=there.tzinfo or UTC)


async def ends_within(seconds: float, work: Awaitable[Any]) -> bool:
    """Await something for so many seconds at most, and return whether it ended by then; if not, it is cancelled.

    Not `asyncio.wait_for`: before Python 3.12 it may lose a cancellation.
    """
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True
