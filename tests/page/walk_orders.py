"""The orders of the walks, which share one account: each walk has some of its own."""

import itertools
from collections.abc import Iterable
from datetime import timedelta

from sandbox.demo import Demo

_IDS = itertools.count(710001)
# Orders that are there before the bot lists the account, which it remembers for a while. The oldest come first.
ON_STATUS, TAPPED, ON_HOME = 730000, 730001, 730002
DUAL = (730003, 730004)
OFFERED = range(730010, 730012)
LISTED = range(730020, 730027)
_OTHERS = 150


def fill_account(demo: Demo) -> None:
    """Make the account a large one, with the orders that walks find in lists and alerts."""
    more = {ON_STATUS: ["www.example.org"]} | {key: ["dual.example.dev"] for key in DUAL}
    for order_id in (ON_STATUS, TAPPED, ON_HOME, *DUAL, *OFFERED, *LISTED):
        _add(demo, order_id, more.get(order_id, []), timedelta(days=max(0, ON_HOME + 50 - order_id)))
    for number in range(_OTHERS):
        created = demo.certcentral.now() - timedelta(minutes=number)
        demo.certcentral.add_order(720000 + number, [f"large-{number:03}.example.com"], created=created)


def add_order(demo: Demo, *more_names: str) -> int:
    """Add a DV order for a name of its own and some more, and return its id."""
    _add(demo, order_id := next(_IDS), more_names, timedelta(0))
    return order_id


def _add(demo: Demo, order_id: int, more_names: Iterable[str], age: timedelta) -> None:
    names = [f"w{order_id}.example.dev", *more_names]
    demo.certcentral.add_order(order_id, names, name_scope="fqdn", created=demo.certcentral.now() - age)


def resends(demo: Demo, order_id: int) -> int:
    """Return how many calls asked CertCentral to resend emails of this order."""
    return sum(f"/{order_id}/" in call.path for call in demo.certcentral.resends)
