"""Mentioned targets are matched with one listing, and each is confirmed with one read."""

import pytest

from bot.errors import CaRejected, CaUnavailable
from bot.parsing.mentions import Mention
from bot.parsing.targets import DomainRef, OrderRef

AWAY = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)


def order(order_id, where="the text"):
    return Mention(OrderRef(order_id), True, where)


def strong(name, where="the text"):
    return Mention(DomainRef(name), True, where)


def weak(name, where="a link"):
    return Mention(DomainRef(name), False, where)


@pytest.fixture
def account(certcentral):
    """Add two DV orders that share a name, an OV order, and domains in several states."""
    entry = certcentral.entry
    certcentral.add_order(1, "shop.example.com", "*.api.example.com")
    certcentral.add_order(
        2,
        "www.example.com",
        "shop.example.com",
        entries=[entry("www.example.com"), entry("shop.example.com", is_open=False)],
    )
    certcentral.add_order(3, "ov.example.com", is_dv=False)
    certcentral.add_order(4, "done.example.com", status="issued")
    certcentral.add_order(5, "dns.example.com", method="dns-txt-token")
    certcentral.add_order(6, "www.nurwww.org")
    certcentral.add_order(7, "apex.org")
    certcentral.add_order(9, "shop.skala.net")
    for domain_id in (9001, 9002, 9003):
        certcentral.add_domain(domain_id, "twice.net", is_pending=domain_id == 9002)
    certcentral.add_domain(71, "example.org", "admin@example.org")
    certcentral.add_domain(72, "sub.example.org", "admin@example.org", is_pending=False)
    certcentral.add_domain(73, "dns.example", "admin@dns.example", method="dns-txt-token")
    certcentral.add_domain(74, "unclear.example", "admin@unclear.example", is_pending=None)
    return certcentral


TABLE = [
    ([], []),
    ([order(1)], ["order:1"]),
    ([order(3)], ["order:3"]),
    ([order(4)], []),
    ([order(5)], []),
    ([order(99)], []),
    ([strong("api.example.com")], ["order:1"]),
    ([weak("api.example.com")], ["order:1"]),
    ([strong("www.example.com")], ["order:2"]),
    # Order 2 is pending for another of its names. A weak name counts only if it is pending itself.
    ([strong("shop.example.com")], ["order:1", "order:2"]),
    ([weak("shop.example.com")], ["order:1"]),
    ([weak("shop.example.com"), order(2)], ["order:1", "order:2"]),
    ([order(1), strong("shop.example.com"), order(1)], ["order:1", "order:2"]),
    ([strong("done.example.com")], []),
    # OV orders are validated by their domains.
    ([strong("ov.example.com")], []),
    ([strong("example.org")], ["domain:71"]),
    ([weak("example.org")], ["domain:71"]),
    ([strong("deep.example.org")], ["domain:71 as name:deep.example.org"]),
    ([weak("deep.example.org")], []),
    ([strong("sub.example.org")], []),
    ([strong("deep.sub.example.org")], []),
    ([strong("dns.example")], []),
    ([strong("unclear.example")], []),
]

# Names that are not listed on their orders.
BELONGING = [
    ([strong("login.api.example.com")], ["order:1"]),
    ([strong("wildcard.api.example.com")], ["order:1"]),
    ([strong("star.api.example.com")], ["order:1"]),
    ([strong("nurwww.org")], ["order:6"]),
    ([strong("www.apex.org")], ["order:7"]),
    # Of domains of one name, the one that is pending.
    ([strong("twice.net")], ["domain:9002"]),
    ([weak("twice.net")], ["domain:9002"]),
    ([strong("shop.twice.net")], ["domain:9002 as name:shop.twice.net"]),
]
SILENT = [
    ([strong("other.skala.net")], []),
    # The base name of an order counts for people alone.
    ([strong("skala.net")], []),
    ([strong("a.login.api.example.com")], []),
    ([weak("login.api.example.com")], []),
    ([weak("nurwww.org")], []),
    ([weak("star.example.org")], []),
    ([strong("star.example.org")], ["domain:71 as name:star.example.org"]),
]


@pytest.mark.fault("K2", "K16")
@pytest.mark.parametrize(("mentions", "found"), BELONGING)
async def test_what_belongs_to_something_that_waits(pending_mentions, account, mentions, found):
    await test_what_counts_as_waiting(pending_mentions, account, mentions, found)


@pytest.mark.parametrize(("mentions", "found"), [*TABLE, *SILENT])
async def test_what_counts_as_waiting(pending_mentions, account, mentions, found):
    confirmed = await pending_mentions.of(mentions)

    matches = [each.match for each in confirmed]
    assert [
        match.line.key if match.opens == match.line.key else f"{match.line.key} as {match.opens}" for match in matches
    ] == found


async def test_a_match_says_where_it_was_named_and_which_names_wait(pending_mentions, account):
    [one, two] = await pending_mentions.of([order(2, "the title"), strong("api.example.com", "the field “Domain”")])

    assert (one.match.where, one.waiting) == ("the title", ("www.example.com",))
    assert (two.match.where, two.waiting) == ("the field “Domain”", ("shop.example.com", "api.example.com"))


async def test_an_order_that_was_canceled_since_the_listing_is_not_confirmed(pending_mentions, certcentral):
    certcentral.add_order(1, "shop.example.com")
    [match] = await pending_mentions.matches([order(1)])
    certcentral.add_order(1, "shop.example.com", status="canceled")

    assert await pending_mentions.confirm(match) is None


async def test_many_messages_need_one_listing_and_one_read_for_each_order(pending_mentions, account):
    for _ in range(20):
        for match in await pending_mentions.matches([order(1), strong("www.example.com"), strong("example.org")]):
            await pending_mentions.confirm(match)

    assert [account.count(name) for name in ("pending_orders", "domains")] == [1, 1]
    assert [account.count(name) for name in ("order_validation", "domain")] == [2, 1]
    assert account.count("order") == account.count("allowed_addresses") == 0


async def test_nothing_is_read_if_nothing_is_named(pending_mentions, account):
    assert await pending_mentions.of([]) == []
    assert account.asked == []


async def test_an_order_placed_since_the_listing_is_found_by_a_younger_one(pending_mentions, certcentral, clock):
    assert await pending_mentions.of([order(1)]) == []
    certcentral.add_order(1, "shop.example.com")
    clock.advance(seconds=10)

    assert len(await pending_mentions.of([order(1)])) == 1


async def test_what_digicert_does_not_show_is_not_confirmed_but_its_silence_is_reported(pending_mentions, certcentral):
    certcentral.add_order(1, "shop.example.com")
    [match] = await pending_mentions.matches([order(1)])
    certcentral.failures["order_validation"] += [CaRejected("No.", status=404), AWAY]

    assert await pending_mentions.confirm(match) is None
    with pytest.raises(CaUnavailable):
        await pending_mentions.confirm(match)
    assert await pending_mentions.confirm(match) is not None
