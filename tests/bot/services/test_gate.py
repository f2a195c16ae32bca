"""The gate: whoever Slack does not vouch for in time may not, and a refusal is in the ledger."""

import json
import time

import pytest

from bot.errors import NotAllowed, SlackRefused, SlackUnavailable
from bot.models import Actor
from bot.policy import Action
from bot.services.gate import PATIENCE

EVE = Actor("U0EVE", "T0HOME")


async def test_somebody_on_the_list_may_and_nothing_is_written(gate, ana, rows):
    await gate.require(ana, Action.LOOK, {})

    assert (await gate.decide(ana, Action.RESEND)).allowed
    assert await rows() == []


async def test_a_refusal_is_in_the_ledger_with_what_it_was_about(gate, directory, rows):
    directory.add("U0EVE")

    with pytest.raises(NotAllowed) as refused:
        await gate.require(EVE, Action.RESEND, {"subject": "order 1"})

    (row,) = await rows()
    assert refused.value.rule == "not-listed"
    assert (row["kind"], row["user_id"], row["team_id"]) == ("denied", "U0EVE", "T0HOME")
    assert json.loads(row["detail"]) == {"action": "resend", "rule": "not-listed", "subject": "order 1"}


@pytest.mark.parametrize(
    ("changes", "rule"), [({"deleted": True}, "deactivated"), ({"guest": True}, "guest"), ({"bot": True}, "bot")]
)
async def test_the_state_that_slack_reports_now_counts(gate, directory, ana, changes, rule):
    directory.add("U0ANA", **changes)

    decision = await gate.decide(ana, Action.RESEND, afresh=True)

    assert (decision.allowed, decision.rule) == (False, rule)
    assert directory.asked == [("U0ANA", True)]


@pytest.mark.parametrize("failure", [SlackUnavailable("Slack did not answer."), SlackRefused("user_not_found")])
async def test_whom_slack_cannot_name_may_not(gate, directory, ana, failure):
    directory.failure = failure

    decision = await gate.decide(ana, Action.LOOK)

    assert (decision.allowed, decision.rule) == (False, "unknown")


async def test_slack_has_a_moment_to_answer(gate, directory, ana):
    directory.hangs = True
    began = time.monotonic()

    decision = await gate.decide(ana, Action.LOOK)

    assert not decision.allowed
    assert PATIENCE - 0.1 < time.monotonic() - began < PATIENCE + 0.7


async def test_a_refusal_stands_even_where_it_cannot_be_written(gate, directory, database, open_another):
    directory.add("U0EVE")

    async with open_another().write():
        with pytest.raises(NotAllowed):
            await gate.require(EVE, Action.LOOK, {})
