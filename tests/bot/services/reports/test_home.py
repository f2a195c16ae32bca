"""The content of Home: who sees what, what needs the user, and how little it asks of DigiCert."""

import asyncio
import json
from datetime import timedelta

import pytest

from bot.errors import CaUnavailable, SlackUnavailable, StoreUnavailable
from bot.expiry.calendar import shipped_calendar
from bot.models import Actor, Call, Destination, LedgerEvent, OrderTarget, Recipient
from bot.policy.rules import Action, Rule, Rules
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.expiry.expiring import ExpiringReport
from bot.services.publishing.delivery import root_key
from bot.services.reports import home
from bot.services.reports.history import HistoryReport
from bot.services.reports.home import HomeReport
from bot.services.reports.pending_orders import PendingOrders
from bot.store import follow_ups as follow_up_rows
from bot.store import requests
from bot.store.ledger.entries import Entry
from bot.store.ledger.history import LastResends, RequestHistory
from bot.store.posts import Post

PKI = Destination("C0PKI")
BOB = Actor("U0BOB", "T0HOME")
EVE = Actor("U0EVE", "T0HOME")
NUDGE = timedelta(minutes=30)


@pytest.fixture
def make_home(authorizer, account_cache, certcentral, database, publisher, follow_ups, clock, directory):
    directory.add("U0BOB")
    directory.add("U0EVE", guest=True)

    def make(authorizer=authorizer):
        pending = PendingOrders(certcentral, LastResends(database), publisher)
        history = HistoryReport(authorizer, RequestHistory(database), publisher, clock)
        expiring = ExpiringReport(authorizer, account_cache, LastResends(database), shipped_calendar(), clock)
        return HomeReport(authorizer, account_cache, pending, history, expiring, follow_ups, clock, NUDGE)

    return make


@pytest.fixture
def ruled(make_home, directory, ledger, metrics, clock):
    """Return a function that makes Home under rules of a policy file."""

    def make(*rules):
        loader = PolicyLoader(Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), rules))
        return make_home(Authorizer(loader, directory, ledger, metrics, clock))

    return make


@pytest.fixture
def resent(ledger, posts, database, make_request, clock, ana):
    """Return a function that adds a request that was sent, with its follow-up."""

    async def send(request_id, order_id, name, actor=ana):
        call = Call(OrderTarget(order_id), (Recipient(name, f"admin@{name}"),))
        request = make_request(request_id, calls=(call,), actor=actor, subject=f"order {order_id}")
        sent_to = {"target": str(call.target), "recipients": {name: [f"admin@{name}"]}}
        accepted = {"subject": request.subject, "calls": [sent_to]}
        await ledger.append(Entry(LedgerEvent.ACCEPTED, clock(), actor, request_id, detail=accepted))
        await ledger.append(Entry(LedgerEvent.SENT, clock(), actor, request_id, 0, 1, {**sent_to, "words": ""}))
        async with database.write() as transaction:
            await requests.add(transaction, request)
            await follow_up_rows.begin(transaction, request, 0, clock(), clock())
        await posts.save(Post(root_key(request_id), PKI, clock(), "17.5"))

    return send


async def sections(report, actor, **options):
    """Return the text of each section of the tab by its title; the part above them is ''."""
    view, _ = await report.draw(actor, **options)
    found, title = {"": ""}, ""
    for block in view["blocks"]:
        text = json.dumps(block, ensure_ascii=False)
        if block["type"] == "section" and (words := block["text"]["text"]).startswith("*"):
            heading = words.split("*")[1]
            if heading in {"Needs you", "Waiting", "Your requests", "Recent"}:
                title = heading
        found[title] = found.get(title, "") + text
    return found


async def test_what_needs_the_user_is_apart_from_what_waits_for_a_recipient(make_home, certcentral, resent, ana, clock):
    certcentral.add_order(1, "old.example", since=clock() - timedelta(days=3))
    certcentral.add_order(2, "mailed.example", since=clock() - timedelta(days=5))
    certcentral.add_order(3, "dns.example", entries=[certcentral.entry("dns.example", method="dns-txt-token")])
    await resent("r1", 2, "mailed.example")
    report = make_home()

    soon = await sections(report, ana)
    clock.advance(seconds=NUDGE.total_seconds() + 1)
    later = await sections(report, ana)

    assert ("*1*" in soon["Needs you"], "*2*" in soon["Needs you"]) == (True, False)
    assert ("*2*" in soon["Waiting"], "*3*" in soon["Waiting"]) == (True, True)
    assert "pending_resend" not in soon["Waiting"].split("*3*")[1]
    assert "*2*" in later["Needs you"]
    assert "not approved 30 minutes after the email" in later["Needs you"]


async def test_a_pending_domain_without_an_order_needs_the_user_too(make_home, certcentral, ana):
    certcentral.add_domain(72, "example.com", "admin@example.com")
    certcentral.add_domain(73, "dns.example", method="dns-txt-token")

    shown = await sections(make_home(), ana)

    assert ("*example.com* · domain" in shown["Needs you"], "*dns.example*" in shown["Waiting"]) == (True, True)


async def test_requests_are_those_of_the_user_then_those_of_others(
    make_home, certcentral, resent, ana, follow_ups, clock
):
    certcentral.add_order(1, "a.example")
    for number, actor in ((1, ana), (2, ana), (3, BOB)):
        await resent(f"r{number}", number, f"n{number}.example", actor)
        clock.advance(seconds=60)
    await follow_ups.stop("r2", "U0ANA", clock())

    found = await sections(make_home(), ana)

    mine, others = found["Your requests"], found["Recent"]
    assert mine.index("n1.example") < mine.index("n2.example")
    assert mine.count("waiting for approval") == 1
    assert "n3.example" not in mine
    assert ("n3.example" in others, "n1.example" in others) == (True, False)


async def test_opening_reads_digicert_once_in_ten_minutes_and_refresh_reads_again(make_home, certcentral, ana, clock):
    certcentral.add_order(1, "a.example")
    report = make_home()

    for _ in range(3):
        await report.draw(ana)
        clock.advance(seconds=120)
    opened = certcentral.count("pending_orders")
    await report.draw(ana, afresh=True)

    assert (opened, certcentral.count("pending_orders")) == (1, 2)


async def test_a_guest_and_whoever_slack_cannot_identify_read_nothing(make_home, certcentral, directory, rows, ana):
    certcentral.add_order(1, "a.example")
    report = make_home()

    guest, _ = await report.draw(EVE)
    directory.failure = SlackUnavailable("Slack did not answer.")
    unknown, _ = await report.draw(ana)

    assert len(guest["blocks"]) == 1
    assert "a.example" not in json.dumps([guest, unknown])
    assert (certcentral.asked, await rows()) == ([], [])


async def test_a_member_without_permission_hears_who_can(make_home, certcentral, directory, rows):
    directory.add("U0CAT")

    view, _ = await make_home().draw(Actor("U0CAT", "T0HOME"))

    text = json.dumps(view)
    assert "You can't see pending orders here." in text
    assert "<@U0ANA>" in text
    assert "home_resend" not in text
    assert (certcentral.asked, await rows()) == ([], [])


ALL = frozenset(Action)


async def test_a_narrow_rule_shows_its_names_alone(ruled, certcentral, resent, clock):
    mine = Rule("shop", True, ALL, users=frozenset({"U0BOB"}), names=frozenset({"shop.example"}))
    certcentral.add_order(1, "shop.example", "pay.example")
    certcentral.add_order(2, "pay.example")
    await resent("r1", 1, "shop.example")
    await resent("r2", 2, "pay.example")

    view, _ = await ruled(mine).draw(BOB)

    text = json.dumps(view)
    assert "shop.example" in text
    assert "pay.example" not in text


async def test_rules_that_are_limited_to_channels_do_not_count_and_are_named(ruled, certcentral):
    anywhere = Rule("look", True, frozenset({Action.STATUS}), users=frozenset({"U0BOB"}))
    there = Rule("there", True, ALL, users=frozenset({"U0BOB"}), channels=frozenset({"C0SHOP"}))
    certcentral.add_order(1, "shop.example")

    both = await sections(ruled(anywhere, there), BOB)
    only, _ = await ruled(there).draw(BOB)

    assert "Some of your permissions only work in <#C0SHOP>." in both[""]
    assert "*1*" in both["Waiting"]
    assert "pending_resend" not in json.dumps(both)
    assert "home_resend" not in both[""]
    assert "<#C0SHOP>" in json.dumps(only)
    assert "shop.example" not in json.dumps(only)


async def test_an_unavailable_digicert_leaves_the_requests(make_home, certcentral, resent, ana):
    await resent("r1", 1, "a.example")
    certcentral.always["pending_orders"] = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)

    found = await sections(make_home(), ana, afresh=True)

    assert "Can't load the pending orders right now. DigiCert cannot be reached." in found[""]
    assert "a.example" in found["Your requests"]


async def test_an_unavailable_database_leaves_a_sentence(make_home, certcentral, ana, follow_ups, monkeypatch):
    certcentral.add_order(1, "a.example")
    report = make_home()

    async def fail(*_):
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(follow_ups, "targets_since", fail)
    monkeypatch.setattr(follow_ups, "tracked", fail)

    assert "The database does not answer." in (await sections(report, ana))[""]


async def test_a_slow_listing_is_announced_and_slow_rows_say_less(make_home, certcentral, ana, monkeypatch):
    certcentral.add_order(1, "a.example")
    report = make_home()
    monkeypatch.setattr(home, "ROW_SECONDS", 0.01)
    monkeypatch.setattr("bot.services.lookup.account.RECENT_SECONDS", 0.01)
    certcentral.hold = asyncio.Event()

    _, is_loading = await report.draw(ana)
    certcentral.hold.set()
    await report.draw(ana)
    certcentral.hold.clear()
    slow = await sections(report, ana, afresh=False)

    assert is_loading
    assert "*1*" in slow["Needs you"]
