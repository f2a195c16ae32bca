"""The report of /dcv-status: authorization first, then only reads, and links for users who may open them."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import CaRejected, CaUnavailable, InvalidInput, NotAllowed, NotResendable
from bot.models import Actor, Call, Destination, DomainTarget, LedgerEvent, OrderTarget, Recipient
from bot.parsing.targets import DomainRef, OrderRef
from bot.services.lookup.eligibility import in_words
from bot.services.publishing.delivery import root_key
from bot.services.reports.pending_orders import MOST_DOMAINS, PendingOrders
from bot.services.reports.status import StatusReport
from bot.store.ledger.entries import Entry
from bot.store.ledger.history import LastResends
from bot.store.posts import Post

PKI = Destination("C0PKI")
EVE = Actor("U0EVE", "T0HOME")
BOB = Actor("U0BOB", "T0HOME")


@pytest.fixture
def status(authorizer, certcentral, account_cache, database, publisher, clock, directory):
    directory.add("U0EVE")
    directory.add("U0BOB")
    history = LastResends(database)
    pending = PendingOrders(certcentral, history, publisher)
    return StatusReport(authorizer, certcentral, account_cache, history, pending, clock, "https://console.test")


@pytest.fixture
def resent(accept, ledger, posts, make_request, clock):
    """Return a function that adds a request of Ana's, sent and reported at a destination."""

    async def send(request_id, call, destination=PKI, detour=None, outcome=LedgerEvent.SENT):
        request = await accept(make_request(request_id, calls=(call,)))
        detail = {"target": str(call.target), "words": ""}
        await ledger.append(Entry(LedgerEvent(outcome), clock(), request.actor, request_id, 0, 1, detail))
        await posts.save(Post(root_key(request_id), destination, clock(), "17.5", detour))

    return send


def order_call(order_id, *names):
    return Call(OrderTarget(order_id), tuple(Recipient(name, f"admin@{name}") for name in names))


def domain_call(domain_id, scope, email="admin@example.com"):
    return Call(DomainTarget(domain_id, scope), (Recipient(scope, email),))


async def test_digicert_is_not_called_for_a_user_who_may_not_read(status, certcentral, rows):
    for asking in (
        status.report(EVE, PKI, None),
        status.report(EVE, PKI, OrderRef(1)),
        status.page(EVE, None, "x" * 5000),
    ):
        with pytest.raises(NotAllowed):
            await asking

    details = [json.loads(row["detail"]) for row in await rows()]
    assert certcentral.asked == []
    assert [(detail["action"], detail["status"], detail["channel"]) for detail in details] == [
        ("status", "page:0", "C0PKI"),
        ("status", "order:1", "C0PKI"),
        ("status", "x" * 200, ""),
    ]


async def test_names_are_grouped_by_state_method_and_request(status, certcentral, resent, ana):
    certcentral.add_order(
        1,
        "a.example",
        entries=[
            certcentral.entry("done.example", is_open=False),
            certcentral.entry("a.example", "a.example", "*.b.example"),
            certcentral.entry("c.example"),
            certcentral.entry("d.example", method="dns-txt-token"),
        ],
    )
    await resent("r1", order_call(1, "a.example", "b.example"))

    text = (await status.report(ana, PKI, OrderRef(1))).text

    assert "⏳ Needs email approval (2): a.example and *.b.example · last resent" in text
    assert "by <@U0ANA> to 2 recipients: admin@a.example and admin@b.example (<https://slack.test/C0PKI/17.5|" in text
    assert "⏳ Needs email approval (1): c.example ⏳" in text
    assert f"⏳ Needs {in_words('dns-txt-token')} (1): d.example ✅" in text
    assert text.endswith("✅ Validated by email (1): done.example")


async def test_names_of_an_organization_s_order_were_mailed_by_their_domains(status, certcentral, resent, ana):
    certcentral.add_domain(7, "one.com")
    certcentral.add_domain(8, "two.com")
    entries = [certcentral.entry("one.com", "a.one.com", domain_id=7), certcentral.entry("two.com", "two.com")]
    certcentral.add_order(1, "a.one.com", "two.com", is_dv=False, entries=[*entries, certcentral.entry("three.com")])
    await resent("r1", domain_call(7, "one.com", "x@one.com"))
    await resent("r2", domain_call(8, "two.com", "y@two.com"))

    text = (await status.report(ana, PKI, OrderRef(1))).text
    page = (await status.report(ana, PKI, None)).text

    assert "a.one.com · last resent" in text
    assert "to x@one.com" in text
    assert "to y@two.com" in text
    assert text.endswith("three.com")
    assert "last email to" in page


async def test_an_order_of_many_domains_asks_for_the_first_of_them(status, certcentral, resent, ana):
    names = [f"n{number}.com" for number in range(MOST_DOMAINS + 1)]
    for number, name in enumerate(names, start=1):
        certcentral.add_domain(number, name)
    certcentral.add_order(1, *names, is_dv=False)
    await resent("r1", domain_call(MOST_DOMAINS + 1, names[-1]))

    before = await status.report(ana, PKI, None)
    await resent("r2", domain_call(MOST_DOMAINS, names[-2]))

    assert "last email" not in before.text
    assert "last email to" in (await status.report(ana, PKI, None)).text


@pytest.mark.parametrize(
    ("destination", "detour", "links"),
    [
        (PKI, None, {"ana", "bob"}),
        (Destination("D0ANA"), "not_in_channel", {"ana"}),
        (Destination("D0ANA"), None, {"ana"}),
    ],
)
async def test_a_direct_conversation_is_linked_for_the_user_of_it(
    status, certcentral, resent, ana, destination, detour, links
):
    certcentral.add_order(1, "a.example")
    await resent("r1", order_call(1, "a.example"), destination, detour)

    for wanted in (None, OrderRef(1)):
        messages = {"ana": await status.report(ana, PKI, wanted), "bob": await status.report(BOB, PKI, wanted)}
        assert {who for who, message in messages.items() if "|thread>" in message.text} == links
        assert all("admin@a.example" in message.text for message in messages.values())


async def test_what_was_never_reported_in_slack_has_no_link(status, certcentral, resent, posts, clock, ana):
    certcentral.add_order(1, "a.example")
    await resent("r1", order_call(1, "a.example"))
    await posts.save(Post(root_key("r1"), PKI, clock()))

    assert "|thread>" not in (await status.report(ana, PKI, OrderRef(1))).text


@pytest.mark.parametrize(("state", "said"), [("issued", "has been issued"), ("needs_approval", "needs approval")])
async def test_a_state_that_says_no_is_an_answer(status, certcentral, ana, state, said):
    certcentral.add_order(1, "a.example", status=state)

    for wanted in (OrderRef(1), DomainRef("a.example")):
        assert said in (await status.report(ana, PKI, wanted)).text
    assert certcentral.count("order_validation") == 0


async def test_an_unknown_target_has_no_status(status, certcentral, ana):
    for wanted in (OrderRef(5), DomainRef("a.example")):
        with pytest.raises(NotResendable):
            await status.report(ana, PKI, wanted)

    certcentral.failures["order"].append(CaRejected("No permission.", status=403))
    with pytest.raises(CaRejected):
        await status.report(ana, PKI, OrderRef(5))


async def test_a_name_shows_its_orders_else_its_domain_else_closed_ones(status, certcentral, ana, clock):
    certcentral.add_domain(7, "example.com")
    certcentral.add_domain(8, "off.com", is_active=False)
    for number in range(7):
        certcentral.add_order(10 - number, "shop.example.com", since=clock() + timedelta(days=number))
    certcentral.add_order(20, "ov.example.com", is_dv=False)
    certcentral.add_order(30, "old.org", status="issued")

    many = (await status.report(ana, PKI, DomainRef("shop.example.com"))).text
    ov = (await status.report(ana, PKI, DomainRef("ov.example.com"))).text
    domain = (await status.report(ana, PKI, DomainRef("www.example.com"))).text
    off = (await status.report(ana, PKI, DomainRef("off.com"))).text
    old = (await status.report(ana, PKI, DomainRef("old.org"))).text

    assert [number for number in range(1, 11) if f"*Order {number} ·" in many] == [6, 7, 8, 9, 10]
    assert "2 more orders include shop.example.com" in many
    assert "*Domain" not in many
    assert "*Order 20 ·" in ov
    assert "*Domain example.com*" in ov
    assert "*Domain example.com* · waiting for email approval" in domain
    assert "off.com is inactive" in off
    assert "*Order 30 ·" in old


async def test_a_domain_that_is_gone_since_it_was_listed_is_said_to_be_unknown(status, certcentral, ana):
    certcentral.add_domain(7, "example.com")
    certcentral.failures["domain"].append(CaRejected("Gone.", status=404))

    with pytest.raises(NotResendable):
        await status.report(ana, PKI, DomainRef("example.com"))
    certcentral.failures["domain"].append(CaRejected("No.", status=403))
    with pytest.raises(CaRejected):
        await status.report(ana, PKI, DomainRef("example.com"))


async def test_a_command_lists_again_and_a_button_turns_pages_of_the_same_listing(status, certcentral, clock, ana):
    for number in range(23):
        certcentral.add_order(1 + number, f"n{number}.example", since=None if number == 0 else clock())

    await status.report(ana, PKI, None)
    clock.advance(seconds=30)
    pages = [(await status.page(ana, PKI, f"page:{number}")).text for number in range(3)]
    read_by_buttons = certcentral.count("pending_orders")
    await status.report(ana, PKI, None)

    assert ["Page 1 of 3" in pages[0], "Page 2 of 3" in pages[1], "Page 3 of 3" in pages[2]] == [True] * 3
    assert "*1* · n0.example · pending" in pages[2]
    assert (read_by_buttons, certcentral.count("pending_orders")) == (1, 2)


async def test_orders_that_email_cannot_help_come_last_with_what_they_need(status, certcentral, resent, ana, clock):
    dns = certcentral.entry("dns.example", method="dns-txt-token")
    certcentral.add_order(1, "dns.example", entries=[dns], since=clock() - timedelta(days=9))
    certcentral.add_order(2, "done.example", entries=[certcentral.entry("done.example", is_open=False)])
    entries = [certcentral.entry("a.example"), certcentral.entry("b.example", is_open=False)]
    certcentral.add_order(3, "a.example", "b.example", entries=entries, since=clock() - timedelta(days=2))
    await resent("r1", order_call(3, "a.example", "b.example"))
    clock.advance(seconds=6 * 3600)

    text = (await status.report(ana, PKI, None)).text

    mine, others = text.split("Needs something else:")
    assert "*3* · a.example + 1 · pending 2 days · 1 of 2 validated · not approved 6 hours after the email" in mine
    assert "2 recipients" in mine
    assert f"*1* · dns.example · pending 9 days · needs {in_words('dns-txt-token')}" in others
    assert "*2* · done.example · pending 30 days · all domains are validated" in others


async def test_what_needs_something_else_is_last_over_all_pages(status, certcentral, ana, clock):
    for number in range(1, 24):
        name = f"n{number}.example"
        entries = [certcentral.entry(name, is_open=number not in (1, 2, 15))]
        certcentral.add_order(number, name, entries=entries, since=clock() - timedelta(days=30 - number))

    pages = [(await status.page(ana, PKI, f"page:{number}")).text for number in range(3)]

    heads = [text.partition("Needs something else:") for text in pages]
    assert [bool(found) for _, found, _ in heads] == [False, False, True]
    assert all(f"*{number}* " in heads[2][2] for number in (1, 2, 15))
    assert sum(text.count(" · pending ") for text in pages) == 23


async def test_pending_domains_without_an_order_are_listed_too(status, certcentral, resent, ana, clock):
    certcentral.add_order(1, "shop.example.net", is_dv=False)
    certcentral.add_domain(71, "example.net", "admin@example.net")
    certcentral.add_domain(72, "example.com", "admin@example.com")
    certcentral.add_domain(73, "dns.example", method="dns-txt-token")
    certcentral.add_domain(74, "valid.example", is_pending=False)
    await resent("r1", domain_call(72, "example.com"))

    message = await status.report(ana, PKI, None)

    mine, others = message.text.split("Needs something else:")
    assert mine.startswith("*1 pending order and 2 pending domains*")
    assert "*example.com* · domain · pending" in mine
    assert "last email to admin@example.com" in mine
    assert "*dns.example* · domain" in others
    assert "*example.net*" not in message.text
    assert "valid.example" not in message.text
    assert ("domain:72|" in str(message.payload()), "name:dns.example" in str(message.payload())) == (True, True)


async def test_an_email_whose_names_are_validated_has_no_clock(status, certcentral, resent, ana, clock):
    entries = [certcentral.entry("a.example"), certcentral.entry("b.example", is_open=False)]
    certcentral.add_order(3, "a.example", "b.example", entries=entries)
    await resent("r1", order_call(3, "b.example"))
    clock.advance(seconds=6 * 3600)

    for failure in (None, CaUnavailable("No.", may_have_arrived=False)):
        certcentral.failures["order_validation"].append(failure)
        page = await status.report(ana, PKI, None)
        assert "last email to admin@b.example" in page.text
        assert "not approved" not in page.text


async def test_orders_come_by_the_nearest_end_of_a_certificate_then_by_age(status, certcentral, ana, clock):
    for number, days in enumerate((9, 1, 5, 3), start=1):
        order = certcentral.add_order(number, f"n{number}.example", since=clock() - timedelta(days=days))
        ends = {2: 30, 4: 3}.get(number)
        certcentral.orders[number] = replace(order, expires_at=clock() + timedelta(days=ends) if ends else None)

    text = (await status.report(ana, PKI, None)).text

    assert sorted(range(1, 5), key=lambda number: text.index(f"*{number}*")) == [4, 2, 1, 3]


async def test_a_page_that_is_gone_is_the_last_that_is_there(status, certcentral, ana):
    certcentral.add_order(1, "a.example")

    assert "1 pending order" in (await status.page(ana, PKI, "page:7")).text


@pytest.mark.parametrize("key", ["", "page:", "page:-1", "page:²", "page:9999999", "order:", "nonsense"])
async def test_a_button_that_was_tampered_with_is_not_understood(status, certcentral, ana, key):
    with pytest.raises(InvalidInput):
        await status.page(ana, PKI, key)

    assert certcentral.asked == []


@pytest.mark.parametrize("wanted", [None, OrderRef(1), DomainRef("a.example")])
async def test_an_unavailable_digicert_is_reported_with_a_button_to_retry(status, certcentral, ana, wanted):
    certcentral.add_order(1, "a.example")
    for method in ("pending_orders", "order"):
        certcentral.failures[method].append(CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False))

    unavailable = await status.report(ana, PKI, wanted)
    (button,) = unavailable.payload()["blocks"][-1]["elements"]
    certcentral.failures.clear()
    again = await status.page(ana, PKI, button["value"])

    assert "Can't load the status" in unavailable.text
    assert "a.example" in again.text


async def test_an_inspection_changes_nothing(status, certcentral, rows, chat, ana):
    certcentral.add_order(1, "a.example")
    certcentral.add_domain(7, "example.com")

    for wanted in (None, OrderRef(1), DomainRef("a.example"), DomainRef("example.com")):
        await status.report(ana, PKI, wanted)

    assert (certcentral.sent, await rows(), chat.posts) == ([], [], [])
