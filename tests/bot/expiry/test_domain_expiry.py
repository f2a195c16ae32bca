"""The state of each domain by the rules, and the numbers for the metrics."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.expiry.calendar import shipped_calendar
from bot.expiry.domain_expiry import ExpiryState, count_domains, expiries, nearest_first
from bot.expiry.effective_end import EndReason
from bot.models import Domain, Expired, NeverValidated, Pending, Unclear, Valid

CALENDAR = shipped_calendar()


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def domain(validation, *, approved=None, method="email", number=1, name="shop.example.com", since=None):
    return Domain(number, name, True, validation, method, since and at(since), approved and at(approved))


@pytest.mark.parametrize(
    ("validation", "approved", "now", "state", "end", "reason"),
    [
        (Valid(at("2027-05-01")), "2026-10-14", "2026-12-01", ExpiryState.VALID, "2027-03-15", EndReason.RULE),
        (Valid(at("2026-12-20")), "2026-06-04", "2026-12-01", ExpiryState.VALID, "2026-12-20", EndReason.AGE),
        # CertCentral still shows a later date, but the rule has ended it.
        (Valid(at("2027-05-01")), "2026-10-14", "2027-03-15", ExpiryState.EXPIRED, "2027-03-15", EndReason.RULE),
        (Valid(at("2027-05-01")), "2026-10-14", "2027-03-14T23:59", ExpiryState.VALID, "2027-03-15", EndReason.RULE),
        (Pending(at("2026-12-20")), "2026-06-04", "2026-12-01", ExpiryState.WAITING, "2026-12-20", EndReason.AGE),
        (Pending(), None, "2026-12-01", ExpiryState.WAITING, None, None),
        (Expired(at("2026-11-18")), "2026-05-03", "2026-12-01", ExpiryState.EXPIRED, "2026-11-18", EndReason.AGE),
        (Expired(), None, "2026-12-01", ExpiryState.EXPIRED, None, None),
        (NeverValidated(), None, "2026-12-01", ExpiryState.NEVER_VALIDATED, None, None),
        (Valid(), None, "2026-12-01", ExpiryState.VALID, None, None),
        (Unclear(True), None, "2026-12-01", ExpiryState.WAITING, None, None),
        (Unclear(), None, "2026-12-01", ExpiryState.UNKNOWN, None, None),
    ],
)
def test_the_state_of_a_domain(validation, approved, now, state, end, reason):
    [row] = expiries([domain(validation, approved=approved)], CALENDAR, at(now))

    assert (row.state, row.end and row.end.at, row.end and row.end.reason) == (state, end and at(end), reason)


@pytest.mark.parametrize(
    ("validation", "approved", "now", "until"),
    [
        (Expired(at("2026-11-18")), None, "2026-12-01", "2027-03-15"),
        (NeverValidated(), None, "2026-12-01", "2027-03-15"),
        # Until December 6 a new validation ends on the same day, then it moves the end by a day each day.
        (Valid(at("2027-05-01")), "2026-10-14", "2026-12-06", None),
        (Valid(at("2027-05-01")), "2026-10-14", "2026-12-12", None),
        (Valid(at("2027-05-01")), "2026-10-14", "2026-12-13", "2027-03-22"),
        (Pending(), None, "2026-12-13", None),
        (Unclear(), None, "2026-12-13", None),
    ],
)
def test_a_revalidation_is_proposed_if_it_moves_the_end_by_a_week(validation, approved, now, until):
    [row] = expiries([domain(validation, approved=approved)], CALENDAR, at(now))

    assert (row.renewed_until and row.renewed_until.at) == (until and at(until))


def test_the_nearest_end_comes_first_and_the_expired_last():
    now = at("2026-12-01")
    rows = expiries(
        [
            domain(Expired(at("2026-10-01")), name="long-ago.example"),
            domain(Expired(at("2026-11-30")), name="yesterday.example"),
            domain(Pending(), name="new.example"),
            domain(Valid(at("2026-12-20")), name="later.example"),
            domain(Pending(at("2026-12-05")), name="soon.example"),
        ],
        CALENDAR,
        now,
    )

    names = [row.domain.name.partition(".")[0] for row in nearest_first(rows)]

    assert names == ["soon", "later", "new", "yesterday", "long-ago"]
    assert [row.is_due(now + timedelta(days=7)) for row in rows] == [True, True, True, False, True]


def test_the_numbers_for_the_metrics():
    now = at("2026-12-01")
    rows = expiries(
        [
            domain(Valid(at("2026-12-05"))),
            domain(Valid(at("2026-12-20")), method="dns-txt-token"),
            domain(Valid(at("2027-01-20")), method="carrier-pigeon"),
            domain(Expired(at("2026-11-20")), method=None),
            domain(Pending()),
        ],
        CALENDAR,
        now,
    )

    counts = count_domains(rows, now)

    assert counts.by_state == {"waiting": 1, "expired": 1, "never_validated": 0, "valid": 3, "unknown": 0}
    assert counts.by_method == {"email": 2, "dns-txt-token": 1, "other": 1, "unknown": 1}
    assert counts.ending == {7: 1, 14: 1, 30: 2, 60: 3}
