"""When digests and warnings are due, through daylight saving, quiet hours and weekends."""

import dataclasses
import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.expiry.digest_file import DigestRule, DigestTime, QuietTime
from bot.expiry.digest_schedule import (
    LATEST,
    due_since,
    is_quiet,
    is_warning_due,
    next_after,
    threshold,
    weekly_portion,
)

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
NIGHTS_AND_WEEKENDS = (QuietTime(start=time(18), end=time(8)), QuietTime(weekday=5), QuietTime(weekday=6))
MONDAY = DigestRule("C0SHOP", due=DigestTime(time(9), 0), timezone=ZoneInfo("Europe/Berlin"), quiet=NIGHTS_AND_WEEKENDS)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # Berlin is an hour ahead of UTC in winter.
        ("2026-11-30T07:59", None),
        ("2026-11-30T08:00", "2026-11-30T08:00"),
        ("2026-11-30T09:59", "2026-11-30T08:00"),
        ("2026-11-30T10:00", None),
        ("2026-12-01T08:00", None),
        # On the first Monday of summer time it is two hours ahead.
        ("2027-03-29T07:00", "2027-03-29T07:00"),
        ("2027-03-29T06:59", None),
    ],
)
def test_a_digest_is_due_from_its_local_time_for_two_hours(now, due):
    assert due_since(MONDAY, at(now)) == (due and at(due))


def test_a_digest_before_midnight_is_still_due_after_it():
    rule = dataclasses.replace(MONDAY, due=DigestTime(time(23, 30)), timezone=ZoneInfo("UTC"))

    assert due_since(rule, at("2026-12-02T00:45")) == at("2026-12-01T23:30")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("clock", [time(2, 30), time(1, 30), time(9), time(0)])
def test_in_a_year_with_both_changes_each_day_has_one_digest(zone, clock):
    rule = dataclasses.replace(MONDAY, due=DigestTime(clock), timezone=ZoneInfo(zone))
    found, now = [], at("2026-11-29T23:59")
    while now < at("2027-12-01"):
        now = next_after(rule, now)
        found.append(now)

    days = [moment.astimezone(rule.timezone).date() for moment in found]
    assert len(set(days)) == len(days) >= 366
    assert all(due_since(rule, moment) == moment for moment in found)
    assert max(later - moment for moment, later in itertools.pairwise(found)) <= timedelta(hours=25)


def test_the_latest_moment_is_less_than_two_hours():
    assert due_since(MONDAY, at("2026-11-30T08:00") + LATEST - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("days", "found"), [(31, None), (30, 30), (15, 30), (14, 14), (7, 7), (1.5, 7), (1, 1), (-1, 1)]
)
def test_the_threshold_is_the_smallest_that_was_crossed(days, found):
    now = at("2026-12-01")

    assert threshold(MONDAY, now + timedelta(days=days), now) == found


@pytest.mark.parametrize(
    ("now", "quiet"),
    [
        ("2026-12-01T06:59", True),
        ("2026-12-01T07:00", False),
        ("2026-12-01T16:59", False),
        ("2026-12-01T17:00", True),
        ("2026-12-05T12:00", True),
        # Sunday in UTC, but already Monday in Berlin, at night.
        ("2026-12-06T23:30", True),
    ],
)
def test_quiet_times_are_local(now, quiet):
    assert is_quiet(MONDAY, at(now)) is quiet


@pytest.mark.parametrize(
    ("now", "end", "due"),
    [
        ("2026-12-01T12:00", "2026-12-09T12:00", False),
        ("2026-12-01T12:00", "2026-12-08T12:00", True),
        ("2026-12-01T20:00", "2026-12-08T12:00", False),
        # The last 24 hours ignore quiet times.
        ("2026-12-01T20:00", "2026-12-02T12:00", True),
        ("2026-12-05T12:00", "2026-12-06T11:00", True),
        # On a weekend only if the validation ends on it.
        ("2026-12-05T12:00", "2026-12-08T12:00", False),
        ("2026-12-01T12:00", "2026-12-01T11:59", False),
    ],
)
def test_warnings_are_daily_in_the_last_week(now, end, due):
    assert is_warning_due(MONDAY, at(end), at(now)) is due


def test_on_a_weekend_without_quiet_days_only_an_end_on_it_counts():
    rule = dataclasses.replace(MONDAY, quiet=())

    assert is_warning_due(rule, at("2026-12-06T20:00"), at("2026-12-05T12:00"))
    assert not is_warning_due(rule, at("2026-12-07T20:00"), at("2026-12-05T12:00"))


@pytest.mark.parametrize(
    ("count", "today", "portion"),
    [(120, "2026-12-07", 9), (120, "2027-03-10", 120), (0, "2026-12-07", 0), (5, "2027-03-20", 5)],
)
def test_the_rush_is_spread_over_the_weeks_that_are_left(count, today, portion):
    ends = [at("2027-03-15")] * count + [at("2027-05-01")]

    assert weekly_portion(ends, date(2027, 3, 15), date.fromisoformat(today)) == portion
