"""The cost of each keystroke of a form search, over a large account with many rules."""

import time
from datetime import UTC, datetime

from bot.models import Actor, Destination, Order
from bot.policy.principal import Principal
from bot.policy.rules import AccessContext, Action, Rule, Rules
from bot.services.authorization.visibility import Visibility
from bot.services.lookup.account import AccountSnapshot, search

ORDERS = 10_000
RULES = 500
SEARCHES = 20
MOST_OPTIONS = 100


def search_seconds() -> list[float]:
    """Return the processor seconds of searches by a person who may resend none of the matches.

    That is the worst case: every order is checked, because the result list never fills up.
    """
    placed = datetime(2026, 1, 1, tzinfo=UTC)
    names = [f"n{number}.team{number % 700}.example.com" for number in range(ORDERS)]
    orders = tuple(
        Order(700_000 + number, "pending", name, (name, f"www.{name}"), number % 3 > 0, "", None, placed)
        for number, name in enumerate(names)
    )
    account = AccountSnapshot(orders, (), (), placed).prepare()
    ana, every = Principal.read({"id": "U0ANA", "team_id": "T0HOME"}, ()), frozenset(Action)
    rules = tuple(
        Rule(f"team {number}", True, every, frozenset({"U0ANA"}), names=frozenset({f"*.other{number}.example.com"}))
        for number in range(RULES)
    )
    found = []
    for _ in range(SEARCHES):
        context = AccessContext(Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), rules), ana)
        visibility = Visibility(Actor("U0ANA", "T0HOME"), Destination("C0PKI"), context)
        began = time.process_time()
        search(account.searchable, "example", None, visibility.line, MOST_OPTIONS)
        found.append(time.process_time() - began)
    return found
