"""What counts as valid now, and what a revalidation would change."""

from datetime import UTC, date, datetime

import pytest

from bot.expiry.calendar import shipped_calendar
from bot.expiry.outlook import Outlook
from bot.models import Domain, Expired, NeverValidated, Pending, Unclear, Valid
from bot.views.validity import because, prospect_in_words, until


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def outlook(now):
    return Outlook(shipped_calendar(), at(now))


def domain(validation, approved="2026-10-01", *, is_active=True):
    return Domain(1, "example.com", is_active, validation, "email", None, approved and at(approved))


@pytest.mark.parametrize(
    ("validation", "now", "counts_as"),
    [
        (Valid(at("2027-04-18")), "2027-03-14", Valid(at("2027-04-18"))),
        # CertCentral may still show a later date, but the new rule has ended the validation.
        (Valid(at("2027-04-18")), "2027-03-15", Expired(at("2027-03-15"))),
        (Pending(at("2027-04-18")), "2027-03-14", Pending(at("2027-04-18"))),
        (Pending(at("2027-04-18")), "2027-03-15", Pending()),
        (NeverValidated(), "2027-03-15", NeverValidated()),
    ],
)
def test_a_validation_whose_effective_end_has_passed_is_not_valid(validation, now, counts_as):
    assert outlook(now).effective(domain(validation)).validation == counts_as


@pytest.mark.parametrize(
    ("validation", "approved", "now", "worthwhile", "moves_from", "pays_from"),
    [
        (Valid(), "2026-10-01", "2026-11-29", False, "2026-12-07", "2026-12-13"),
        (Valid(), "2026-10-01", "2026-12-12T23:59", False, "2026-12-12", "2026-12-13"),
        (Valid(), "2026-10-01", "2026-12-13", True, None, None),
        (Valid(), "2027-04-01", "2027-04-05", False, "2027-04-05", "2027-04-08"),
        # From then on every validation by email ends with email validation.
        (Valid(), "2027-12-20", "2028-01-05", False, None, None),
        # What has expired counts, because validating once renews both kinds.
        (Valid(None, ("EV",)), "2026-10-01", "2026-11-29", True, None, None),
        (Expired(), "2026-01-01", "2026-11-29", True, None, None),
        (NeverValidated(), None, "2026-11-29", True, None, None),
        (Expired(), "2027-01-01", "2028-03-15", False, None, None),
        # Nothing is known of its end, so nothing can be promised.
        (Valid(), None, "2026-11-29", False, None, None),
        (Pending(), None, "2026-11-29", False, None, None),
        (Unclear(), None, "2026-11-29", False, None, None),
    ],
)
def test_a_revalidation_pays_if_it_moves_the_end_by_a_week(
    validation, approved, now, worthwhile, moves_from, pays_from
):
    prospect = outlook(now).prospect(domain(validation, approved))

    days = [prospect.moves_from, prospect.pays_from]
    assert prospect.is_worthwhile is worthwhile
    assert [day and day.isoformat() for day in days] == [moves_from, pays_from]


def test_an_inactive_domain_has_no_prospect():
    assert not outlook("2026-11-29").prospect(domain(Expired(), is_active=False)).is_worthwhile


@pytest.mark.parametrize(
    ("approved", "now", "words"),
    [
        ("2026-10-01", "2026-11-29", "Revalidating before December 7 does not move the end."),
        ("2026-10-01", "2026-12-08", "Revalidating before December 13 moves the end by less than a week."),
        ("2026-10-01", "2026-12-24", "Revalidated today, it would be valid until April 2, 2027 (by its age)."),
        ("2026-12-24", "2026-12-26", "Revalidating before December 31 moves the end by less than a week."),
        ("2026-12-26", "2026-12-27", "Revalidating before January 2, 2027 moves the end by less than a week."),
        ("2027-12-20", "2028-01-05", "Another validation by email does not move the end."),
    ],
)
def test_the_prospect_is_one_sentence(approved, now, words):
    seen = outlook(now)

    assert prospect_in_words(seen.prospect(domain(Valid(), approved)), seen.today) == words


@pytest.mark.parametrize(
    ("approved", "words", "in_a_table"),
    [
        ("2027-04-01", "until July 9, 2027 (by its age)", "age"),
        ("2026-10-01", "until March 15, 2027 (rule of that day)", "rule of March 15, 2027"),
        ("2027-12-20", "until March 15, 2028 (end of email validation)", "end of email validation"),
    ],
)
def test_an_end_comes_with_its_reason(approved, words, in_a_table):
    end = outlook("2026-11-29").end(domain(Valid(), approved))

    assert (until(end), because(end)) == (words, in_a_table)
    assert until(end, "5 days left") == words.replace(")", ", 5 days left)")


def test_the_day_of_the_outlook_is_that_of_utc():
    assert Outlook(shipped_calendar(), datetime.fromisoformat("2026-12-07T00:30+02:00")).today == date(2026, 12, 6)
