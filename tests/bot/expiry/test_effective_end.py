"""The effective end of validations: the calendar of 2026 to 2029, and a day-by-day reading of the rules."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from bot.expiry.calendar import Calendar, ValidityRule, shipped_calendar
from bot.expiry.effective_end import (
    EndReason,
    Validation,
    effective_end,
    end_if_validated,
    end_of_domain,
    is_worthwhile,
)
from bot.models import Domain, Expired, NeverValidated, Pending, Valid
from tests.quick import examples

CALENDAR = shipped_calendar()
AGE, RULE, METHOD = EndReason


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("approved", "listed", "method", "day", "reason"),
    [
        # The old rule of 398 days, cut by the rules of 2026.
        ("2025-06-01", None, "dns-txt-token", "2026-02-24", RULE),
        ("2025-12-01", None, "dns-txt-token", "2026-06-18", AGE),
        # CertCentral's own date is the first.
        ("2026-03-01", "2026-04-01", "dns-txt-token", "2026-04-01", AGE),
        # Valid for 199 days, and void on March 15, 2027 if older than 99 days by then.
        ("2026-08-27", None, "dns-txt-token", "2027-03-14", AGE),
        ("2026-08-28", None, "dns-txt-token", "2027-03-15", AGE),
        ("2026-08-29", "2027-03-16", "dns-txt-token", "2027-03-15", RULE),
        ("2026-11-29T10:00", "2027-06-16", "email", "2027-03-15", RULE),
        ("2026-12-05T23:59", "2027-06-22", "email", "2027-03-15", RULE),
        ("2026-12-06T12:00", None, "email", "2027-03-15", AGE),
        ("2026-12-07", None, "email", "2027-03-16", AGE),
        ("2027-02-01", "2027-08-19", "email", "2027-05-11", AGE),
        # Email validation ends on March 15, 2028, and so do validations by email.
        ("2027-12-06", None, "email", "2028-03-14", AGE),
        ("2027-12-08", None, "email", "2028-03-15", METHOD),
        ("2028-01-10", None, "email", "2028-03-15", METHOD),
        ("2028-01-10", None, None, "2028-03-15", METHOD),
        ("2028-01-10", None, "dns-cname-token", "2028-04-18", AGE),
        # Ten days from March 15, 2029 on.
        ("2029-01-01", None, "dns-txt-token", "2029-03-15", RULE),
        ("2029-03-10", None, "dns-txt-token", "2029-03-20", AGE),
        ("2029-06-01", None, "dns-txt-token", "2029-06-11", AGE),
        # Only CertCentral's date is known.
        (None, "2027-08-01", "dns-txt-token", "2027-08-01", AGE),
        (None, "2028-08-01", "email", "2028-03-15", METHOD),
    ],
)
def test_the_calendar_of_2026_to_2029(approved, listed, method, day, reason):
    validation = Validation(approved and at(approved), listed and at(listed), method)

    end = effective_end(validation, CALENDAR)

    assert (end.day.isoformat(), end.reason) == (day, reason)


@pytest.mark.parametrize("method", ["dns-txt-token", "email"])
def test_without_any_date_there_is_no_end(method):
    assert effective_end(Validation(None, None, method), CALENDAR) is None


@pytest.mark.parametrize(
    ("day", "method", "end"),
    [
        ("2026-11-29", "email", "2027-03-15"),
        ("2026-12-06", "email", "2027-03-15"),
        ("2026-12-07", "email", "2027-03-16"),
        ("2027-03-14", "email", "2027-06-21"),
        ("2028-03-14", "email", "2028-03-15"),
        ("2028-03-15", "email", None),
        ("2028-03-15", "dns-txt-token", "2028-06-22"),
        ("2029-03-15", "dns-txt-token", "2029-03-25"),
    ],
)
def test_until_when_a_validation_of_a_day_would_hold(day, method, end):
    found = end_if_validated(date.fromisoformat(day), method, CALENDAR)

    assert (found and found.day.isoformat()) == end


@pytest.mark.parametrize(
    ("approved", "today", "worthwhile"),
    [
        # Both end on March 15, 2027.
        ("2026-10-01", "2026-11-29", False),
        ("2026-10-01", "2026-12-12", False),
        ("2026-10-01", "2026-12-13", True),
        (None, "2026-11-29", True),
    ],
)
def test_a_revalidation_is_worthwhile_if_it_moves_the_end_by_a_week(approved, today, worthwhile):
    current = effective_end(Validation(at(approved), None, "email"), CALENDAR) if approved else None

    assert is_worthwhile(current, end_if_validated(date.fromisoformat(today), "email", CALENDAR)) is worthwhile


def test_a_method_that_has_ended_is_not_worthwhile():
    assert not is_worthwhile(None, end_if_validated(date(2028, 4, 1), "email", CALENDAR))


def domain(validation, approved="2026-11-29", method="dns-txt-token"):
    return Domain(1, "example.com", True, validation, method, None, approved and at(approved))


@pytest.mark.parametrize(
    ("found", "day", "reason"),
    [
        (domain(Valid(at("2027-06-16"))), "2027-03-15", RULE),
        (domain(Valid(at("2027-06-16")), "2027-12-01", "email"), "2027-06-16", AGE),
        # While a revalidation is pending, the listed method is that of the new validation.
        (domain(Pending(at("2028-06-20")), "2027-12-20"), "2028-03-15", METHOD),
        (domain(Valid(None), None), None, None),
        (domain(Pending()), None, None),
        (domain(Expired(at("2026-11-01"))), None, None),
        (domain(NeverValidated()), None, None),
    ],
)
def test_the_end_of_a_domain_as_digicert_reports_it(found, day, reason):
    end = end_of_domain(found, CALENDAR)

    assert (end and end.day.isoformat(), end and end.reason) == (day, reason)


def last_day_by_brute_force(approved: date, listed: date | None, method: str, calendar: Calendar) -> date:
    """Walk day by day until a rule in force on that day makes the validation void."""
    day = approved
    while True:
        in_force = [rule for rule in calendar.rule if rule.day <= day]
        is_too_old = any((day - approved).days >= rule.reuse_days for rule in in_force)
        if is_too_old or any(method in rule.forbid for rule in in_force) or (listed and day >= listed):
            return day
        day += timedelta(days=1)


def some_calendar(random: Random) -> Calendar:
    """Return the shipped calendar, or one of up to five random rules and one that ends every validation."""
    if random.random() < 0.5:
        return CALENDAR
    rules = [
        ValidityRule(
            day=some_day(random),
            certificate_days=100,
            reuse_days=random.randrange(1, 400),
            forbid=random.choice([[], [], ["email"], ["dns-txt-token"]]),
            source="a test",
        )
        for _ in range(random.randrange(6))
    ]
    last = ValidityRule(day=date(2020, 1, 1), certificate_days=398, reuse_days=398, source="a test")
    return Calendar(rule=[*rules, last])


def some_day(random: Random) -> date:
    return date(2024, 1, 1) + timedelta(days=random.randrange(2500))


def test_ten_thousand_random_validations_agree_with_a_reading_day_by_day():
    random = Random(17)  # noqa: S311 - the same validations in each run
    for _ in range(examples(10_000)):
        approved, method, calendar = some_day(random), random.choice(["email", "dns-txt-token"]), some_calendar(random)
        listed = random.choice([None, approved + timedelta(days=random.randrange(500))])
        moment = at(listed.isoformat()) if listed else None

        end = effective_end(Validation(at(approved.isoformat()), moment, method), calendar)

        assert max(end.day, approved) == last_day_by_brute_force(approved, listed, method, calendar)
