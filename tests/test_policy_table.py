"""The tables of docs that say what `names` of a rule mean are what the code does."""

import re
from pathlib import Path

import pytest

from bot.models import DomainTarget, NameValidation, Order, OrderTarget, Plan, WaitingName
from bot.policy.principal import Principal
from bot.policy.rule_file import read_policy
from bot.policy.rules import AccessContext, Action, Rules
from bot.services.authorization.resources import resource_for_plan
from bot.services.lookup.account import AccountSnapshot
from bot.services.lookup.reach import ReachReader, of_order

DOCS = Path(__file__).parents[1] / "docs"
DOCUMENTS = ("policy.example.toml", "security.md", "permissions.md")
ANA = Principal.read({"id": "U0ANA", "team_id": "T0HOME"}, ())
DV = Order(700001, "pending", "shop.example.com", ("shop.example.com",), True, "", None, None)
OV = Order(700002, "pending", "pay.example.com", ("pay.example.com",), False, "", None, None)

pytestmark = pytest.mark.fault("H2")


def rows(document: str) -> dict[str, list[str]]:
    """Each row of a document's table by its first cell."""
    text = (DOCS / document).read_text(encoding="utf-8")
    lines = [re.sub(r"^# ?", "", line).strip() for line in text.splitlines()]
    table = [line.strip("|").split("|") for line in lines if re.match(r"\| *`?(\[|names)", line)]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in table}


class FakeAccount:
    """The account of the example."""

    async def account(self, *, young: bool = False) -> AccountSnapshot:
        return AccountSnapshot((DV, OV), (), (), None)  # type: ignore[arg-type]


async def plan(column: str, rules: Rules) -> Plan:
    """Return what a form would offer for the column of the table."""
    kind, _, what = column.rpartition(" ")
    if kind == "DV order":
        entry = NameValidation("example.com", DV.names, True, "email", None, True)
        name = WaitingName("shop.example.com", "example.com", OrderTarget(DV.id), True, ())
        return Plan(f"order:{DV.id}", "", (name,), reach=of_order(DV, [entry]))
    scope = "example.com" if kind == "OV order" else what
    name = WaitingName(scope, scope, DomainTarget(1, scope), True, ())
    reader = ReachReader(None, FakeAccount())  # type: ignore[arg-type]
    reach = await reader.of_scopes((scope,), OV.id if kind == "OV order" else None, rules)
    return Plan("domain:1", "", (name,), reach=reach)


def rules_of(names: str, effect: str, action: Action) -> Rules:
    """Return the rules of a file with one rule for these names: it allows the action, or denies to resend.

    If it denies, another rule allows the action for everything.
    """
    everything = f'[[rule]]\nname = "all"\nallow = ["{action}"]\nusers = ["U0ANA"]\n'
    about = action if effect == "allow" else Action.RESEND
    one = f'[[rule]]\nname = "one"\n{effect} = ["{about}"]\nusers = ["U0ANA"]\nnames = {names}\n'
    text = one if effect == "allow" else everything + one
    return Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), tuple(read_policy(text.encode(), "policy.toml")))


async def meaning(names: str, column: str, action: Action) -> str:
    """Return the meaning of a rule for these names in the column, in the words of the table."""
    may = {}
    for effect in ("allow", "deny"):
        rules = rules_of(names, effect, action)
        found = await plan(column, rules)
        resource = resource_for_plan(None, found, found.key)
        may[effect] = AccessContext(rules, ANA).decide(action, resource).allowed
    return ", ".join(["allows"] * may["allow"] + ["denies"] * (not may["deny"]))


# A revalidation reaches what a resend of the same domain reaches, and a deny of resend denies it too.
@pytest.mark.parametrize("action", [Action.RESEND, Action.REVALIDATE])
@pytest.mark.parametrize("document", DOCUMENTS)
async def test_each_cell_of_the_table_is_so(document: str, action: Action) -> None:
    header, *_ = rows(document).values()
    body = {names: cells for names, cells in rows(document).items() if names != "names"}

    found = {names: [await meaning(names, column, action) for column in header] for names in body}

    assert len(body) == 6
    assert found == body


def test_the_documents_have_the_same_table() -> None:
    first, *others = map(rows, DOCUMENTS)

    assert [each for each in others if each != first] == []
