"""The account cache: read once a minute, the longest pending first, with a bounded wait."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from bot.errors import CaUnavailable
from bot.models import AccountEntry, Kind
from bot.services.lookup.account import YOUNG, AccountCache, search, searchable

AWAY = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)


def line(name, *names, kind=Kind.ORDER, number=700001):
    return AccountEntry(kind, number, name, names or (name,), None, True)


async def test_everybody_within_a_minute_shares_one_listing(account_cache, certcentral):
    certcentral.add_order(1, "a.example")

    accounts = await asyncio.gather(*(account_cache.account() for _ in range(10)))

    assert all(account is accounts[0] for account in accounts)
    assert (certcentral.count("pending_orders"), certcentral.count("domains")) == (1, 1)


@pytest.mark.parametrize(("age", "readings"), [(0, 1), (YOUNG, 1), (YOUNG + 0.1, 2)])
async def test_a_young_listing_is_a_few_seconds_old_at_most(account_cache, certcentral, clock, age, readings):
    await account_cache.account()
    clock.advance(seconds=age)

    await account_cache.account(young=True)

    assert certcentral.count("domains") == readings


async def test_the_longest_waiting_comes_first_and_what_does_not_wait_last(account_cache, certcentral, clock):
    since = {1: clock() - timedelta(days=2), 2: clock() - timedelta(days=9), 3: None}
    for number, moment in since.items():
        certcentral.add_order(number, f"o{number}.example", since=moment)
    for number, pending in {4: False, 5: None, 6: True}.items():
        certcentral.add_domain(number, f"d{number}.example", is_pending=pending)
    for number, moment in {4: timedelta(days=30), 6: timedelta(days=3)}.items():
        domain = certcentral.account_domains[number]
        certcentral.account_domains[number] = dataclasses.replace(domain, since=clock() - moment)

    lines = (await account_cache.account()).lines

    assert [found.id for found in lines] == [2, 6, 1, 3, 5, 4]
    assert [found.waiting for found in lines] == [True, True, True, True, None, False]


@pytest.mark.fault("F2")
async def test_a_domain_that_waits_comes_first_and_one_to_submit_again_before_one_that_is_valid(
    account_cache, certcentral
):
    from bot.models import Expired, NeverValidated, Pending, Unclear, Valid

    states = [Valid(), Expired(), Unclear(), NeverValidated(), Pending(), Unclear(is_pending=False)]
    for number, validation in enumerate(states):
        domain = certcentral.add_domain(number, f"d{number}.example")
        certcentral.account_domains[number] = dataclasses.replace(domain, validation=validation)

    lines = (await account_cache.account()).lines

    assert [line.id for line in lines] == [4, 2, 5, 1, 3, 0]
    assert [line.validation for line in lines] == [states[line.id] for line in lines]


@pytest.mark.fault("F7")
async def test_an_order_that_is_not_dated_may_wait_since_it_was_placed(account_cache, certcentral, clock):
    for number, days in {1: 3, 2: 90, 3: 5}.items():
        order = certcentral.add_order(number, f"o{number}.example", since=clock() - timedelta(days=days))
        certcentral.orders[number] = dataclasses.replace(
            order, ordered_at=order.since, since=None if number == 2 else order.since
        )

    assert [line.id for line in (await account_cache.account()).lines] == [2, 3, 1]


@pytest.mark.fault("F3")
async def test_rows_that_cannot_be_read_are_counted_and_hide_nothing(account_cache, certcentral, monkeypatch):
    from bot.models import Unreadable

    orders, domains = certcentral.pending_orders, certcentral.domains
    certcentral.add_order(1, "a.example")
    certcentral.add_domain(2, "b.example")
    monkeypatch.setattr(certcentral, "pending_orders", lambda: with_odd(orders, Unreadable("7")))
    monkeypatch.setattr(certcentral, "domains", lambda: with_odd(domains, Unreadable("8"), Unreadable("9")))

    account = await account_cache.account()

    assert [line.id for line in account.lines] == [1, 2]
    assert account.unreadable == "1 order and 2 domains couldn't be read."


async def with_odd(read, *odd):
    return [*odd, *await read()]


async def test_only_active_domains_are_choices_and_the_others_are_known(account_cache, certcentral):
    certcentral.add_domain(1, "on.example")
    certcentral.add_domain(2, "off.example", is_active=False)

    account = await account_cache.account()

    assert [domain.id for domain in account.domains] == [1]
    assert [domain.id for domain in account.deactivated] == [2]
    assert [found.name for found in account.lines] == ["on.example"]


async def test_an_order_is_named_by_its_common_name_else_by_its_first(account_cache, certcentral):
    order = certcentral.add_order(1, "a.example", "b.example")
    certcentral.orders[2] = dataclasses.replace(order, id=2, common_name="")
    certcentral.orders[3] = dataclasses.replace(order, id=3, common_name="", names=())

    lines = (await account_cache.account()).lines

    assert {found.id: found.name for found in lines} == {1: "a.example", 2: "a.example", 3: ""}


async def test_a_listing_that_is_there_in_time_is_given(account_cache, certcentral):
    certcentral.add_order(1, "a.example")

    assert len((await account_cache.within(5.0)).lines) == 1


async def test_a_slow_listing_is_not_awaited_but_continues(account_cache, certcentral):
    certcentral.add_order(1, "a.example")
    certcentral.hold = asyncio.Event()

    assert await account_cache.within(0.02) is None
    certcentral.hold.set()

    assert (await account_cache.within(5.0)).orders
    assert certcentral.count("domains") == 1


async def test_if_digicert_is_unavailable_the_last_listing_is_returned(account_cache, certcentral, clock):
    certcentral.add_order(1, "a.example")
    known = await account_cache.account()
    certcentral.always["domains"] = AWAY
    clock.advance(seconds=60)
    with pytest.raises(CaUnavailable):
        await account_cache.account(young=True)

    assert await account_cache.within(5.0) is known


async def test_a_warmed_up_listing_answers_while_a_users_read_is_slow_and_takes_nothing_from_the_users_share(
    certcentral, clock
):
    background = type(certcentral)()
    background.add_order(7, "warm.example")
    account_cache = AccountCache(certcentral, clock, background=background)
    await account_cache.warm_up()
    certcentral.hold = asyncio.Event()

    warm = await account_cache.within(0.02)
    clock.advance(minutes=11)
    too_old = await account_cache.within(0.02)
    certcentral.hold.set()

    assert [order.id for order in warm.orders] == [7]
    assert too_old is None
    assert background.asked == [("pending_orders",), ("domains",)]


async def test_a_recent_read_needs_no_warm_up_and_a_warm_up_serves_no_lookup(account_cache, certcentral, clock):
    await account_cache.account()
    await account_cache.warm_up()
    recent = certcentral.count("domains")
    clock.advance(minutes=3)
    await account_cache.warm_up()
    certcentral.add_order(7, "new.example")

    # A lookup reads what is there now, and not the copy for searches.
    assert [order.id for order in (await account_cache.account(young=True)).orders] == [7]
    assert (recent, certcentral.count("domains")) == (1, 3)


async def test_if_no_listing_was_ever_read_there_is_none(account_cache, certcentral):
    certcentral.always["pending_orders"] = AWAY

    assert await account_cache.within(5.0) is None


async def test_a_failure_is_not_remembered(account_cache, certcentral):
    certcentral.failures["domains"].append(AWAY)
    with pytest.raises(CaUnavailable):
        await account_cache.account()

    assert (await account_cache.account()).domains == ()


@pytest.mark.parametrize(
    ("typed", "ascii_typed", "found"),
    [
        ("", None, ["shop", "bücher", "domain"]),
        ("  ", None, ["shop", "bücher", "domain"]),
        ("SHOP", None, ["shop"]),
        ("*.shop.example.com", "shop.example.com", ["shop"]),
        ("7000", None, ["shop", "bücher"]),
        ("1234", None, ["domain"]),
        ("bücher.example", "xn--bcher-kva.example", ["bücher"]),
        ("büch", None, ["bücher"]),
        ("www.second", None, ["shop"]),
        ("nowhere", "nowhere.example", []),
    ],
)
def test_typed_text_is_searched_for_in_ids_and_all_names(typed, ascii_typed, found):
    lines = {
        "shop": line("shop.example.com", "shop.example.com", "www.second.example"),
        "bücher": line("xn--bcher-kva.example", number=700002),
        "domain": line("example.org", kind=Kind.DOMAIN, number=1234),
    }

    matches = search(searchable(lines.values()), typed, ascii_typed, lambda line: line, 100)

    assert matches == [lines[name] for name in found]


@pytest.mark.fault("M5")
def test_only_what_a_person_may_see_of_a_line_is_searched():
    shown = line("shop.example.com", "shop.example.com")
    lines = searchable([line("pay.example.com", "pay.example.com", "shop.example.com"), line("x.example", number=2)])

    def view(each):
        return shown if "shop.example.com" in each.names else None

    assert search(lines, "shop", None, view, 100) == [shown]
    assert search(lines, "pay", None, view, 100) == []
    assert search(lines, "", None, view, 100) == [shown]


@pytest.mark.fault("L5")
async def test_a_listing_grows_old_although_the_clock_was_set_back(certcentral, clock):
    passed = [clock()]
    account_cache = AccountCache(certcentral, clock, steady=lambda: passed[0])
    await account_cache.account()
    clock.advance(hours=-1)
    passed[0] += timedelta(seconds=YOUNG + 1)

    account = await account_cache.account(young=True)

    assert certcentral.count("domains") == 2
    assert account.read_at == clock()
