"""Details of a plan: each person sees the rows that the policy shows them, and the requester all of them."""

import json

import pytest

from bot.errors import InvalidInput, NotAllowed
from bot.models import Actor
from bot.policy.rules import Action, Rule, Rules
from bot.services.authorization.policy_loader import PolicyLoader

SEEN, OTHER = "shop700001.example.com", "shop700002.example.com"


@pytest.fixture
def limit(authorizer):
    """Return a function that limits Bob to `status` for these names, and lets Ana do everything."""

    def put(*names):
        rules = [Rule("all", True, frozenset(Action), users=frozenset({"U0ANA"}))]
        if names:
            rules.append(
                Rule("shop", True, frozenset({Action.STATUS}), users=frozenset({"U0BOB"}), names=frozenset(names))
            )
        authorizer._policy_loader = PolicyLoader(  # noqa: SLF001 - a new version of the rules
            Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), tuple(rules))
        )

    return put


@pytest.fixture
async def plan(previewed, orders):
    return await previewed(f"{orders(2)} unknown.example.com")


@pytest.fixture
def details(bulk, bulk_reporter, plan):
    """Return a function that returns the text of what a person sees."""

    async def of(actor: Actor) -> str:
        return json.dumps(await bulk_reporter.details(plan.id, 0, "", await bulk.view_of(actor, plan)))

    return of


async def test_the_requester_sees_every_line(details, limit, ana):
    limit()

    shown = await details(ana)

    assert all(name in shown for name in (SEEN, OTHER, "unknown.example.com"))


async def test_another_person_sees_only_rows_of_names_that_the_policy_shows_them(details, limit, bob):
    limit(SEEN)

    shown = await details(bob)

    assert SEEN in shown
    assert OTHER not in shown
    assert "unknown.example.com" not in shown


async def test_who_may_see_no_row_learns_nothing(details, limit, bob):
    limit("pay.example.com")

    with pytest.raises(InvalidInput, match="no domain that you can see"):
        await details(bob)

    limit()
    with pytest.raises(NotAllowed):
        await details(bob)
