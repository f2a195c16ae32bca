"""The pending orders and the domain that a name belongs to."""

from datetime import UTC, datetime

import pytest

from bot.models import Order
from bot.services.lookup.account import AccountSnapshot
from bot.services.lookup.name_resolution import Resolution, exact_orders, orders_below, related_orders, resolve

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def account(certcentral):
    """Add orders for several kinds of host, an OV order, and domains in several states."""
    certcentral.add_order(1, "shop.skala.net")
    certcentral.add_order(2, "a.b.tief.co.uk")
    certcentral.add_order(3, "www.nurwww.org")
    certcentral.add_order(4, "apex.org")
    certcentral.add_order(5, "*.apps.wildly.net")
    certcentral.add_order(6, "ov.firma.de", "*.ov.firma.de", is_dv=False)
    certcentral.add_order(7, "www.both.org")
    certcentral.add_order(8, "shop.skalb.net")
    certcentral.add_order(9, "www.skalb.net")
    certcentral.add_domain(71, "pending.org")
    certcentral.add_domain(72, "valid.org", is_pending=False)
    certcentral.add_domain(73, "twice.net", is_pending=False)
    certcentral.add_domain(74, "twice.net")
    certcentral.add_domain(75, "both.org", is_pending=None)
    domains = tuple(certcentral.account_domains.values())
    return AccountSnapshot(tuple(certcentral.orders.values()), domains, (), NOW).prepare()


@pytest.mark.parametrize(
    ("name", "exact", "related", "below"),
    [
        ("shop.skala.net", [1], [], []),
        ("skala.net", [], [], [1]),
        ("other.skala.net", [], [], []),
        ("x.shop.skala.net", [], [], []),
        ("tief.co.uk", [], [], [2]),
        ("b.tief.co.uk", [], [], [2]),
        # Not an owner's name, although every name of the suffix is below it.
        ("co.uk", [], [], []),
        ("nurwww.org", [], [3], [3]),
        ("www.www.nurwww.org", [], [3], []),
        ("www.apex.org", [], [4], []),
        ("shop.apex.org", [], [], []),
        ("apps.wildly.net", [5], [], []),
        ("login.apps.wildly.net", [], [5], []),
        ("www.apps.wildly.net", [], [5], []),
        ("wildcard.apps.wildly.net", [], [5], []),
        ("star.apps.wildly.net", [], [5], []),
        ("a.login.apps.wildly.net", [], [], []),
        ("wildly.net", [], [], [5]),
        ("star.wildly.net", [], [], []),
        ("ov.firma.de", [], [], []),
        ("a.ov.firma.de", [], [], []),
        ("firma.de", [], [], []),
    ],
)
def test_the_orders_that_a_name_belongs_to(account, name, exact, related, below):
    found = exact_orders(account, name), related_orders(account, name), orders_below(account, name)

    assert tuple([order.id for order in orders] for orders in found) == (exact, related, below)


@pytest.mark.parametrize(
    ("name", "orders", "domains", "is_exact"),
    [
        ("shop.skala.net", [1], [], True),
        ("skala.net", [1], [], False),
        ("pending.org", [], [71], True),
        ("shop.pending.org", [], [71], True),
        ("wildcard.pending.org", [], [71], True),
        ("valid.org", [], [72], True),
        ("twice.net", [], [74], True),
        ("deep.twice.net", [], [74], True),
        ("nurwww.org", [3], [], False),
        # One order has www, another one another subdomain: the user decides.
        ("skalb.net", [9, 8], [], False),
        # The listing does not show if the domain is pending. If it is, it comes first, else the order.
        ("both.org", [7], [75], False),
        ("nowhere.org", [], [], True),
    ],
)
def test_what_a_typed_name_belongs_to(account, name, orders, domains, is_exact):
    found = resolve(account, name)

    assert [order.id for order in found.orders] == orders
    assert [domain.id for domain in found.domains] == domains
    assert found.is_exact is is_exact


def test_a_word_for_a_wildcard_is_no_part_of_the_name_of_its_domain(account):
    assert resolve(account, "star.pending.org").name == "pending.org"
    assert resolve(account, "star.net") == Resolution("star.net")


def test_ten_thousand_orders_are_not_searched_one_by_one():
    class Watched(tuple):
        read = 0

        def __iter__(self):
            Watched.read += 1
            return super().__iter__()

    orders = [Order(n, "pending", "", (f"n{n}.example.com",), True, "a product", None, NOW) for n in range(10_000)]
    account = AccountSnapshot(Watched(orders), Watched(), Watched(), NOW).prepare()
    before = Watched.read

    found = [resolve(account, f"www.n{number}.example.com") for number in range(1000)]

    assert [each.orders[0].id for each in found] == list(range(1000))
    assert Watched.read == before
