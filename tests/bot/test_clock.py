"""This machine's clock beside another's."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import Comparison

NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


@pytest.fixture
def comparison():
    return Comparison(lambda: NOW)


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Wed, 01 Jul 2026 10:00:00 GMT", timedelta(0)),
        ("Wed, 01 Jul 2026 09:59:00 GMT", timedelta(minutes=1)),
        ("Wed, 01 Jul 2026 10:01:00 -0000", timedelta(minutes=-1)),
        ("Wed, 01 Jul 2026 12:00:00 +0200", timedelta(0)),
    ],
)
def test_a_date_tells_how_much_later_it_is_here(comparison, date, ahead):
    comparison.hear(date)

    assert comparison.ahead == ahead


@pytest.mark.parametrize("date", ["", "now", "Wed, 99 Jul 2026 10:00:00 GMT", "1782900000"])
def test_what_is_no_date_tells_nothing(comparison, date):
    comparison.hear(date)

    assert comparison.ahead is None


def test_what_is_no_date_does_not_make_forget(comparison):
    comparison.hear("Wed, 01 Jul 2026 09:59:00 GMT")
    comparison.hear("")

    assert comparison.ahead == timedelta(minutes=1)
