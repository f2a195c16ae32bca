"""The skew between this machine's clock and another one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import ClockSkew, ends_within, parse_timestamp

NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


@pytest.fixture
def comparison():
    return ClockSkew(lambda: NOW)


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Wed, 01 Jul 2026 10:00:00 GMT", timedelta(0)),
        ("Wed, 01 Jul 2026 09:59:00 GMT", timedelta(minutes=1)),
        ("Wed, 01 Jul 2026 10:01:00 -0000", timedelta(minutes=-1)),
        ("Wed, 01 Jul 2026 12:00:00 +0200", timedelta(0)),
    ],
)
def test_a_date_header_gives_the_clock_skew(comparison, date, ahead):
    comparison.observe(date)

    assert comparison.offset == ahead


@pytest.mark.parametrize("date", ["", "now", "Wed, 99 Jul 2026 10:00:00 GMT", "1782900000"])
def test_what_is_no_date_gives_no_skew(comparison, date):
    comparison.observe(date)

    assert comparison.offset is None


def test_what_is_no_date_does_not_make_forget(comparison):
    comparison.observe("Wed, 01 Jul 2026 09:59:00 GMT")
    comparison.observe("")

    assert comparison.offset == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-01", datetime(2026, 7, 1, tzinfo=UTC)),
        ("2026-07-01T10:00", NOW),
        (" 2026-07-01 10:00:00.000Z ", NOW),
        ("2026-07-01T12:00+02:00", NOW),
        ("20260701T100000", NOW),
    ],
)
def test_a_moment_is_read_as_utc_unless_it_says_otherwise(text, moment):
    assert parse_timestamp(text) == moment
    assert parse_timestamp(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "yesterday", "1.7.2026", "2026-02-30", "0001-01-01T00:00+14:00", "1782900000"])
def test_what_is_no_moment_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="such as 2026-01-31"):
        parse_timestamp(text)


@pytest.mark.fault("L5")
def test_a_steady_clock_begins_with_the_present_and_is_not_set(monkeypatch):
    from bot import clock

    set_to, booted = [NOW], [100.0]
    monkeypatch.setattr(clock, "seconds_since_boot", lambda: booted[0])
    steady = clock.steady_clock(lambda: set_to[0])
    first = steady()
    set_to[0] -= timedelta(hours=1)
    booted[0] += 61.5

    assert (first, steady()) == (NOW, NOW + timedelta(seconds=61.5))


async def test_what_ends_in_time_is_awaited_to_its_end():
    assert await ends_within(60.0, asyncio.sleep(0)) is True


async def test_what_lasts_too_long_is_cancelled():
    lasting = asyncio.ensure_future(asyncio.Event().wait())

    assert await ends_within(0.0, lasting) is False
    assert lasting.cancelled()


async def test_a_cancellation_is_not_taken_for_a_time_that_is_up():
    waiting = asyncio.create_task(ends_within(60.0, asyncio.Event().wait()))
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
