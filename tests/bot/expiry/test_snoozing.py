"""Until when a domain may be snoozed: never past its last day."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.expiry.digest_file import DigestRule, DigestTime
from bot.expiry.snoozing import SnoozeChoice, snooze_end

RULE = DigestRule("C0SHOP", due=DigestTime(time(9), 0), timezone=ZoneInfo("Europe/Berlin"))


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("choice", "ends", "now", "until"),
    [
        # A Wednesday, an hour behind Berlin.
        ("tomorrow", "2026-12-20", "2026-12-02T12:00", "2026-12-03T08:00"),
        ("tomorrow", None, "2026-12-02T12:00", "2026-12-03T08:00"),
        ("monday", "2026-12-20", "2026-12-02T12:00", "2026-12-07T08:00"),
        ("monday", "2026-12-20", "2026-12-07T06:00", "2026-12-14T08:00"),
        ("week_before", "2026-12-20", "2026-12-02T12:00", "2026-12-13T00:00"),
        ("week_before", None, "2026-12-02T12:00", None),
        ("week_before", "2026-12-08", "2026-12-02T12:00", None),
        # Through the change to summer time.
        ("monday", None, "2027-03-25T12:00", "2027-03-29T07:00"),
        # The last day begins 24 hours before the end.
        ("monday", "2026-12-06", "2026-12-02T12:00", "2026-12-05T00:00"),
        ("tomorrow", "2026-12-03T06:00", "2026-12-02T12:00", None),
    ],
)
def test_a_snooze_ends(choice, ends, now, until):
    found = snooze_end(SnoozeChoice(choice), RULE, ends and at(ends), at(now))

    assert found == (until and at(until))
