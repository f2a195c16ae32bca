"""From the user's text to the pending target, or to the reason why nothing is pending."""

import asyncio
import dataclasses
from types import SimpleNamespace

import pytest

from bot.errors import CaRejected, CaUnavailable, InvalidInput, NotResendable
from bot.models import DomainTarget, OrderTarget, Unclear
from bot.parsing.targets import DomainRef, OrderRef, read_target
from bot.services.lookup.finder import MOST_CALLS, DomainChoice

AWAY = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)


@pytest.fixture
def finder(finder, visibility):
    """Return the finder with Ana's visibility."""
    return SimpleNamespace(
        find=lambda wanted: finder.find(wanted, visibility),
        by_key=lambda key: finder.by_key(key, visibility),
        with_scope=lambda plan, index: finder.with_scope(plan, index, visibility),
        known_best=finder.known_best,
        search=lambda typed: finder.search(typed, visibility, 100),
    )


def names(plan):
    return [waiting.name for waiting in plan.waiting]


def targets(plan):
    return [waiting.target for waiting in plan.waiting]


async def rejection_text(observer):
    """Return the reason why nothing can be resent, with the hint."""
    with pytest.raises(NotResendable) as nothing:
        await observer
    return f"{nothing.value} {nothing.value.hint}"


async def test_an_order_shows_the_names_that_wait(finder, certcentral):
    entries = [
        certcentral.entry("shop.example.com"),
        certcentral.entry("done.example.com", is_open=False),
        certcentral.entry("www.example.com"),
    ]
    certcentral.add_order(700001, "shop.example.com", "done.example.com", "www.example.com", entries=entries)

    plan = await finder.find(OrderRef(700001))

    assert (plan.key, plan.title) == ("order:700001", "700001 · shop.example.com")
    assert names(plan) == ["shop.example.com", "www.example.com"]
    assert set(targets(plan)) == {OrderTarget(700001)}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("issued", "has been issued"),
        ("expired", "has expired"),
        ("revoked", "was revoked"),
        ("canceled", "was canceled"),
        ("rejected", "was rejected"),
        ("denied", "was denied"),
        ("needs_approval", "needs approval"),
        ("needs_csr", "needs a CSR"),
        ("waiting_pickup", "is ready"),
    ],
)
async def test_an_order_that_no_mail_helps_says_why(finder, certcentral, status, words):
    certcentral.add_order(700001, "shop.example.com", status=status)

    assert words in await rejection_text(finder.find(OrderRef(700001)))
    assert certcentral.count("order_validation") == 0


async def test_an_order_whose_names_are_validated_says_so(finder, certcentral):
    certcentral.add_order(700001, "a.example", entries=[certcentral.entry("a.example", is_open=False)])

    assert "All domains on order 700001 (a.example) are validated." in await rejection_text(
        finder.find(OrderRef(700001))
    )


async def test_an_order_validated_by_another_method_says_so(finder, certcentral):
    certcentral.add_order(700001, "a.example", method="dns-txt-token")

    assert "uses DNS validation (TXT)" in await rejection_text(finder.find(OrderRef(700001)))


async def test_a_name_validated_otherwise_is_left_out_with_a_remark(finder, certcentral):
    entries = [certcentral.entry("a.example"), certcentral.entry("b.example", method="http-token")]
    certcentral.add_order(700001, "a.example", "b.example", entries=entries)

    plan = await finder.find(OrderRef(700001))

    assert names(plan) == ["a.example"]
    assert any("b.example" in remark for remark in plan.remarks)


async def test_an_order_without_allowed_recipients_says_so(finder, certcentral):
    certcentral.add_order(700001, "a.example")
    certcentral.allow("a.example")

    assert "no email address for a.example" in await rejection_text(finder.find(OrderRef(700001)))


async def test_an_unknown_order_says_so(finder):
    assert "No order 5" in await rejection_text(finder.find(OrderRef(5)))


async def test_an_order_without_any_name_of_its_own_is_still_shown(finder, certcentral):
    order = certcentral.add_order(700001, "a.example")
    certcentral.orders[700001] = dataclasses.replace(order, common_name="", names=())

    plan = await finder.find(OrderRef(700001))

    assert names(plan) == ["a.example"]
    assert plan.title.startswith("700001")


@pytest.mark.parametrize("method", ["order", "order_validation", "allowed_addresses"])
async def test_an_unavailable_digicert_is_reported(finder, certcentral, method):
    certcentral.add_order(700001, "a.example")
    certcentral.always[method] = AWAY

    with pytest.raises(CaUnavailable):
        await finder.find(OrderRef(700001))


async def test_another_rejection_than_404_is_reported_as_it_is(finder, certcentral):
    certcentral.failures["order"].append(CaRejected("No permission.", status=403))

    with pytest.raises(CaRejected, match="No permission"):
        await finder.find(OrderRef(700001))


async def test_a_name_finds_its_pending_order(finder, certcentral):
    certcentral.add_order(700001, "shop.example.com", "*.wild.example.com")
    certcentral.add_order(700002, "other.example.com")

    by_name = await finder.find(DomainRef("shop.example.com"))
    by_wildcard = await finder.find(DomainRef("wild.example.com"))

    assert by_name.key == by_wildcard.key == "order:700001"


async def test_an_order_is_found_before_a_domain(finder, certcentral):
    certcentral.add_order(700001, "shop.example.com")
    certcentral.add_domain(1234, "shop.example.com", "admin@shop.example.com")

    assert (await finder.find(DomainRef("shop.example.com"))).key == "order:700001"


async def test_several_orders_by_one_name_are_a_choice(finder, certcentral):
    certcentral.add_order(700001, "shop.example.com")
    certcentral.add_order(700002, "www.example.com", "shop.example.com")
    certcentral.add_order(700003, "www.example.com")

    choice = await finder.find(DomainRef("shop.example.com"))

    assert isinstance(choice, DomainChoice)
    assert choice.name == "shop.example.com"
    assert sorted(line.key for line in choice.matches) == ["order:700001", "order:700002"]


async def test_a_name_finds_the_nearest_domain_above_it(finder, certcentral):
    certcentral.add_domain(1, "example.com", "admin@example.com")
    certcentral.add_domain(2, "shop.example.com", "admin@shop.example.com")
    certcentral.add_domain(3, "ample.com", "admin@ample.com")

    plan = await finder.find(DomainRef("a.b.shop.example.com"))

    assert plan.key == "domain:2"
    assert targets(plan) == [DomainTarget(2, "shop.example.com")]
    assert plan.scopes == ("shop.example.com",)
    assert plan.remarks == (
        "No pending order has a.b.shop.example.com. This email validates shop.example.com and everything below.",
    )


@pytest.mark.fault("M6")
@pytest.mark.parametrize(
    ("ordered", "scopes"),
    [
        ("shop.example.com", ("example.com", "shop.example.com")),
        ("*.shop.example.com", ("example.com", "shop.example.com")),
        ("other.example.com", ("example.com",)),
    ],
)
async def test_a_name_can_be_the_scope_only_if_an_order_has_it(finder, certcentral, ordered, scopes):
    certcentral.add_domain(1, "example.com", "admin@example.com")
    certcentral.add_order(700001, ordered, is_dv=False)

    assert (await finder.find(DomainRef("shop.example.com"))).scopes == scopes


async def test_the_domain_itself_has_no_other_scope(finder, certcentral):
    certcentral.add_domain(1, "example.com", "admin@example.com")

    assert (await finder.find(DomainRef("example.com"))).scopes == ("example.com",)


@pytest.mark.fault("K14")
async def test_the_bots_own_line_of_a_domain_finds_the_domain(finder, certcentral):
    certcentral.add_domain(1234, "example.com", "admin@example.com")
    plan = await finder.find(DomainRef("example.com"))

    again = await finder.find(read_target(plan.title))

    assert (plan.title, again.key) == ("1234 · example.com", "domain:1234")


@pytest.mark.fault("K14")
async def test_an_order_written_with_the_name_of_another_is_invalid_input(finder, certcentral):
    certcentral.add_order(700001, "shop.example.com", "*.api.example.com")

    for name in ("shop.example.com", "www.shop.example.com", "api.example.com", "example.com"):
        assert (await finder.find(read_target(f"Order 700001 ({name})"))).key == "order:700001"
    with pytest.raises(InvalidInput, match=r"Order 700001 isn't for other\.example\.org"):
        await finder.find(read_target("Order 700001 (other.example.org)"))


async def test_another_scope_of_a_domain_can_be_chosen(finder, certcentral):
    certcentral.add_domain(1, "example.com", "admin@example.com")
    certcentral.allow("shop.example.com", "admin@shop.example.com")
    certcentral.add_order(700001, "shop.example.com", is_dv=False)
    plan = await finder.find(DomainRef("shop.example.com"))

    other = await finder.with_scope(plan, 1)

    assert targets(other) == [DomainTarget(1, "shop.example.com")]
    assert other.scopes == plan.scopes
    assert targets(await finder.with_scope(other, 0)) == targets(plan)


@pytest.mark.parametrize("index", [-1, 2, 99])
async def test_a_scope_that_was_not_offered_is_invalid_input(finder, certcentral, index):
    certcentral.add_domain(1, "example.com", "admin@example.com")
    plan = await finder.find(DomainRef("shop.example.com"))

    with pytest.raises(InvalidInput):
        await finder.with_scope(plan, index)


async def test_an_order_has_no_other_scope(finder, certcentral):
    certcentral.add_order(700001, "a.example")

    with pytest.raises(InvalidInput):
        await finder.with_scope(await finder.find(OrderRef(700001)), 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_pending": False}, "is already validated"),
        ({"method": "dns-txt-token"}, "uses DNS validation (TXT)"),
        ({"is_active": False}, "is inactive"),
    ],
)
async def test_a_domain_that_no_mail_helps_says_why(finder, certcentral, changes, words):
    certcentral.add_domain(1, "example.com", "admin@example.com", **changes)

    assert words in await rejection_text(finder.find(DomainRef("example.com")))


async def test_a_domain_without_allowed_recipients_says_so(finder, certcentral):
    certcentral.add_domain(1, "example.com")

    assert "no email address for example.com" in await rejection_text(finder.find(DomainRef("example.com")))


async def test_a_domain_that_went_away_says_so(finder):
    assert "No domain 5" in await rejection_text(finder.by_key("domain:5"))


async def test_an_unknown_name_says_so(finder, certcentral):
    certcentral.add_domain(1, "example.org", "admin@example.org")

    assert "No order or domain found" in await rejection_text(finder.find(DomainRef("example.com")))


async def test_a_name_of_an_order_that_is_over_says_so(finder, certcentral):
    certcentral.add_order(700001, "shop.example.com", status="canceled")
    certcentral.add_order(700002, "shop.example.com", status="issued")

    assert "Order 700002 (shop.example.com) has been issued" in await rejection_text(
        finder.find(DomainRef("shop.example.com"))
    )


async def test_an_order_that_was_placed_a_moment_ago_is_found(finder, certcentral, account_cache, clock):
    await account_cache.account()
    clock.advance(seconds=6)
    certcentral.add_order(700001, "shop.example.com")

    assert (await finder.find(DomainRef("shop.example.com"))).key == "order:700001"


@pytest.mark.parametrize(
    ("key", "found"),
    [("order:700001", "order:700001"), ("domain:1234", "domain:1234"), ("name:shop.example.com", "order:700001")],
)
async def test_an_option_finds_its_target(finder, certcentral, key, found):
    certcentral.add_order(700001, "shop.example.com")
    certcentral.add_domain(1234, "example.org", "admin@example.org")

    assert (await finder.by_key(key)).key == found


@pytest.mark.parametrize(
    "key",
    ["", "order", "order:", "order:x", "order:-1", "order:1.5", "order:٣", f"order:{'9' * 19}", "cart:1", "name:"],
)
async def test_a_tampered_option_is_invalid_input(finder, certcentral, key):
    with pytest.raises(InvalidInput):
        await finder.by_key(key)

    assert certcentral.asked == []


async def test_an_ov_order_is_resent_by_its_domains(finder, certcentral):
    certcentral.add_domain(1, "example.com", "admin@example.com")
    certcentral.add_domain(2, "example.org", "admin@example.org")
    certcentral.allow("shop.example.org", "admin@example.org")
    entries = [
        certcentral.entry("*.example.com", "*.example.com", domain_id=1),
        certcentral.entry("shop.example.org"),
        certcentral.entry("nowhere.example"),
    ]
    certcentral.add_order(700001, "example.com", is_dv=False, entries=entries)

    plan = await finder.find(OrderRef(700001))

    assert plan.key == "order:700001"
    assert targets(plan) == [DomainTarget(1, "example.com"), DomainTarget(2, "shop.example.org")]
    assert len(plan.remarks) == 1
    assert "nowhere.example" in plan.remarks[0]
    assert "no domain" in plan.remarks[0]


async def test_an_ov_order_without_any_domain_says_so(finder, certcentral):
    certcentral.add_order(700001, "example.com", is_dv=False)

    assert "no email address for example.com" in await rejection_text(finder.find(OrderRef(700001)))


async def test_a_domain_is_called_once_however_many_names_wait_below_it(finder, certcentral):
    certcentral.add_domain(1, "example.com", "admin@example.com")
    entries = [certcentral.entry("example.com", name, domain_id=1) for name in ("a.example.com", "b.example.com")]
    certcentral.add_order(700001, "a.example.com", is_dv=False, entries=entries)

    assert targets(await finder.find(OrderRef(700001))) == [DomainTarget(1, "example.com")]


async def test_an_ov_order_sends_for_ten_domains_at_most(finder, certcentral):
    scopes = [f"a{number}.example" for number in range(13)]
    for number, scope in enumerate(scopes):
        certcentral.add_domain(number + 1, scope, f"admin@{scope}")
    entries = [certcentral.entry(scope, domain_id=number + 1) for number, scope in enumerate(scopes)]
    certcentral.add_order(700001, *scopes, is_dv=False, entries=entries)

    plan = await finder.find(OrderRef(700001))

    assert len({waiting.target for waiting in plan.waiting}) == MOST_CALLS == 10
    assert all(scope in plan.remarks[0] for scope in scopes[10:])


async def test_many_names_that_share_no_mailbox_say_so(finder, certcentral):
    scopes = [f"a{number}.example" for number in range(9)]
    for scope in scopes:
        certcentral.allow(scope, f"pki@{scope}")
    certcentral.add_order(700001, *scopes)

    words = await rejection_text(finder.find(OrderRef(700001)))

    assert "all 9 domains" in words
    assert "No single mailbox works for all" in words


async def test_a_search_finds_lines_and_offers_what_no_line_is(finder, certcentral):
    certcentral.add_order(700001, "shop.example.com")
    certcentral.add_domain(1234, "example.com", "admin@example.com")

    lines, wanted = await finder.search("example.com")
    exact_order = await finder.search("700001")
    unlisted = await finder.search("700009")
    part = await finder.search("shop.exam")
    nonsense = await finder.search("two words")
    everything = await finder.search("")

    assert ([line.id for line in lines], wanted) == ([700001, 1234], None)
    assert ([line.id for line in exact_order[0]], exact_order[1]) == ([700001], None)
    assert unlisted == ([], OrderRef(700009))
    assert ([line.id for line in part[0]], part[1]) == ([700001], DomainRef("shop.exam"))
    assert nonsense == ([], None)
    assert ([line.id for line in everything[0]], everything[1]) == ([700001, 1234], None)


@pytest.mark.fault("K14")
@pytest.mark.parametrize(
    "typed", ["Order 700001 (shop.example.com)", "700,001", "https://www.digicert.com/secure/orders/700001"]
)
async def test_a_search_finds_an_order_however_it_is_written(finder, certcentral, typed):
    certcentral.add_order(700001, "shop.example.com")

    lines, wanted = await finder.search(typed)

    assert ([line.id for line in lines], wanted) == ([700001], None)


async def test_a_search_for_a_wildcards_name_is_exact(finder, certcentral):
    certcentral.add_order(700001, "*.shop.example.com")

    lines, wanted = await finder.search("shop.example.com")

    assert ([line.id for line in lines], wanted) == ([700001], None)


async def test_a_search_does_not_wait_for_a_slow_digicert(finder, certcentral):
    certcentral.hold = asyncio.Event()

    lines, wanted = await asyncio.wait_for(finder.search("shop.example.com"), 3)

    assert (lines, wanted) == ([], DomainRef("shop.example.com"))
    certcentral.hold.set()


@pytest.mark.fault("K2")
@pytest.mark.parametrize(
    ("ordered", "typed"),
    [
        ("shop.skala.net", "skala.net"),
        ("a.b.skala.co.uk", "skala.co.uk"),
        ("a.b.skala.net", "b.skala.net"),
        ("*.apps.wildly.net", "wildly.net"),
        ("www.nurwww.org", "nurwww.org"),
        ("apex.org", "www.apex.org"),
        ("*.apps.wildly.net", "login.apps.wildly.net"),
        ("*.apps.wildly.net", "wildcard.apps.wildly.net"),
        ("*.apps.wildly.net", "star.apps.wildly.net"),
    ],
)
async def test_a_name_finds_the_pending_order_that_it_belongs_to(finder, certcentral, ordered, typed):
    certcentral.add_order(700301, ordered)
    certcentral.add_order(700302, "other.example.com")

    assert (await finder.find(DomainRef(typed))).key == "order:700301"


@pytest.mark.parametrize(
    ("ordered", "typed"),
    [
        ("shop.skala.net", "other.skala.net"),
        ("shop.skala.net", "login.shop.skala.net"),
        ("*.apps.wildly.net", "a.login.apps.wildly.net"),
        ("shop.skala.co.uk", "co.uk"),
        ("shop.skala.net", "ala.net"),
    ],
)
async def test_siblings_and_what_is_too_far_below_belong_to_no_order(finder, certcentral, ordered, typed):
    certcentral.add_order(700301, ordered)

    assert "No order or domain found" in await rejection_text(finder.find(DomainRef(typed)))


@pytest.mark.fault("K2")
async def test_several_orders_that_a_name_belongs_to_are_a_choice(finder, certcentral):
    certcentral.add_order(700301, "shop.skala.net")
    certcentral.add_order(700302, "pay.skala.net")

    choice = await finder.find(DomainRef("skala.net"))

    assert isinstance(choice, DomainChoice)
    assert sorted(line.id for line in choice.matches) == [700301, 700302]


async def test_an_order_that_carries_the_name_comes_before_those_it_belongs_to(finder, certcentral):
    certcentral.add_order(700301, "www.skala.net")
    certcentral.add_order(700302, "skala.net")

    assert (await finder.find(DomainRef("skala.net"))).key == "order:700302"


@pytest.mark.parametrize(
    ("is_pending", "key"),
    [pytest.param(False, "order:700301", marks=pytest.mark.fault("K2")), (True, "domain:71")],
)
@pytest.mark.parametrize("is_listed", [True, False])
async def test_a_domain_comes_before_an_order_that_its_name_belongs_to_only_if_it_is_pending(
    finder, certcentral, monkeypatch, is_pending, key, is_listed
):
    certcentral.add_order(700301, "www.skala.net")
    certcentral.add_domain(71, "skala.net", "admin@skala.net", is_pending=is_pending)
    if not is_listed:
        listed = [dataclasses.replace(certcentral.account_domains[71], validation=Unclear())]
        monkeypatch.setattr(certcentral, "domains", lambda: asyncio.sleep(0, listed))

    assert (await finder.find(DomainRef("skala.net"))).key == key


async def test_a_name_for_a_wildcard_is_no_scope_of_its_domain(finder, certcentral):
    certcentral.add_domain(71, "skala.net", "admin@skala.net")

    assert (await finder.find(DomainRef("star.skala.net"))).scopes == ("skala.net",)


@pytest.mark.parametrize(
    "pending", [9001, *(pytest.param(each, marks=pytest.mark.fault("K16")) for each in (9002, 9003))]
)
@pytest.mark.parametrize("typed", ["twice.net", "shop.twice.net"])
@pytest.mark.parametrize("is_listed", [True, False])
async def test_of_domains_of_one_name_the_pending_one_is_found(
    finder, certcentral, monkeypatch, pending, typed, is_listed
):
    for domain_id in (9001, 9002, 9003):
        certcentral.add_domain(domain_id, "twice.net", is_pending=domain_id == pending)
        certcentral.allow(domain_id, "admin@twice.net", of="twice.net")
    certcentral.allow("twice.net", "admin@twice.net")
    if not is_listed:
        listed = [dataclasses.replace(domain, validation=Unclear()) for domain in await certcentral.domains()]
        monkeypatch.setattr(certcentral, "domains", lambda: asyncio.sleep(0, listed))

    assert (await finder.find(DomainRef(typed))).key == f"domain:{pending}"


async def test_of_domains_of_one_name_of_which_none_is_pending_the_newest_is_explained(finder, certcentral):
    certcentral.add_domain(9001, "twice.net", is_pending=False)
    certcentral.add_domain(9002, "twice.net", is_pending=False)

    assert "twice.net is already validated" in await rejection_text(finder.find(DomainRef("twice.net")))


async def test_several_pending_domains_of_one_name_are_a_choice(finder, certcentral):
    certcentral.add_domain(9001, "twice.net")
    certcentral.add_domain(9002, "twice.net")
    certcentral.add_domain(9003, "twice.net", is_pending=False)

    choice = await finder.find(DomainRef("twice.net"))

    assert isinstance(choice, DomainChoice)
    assert sorted(line.key for line in choice.matches) == ["domain:9001", "domain:9002"]


@pytest.mark.fault("K16")
async def test_an_ov_order_is_resent_by_the_pending_one_of_the_domains_of_a_name(finder, certcentral):
    for domain_id, is_pending in ((9001, False), (9002, True), (9003, False)):
        certcentral.add_domain(domain_id, "twice.net", "admin@twice.net", is_pending=is_pending)
    certcentral.add_order(700001, "twice.net", is_dv=False, entries=[certcentral.entry("twice.net")])

    assert targets(await finder.find(OrderRef(700001))) == [DomainTarget(9002, "twice.net")]


async def test_the_names_that_the_account_knows_best(finder, certcentral):
    certcentral.add_order(1, "done.example.org", status="issued")
    certcentral.add_order(2, "open.example.com")
    certcentral.add_domain(71, "example.net", is_pending=False)

    own = await finder.known_best(["host.name", "done.example.org", "open.example.com", "shop.example.net"])
    parent = await finder.known_best(["host.name", "shop.example.net"])
    neither = await finder.known_best(["host.name", "event.id"])

    assert (own, parent, neither) == ({"done.example.org", "open.example.com"}, {"shop.example.net"}, set())
    assert certcentral.count("orders_named") == 7
