"""Pruning: whole finished requests are removed, the rest of the chain stays valid, and a row records it."""

import asyncio
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.bulk import Audience, BulkInput, BulkPlan, BulkState
from bot.errors import ConfigurationError
from bot.models import Call, Destination, LedgerEvent, OrderTarget, Recipient
from bot.services.operations.ledger_audit import export, verify
from bot.services.operations.ledger_pruning import execute, plan
from bot.store import cooldowns
from bot.store.bulk_plans import BulkPlans
from bot.store.ledger.entries import Entry, append
from bot.store.ledger.hash_chain import ChainBroken
from bot.store.ledger.history import LastResends
from bot.store.posts import Post, Posts
from bot.store.requests import remember_recipients
from bot.store.retry import until_available
from bot.store.schema import bulk_plans, last_recipients, ledger_checkpoints, ledger_search_keys, posts, requests


@pytest.fixture
def add_old_request(accept, ledger, stored, make_request, clock):
    """Return a function that adds a reported request with three rows, a day before the next one."""

    async def add_request(request_id, *, reported=True, days=1):
        request = await accept(make_request(request_id))
        for event in (LedgerEvent.SENDING, LedgerEvent.SENT):
            detail = {"target": str(request.calls[0].target), "words": ""}
            await ledger.append(Entry(event, clock(), request.actor, request_id, 0, 1, detail))
        if reported:
            await stored.reported(request_id, clock())
        clock.advance(days=days)
        return request

    return add_request


@pytest.fixture
def prune(database_url, clock):
    """Return a function that plans and executes the pruning, as of now."""

    async def run(before):
        planned = await plan(database_url, before, clock())
        return planned, await execute(database_url, planned)

    return run


@pytest.fixture
def count(database):
    async def rows_in(table):
        async with database.read() as connection:
            return await connection.scalar(sa.select(sa.func.count()).select_from(table))

    return rows_in


async def test_old_requests_go_and_the_rest_of_the_chain_holds(
    add_old_request, prune, rows, count, database, database_url, clock
):
    began = clock()
    for number in range(4):
        await add_old_request(f"r{number}")
    whole = await rows()
    clock.advance(days=40)

    planned, removed = await prune(began + timedelta(days=1, hours=12))

    found = await verify(database_url, whole[-1]["hash"])
    left = await rows()
    assert planned.sentence() == "6 rows older than 2026-07-02T22:00:00.000000Z can be deleted, up to row 6."
    assert (removed, [row["seq"] for row in left]) == (6, [7, 8, 9, 10, 11, 12, 13])
    assert left[:6] == whole[6:]
    assert json.loads(left[-1]["detail"]) == {
        "through": 6,
        "hash": whole[5]["hash"],
        "rows": 6,
        "before": "2026-07-02T22:00:00.000000Z",
    }
    assert found.sentence().endswith("Pruned up to row 6 (2026-08-14T10:00:00.000000Z).")
    assert (found.rows, found.recorded_at) == (7, 12)
    assert (await verify(database_url, whole[5]["hash"])).recorded_at == 6
    assert "or the row was pruned" in (await verify(database_url, "1" * 64)).recorded_hash_sentence("1")
    assert await count(requests) == 2
    assert await count(ledger_search_keys) == 2 * 2
    assert [each.request_id for each in (await LastResends(database).last([700001])).values()] == ["r3"]


async def test_records_of_posts_are_pruned_with_their_request(add_old_request, prune, clock, database):
    notes, ids = Posts(database), ["a" * 16, "b" * 16]
    for request_id in ids:
        await add_old_request(request_id, days=20)
        for key in (f"{request_id}.root", f"{request_id}.0.1", "offer.1"):
            await notes.save(Post(key, Destination("C0PKI"), clock()))
    clock.advance(days=20)

    await prune(clock() - timedelta(days=45))

    async with database.read() as connection:
        kept = set(await connection.scalars(sa.select(posts.c.key)))
    assert kept == {f"{ids[1]}.root", f"{ids[1]}.0.1", "offer.1"}


async def test_it_can_be_done_again_and_again(add_old_request, prune, count, database_url, clock):
    began = clock()
    for number in range(3):
        await add_old_request(f"r{number}")
    clock.advance(days=40)

    counts = [(await prune(began + timedelta(days=days, hours=1)))[1] for days in (0, 0, 1, 2)]

    found = await verify(database_url)
    assert counts == [3, 0, 3, 3]
    assert await count(ledger_checkpoints) == 3
    assert (found.rows, found.checkpoint.mark.seq) == (3, 9)
    clock.advance(days=40)
    assert (await prune(clock() - timedelta(days=31)))[1] == 3
    assert (await verify(database_url)).rows == 1


async def test_a_request_that_was_not_reported_yet_remains_with_all_behind_it(
    add_old_request, prune, database_url, clock
):
    await add_old_request("r0")
    await add_old_request("r1", reported=False)
    await add_old_request("r2")
    clock.advance(days=40)

    planned, removed = await prune(clock() - timedelta(days=31))

    assert removed == 3
    assert planned.sentence().endswith("up to row 3. Later rows stay, because request r1 isn't completed.")
    assert (await verify(database_url)).checkpoint.mark.seq == 3


async def test_a_cooldown_longer_than_a_month_holds_its_request(add_old_request, prune, database, clock):
    request = await add_old_request("r0")
    async with database.write() as transaction:
        await cooldowns.acquire(transaction, request, clock() + timedelta(days=60))
    clock.advance(days=40)

    planned, removed = await prune(clock() - timedelta(days=31))

    assert (planned.cut.held_by, removed) == ("r0", 0)


async def test_a_request_goes_whole_or_not_at_all(
    accept, ledger, stored, make_request, prune, add_old_request, clock, ana
):
    await add_old_request("r0")
    for request_id in ("r1", "r2"):
        await accept(make_request(request_id))
        await ledger.append(Entry(LedgerEvent.SENDING, clock(), ana, request_id, 0, 1))
    clock.advance(days=2)
    cut = clock()
    await ledger.append(Entry(LedgerEvent.SENT, clock(), ana, "r2", 0, 1))
    await ledger.append(Entry(LedgerEvent.SENT, clock(), ana, "r1", 0, 1))
    for request_id in ("r1", "r2"):
        await stored.reported(request_id, clock())
    clock.advance(days=40)

    planned, removed = await prune(cut)

    assert (planned.cut.held_by, removed) == ("r1", 3)


async def test_denials_are_pruned_by_their_age(ledger, prune, rows, clock, ana):
    for _ in range(3):
        await ledger.append(Entry(LedgerEvent.DENIED, clock(), ana))
        clock.advance(days=1)
    clock.advance(days=40)

    _, removed = await prune(clock() - timedelta(days=41, hours=1))

    assert removed == 2
    assert [row["kind"] for row in await rows()] == ["denied", "pruned"]


async def test_the_last_month_is_refused_and_a_plan_changes_nothing(add_old_request, rows, database_url, clock):
    await add_old_request("r0")
    clock.advance(days=40)
    before = await rows()

    with pytest.raises(ConfigurationError, match="at least 30 days ago"):
        await plan(database_url, clock() - timedelta(days=29, hours=23), clock())
    planned = await plan(database_url, clock() - timedelta(days=30), clock())

    assert planned.cut.rows == 3
    assert await rows() == before


async def test_a_chain_that_does_not_hold_is_not_pruned(add_old_request, database, database_url, clock):
    await add_old_request("r0")
    async with database.write() as transaction:
        await transaction.execute(sa.text("UPDATE ledger_head SET seq = 2"))
    clock.advance(days=40)

    with pytest.raises(ChainBroken):
        await plan(database_url, clock() - timedelta(days=31), clock())


async def test_what_an_interrupted_prune_left_goes_with_the_next(
    add_old_request, prune, rows, database, database_url, clock, monkeypatch
):
    await add_old_request("r0")
    clock.advance(days=40)

    async def stop(*_):
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr("bot.store.ledger.pruning.sweep", stop)
        with pytest.raises(asyncio.CancelledError):
            await prune(clock() - timedelta(days=31))
    found = await verify(database_url)
    exported = []
    await export(database_url, None, None, clock(), exported.append)
    planned, removed = await prune(clock() - timedelta(days=31))

    assert (found.rows, found.left_over) == (1, 3)
    assert found.sentence().endswith(" The next prune deletes 3 rows before it.")
    assert [json.loads(line).get("seq") for line in exported] == [None, 4, None]
    assert planned.sentence().endswith("can be deleted. An earlier prune left 3 rows to delete.")
    assert (removed, [row["seq"] for row in await rows()]) == (3, [4])
    assert planned.is_empty is False


async def test_many_rows_are_deleted_beside_a_writer(ledger, prune, database, database_url, clock, ana, monkeypatch):
    async def write_some():
        async with database.write() as transaction:
            for _ in range(10):
                await append(transaction, Entry(LedgerEvent.DENIED, clock(), ana))

    monkeypatch.setattr("bot.store.ledger.pruning.MOST_AT_ONCE", 10)
    for _ in range(6):
        await until_available(write_some)
    clock.advance(days=40)
    pruned = asyncio.create_task(prune(clock() - timedelta(days=31)))
    while not pruned.done():
        await until_available(ledger.append, Entry(LedgerEvent.DENIED, clock(), ana))

    found = await verify(database_url)

    assert (await pruned)[1] == 60
    assert (found.checkpoint.mark.seq, found.left_over) == (60, 0)


async def test_two_who_prune_at_once_write_one_checkpoint(add_old_request, count, database_url, clock, monkeypatch):
    await add_old_request("r0")
    clock.advance(days=40)
    planned = await plan(database_url, clock() - timedelta(days=31), clock())

    removed = [await execute(database_url, planned) for _ in range(2)]

    assert removed == [3, 0]
    assert await count(ledger_checkpoints) == 1
    assert (await verify(database_url)).rows == 1


async def test_the_last_recipients_of_what_goes_go_with_it(add_old_request, prune, database, clock):
    began = clock()
    gone, kept = await add_old_request("r0"), await add_old_request("r1", days=40)
    async with database.write() as transaction:
        for request in (gone, kept):
            call = Call(OrderTarget(7), (Recipient(f"{request.id}.example", "pki@example.com"),))
            await remember_recipients(transaction, call, request.at)

    await prune(began + timedelta(hours=1))

    async with database.read() as connection:
        names = set(await connection.scalars(sa.select(last_recipients.c.name)))
    assert names == {"r1.example"}


async def test_a_plan_that_found_nothing_to_send_goes_by_its_age(add_old_request, prune, database, clock, ana):
    notes, plans, asked = Posts(database), BulkPlans(database), BulkInput("unknown.example.com", Audience.USED, "en")
    for plan_id, state in (("d" * 16, BulkState.DISCARDED), ("e" * 16, BulkState.LOOKING_UP)):
        await plans.add(BulkPlan(plan_id, ana, ana.user_id, Destination("C0PKI"), asked, clock(), state))
        await notes.save(Post(f"{plan_id}.root", Destination("C0PKI"), clock()))
    await add_old_request("a" * 16, days=40)
    await plans.add(BulkPlan("f" * 16, ana, ana.user_id, Destination("C0PKI"), asked, clock(), BulkState.DISCARDED))

    await prune(clock() - timedelta(days=35))

    async with database.read() as connection:
        kept = set(await connection.scalars(sa.select(bulk_plans.c.id)))
        keys = set(await connection.scalars(sa.select(posts.c.key)))
    assert kept == {"e" * 16, "f" * 16}
    assert keys == {f"{'e' * 16}.root"}
