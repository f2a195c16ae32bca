"""The second person: never the requester, under neither id, never twice, and only for what was shown."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.bulk import BulkState
from bot.errors import InvalidInput, NotAllowed
from bot.models import Actor
from bot.policy.rules import Action, Rule, Rules
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.bulk.runner import FLOW
from bot.views.bulk import plan_value


def kinds(rows):
    return [row["kind"] for row in rows if row["kind"] in ("approved", "rejected", "plan_started", "sent")]


async def test_another_person_approves_and_each_email_is_sent_once(
    asking, approval, bob, carry_out, certcentral, bulk_plans, rows
):
    plan, value = await asking()

    await approval.approve(bob, value)
    await carry_out()

    assert len(certcentral.sent) == 3
    assert kinds(await rows()) == ["approved", "plan_started", *["sent"] * 3]
    assert (await bulk_plans.get(plan.id)).state is BulkState.FINISHED


async def test_the_requester_cannot_approve(asking, approval, ana, certcentral):
    _, value = await asking()

    with pytest.raises(InvalidInput, match="someone else must decide"):
        await approval.approve(ana, value)

    assert certcentral.sent == []


@pytest.mark.parametrize("requests_by_grid_id", [True, False])
async def test_both_ids_of_one_person_are_one_person(
    asking, approval, directory, ana, requests_by_grid_id, submit, previewed, orders, bulk_plans
):
    """On Enterprise Grid, one person has an id in the workspace and another one in the organization."""
    directory.add("U0ANA", grid_id="U0BOB")
    directory.add("U0BOB", grid_id="U0BOB")
    requester, other = (Actor("U0BOB", "T0HOME"), ana) if requests_by_grid_id else (ana, Actor("U0BOB", "T0HOME"))
    plan = await previewed(orders(3), actor=requester)
    await approval.ask(requester, plan_value(plan))

    with pytest.raises(InvalidInput, match="someone else must decide"):
        await approval.approve(other, plan_value(plan))


async def test_a_second_click_starts_nothing(asking, approval, bob, engine, carry_out, certcentral):
    _, value = await asking()
    await approval.approve(bob, value)
    started = list(engine.started)

    with pytest.raises(InvalidInput, match="not waiting for approval"):
        await approval.approve(bob, value)
    await carry_out()

    assert engine.started == started
    assert len(certcentral.sent) == 3


@pytest.mark.parametrize("flag", ["guest", "bot", "deleted", "stranger"])
async def test_who_is_no_full_member_cannot_approve(asking, approval, bob, directory, flag):
    _, value = await asking()
    directory.add("U0BOB", **{flag: True})

    with pytest.raises(NotAllowed):
        await approval.approve(bob, value)


async def test_who_lost_the_right_cannot_approve(asking, approval, bob, authorizer):
    _, value = await asking()
    authorizer._policy_loader = PolicyLoader(Rules(frozenset({"U0ANA"}), frozenset(), frozenset({"T0HOME"})))  # noqa: SLF001 - a new version of the rules

    with pytest.raises(NotAllowed):
        await approval.approve(bob, value)


async def test_each_email_must_be_allowed_to_the_person_who_approves(asking, approval, bob, authorizer):
    _, value = await asking()
    every = frozenset(Action)
    rules = (
        Rule("all", True, every, users=frozenset({"U0ANA", "U0BOB"})),
        Rule("frozen", False, frozenset({Action.APPROVE}), names=frozenset({"shop700002.example.com"})),
    )
    authorizer._policy_loader = PolicyLoader(Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), rules))  # noqa: SLF001 - a new version of the rules

    with pytest.raises(NotAllowed):
        await approval.approve(bob, value)


@pytest.mark.parametrize("leaver", ["U0ANA", "U0BOB"])
async def test_if_one_of_the_two_loses_the_right_before_the_run_nothing_is_sent(
    asking, approval, bob, carry_out, certcentral, directory, bulk_plans, leaver
):
    plan, value = await asking()
    await approval.approve(bob, value)
    directory.add(leaver, deleted=True)

    await carry_out()

    stopped = await bulk_plans.get(plan.id)
    assert certcentral.sent == []
    assert stopped.state is BulkState.STOPPED
    assert leaver in stopped.note


async def test_a_right_that_is_lost_between_two_emails_stops_the_run(
    asking, approval, bob, carry_out, certcentral, directory, bulk_plans
):
    plan, value = await asking(12)
    await approval.approve(bob, value)

    async def lose_it():
        if len(certcentral.sent) >= 3:
            directory.add("U0BOB", guest=True)

    certcentral.before_put = lose_it
    await carry_out()

    assert 3 <= len(certcentral.sent) < 12
    assert (await bulk_plans.get(plan.id)).state is BulkState.STOPPED


async def test_an_approval_is_for_the_plan_that_was_shown(asking, approval, bob, previewed, orders, certcentral):
    plan, value = await asking()
    changed = await previewed(orders(4), changes=plan.id)

    for pressed in (value, f"{changed.id}:{plan.hash}", plan_value(changed)):
        with pytest.raises(InvalidInput):
            await approval.approve(bob, pressed)

    assert certcentral.sent == []


async def test_a_rejection_ends_it(asking, approval, bob, bulk_plans, rows):
    plan, value = await asking()

    await approval.reject(bob, value)
    with pytest.raises(InvalidInput):
        await approval.approve(bob, value)

    assert (await bulk_plans.get(plan.id)).state is BulkState.REJECTED
    assert kinds(await rows()) == ["rejected"]


async def test_the_requester_cannot_reject(asking, approval, ana):
    _, value = await asking()

    with pytest.raises(InvalidInput, match="someone else must decide"):
        await approval.reject(ana, value)


async def test_it_expires_after_a_day(asking, approval, bob, bulk_runner, bulk_plans, clock):
    plan, value = await asking()
    clock.advance(hours=24)

    with pytest.raises(InvalidInput, match="not waiting for approval"):
        await approval.approve(bob, value)
    await bulk_runner.expire()

    assert (await bulk_plans.get(plan.id)).state is BulkState.EXPIRED


async def test_an_approved_run_that_stopped_needs_a_new_approval_after_a_day(
    asking, approval, bob, bulk, bulk_runner, ana, bulk_plans, clock, engine
):
    plan, value = await asking()
    await approval.approve(bob, value)
    clock.advance(hours=23)
    await bulk.stop(ana, plan.id)
    clock.advance(hours=2)

    await bulk.resume(ana, value)

    assert (await bulk_plans.get(plan.id)).state is BulkState.ASKING
    assert [name for name, _ in engine.started].count(FLOW) == 1


async def test_targets_of_a_day_count_together(previewed, orders, bulk, bulk_limits, ana, clock, carry_out):
    first = await previewed(orders(20))
    await bulk.send(ana, plan_value(first))
    clock.advance(minutes=20)
    second = await previewed(" ".join(str(700001 + number) for number in range(6)))

    with pytest.raises(InvalidInput, match="Someone else must approve"):
        await bulk.send(ana, plan_value(second))
    clock.advance(hours=24)

    assert not await bulk_limits.needs_approval(second)
    assert clock() - second.at > timedelta(hours=23)


async def test_two_plans_at_once_are_not_both_below_the_limit(previewed, orders, bulk, bulk_plans, database, ana):
    first = await previewed(orders(20))
    second = await previewed(" ".join(str(700001 + number) for number in range(6)), reason="other")

    class Overtaken:
        """A database in which the second plan begins between the checks and the transaction of the first one."""

        @asynccontextmanager
        async def write(self):
            bulk._database = database  # noqa: SLF001 - the second plan is not overtaken
            await bulk.send(ana, plan_value(second))
            async with database.write() as transaction:
                yield transaction

    bulk._database = Overtaken()  # noqa: SLF001 - stands in for another instance

    with pytest.raises(InvalidInput, match="Someone else must approve"):
        await bulk.send(ana, plan_value(first))

    assert [(await bulk_plans.get(each.id)).state for each in (first, second)] == [BulkState.READY, BulkState.RUNNING]
