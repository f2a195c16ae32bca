"""Clocks, which are passed in so that tests can choose the time, and the difference from other machines' clocks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

Clock = Callable[[], datetime]
OnDate = Callable[[str], None]


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def seconds_since_boot() -> float:
    """Return the seconds of a clock that cannot be set. On Linux it also counts while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def steady_clock(clock: Clock = utc_now) -> Clock:
    """Return a clock for ages within this process. It begins with the current time, and cannot be set."""
    began, booted = clock(), seconds_since_boot()
    return lambda: began + timedelta(seconds=seconds_since_boot() - booted)


def parse_timestamp(text: str) -> datetime:
    """Read a date or time in ISO 8601, in UTC if it names no zone. Raises ValueError with a sentence for the user."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("use a date or a time in UTC, such as 2026-01-31 or 2026-01-31T10:00.") from None


class ClockSkew:
    """The difference between this clock and that of a server, by the Date header of its answers (RFC 9110, 6.6.1)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset: timedelta | None = None
        """This clock minus the server's, precise to about a second; None until an answer had a Date."""

    def observe(self, date: str) -> None:
        """Process the Date header of an answer that arrives now. Ignores one that cannot be read."""
        try:
            there = parsedate_to_datetime(date)
        except ValueError:
            return
        self.offset = self._clock() - there.replace(tzinfo=there.tzinfo or UTC)


async def ends_within(seconds: float, work: Awaitable[Any]) -> bool:
    """Await `work` for at most `seconds`. Return True if it ended by then; otherwise cancel it and return False.

    Used instead of `asyncio.wait_for`, which may lose a cancellation before Python 3.12.
    """
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True
