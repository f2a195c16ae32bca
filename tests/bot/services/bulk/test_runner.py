"""The run of a plan: each item once, skipped if it no longer helps, held at a 429, stopped and continued."""

import asyncio
import dataclasses
import json
from datetime import timedelta

import pytest

from bot.bulk import BulkOutcome, BulkState, counts
from bot.errors import CaRateLimited, CaUnavailable, InvalidInput, LimitReached
from bot.models import Call, Destination, LedgerEvent, OrderTarget, Recipient
from bot.services.bulk.export import _csv, _json_lines
from bot.services.bulk.plans import BulkService
from bot.services.resend.requests import NewRequest
from bot.views.bulk import plan_value

SHOP = "shop700002.example.com"


@pytest.fixture
def started(previewed, orders, bulk, ana):
    """Return a function that makes a plan and starts its run."""

    async def start(count=6):
        plan = await previewed(orders(count))
        await bulk.send(ana, plan_value(plan))
        return plan

    return start


@pytest.fixture
def outcomes(bulk_plans):
    """Return a function that returns how many items of a plan have each outcome, with the words of the others."""

    async def count(plan):
        items = await bulk_plans.items(plan.id)
        return dict(counts(items)), [item.words for item in items if item.words]

    return count


async def test_the_most_urgent_is_sent_first_and_each_item_is_an_ordinary_request(
    started, carry_out, certcentral, stored, bulk_plans, rows
):
    plan = await started()

    await carry_out()

    items = await bulk_plans.items(plan.id)
    request = await stored.get(items[0].request_id)
    assert {item.outcome for item in items} == {BulkOutcome.SENT}
    assert (request.plan, request.calls, request.actor) == (plan.id, items[0].calls, plan.actor)
    assert [row["kind"] for row in await rows()].count("accepted") == 6
    assert await stored.unreported() == []


async def test_a_run_that_is_repeated_after_a_crash_sends_nothing_again(started, carry_out, certcentral, bulk_plans):
    plan = await started()
    reached = 0

    async def crash():
        nonlocal reached
        reached += 1
        if reached == 3:
            run.cancel()
            await asyncio.Event().wait()

    certcentral.before_put = crash
    run = asyncio.create_task(carry_out())
    await asyncio.gather(run, return_exceptions=True)
    certcentral.before_put = None
    await carry_out()

    called = [call[1] for call in certcentral.sent]
    items = await bulk_plans.items(plan.id)
    assert len(called) == len(set(called))
    assert counts(items)[BulkOutcome.SENT] <= len(called)
    assert counts(items)[BulkOutcome.SENT] + counts(items)[BulkOutcome.UNKNOWN] == 6


async def test_what_was_validated_is_skipped_and_what_differs_is_not_sent(started, carry_out, certcentral, outcomes):
    plan = await started()
    certcentral.add_order(700001, "shop700001.example.com", status="issued")
    certcentral.add_order(700003, "other.example.com")
    certcentral.add_order(700004, "shop700004.example.com", method="dns-txt-token")
    del certcentral.orders[700005]

    await carry_out()

    found, words = await outcomes(plan)
    assert sorted(call[1] for call in certcentral.sent) == [700002, 700006]
    assert found == {BulkOutcome.SENT: 2, BulkOutcome.SKIPPED: 3, BulkOutcome.NOT_SENT: 1}
    assert "It changed since the preview." in words


async def test_a_plan_only_shrinks(previewed, bulk, ana, carry_out, certcentral):
    names = ("a.example.com", "b.example.com")
    certcentral.add_order(700001, *names)
    plan = await previewed("700001")
    await bulk.send(ana, plan_value(plan))
    waiting = [certcentral.entry("a.example.com", is_open=False), certcentral.entry("b.example.com")]
    certcentral.add_order(700001, *names, entries=waiting)

    await carry_out()

    [(_, _, recipients, _)] = certcentral.sent
    assert [each.name for each in recipients] == ["b.example.com"]


async def test_there_is_no_override_of_a_cooldown(started, carry_out, certcentral, resend, ana, outcomes):
    plan = await started()
    call = Call(OrderTarget(700002), (Recipient(SHOP, "admin@example.com", "example.com"),))
    await resend.accept(
        NewRequest(ana, Destination("C0PKI"), "view:other", "order:700002", "order 700002", (call,), "en", None)
    )

    await carry_out()

    found, words = await outcomes(plan)
    assert found == {BulkOutcome.SENT: 5, BulkOutcome.SKIPPED: 1}
    assert words == ["It was resent since the preview."]


@pytest.mark.parametrize("failing", ["resend_order", "order"])
async def test_at_a_429_all_items_wait_and_continue(started, carry_out, certcentral, outcomes, failing, chat, clock):
    plan = await started()
    certcentral.failures[failing] = [CaRateLimited(20.0)]
    began = clock()

    await carry_out()

    found, _ = await outcomes(plan)
    assert found == {BulkOutcome.SENT: 6}
    assert clock() - began >= timedelta(seconds=20)


async def test_a_silent_digicert_leaves_unknowns_that_are_never_repeated(started, carry_out, certcentral, outcomes):
    plan = await started()
    certcentral.failures["resend_order"] = [CaUnavailable("DigiCert's answer did not arrive.", may_have_arrived=True)]

    await carry_out()

    found, _ = await outcomes(plan)
    assert found == {BulkOutcome.SENT: 5, BulkOutcome.UNKNOWN: 1}
    assert len(certcentral.sent) == 6


async def test_after_a_stop_no_call_begins_and_the_rest_can_be_continued(
    started, carry_out, certcentral, bulk, ana, bulk_plans, outcomes
):
    plan = await started(12)

    async def stop():
        if len(certcentral.sent) == 3:
            await bulk.stop(ana, plan.id)

    certcentral.before_put = stop
    await carry_out()
    at_stop, stopped = len(certcentral.sent), await bulk_plans.get(plan.id)
    certcentral.before_put = None
    await bulk.resume(ana, plan_value(plan))
    await carry_out()

    assert at_stop < 12
    assert stopped.state is BulkState.STOPPED
    assert await outcomes(plan) == ({BulkOutcome.SENT: 12}, [])
    assert len(certcentral.sent) == 12


async def test_a_stopped_plan_ends_after_a_day_without_an_email(
    started, carry_out, certcentral, bulk, bulk_runner, ana, bulk_plans, clock, stored
):
    plan = await started(12)

    async def stop():
        await bulk.stop(ana, plan.id)

    certcentral.before_put = stop
    await carry_out()
    sent = len(certcentral.sent)
    clock.advance(hours=25)
    await bulk_runner.expire()

    assert len(certcentral.sent) == sent
    assert (await bulk_plans.get(plan.id)).state is BulkState.FINISHED
    assert all(item.outcome for item in await bulk_plans.items(plan.id))
    assert await stored.unreported() == []


@pytest.mark.parametrize("when", ["accepting", "calling"])
async def test_a_requester_who_loses_the_right_stops_the_run(
    started, carry_out, certcentral, directory, bulk_plans, when, ana
):
    plan = await started(12)

    async def deactivate():
        if len(certcentral.sent) >= 2:
            directory.add(ana.user_id, deleted=True)

    if when == "accepting":
        certcentral.during_put = deactivate
    else:
        certcentral.before_put = deactivate
    await carry_out()

    stopped = await bulk_plans.get(plan.id)
    assert 2 <= len(certcentral.sent) < 12
    assert (stopped.state, "can no longer resend" in stopped.note) == (BulkState.STOPPED, True)


async def test_a_plan_counts_once_for_the_limits_of_a_person(
    authorizer, people, bulk_limits, bulk_plans, forms, previews, bulk_runner, database, clock, previewed, orders, ana
):
    parts = (authorizer, people, bulk_limits, bulk_plans, forms, previews, bulk_runner, database, "en", clock)
    strict = BulkService(*parts, ((2, 600.0),))
    plans = [await previewed(orders(3)) for _ in range(3)]

    await strict.send(ana, plan_value(plans[0]))
    await strict.send(ana, plan_value(plans[1]))
    with pytest.raises(LimitReached):
        await strict.send(ana, plan_value(plans[2]))


async def test_its_items_do_not_count_for_the_limits_of_a_person(started, carry_out, make_resend, database, ana):
    await started(6)
    await carry_out()
    strict = make_resend(database, person_limits=((2, 600.0),))
    call = Call(OrderTarget(700099), (Recipient("x.example.com", "admin@example.com", "example.com"),))
    asked = NewRequest(ana, Destination("C0PKI"), "view:1", "order:700099", "order 700099", (call,), "en", None)

    assert await strict.accept(asked)
    with pytest.raises(LimitReached):
        await strict.accept(dataclasses.replace(asked, cause="view:2"))


async def test_without_a_reason_a_large_plan_is_not_sent(previewed, bulk, ana, certcentral):
    for number in range(700001, 700013):
        certcentral.add_order(number, f"a{number}.example.com")
    plan = await previewed("waiting > 1d", reason=None)

    with pytest.raises(InvalidInput, match="needs a reason"):
        await bulk.send(ana, plan_value(plan))


async def test_the_plan_is_frozen_in_the_ledger_before_anything_is_sent(started, rows, bulk_plans):
    plan = await started()

    [planned] = [json.loads(row["detail"]) for row in await rows() if row["kind"] == LedgerEvent.PLANNED]

    assert planned["hash"] == plan.hash
    assert [row["target"] for row in planned["rows"]] == [item.key for item in await bulk_plans.items(plan.id)]


async def test_the_export_has_the_row_of_each_outcome(started, carry_out, certcentral, bulk_plans, rows):
    plan = await started()
    certcentral.add_order(700001, "shop700001.example.com", status="issued")

    await carry_out()
    records = await bulk_plans.records(plan.id)

    by_seq = {row["seq"]: row for row in await rows()}
    assert [by_seq[each.row]["hash"] for each in records] == [each.hash for each in records]
    assert sorted(by_seq[each.row]["kind"] for each in records) == ["sent"] * 5 + ["skipped"]
    assert next(_csv(records)) == "target,domains,recipients,outcome,reason,time,row,hash"
    assert [json.loads(line)["outcome"] for line in _json_lines(records)].count("sent") == 5


async def test_cells_that_are_formulas_are_quoted(started, bulk_plans):
    plan = await started(1)
    [record] = await bulk_plans.records(plan.id)
    hostile = [
        dataclasses.replace(record, item=dataclasses.replace(record.item, words=f"{sign}SUM(A1)\r\n"))
        for sign in "=+-@"
    ]

    assert [line.split(",")[4] for line in list(_csv(hostile))[1:]] == [f"'{sign}SUM(A1)  " for sign in "=+-@"]
