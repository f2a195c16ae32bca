"""What a digest says: which domains it lists, what is new, the proposal to spread a rush, and the warnings."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.expiry.calendar import shipped_calendar
from bot.expiry.digest_content import counts_within, cover, digest_content, ended_by_rule, waiting_long
from bot.expiry.digest_file import DigestRule, DigestTime
from bot.expiry.domain_expiry import expiries
from bot.models import Domain, Expired, Order, Pending, Valid

CALENDAR = shipped_calendar()
ALL = DigestRule("C0ALL")
SHOP = DigestRule("C0SHOP", names=("*.shop.example.com", "shop.example.com"))
DIGESTS = (SHOP, ALL)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def domain(number, name, validation, *, approved=None, since=None):
    return Domain(number, name, True, validation, "email", since and at(since), approved and at(approved))


def order(number, name, *, is_dv=True, since=None):
    return Order(number, "pending", name, (name,), is_dv, "a product", None, since and at(since))


def content(domains, now, *, rule=ALL, orders=(), snoozed=(), previous=None, due=None):
    rows = expiries(domains, CALENDAR, at(now))
    coverage = cover(rule, DIGESTS, rows, orders, set(snoozed))
    return digest_content(coverage, CALENDAR, at(due or now), at(now), previous and at(previous))


def test_each_domain_is_in_the_digest_that_covers_it_and_in_no_other():
    domains = [
        domain(1, "shop.example.com", Expired(at("2026-11-20"))),
        domain(2, "pay.shop.example.com", Valid(at("2026-12-20"))),
        domain(3, "other.example.com", Valid(at("2026-12-20"))),
        domain(4, "fine.example.com", Valid(at("2027-02-20"))),
    ]
    orders = [order(7, "x.shop.example.com"), order(8, "y.example.com"), order(9, "ov.example.com", is_dv=False)]

    shop, rest = (content(domains, "2026-11-30", rule=rule, orders=orders) for rule in DIGESTS)

    assert ([row.domain.id for row in shop.rows], shop.total, [each.id for each in shop.orders]) == ([2, 1], 2, [7])
    assert ([row.domain.id for row in rest.rows], rest.total, [each.id for each in rest.orders]) == ([3], 2, [8])


def test_what_is_snoozed_is_left_out_and_counted():
    domains = [domain(3, "a.example.com", Pending()), domain(4, "b.example.com", Pending())]

    found = content(domains, "2026-11-30", orders=[order(8, "y.example.com")], snoozed=["domain:3", "order:8"])

    assert ([row.domain.id for row in found.rows], found.orders, found.snoozed) == ([4], (), 2)


def test_a_domain_is_new_in_the_first_digest_after_it_crosses_a_threshold():
    domains = [
        domain(1, "a.example.com", Valid(at("2026-12-13"))),
        domain(2, "b.example.com", Valid(at("2026-12-20"))),
        domain(3, "c.example.com", Valid(at("2026-12-29"))),
    ]

    found = content(domains, "2026-11-30T09:00", previous="2026-11-23T09:00")
    first = content(domains, "2026-11-30T09:00")

    assert [(row.domain.id, days) for row, days in found.new] == [(1, 14), (3, 30)]
    assert first.new == ()


@pytest.mark.parametrize(
    ("now", "portion"),
    [
        ("2026-12-06", None),
        # Fourteen weeks remain.
        ("2026-12-07", 8),
        ("2027-03-01", 55),
        ("2027-03-08", 110),
        ("2027-03-15", None),
    ],
)
def test_the_rush_is_spread_over_the_weeks_in_which_a_revalidation_moves_the_end(now, portion):
    domains = [domain(n, f"d{n}.example.com", Valid(at("2027-05-01")), approved="2026-10-14") for n in range(1, 111)]

    found = content(domains, now)

    assert (found.portion and len(found.portion.domains)) == portion
    if found.portion:
        assert (found.portion.day, found.portion.total) == (date(2027, 3, 15), 110)


def test_the_buttons_count_what_helps():
    domains = [
        domain(1, "waiting.example.com", Pending(), since="2026-12-10"),
        domain(2, "expired.example.com", Expired(at("2026-12-01"))),
        domain(3, "rule.example.com", Valid(at("2027-05-01")), approved="2026-10-14"),
        domain(4, "dns.example.com", Pending(), since="2026-12-19"),
    ]
    domains[3] = replace(domains[3], method="dns-txt-token")

    found = content(domains, "2026-12-20", orders=[order(8, "y.example.com", since="2026-12-16")])

    # The domain that the rule ends is not in the table yet, but in the portion of this week.
    assert [row.domain.id for row in found.to_revalidate] == [2, 3]
    assert found.to_resend == ("domain:1", "order:8")
    assert waiting_long(found, at("2026-12-20T01:00")) == 2


def test_the_numbers_of_the_headline():
    domains = [
        domain(1, "a.example.com", Valid(at("2027-03-10"))),
        domain(2, "b.example.com", Valid(at("2027-05-01")), approved="2026-10-14"),
        domain(3, "c.example.com", Valid(at("2027-05-01")), approved="2026-10-15"),
        domain(4, "d.example.com", Expired(at("2027-03-01"))),
    ]

    found = content(domains, "2027-03-04")

    assert counts_within(found, at("2027-03-04")) == {14: 3, 7: 1, 1: 0}
    assert ended_by_rule(found) == {date(2027, 3, 15): 2}


def test_warnings_begin_at_the_time_of_day_of_the_digest():
    rule = DigestRule("C0ALL", due=DigestTime(time(9), 0), timezone=ZoneInfo("Europe/Berlin"))
    rows = expiries([domain(1, "a.example.com", Valid(at("2026-12-08")))], CALENDAR, at("2026-12-02"))
    coverage = cover(rule, (rule,), rows, (), ())
    moment = at("2026-12-02T07:59")

    assert [bool(coverage.warnings(moment + timedelta(minutes=more))) for more in (0, 1, 600)] == [False, True, True]
