"""The steps of a check: safe to repeat at any point, each change reported once, and never endless."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from bot.errors import CaRejected, CaUnavailable, NotResendable, SlackUnavailable
from bot.models import Actor, FollowUpState, LedgerEvent, OrderTarget
from bot.services.follow_up.check_now import CheckNow
from bot.services.follow_up.observer import ValidationObserver
from bot.services.follow_up.worker import AT_ONCE, FLOW, FollowUpWorker
from bot.store import follow_ups as rows
from bot.store.ledger.entries import Entry

AWAY = SlackUnavailable("Slack did not answer.")
SILENT = CaUnavailable("There was no answer.", may_have_arrived=False)


@pytest.fixture
def observer(certcentral, clock):
    return ValidationObserver(certcentral, clock)


@pytest.fixture
def follow_up_worker(
    authorizer, stored, follow_ups, observer, reporter, publisher, engine, schedule, clock, bulk_reporter
):
    return FollowUpWorker(
        authorizer, stored, follow_ups, observer, reporter, publisher, engine, schedule, clock, bulk_reporter
    )


@pytest.fixture
def check_now(authorizer, stored, follow_ups, observer, reporter, schedule, clock):
    return CheckNow(authorizer, stored, follow_ups, observer, reporter, schedule, clock)


@pytest.fixture
def two_names(order_call):
    recipient = order_call.recipients[0]
    return dataclasses.replace(
        order_call, recipients=(recipient, dataclasses.replace(recipient, name="www.two.example"))
    )


@pytest.fixture
def start_follow_up(accept, make_request, database, ledger, reporter, two_names, clock, ana, certcentral):
    """Return a function that starts the follow-up of a sent and reported request."""

    async def begin(request_id="r1", calls=None, outcome=LedgerEvent.SENT):
        request = await accept(make_request(request_id, calls=calls or (two_names,)))
        for number, call in enumerate(request.calls):
            await ledger.append(Entry(LedgerEvent(outcome), clock(), ana, request.id, number, 1))
            async with database.write() as transaction:
                await rows.begin(transaction, request, number, clock(), clock() + timedelta(minutes=2))
            if isinstance(call.target, OrderTarget):
                certcentral.add_order(call.target.order_id, *call.names)
        await reporter.report(request.id)
        return request

    return begin


@pytest.fixture
def validate(certcentral):
    """Return a function that makes DigiCert list these names as validated, and the others as pending."""

    def validate_them(*names, status="pending"):
        order = certcentral.orders[700001]
        entries = [certcentral.entry(name, is_open=name not in names) for name in order.names]
        certcentral.add_order(700001, *order.names, status=status, entries=entries)

    return validate_them


@pytest.fixture
def run_check(engine, steps, follow_up_worker, follow_ups):
    """Return a function that runs one check of a follow-up and its workflow to completion."""

    async def run(following_id="r1.0"):
        rows = await follow_ups.of(following_id.partition(".")[0])
        engine.steps = steps
        await follow_up_worker.check(next(row for row in rows if row.id == following_id))

    return run


def thread(chat):
    """Return the replies in threads."""
    return [message.text for destination, message, _ in chat.messages.values() if destination.thread_ts]


def buttons(chat):
    """Return the keys of the messages with the buttons of a request."""
    return [key for _, message, key in chat.messages.values() if "request_menu" in str(message.payload())]


def root(chat, key="r1.root"):
    return next(message for _, message, own in chat.messages.values() if own == key)


async def test_a_check_reports_what_changed_and_updates_the_root_message(
    start_follow_up, run_check, validate, clock, chat
):
    await start_follow_up()
    clock.advance(minutes=2)
    validate("shop.example.com")

    await run_check()

    assert root(chat).text.startswith("📨 shop.example.com + 1 · 1 of 2 validated. ")
    [reply] = thread(chat)
    assert reply.startswith("✅ shop.example.com was validated (")


async def test_what_one_check_finds_about_several_calls_is_one_reply(
    start_follow_up, run_check, validate, clock, chat, two_names, domain_call, certcentral, follow_ups
):
    certcentral.add_domain(1234, "example.org")
    await start_follow_up(calls=(two_names, domain_call))
    clock.advance(minutes=2)
    validate("shop.example.com", "www.two.example")
    certcentral.add_domain(1234, "example.org", is_pending=False)

    await run_check("r1.0")

    [reply] = thread(chat)
    assert reply.startswith("✅ shop.example.com, www.two.example and example.org were validated (")
    assert [each.state for each in await follow_ups.of("r1")] == [FollowUpState.VALIDATED] * 2
    assert await follow_ups.due(clock(), 9) == []
    assert root(chat).text.startswith("✅ ")


async def test_a_check_that_sees_no_change_says_nothing(start_follow_up, run_check, clock, chat, steps):
    await start_follow_up()
    clock.advance(minutes=2)

    await run_check()

    assert thread(chat) == []
    assert "waiting for approval" in root(chat).text
    assert "checked <!date^" in root(chat).text
    assert steps.ran == []


async def test_a_check_that_is_repeated_from_any_step_reports_once(
    start_follow_up, follow_up_worker, follow_ups, validate, clock, chat, engine, steps
):
    await start_follow_up()
    clock.advance(minutes=2)
    validate("shop.example.com")
    chat.failures = [None, AWAY]
    engine.steps = steps

    [row] = await follow_ups.of("r1")
    await follow_up_worker.check(row)
    validate("shop.example.com", "www.two.example")
    await engine.flows[FLOW](steps, "follow:r1.0:1")
    await follow_up_worker.check(row)

    assert len(thread(chat)) == 1
    assert "www.two.example" not in thread(chat)[0]


async def test_slack_may_be_away_for_long(start_follow_up, run_check, validate, clock, chat, steps):
    await start_follow_up()
    clock.advance(minutes=2)
    validate("shop.example.com", "www.two.example")
    chat.failures = [AWAY] * 15

    await run_check()

    assert root(chat).text.startswith("✅ shop.example.com + 1 · validated")
    assert len(thread(chat)) == 1
    assert max(steps.slept) == 300.0


async def test_an_answer_of_slack_that_was_lost_is_found_again(start_follow_up, run_check, validate, clock, chat):
    await start_follow_up()
    clock.advance(minutes=2)
    validate("shop.example.com")
    chat.lose_next = AWAY

    await run_check()

    assert len(thread(chat)) == 1


async def test_a_follow_up_without_a_destination_is_abandoned(
    start_follow_up, run_check, clock, chat, follow_ups, logged
):
    await start_follow_up()
    clock.advance(minutes=2)
    chat.closed = {"C0PKI": "is_archived", "U0ANA": "user_disabled", "D0ANA": "user_disabled"}

    await run_check()

    [follow_up] = await follow_ups.of("r1")
    assert (follow_up.state, follow_up.due_at) == (FollowUpState.STOPPED, None)
    assert "a change can be posted nowhere; tracking ended" in [line["event"] for line in logged]


async def test_an_update_for_a_closed_channel_is_sent_as_a_direct_message(
    start_follow_up, run_check, validate, clock, chat
):
    await start_follow_up()
    clock.advance(minutes=2)
    validate("shop.example.com")
    chat.closed = {"C0PKI": "is_archived"}

    await run_check()

    assert [channel for channel, _ in chat.texts][1:] == ["D0ANA", "D0ANA"]


async def test_a_digicert_that_does_not_answer_is_asked_soon_and_nothing_is_said(
    start_follow_up, run_check, clock, chat, certcentral, follow_ups
):
    await start_follow_up()
    clock.advance(minutes=2)
    certcentral.failures["order_validation"] = [SILENT]

    await run_check()

    [follow_up] = await follow_ups.of("r1")
    assert (follow_up.failed_checks, follow_up.due_at) == (1, clock() + timedelta(minutes=1))
    assert thread(chat) == []


async def test_a_silent_digicert_is_reported_once(start_follow_up, run_check, clock, chat, certcentral):
    await start_follow_up()
    certcentral.always["order_validation"] = SILENT

    for _ in range(4):
        await run_check()
    before = thread(chat)
    await run_check()
    await run_check()

    assert before == []
    [reply] = thread(chat)
    assert reply.startswith("⚠️ No response from DigiCert since")


async def test_an_order_that_digicert_no_longer_knows_is_over(
    start_follow_up, run_check, clock, chat, certcentral, follow_ups
):
    await start_follow_up()
    certcentral.always["order_validation"] = CaRejected("Not found.", status=404)

    await run_check()

    assert "Order 700001 no longer exists in CertCentral" in thread(chat)[0]
    assert (await follow_ups.of("r1"))[0].state is FollowUpState.ENDED


async def test_a_bug_of_ours_is_followed_by_a_later_check(
    start_follow_up, run_check, clock, certcentral, follow_ups, monkeypatch
):
    await start_follow_up()
    monkeypatch.setattr(follow_ups, "record_check", lambda *_: (_ for _ in ()).throw(ValueError("a bug")))

    await run_check()

    [follow_up] = await follow_ups.of("r1")
    assert (follow_up.checks, follow_up.due_at) == (1, clock() + timedelta(hours=1))


async def test_a_takeover_is_reported_once_for_all_its_targets_with_a_link(
    start_follow_up, run_check, chat, two_names, domain_call
):
    await start_follow_up(calls=(two_names, domain_call))
    await start_follow_up("r2", calls=(two_names, domain_call))

    await run_check("r1.0")
    await run_check("r1.1")

    [announcement] = thread(chat)
    assert announcement.startswith("📨 Resent by <@U0ANA> (<https://slack.test/C0PKI/")
    assert root(chat).text.startswith(
        "📨 shop.example.com + 2 · resent. Resent by <@U0ANA> (<https://slack.test/C0PKI/"
    )
    assert buttons(chat) == ["r2.root"]


async def test_a_reminder_is_sent_once_for_all_targets_of_a_request(
    start_follow_up, run_check, chat, clock, two_names, domain_call, certcentral
):
    certcentral.add_domain(1234, "example.org")
    await start_follow_up(calls=(two_names, domain_call))
    clock.advance(minutes=10)

    await run_check("r1.0")
    await run_check("r1.1")

    [reminder] = thread(chat)
    assert "Still not approved after 10 min: 3 domains shop.example.com, www.two.example and example.org" in reminder
    assert buttons(chat) == ["r1.nudge1"]


async def test_a_stop_is_reported_once_and_a_second_stop_says_why_not(
    start_follow_up, follow_up_worker, run_check, chat, ana, two_names, domain_call, follow_ups, clock
):
    await start_follow_up(calls=(two_names, domain_call))

    await follow_up_worker.stop(ana, "r1")
    [follow_up] = await follow_ups.due(clock(), 9)
    await run_check(follow_up.id)
    with pytest.raises(NotResendable, match="someone stopped it"):
        await follow_up_worker.stop(ana, "r1")

    assert thread(chat) == []
    assert "tracking stopped by <@U0ANA>" in root(chat).text


async def test_what_was_stopped_can_be_resumed_with_a_check_at_once(
    start_follow_up, follow_up_worker, run_check, chat, ana, follow_ups, clock
):
    await start_follow_up()
    await follow_up_worker.stop(ana, "r1")
    await run_check()
    stopped = root(chat)
    clock.advance(minutes=1)

    await follow_up_worker.resume(ana, "r1")

    [follow_up] = await follow_ups.of("r1")
    assert "Resume tracking" in str(stopped.payload())
    assert (follow_up.state, follow_up.due_at) == (FollowUpState.FOLLOWING, clock())
    assert "tracking stopped" not in root(chat).text


@pytest.mark.parametrize("end", ["newer", "late"])
async def test_tracking_that_is_over_is_not_resumed(start_follow_up, follow_up_worker, ana, clock, end):
    await start_follow_up()
    await follow_up_worker.stop(ana, "r1")
    if end == "newer":
        await start_follow_up("r2")
    else:
        clock.advance(minutes=21)

    with pytest.raises(NotResendable, match="Tracking has already ended"):
        await follow_up_worker.resume(ana, "r1")


async def test_the_last_check_says_that_tracking_ended_and_has_the_buttons(start_follow_up, run_check, chat, clock):
    await start_follow_up()
    for minutes in (10, 10):
        clock.advance(minutes=minutes)
        await run_check()

    assert [text.partition(":")[0] for text in thread(chat)] == [
        "⏳ Still not approved after 10 min",
        "⏳ <@U0ANA> I stopped checking after 20 min. Still not approved",
    ]
    assert buttons(chat) == ["r1.last"]


async def test_a_target_without_a_follow_up_cannot_be_stopped(follow_up_worker, ana):
    with pytest.raises(NotResendable, match="isn't being tracked"):
        await follow_up_worker.stop(ana, "unheard-of")


async def test_check_now_counts_as_a_report(start_follow_up, run_check, check_now, validate, clock, chat, ana):
    await start_follow_up()
    clock.advance(minutes=1)
    validate("shop.example.com")

    answer = await check_now.check(ana, "r1")
    clock.advance(minutes=1)
    await run_check()

    assert answer.text.startswith("1 of 2 domains still need approval")
    assert thread(chat) == []
    assert "1 of 2 validated" in root(chat).text


async def test_check_now_ends_what_is_validated(start_follow_up, check_now, validate, chat, ana, follow_ups):
    await start_follow_up()
    validate("shop.example.com", "www.two.example", status="issued")

    await check_now.check(ana, "r1")

    assert root(chat).text.startswith("✅ shop.example.com + 1 · validated")
    assert (await follow_ups.of("r1"))[0].due_at is None


async def run_until(follow_up_worker, until):
    """Run the worker until this condition holds."""
    attending = asyncio.create_task(follow_up_worker.run())
    async with asyncio.timeout(5.0):
        while not await until():  # noqa: ASYNC110 - the database sends no event
            await asyncio.sleep(0.01)
    attending.cancel()
    await asyncio.gather(attending, return_exceptions=True)


async def test_a_handful_of_checks_run_at_once(follow_up_worker, start_follow_up, two_names, clock, certcentral):
    for number in range(AT_ONCE + 3):
        call = dataclasses.replace(two_names, target=OrderTarget(number + 1))
        await start_follow_up(f"r{number}", calls=(call,))
    clock.advance(minutes=2)
    certcentral.hold = asyncio.Event()

    async def are_asked():
        follow_up_worker.wake()
        return certcentral.count("order_validation") >= AT_ONCE

    await run_until(follow_up_worker, are_asked)

    assert certcentral.count("order_validation") == AT_ONCE


async def test_due_follow_ups_are_checked_by_themselves(follow_up_worker, start_follow_up, clock, follow_ups):
    await start_follow_up()
    clock.advance(minutes=2)

    async def is_seen():
        return (await follow_ups.of("r1"))[0].checks

    await run_until(follow_up_worker, is_seen)

    assert await follow_ups.next_due() == clock() + timedelta(minutes=3)


async def test_a_crash_before_the_workflow_was_started_loses_nothing(
    follow_up_worker, start_follow_up, run_check, validate, clock, chat, engine, follow_ups, monkeypatch
):
    await start_follow_up()
    clock.advance(minutes=2)
    validate("shop.example.com")
    monkeypatch.setattr(engine, "start", lambda *_: (_ for _ in ()).throw(OSError("a disk")))
    with pytest.raises(OSError, match="a disk"):
        await run_check()
    monkeypatch.undo()
    due = await follow_ups.due(clock(), 9)

    validate("shop.example.com", "www.two.example")
    await run_check()

    assert [each.id for each in due] == ["r1.0"]
    assert "www.two.example" not in thread(chat)[0]
    assert len(thread(chat)) == 1
    assert await follow_ups.due(clock(), 9) == []


async def test_a_user_who_may_not_read_cannot_stop(follow_up_worker, start_follow_up, directory):
    await start_follow_up()
    directory.add("U0EVE")

    with pytest.raises(Exception, match="You can't"):
        await follow_up_worker.stop(Actor("U0EVE", "T0HOME"), "r1")
