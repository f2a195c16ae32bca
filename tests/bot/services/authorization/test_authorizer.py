"""The authorizer: denials are in the ledger, and nothing is decided if Slack cannot identify the user."""

import json
import time

import pytest

from bot import errors
from bot.errors import NotAllowed, SlackRejected, SlackUnavailable
from bot.models import Actor
from bot.policy.rules import Action, Rules
from bot.services.authorization.authorizer import PATIENCE, Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.store.database import LOCK_SECONDS

EVE = Actor("U0EVE", "T0HOME")


async def test_a_person_on_the_list_is_allowed_and_nothing_is_written(authorizer, ana, rows):
    await authorizer.require(ana, Action.STATUS, {})

    assert (await authorizer.decide(ana, Action.RESEND)).allowed
    assert await rows() == []


async def test_a_denial_is_in_the_ledger_with_its_resource(authorizer, directory, rows):
    directory.add("U0EVE")

    with pytest.raises(NotAllowed) as refused:
        await authorizer.require(EVE, Action.RESEND, {"subject": "order 1"})

    (row,) = await rows()
    assert refused.value.rule == "not-listed"
    assert (row["kind"], row["user_id"], row["team_id"]) == ("denied", "U0EVE", "T0HOME")
    assert json.loads(row["detail"]) == {"action": "resend", "rule": "not-listed", "subject": "order 1"}


@pytest.mark.parametrize(
    ("changes", "rule"), [({"deleted": True}, "deactivated"), ({"guest": True}, "guest"), ({"bot": True}, "bot")]
)
async def test_the_state_that_slack_reports_now_counts(authorizer, directory, ana, changes, rule):
    directory.add("U0ANA", **changes)

    decision = await authorizer.decide(ana, Action.RESEND, afresh=True)

    assert (decision.allowed, decision.rule) == (False, rule)
    assert directory.asked == [("U0ANA", True)]


@pytest.mark.parametrize("code", ["user_not_found", "user_not_visible"])
async def test_whom_slack_does_not_know_may_not(authorizer, directory, ana, rows, code):
    directory.failure = SlackRejected(code)

    with pytest.raises(NotAllowed) as refused:
        await authorizer.require(ana, Action.STATUS, {})

    assert refused.value.rule == "unknown"
    assert [row["kind"] for row in await rows()] == ["denied"]


@pytest.mark.fault("M3")
@pytest.mark.parametrize("failure", [SlackUnavailable("Slack asks us to wait.", 30.0), SlackRejected("missing_scope")])
async def test_if_slack_cannot_identify_the_user_nothing_is_decided_and_nothing_written(
    authorizer, directory, ana, rows, failure
):
    directory.failure, directory.retry_after = failure, 30.0

    with pytest.raises(errors.PermissionUnknown) as unknown:
        await authorizer.require(ana, Action.STATUS, {})

    assert "couldn't verify your Slack account" in str(unknown.value)
    assert "not allowed" not in str(unknown.value)
    assert unknown.value.retry_after == 30.0
    assert await rows() == []


@pytest.mark.fault("M3")
async def test_if_slack_cannot_read_a_group_nothing_is_decided_and_nothing_written(
    directory, ledger, metrics, clock, rows
):
    rules = Rules(frozenset(), frozenset({"S0PKI"}), frozenset({"T0HOME"}))
    authorizer = Authorizer(PolicyLoader(rules), directory, ledger, metrics, clock)
    directory.add("U0EVE", unclear=frozenset({"S0PKI"}))

    with pytest.raises(errors.PermissionUnknown, match="couldn't check your user groups"):
        await authorizer.require(EVE, Action.RESEND, {})

    assert await rows() == []


async def test_slack_has_a_moment_to_answer(authorizer, directory, ana):
    directory.hangs = True
    began = time.monotonic()

    decision = await authorizer.decide(ana, Action.STATUS)

    assert not decision.allowed
    assert PATIENCE - 0.1 < time.monotonic() - began < PATIENCE + 0.7


@pytest.mark.parametrize("lock_seconds", [LOCK_SECONDS])
async def test_a_denial_holds_even_if_it_cannot_be_written(authorizer, directory, database, open_another):
    directory.add("U0EVE")

    async with open_another().write():
        with pytest.raises(NotAllowed):
            await authorizer.require(EVE, Action.STATUS, {})
