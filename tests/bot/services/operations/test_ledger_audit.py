"""The ledger's audit: an intact chain is confirmed, and the first tampered row is named."""

import asyncio
import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import ConfigurationError
from bot.models import LedgerEvent
from bot.services.operations.ledger_audit import HeadLog, export, verified, verify
from bot.store.ledger.entries import GENESIS, Entry, append, row_hash
from bot.store.ledger.hash_chain import ChainBroken
from bot.store.schema import ledger as table
from tests.quick import examples

NASTY = st.dictionaries(
    st.sampled_from(["words", "reason", "größer"]),
    st.text(st.characters(exclude_categories=()))
    | st.sampled_from(["\u2028\x85\x00\r\n\\u0000", "\ud83d half", "\ufeff"]),
)


@pytest.fixture
def write(ledger, clock, ana):
    """Write rows, a minute apart."""

    async def rows(count=5, **detail):
        for _ in range(count):
            await ledger.append(Entry(LedgerEvent.DENIED, clock(), ana, "r1", 0, 1, {"target": "order 7", **detail}))
            clock.advance(minutes=1)

    return rows


@pytest.fixture
def tamper(database):
    """Make a change that the guards reject, as an attacker with rights on the tables would."""

    async def run(*statements, **values):
        off = ["ALTER TABLE ledger DISABLE TRIGGER USER", "ALTER TABLE ledger_checkpoints DISABLE TRIGGER USER"]
        async with database.write() as transaction:
            if database.is_sqlite:
                found = await transaction.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
                off = [f"DROP TRIGGER {row.name}" for row in found.all()]
            for statement in (*off, *statements):
                named = {name: value for name, value in values.items() if f":{name}" in statement}
                await transaction.execute(sa.text(statement), named)

    return run


@pytest.fixture
def exported(database_url, clock):
    """Return the lines of an export."""

    async def lines(since=None, until=None):
        written = []
        await export(database_url, since, until, clock(), written.append)
        return [json.loads(line) for line in b"".join(written).splitlines()]

    return lines


def says(error, seq):
    return re.match(rf"Row {seq} is invalid: .*\.$", str(error.value)) is not None


async def test_an_intact_chain_is_reported_with_its_span_and_head(write, rows, database_url):
    await write(3)

    found = await verify(database_url)

    head = (await rows())[-1]["hash"]
    assert found.sentence() == (
        f"OK: 3 rows verified (2026-07-01T10:00:00.000000Z to 2026-07-01T10:02:00.000000Z). Head: {head}."
    )


async def test_an_empty_chain_holds(database, database_url):
    assert (await verify(database_url)).sentence() == f"OK: 0 rows verified. Head: {GENESIS}."


@pytest.mark.parametrize(
    "change",
    [
        "at = '2020-01-01T00:00:00.000000Z'",
        "kind = 'sent'",
        "request_id = NULL",
        "call_no = 1",
        "attempt = NULL",
        "user_id = 'U0EVE'",
        "team_id = 'T0EVE'",
        'detail = \'{"target": "order 7"}\'',
        f"prev = '{'1' * 64}'",
        f"hash = '{'1' * 64}'",
        "seq = 99",
        "seq = -1",
    ],
)
@pytest.mark.parametrize("row", [1, 3, 5])
async def test_a_change_of_any_column_names_the_row(write, tamper, database_url, change, row):
    await write()
    await tamper(f"UPDATE ledger SET {change} WHERE seq = :seq", seq=row)  # noqa: S608 - words of ours

    with pytest.raises(ChainBroken) as error:
        await verify(database_url)

    first = 1 if change == "seq = -1" else row
    assert says(error, first)


@pytest.mark.parametrize("detail", ["x'ff'", "CAST(x'ff' AS TEXT)", "7", "1.5", "''"])
async def test_what_only_sqlite_can_hold_names_the_row_too(write, tamper, database, database_url, exported, detail):
    if not database.is_sqlite:
        pytest.skip("its columns hold text")
    await write()
    await tamper(f"UPDATE ledger SET detail = {detail} WHERE seq = 2")  # noqa: S608 - words of ours

    with pytest.raises(ChainBroken) as error:
        await verify(database_url)

    assert says(error, 2)
    if detail == "x'ff'":
        with pytest.raises(ChainBroken, match="Row 2 is invalid: it contains bytes"):
            await exported()
    else:
        assert len(await exported()) == 7


@pytest.mark.parametrize(("gone", "named"), [(1, 1), (3, 3), (5, 5)])
async def test_a_row_that_is_gone_is_named(write, tamper, database_url, gone, named):
    await write()
    await tamper("DELETE FROM ledger WHERE seq = :seq", seq=gone)

    with pytest.raises(ChainBroken) as error:
        await verify(database_url)

    assert says(error, named)
    assert "it's missing" in str(error.value)


async def test_of_two_rows_that_were_swapped_the_first_is_named(write, tamper, database_url):
    await write()
    await tamper(
        "UPDATE ledger SET seq = 99 WHERE seq = 2",
        "UPDATE ledger SET seq = 2 WHERE seq = 3",
        "UPDATE ledger SET seq = 3 WHERE seq = 99",
    )

    with pytest.raises(ChainBroken) as error:
        await verify(database_url)

    assert says(error, 2)


async def test_a_row_with_a_new_hash_is_noticed_at_the_next_and_the_last_at_the_head(write, tamper, rows, database_url):
    await write()
    for seq, named in ((5, 5), (2, 3)):
        forged = {**(await rows())[seq - 1], "user_id": "U0EVE"}
        await tamper(
            "UPDATE ledger SET user_id = 'U0EVE', hash = :hash WHERE seq = :seq", hash=row_hash(forged), seq=seq
        )

        with pytest.raises(ChainBroken) as error:
            await verify(database_url)

        assert says(error, named)


@pytest.mark.parametrize(
    ("change", "named", "why"),
    [
        ("UPDATE ledger_head SET seq = 3", 4, "after the chain's head"),
        ("UPDATE ledger_head SET seq = 9", 6, "it's missing"),
        ("UPDATE ledger_head SET hash = ''", 5, "a different hash"),
        ("DELETE FROM ledger_head", 5, "is missing"),
    ],
)
async def test_the_head_must_be_the_last_row(write, tamper, database, database_url, change, named, why):
    await write()
    async with database.read() as connection:
        before = (await connection.execute(sa.text("SELECT id, seq, hash FROM ledger_head"))).mappings().one()
    await tamper(change)

    with pytest.raises(ChainBroken, match=why) as error:
        await verify(database_url)

    assert says(error, named)
    await tamper(
        "DELETE FROM ledger_head",
        "INSERT INTO ledger_head (id, seq, hash) VALUES (:id, :seq, :hash)",
        **before,
    )


async def test_a_truncated_tail_is_detected_by_a_head_stored_outside(write, tamper, rows, database_url, tmp_path):
    await write()
    kept, earlier = (await rows())[4]["hash"], (await rows())[2]["hash"]
    held = await verify(database_url, kept)
    await tamper("DELETE FROM ledger WHERE seq > 3", "UPDATE ledger_head SET seq = 3, hash = :hash", hash=earlier)
    for file in tmp_path.rglob("*.head"):
        file.unlink()

    found = await verify(database_url, kept)

    assert held.recorded_hash_sentence(kept).startswith(f"Row 5 has the hash {kept}")
    assert found.recorded_hash_sentence(kept).startswith(f"No row has the hash {kept},")
    assert (await verify(database_url, earlier)).recorded_at == 3
    assert (await verify(database_url, GENESIS)).recorded_at == 0


async def test_a_checkpoint_without_its_row_names_the_row_behind_it(write, tamper, rows, database_url):
    await write()
    second = (await rows())[1]["hash"]
    await tamper(
        "INSERT INTO ledger_checkpoints (seq, hash, at, rows) VALUES (2, :hash, '', 2)",
        "DELETE FROM ledger WHERE seq <= 2",
        hash=second,
    )

    with pytest.raises(ChainBroken, match="Row 3 is invalid: earlier rows are missing"):
        await verify(database_url)


@pytest.mark.parametrize("detail", [{}, {"through": 2}, {"through": {}, "hash": []}])
async def test_a_forged_row_of_a_prune_explains_no_missing_rows(
    write, tamper, ledger, rows, clock, ana, database_url, detail
):
    await write()
    await ledger.append(Entry(LedgerEvent.PRUNED, clock(), ana, detail=detail))
    second = (await rows())[1]["hash"]
    await tamper(
        "INSERT INTO ledger_checkpoints (seq, hash, at, rows) VALUES (2, :hash, '', 2)",
        "DELETE FROM ledger WHERE seq <= 2",
        hash=second,
    )

    with pytest.raises(ChainBroken, match="Row 3 is invalid: earlier rows are missing"):
        await verify(database_url)


async def test_it_may_run_while_two_others_write(database, open_another, database_url, clock, ana):
    other, stop = open_another(), asyncio.Event()

    async def write(database):
        async with database.write() as transaction:
            await append(transaction, Entry(LedgerEvent.DENIED, clock(), ana))

    async def write_continuously(database):
        while not stop.is_set():
            await write(database)

    writing = [asyncio.create_task(write_continuously(each)) for each in (database, other)]
    counts = [(await verify(database_url)).rows for _ in range(10)]
    stop.set()
    await asyncio.gather(*writing)

    assert counts == sorted(counts)
    assert (await verify(database_url)).rows >= counts[-1] > 0


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(details=st.lists(NASTY, min_size=1, max_size=4))
async def test_whatever_was_written_is_verified_and_exported_with_its_bytes(
    database, database_url, exported, rows, clock, ana, details
):
    async with database.write() as transaction:
        for detail in details:
            await append(transaction, Entry(LedgerEvent.DENIED, clock(), ana, detail=detail))

    found, lines = await verify(database_url), await exported()

    assert found.rows == len(await rows()) == lines[-1]["rows"]
    assert [json.loads(line["detail"]) for line in lines[1:-1]][-len(details) :] == details
    assert lines[1:-1] == await rows()


async def test_an_export_has_its_start_and_the_head_of_the_chain(write, exported, rows, clock):
    await write(2)

    first, *lines, last = await exported()

    head = {"seq": 2, "hash": lines[-1]["hash"]}
    assert first == {
        "format": "dcv-resend ledger 1",
        "after": {"seq": 0, "hash": GENESIS},
        "checkpoint": None,
        "since": None,
        "until": None,
    }
    assert last == {"rows": 2, "last": head, "head": head, "exported_at": "2026-07-01T10:02:00.000000Z"}
    assert lines == await rows()


@pytest.mark.parametrize(
    ("since", "until", "seqs"),
    [
        (0, 5, [1, 2, 3, 4, 5]),
        (1, 3, [2, 3]),
        (1, None, [2, 3, 4, 5]),
        (None, 2, [1, 2]),
        (-60, 1, [1]),
        (5, 9, []),
        (-9, 0, []),
        (1.2, 1.8, []),
    ],
)
async def test_an_export_contains_the_rows_between_two_timestamps(write, exported, clock, since, until, seqs):
    began = clock()
    await write()
    moments = [None if minutes is None else began + timedelta(minutes=minutes) for minutes in (since, until)]

    first, *lines, last = await exported(*moments)

    assert [line["seq"] for line in lines] == seqs
    assert first["after"]["seq"] == (seqs[0] - 1 if seqs else 0)
    assert first["after"]["hash"] == (lines[0]["prev"] if lines else GENESIS)
    assert (last["rows"], last["head"]["seq"], last["last"]["seq"]) == (len(seqs), 5, seqs[-1] if seqs else 0)


async def test_rows_written_out_of_order_come_along(ledger, exported, clock, ana):
    for minutes in (0, 10, 2, 11, 20):
        await ledger.append(Entry(LedgerEvent.DENIED, clock() + timedelta(minutes=minutes), ana))

    lines = await exported(clock() + timedelta(minutes=5), clock() + timedelta(minutes=15))

    assert [line["seq"] for line in lines[1:-1]] == [2, 3, 4]


async def test_the_head_is_logged(write, ledger, rows, logged):
    await write(2)

    await HeadLog(ledger).log_head()

    assert [entry for entry in logged if entry["event"] == "ledger head"] == [
        {"event": "ledger head", "log_level": "info", "seq": 2, "hash": (await rows())[-1]["hash"]}
    ]


async def test_a_database_that_cannot_be_read_is_reported_to_the_operator(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no file"):
        await verify(f"sqlite+aiosqlite:///{tmp_path}/missing.db")
    (tmp_path / "text.db").write_text("no database" * 1000)
    with pytest.raises(ConfigurationError, match="can't open the database"):
        await verify(f"sqlite+aiosqlite:///{tmp_path}/text.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(ConfigurationError, match="has no audit log yet"):
        await verify(f"sqlite+aiosqlite:///{tmp_path}/empty.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.db", "text.db"]


async def test_a_bot_that_starts_during_an_audit_is_no_flaw_of_the_chain(write, database_url, monkeypatch):
    await write(1)

    async def write_meanwhile(*arguments):
        await write(1)
        return await verified(*arguments)

    monkeypatch.setattr("bot.services.operations.ledger_audit.verified", write_meanwhile)

    assert (await verify(database_url)).rows == 1


def test_every_column_of_a_row_was_tampered_with():
    """A new column must be part of the hash, and of the test above."""
    assert {column.name for column in table.columns} == {
        *("seq", "at", "kind", "request_id", "call_no", "attempt", "user_id", "team_id", "detail", "prev", "hash")
    }
