"""Denials: the first of its kind is a row at once, the others are counted, and no user can fill the ledger."""

import asyncio
import json
import time
from contextlib import suppress

import pytest

from bot.errors import CommitUnknown, CooldownActive, NotAllowed, StoreUnavailable
from bot.models import Actor, Destination, LedgerEvent
from bot.policy.rules import Action, Resource
from bot.services.resend.requests import NewRequest
from bot.store.database import LOCK_SECONDS
from bot.store.ledger.entries import Entry
from bot.store.ledger.hash_chain import Chain

EVE = Actor("U0EVE", "T0HOME")
MAL = Actor("U0MAL", "T0HOME")


@pytest.fixture
def deny_request(authorizer, directory):
    """Return a function that makes a request without permission and waits for the denial."""
    directory.add("U0EVE")
    directory.add("U0MAL")

    async def deny_once(name="shop.example.com", who=EVE, action=Action.STATUS, **about):
        with pytest.raises(NotAllowed):
            await authorizer.require(who, action, {"text": name, **about}, Resource("C0PKI", (name,)))

    return deny_once


@pytest.fixture
def details(rows):
    async def read(user_id="U0EVE"):
        return [json.loads(row["detail"]) for row in await rows() if row["user_id"] == user_id]

    return read


@pytest.mark.fault("L1")
async def test_equal_denials_are_one_row_and_their_number_is_another_when_the_hour_ends(
    deny_request, authorizer, details, clock
):
    for _ in range(30):
        await deny_request()
    at_once = await details()
    clock.advance(minutes=59)
    await authorizer.denial_log.settle()
    before_the_end = await details()
    clock.advance(minutes=1)
    await authorizer.denial_log.settle()
    await authorizer.denial_log.settle()

    first, count = await details()
    assert at_once == before_the_end == [first]
    assert first["names"] == ["shop.example.com"]
    assert count == {**first, "times": 29, "since": "2026-07-01T10:00:00.000000Z"}


@pytest.mark.fault("L1")
@pytest.mark.parametrize(
    "changes", [{"name": "pay.example.com"}, {"action": Action.RESEND}, {"who": MAL}], ids=["target", "action", "who"]
)
async def test_another_target_action_or_person_is_another_denial(deny_request, rows, changes):
    for _ in range(3):
        await deny_request()
        await deny_request(**changes)

    assert len(await rows()) == 2


@pytest.mark.fault("L1")
async def test_ids_of_forms_and_requests_make_no_new_denial(authorizer, directory, rows):
    directory.add("U0EVE")
    for number in range(30):
        for about in ({"form": f"f{number}"}, {"request": f"r{number}"}, {"offer": f"o{number}"}):
            with pytest.raises(NotAllowed):
                await authorizer.require(EVE, Action.STATUS, about)

    assert len(await rows()) == 1


@pytest.mark.fault("L1")
async def test_made_up_names_are_counted_together_once_a_person_has_enough_rows(
    deny_request, authorizer, details, clock
):
    for number in range(500):
        await deny_request(f"n{number}.example.com")
    at_once = await details()
    clock.advance(hours=1)
    await authorizer.denial_log.settle()

    [*first, others] = await details()
    assert first == at_once
    assert 10 <= len(first) <= 50
    assert others["times"] == 500 - len(first)
    assert not others.keys() & {"names", "order"}
    assert {"action": "status", "rule": "not-listed"}.items() <= others.items()


async def test_a_person_who_fills_their_limit_hides_no_other_denials(deny_request, details):
    for number in range(100):
        await deny_request(f"n{number}.example.com")
    await deny_request(who=MAL)

    assert len(await details("U0MAL")) == 1


@pytest.mark.fault("L1")
async def test_the_next_hour_has_rows_again_also_if_nothing_settled_the_last_one(
    deny_request, authorizer, details, clock
):
    for _ in range(2):
        await deny_request()
        await deny_request()
        clock.advance(hours=1, minutes=1)
    await authorizer.denial_log.settle()

    assert [detail.get("times", 1) for detail in await details()] == [1, 1, 1, 1]


async def test_a_clock_that_is_set_back_ends_the_hour(deny_request, details, clock):
    await deny_request()
    clock.advance(days=-1)
    await deny_request()

    assert len(await details()) == 2


@pytest.mark.fault("L1")
async def test_two_hundred_at_once_are_one_row(deny_request, rows):
    await asyncio.gather(*(deny_request() for _ in range(200)))

    assert len(await rows()) == 1


@pytest.mark.fault("L1")
async def test_a_denial_that_is_counted_waits_for_no_database(deny_request, open_another):
    await deny_request()

    async with open_another().write():
        began = time.monotonic()
        await deny_request()
        took = time.monotonic() - began

    assert took < 0.5


@pytest.mark.fault("L1")
@pytest.mark.parametrize("lock_seconds", [LOCK_SECONDS])
async def test_a_denial_that_could_not_be_written_is_in_the_count(
    deny_request, authorizer, details, clock, open_another
):
    async with open_another().write():
        await deny_request()
    nothing = await details()
    clock.advance(hours=1)
    await authorizer.denial_log.settle()

    assert nothing == []
    assert [detail["times"] for detail in await details()] == [1]


@pytest.mark.fault("L1")
@pytest.mark.parametrize("lock_seconds", [LOCK_SECONDS])
async def test_counts_wait_for_a_database_that_is_away(deny_request, authorizer, details, clock, open_another):
    await deny_request()
    await deny_request()
    clock.advance(hours=1)
    async with open_another().write():
        with pytest.raises(StoreUnavailable):
            await authorizer.denial_log.settle()

    await authorizer.denial_log.settle()

    assert [detail.get("times") for detail in await details()] == [None, 1]


@pytest.mark.fault("L1")
@pytest.mark.parametrize("is_written", [True, False])
async def test_a_commit_in_doubt_writes_counts_once(
    deny_request, authorizer, details, clock, ledger, monkeypatch, is_written
):
    for name in ("a.example.com", "b.example.com") * 2:
        await deny_request(name)
    clock.advance(hours=1)
    write = ledger.append_all

    async def lose(entries, **more):
        if is_written:
            await write(entries, **more)
        monkeypatch.undo()
        raise CommitUnknown("The database went away.")

    monkeypatch.setattr(ledger, "append_all", lose)
    with pytest.raises(CommitUnknown):
        await authorizer.denial_log.settle()
    await authorizer.denial_log.settle()

    assert [detail.get("times") for detail in await details()] == [None, None, 1, 1]


@pytest.mark.fault("L1")
@pytest.mark.parametrize("lock_seconds", [LOCK_SECONDS])
async def test_a_process_that_stops_writes_its_counts(deny_request, authorizer, details, logged, open_another):
    await deny_request()
    await deny_request()
    await authorizer.denial_log.close()
    await deny_request(who=MAL)
    await deny_request(who=MAL)
    async with open_another().write():
        await authorizer.denial_log.close()

    assert [detail.get("times") for detail in await details()] == [None, 1]
    assert len(await details("U0MAL")) == 1
    assert "counts of refusals are lost" in [line["event"] for line in logged]


@pytest.mark.fault("L1")
async def test_more_people_than_are_counted_at_once_end_the_oldest_hour_early(ledger, clock, rows):
    from bot.services.authorization.denial_log import DenialLog

    denial_log = DenialLog(ledger, clock, most_people=2)
    for user_id in ("U1", "U1", "U2", "U3"):
        await denial_log.record(Entry(LedgerEvent.DENIED, clock(), Actor(user_id, "T0HOME"), detail={"rule": "guest"}))

    await denial_log.settle()

    found = [(row["user_id"], json.loads(row["detail"]).get("times")) for row in await rows()]
    assert found == [("U1", None), ("U2", None), ("U3", None), ("U1", 1)]


@pytest.mark.fault("L1")
async def test_what_the_cooldown_held_back_is_counted_too(resend, authorizer, rows, ana, order_call, clock):
    async def ask(number):
        asked = NewRequest(
            ana, Destination("C0PKI"), f"view:V{number}", "order:700001", "order 700001", (order_call,), "en", None
        )
        with suppress(CooldownActive):
            await resend.accept(asked)

    for number in range(10):
        await ask(number)
    kinds = [row["kind"] for row in await rows()]
    clock.advance(hours=1)
    await authorizer.denial_log.settle()

    [*_, count] = await rows()
    assert kinds == ["accepted", "cooled_down"]
    assert (count["kind"], count["request_id"], json.loads(count["detail"])["times"]) == ("cooled_down", None, 8)


@pytest.mark.fault("L1")
async def test_the_chain_holds_with_counts(deny_request, authorizer, clock, database):
    from bot.services.operations.ledger_audit import verified

    for number in range(30):
        await deny_request(f"n{number % 25}.example.com")
    clock.advance(hours=2)
    await authorizer.denial_log.settle()

    async with database.read() as connection:
        found = await verified(Chain(connection), None)
    assert found.rows == 20 + 5 + 1


@pytest.mark.fault("L1")
async def test_a_refusal_names_what_it_was_about(authorizer, directory, details):
    directory.add("U0EVE")
    resource = Resource("C0PKI", ("pay.example.com", "shop.example.com"), 700001, resolved=True)

    with pytest.raises(NotAllowed):
        await authorizer.require(EVE, Action.RESEND, {"subject": "order 700001"}, resource)

    [detail] = await details()
    assert (detail["names"], detail["order"]) == (["pay.example.com", "shop.example.com"], 700001)
