"""The steps of a look: safe to repeat at any point, each change told once, and never for ever."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from bot.errors import CaRefused, CaUnavailable, NothingToDo, SlackUnavailable
from bot.models import Actor, FollowState, LedgerEvent, OrderTarget, Place
from bot.services.follow_up.check_now import Checking
from bot.services.follow_up.observer import Looking
from bot.services.follow_up.worker import AT_ONCE, FLOW, Follower
from bot.store import follow_ups as rows
from bot.store.ledger.entries import Entry

AWAY = SlackUnavailable("Slack did not answer.")
SILENT = CaUnavailable("There was no answer.", may_have_arrived=False)


@pytest.fixture
def looking(certcentral, clock):
    return Looking(certcentral, clock)


@pytest.fixture
def follower(gate, stored, followings, looking, reporting, board, engine, schedule, clock):
    return Follower(gate, stored, followings, looking, reporting, board, engine, schedule, clock)


@pytest.fixture
def checking(gate, stored, followings, looking, board, reporting, schedule, clock):
    return Checking(gate, stored, followings, looking, board, reporting, schedule, clock)


@pytest.fixture
def two_names(order_call):
    recipient = order_call.recipients[0]
    return dataclasses.replace(
        order_call, recipients=(recipient, dataclasses.replace(recipient, name="www.two.example"))
    )


@pytest.fixture
def follow(accept, make_request, database, ledger, reporting, two_names, clock, ana, certcentral):
    """Follow a request that was sent and reported."""

    async def begin(request_id="r1", calls=None, outcome=LedgerEvent.SENT):
        request = await accept(make_request(request_id, calls=calls or (two_names,)))
        for number, call in enumerate(request.calls):
            await ledger.record(Entry(LedgerEvent(outcome), clock(), ana, request.id, number, 1))
            async with database.write() as transaction:
                await rows.begin(transaction, request, number, clock(), clock() + timedelta(minutes=2))
            if isinstance(call.target, OrderTarget):
                certcentral.add_order(call.target.order_id, *call.names)
        await reporting.report(request.id)
        return request

    return begin


@pytest.fixture
def validate(certcentral):
    """Let DigiCert list these names of the order as validated, and the others as open."""

    def validate_them(*names, status="pending"):
        order = certcentral.orders[700001]
        entries = [certcentral.entry(name, is_open=name not in names) for name in order.names]
        certcentral.add_order(700001, *order.names, status=status, entries=entries)

    return validate_them


@pytest.fixture
def look(engine, steps, follower, followings):
    """Let a following look once, and its flow run to its end."""

    async def run(following_id="r1.0"):
        rows = await followings.of(following_id.partition(".")[0])
        engine.steps = steps
        await follower.look(next(row for row in rows if row.id == following_id))

    return run


def thread(chat):
    """The replies in threads, without the detail."""
    return [message.text for place, message, key in chat.messages.values() if place.thread_ts and "detail" not in key]


def root(chat, key="r1.root"):
    return next(message for _, message, own in chat.messages.values() if own == key)


async def test_a_look_tells_what_changed_and_the_root_message_how_it_stands(follow, look, validate, clock, chat):
    await follow()
    clock.advance(minutes=2)
    validate("shop.example.com")

    await look()

    assert root(chat).text.startswith("*Sent*")
    assert "1 of 2 names still wait, checked" in root(chat).text
    [reply] = thread(chat)
    assert reply.startswith("shop.example.com: seen validated at")
    assert reply.endswith("1 of 2 names still wait.")


async def test_a_look_that_sees_no_change_says_nothing(follow, look, clock, chat, steps):
    await follow()
    clock.advance(minutes=2)

    await look()

    assert thread(chat) == []
    assert "2 of 2 names still wait, checked" in root(chat).text
    assert steps.ran == []


async def test_a_look_that_is_repeated_from_any_step_tells_once(
    follow, follower, followings, validate, clock, chat, engine, steps
):
    await follow()
    clock.advance(minutes=2)
    validate("shop.example.com")
    chat.failures = [None, AWAY]
    engine.steps = steps

    [row] = await followings.of("r1")
    await follower.look(row)
    validate("shop.example.com", "www.two.example")
    await engine.flows[FLOW](steps, "follow:r1.0:1")
    await follower.look(row)

    assert len(thread(chat)) == 1
    assert "www.two.example" not in thread(chat)[0]


async def test_slack_may_be_away_for_long(follow, look, validate, clock, chat, steps):
    await follow()
    clock.advance(minutes=2)
    validate("shop.example.com", "www.two.example")
    chat.failures = [AWAY] * 15

    await look()

    assert root(chat).text.startswith("*Validated*: all 2 names")
    assert len(thread(chat)) == 1
    assert max(steps.slept) == 300.0


async def test_an_answer_of_slack_that_was_lost_is_found_again(follow, look, validate, clock, chat):
    await follow()
    clock.advance(minutes=2)
    validate("shop.example.com")
    chat.lose_next = AWAY

    await look()

    assert len(thread(chat)) == 1


async def test_what_can_be_told_nowhere_is_followed_no_longer(follow, look, clock, chat, followings, logged):
    await follow()
    clock.advance(minutes=2)
    chat.closed = {"C0PKI": "is_archived", "U0ANA": "user_disabled", "D0ANA": "user_disabled"}

    await look()

    [following] = await followings.of("r1")
    assert (following.state, following.due_at) == (FollowState.STOPPED, None)
    assert "this can be told nowhere; it is not followed any longer" in [line["event"] for line in logged]


async def test_a_channel_that_was_closed_meanwhile_is_told_directly(follow, look, validate, clock, chat):
    await follow()
    clock.advance(minutes=2)
    validate("shop.example.com")
    chat.closed = {"C0PKI": "is_archived"}

    await look()

    assert [channel for channel, _ in chat.texts][2:] == ["D0ANA", "D0ANA"]


async def test_a_digicert_that_does_not_answer_is_asked_soon_and_nothing_is_said(
    follow, look, clock, chat, certcentral, followings
):
    await follow()
    clock.advance(minutes=2)
    certcentral.failures["order_validation"] = [SILENT]

    await look()

    [following] = await followings.of("r1")
    assert (following.misses, following.due_at) == (1, clock() + timedelta(minutes=1))
    assert thread(chat) == []


async def test_a_digicert_that_stays_silent_is_told_once(follow, look, clock, chat, certcentral):
    await follow()
    certcentral.always["order_validation"] = SILENT

    for _ in range(4):
        await look()
    before = thread(chat)
    await look()
    await look()

    assert before == []
    [reply] = thread(chat)
    assert reply.startswith("DigiCert has not answered since")


async def test_an_order_that_digicert_no_longer_knows_is_over(follow, look, clock, chat, certcentral, followings):
    await follow()
    certcentral.always["order_validation"] = CaRefused("Not found.", status=404)

    await look()

    assert "DigiCert does not know this any longer (order 700001)" in thread(chat)[0]
    assert (await followings.of("r1"))[0].state is FollowState.ENDED


async def test_a_bug_of_ours_looks_again_later(follow, look, clock, certcentral, followings, monkeypatch):
    await follow()
    monkeypatch.setattr(followings, "note", lambda *_: (_ for _ in ()).throw(ValueError("a bug")))

    await look()

    [following] = await followings.of("r1")
    assert (following.checks, following.due_at) == (1, clock() + timedelta(hours=1))


async def test_a_takeover_is_told_once_for_all_its_targets_with_a_link(follow, look, chat, two_names, domain_call):
    await follow(calls=(two_names, domain_call))
    await follow("r2", calls=(two_names, domain_call))

    await look("r1.0")
    await look("r1.1")

    told = [text for text in thread(chat) if "asked for again" in text]
    assert len(told) == 1
    assert "example.org" in told[0]
    assert "https://slack.test/C0PKI/" in told[0]
    assert root(chat).text.startswith("Asked for again, and followed by <https://slack.test/C0PKI/")


async def test_a_nudge_is_told_once_for_all_targets_of_a_request(
    follow, look, chat, clock, two_names, domain_call, certcentral
):
    certcentral.add_domain(1234, "example.org")
    await follow(calls=(two_names, domain_call))
    clock.advance(minutes=10)

    await look("r1.0")
    await look("r1.1")

    [nudge] = [text for text in thread(chat) if "What usually helps" in text]
    assert "shop.example.com, www.two.example and example.org" in nudge


async def test_who_stopped_is_told_once_and_a_second_stop_says_why_not(
    follow, follower, look, chat, ana, two_names, domain_call, followings, clock
):
    await follow(calls=(two_names, domain_call))

    await follower.stop(ana, "r1")
    [following] = await followings.due(clock(), 9)
    await look(following.id)
    with pytest.raises(NothingToDo, match="somebody stopped it"):
        await follower.stop(ana, "r1")

    assert [text.partition(" stopped")[0] for text in thread(chat)] == ["<@U0ANA>"]
    assert root(chat).text.startswith("<@U0ANA> stopped following it.")


async def test_what_was_never_followed_cannot_be_stopped(follower, ana):
    with pytest.raises(NothingToDo, match="never followed"):
        await follower.stop(ana, "unheard-of")


async def test_check_now_counts_as_telling(follow, look, checking, validate, clock, chat, ana):
    await follow()
    clock.advance(minutes=1)
    validate("shop.example.com")

    await checking.check(ana, "r1", Place("C0PKI", "1.0"))
    clock.advance(minutes=1)
    await look()

    [check] = thread(chat)
    assert "1 of 2 names still wait for validation" in check
    assert "1 of 2 names still wait, checked" in root(chat).text


async def test_check_now_ends_what_is_validated(follow, checking, validate, chat, ana, followings):
    await follow()
    validate("shop.example.com", "www.two.example", status="issued")

    await checking.check(ana, "r1", Place("C0PKI", "1.0"))

    assert root(chat).text.startswith("*Validated*: all 2 names")
    assert (await followings.of("r1"))[0].due_at is None


async def attended(follower, until):
    """Let it attend to what is due until this is so."""
    attending = asyncio.create_task(follower.attend())
    async with asyncio.timeout(5.0):
        while not await until():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
    attending.cancel()
    await asyncio.gather(attending, return_exceptions=True)


async def test_a_handful_looks_at_once(follower, follow, two_names, clock, certcentral):
    for number in range(AT_ONCE + 3):
        call = dataclasses.replace(two_names, target=OrderTarget(number + 1))
        await follow(f"r{number}", calls=(call,))
    clock.advance(minutes=2)
    certcentral.hold = asyncio.Event()

    async def are_asked():
        follower.wake()
        return certcentral.count("order_validation") >= AT_ONCE

    await attended(follower, are_asked)

    assert certcentral.count("order_validation") == AT_ONCE


async def test_what_is_due_is_looked_at_by_itself(follower, follow, clock, followings):
    await follow()
    clock.advance(minutes=2)

    async def is_seen():
        return (await followings.of("r1"))[0].checks

    await attended(follower, is_seen)

    assert await followings.next_due() == clock() + timedelta(minutes=3)


async def test_a_crash_before_the_flow_was_started_loses_nothing(
    follower, follow, look, validate, clock, chat, engine, followings, monkeypatch
):
    await follow()
    clock.advance(minutes=2)
    validate("shop.example.com")
    monkeypatch.setattr(engine, "start", lambda *_: (_ for _ in ()).throw(OSError("a disk")))
    with pytest.raises(OSError, match="a disk"):
        await look()
    monkeypatch.undo()
    due = await followings.due(clock(), 9)

    validate("shop.example.com", "www.two.example")
    await look()

    assert [each.id for each in due] == ["r1.0"]
    assert "www.two.example" not in thread(chat)[0]
    assert len(thread(chat)) == 1
    assert await followings.due(clock(), 9) == []


async def test_somebody_who_may_not_look_cannot_stop(follower, follow, directory):
    await follow()
    directory.add("U0EVE")

    with pytest.raises(Exception, match="not on the list"):
        await follower.stop(Actor("U0EVE", "T0HOME"), "r1")
