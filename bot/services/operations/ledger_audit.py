"""The audit of the ledger: verification of its hash chain, export of its rows, and its head for the log."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from bot.errors import ConfigurationError
from bot.models import LedgerEvent
from bot.store.database import Database
from bot.store.database_file import sqlite_file
from bot.store.head_file import HeadFile, Newest
from bot.store.inspection import read_snapshot
from bot.store.ledger.entries import Ledger
from bot.store.ledger.hash_chain import START, Chain, ChainBroken, ChainPosition, Checkpoint, Row, verify_link
from bot.store.schema import canonical_json, format_timestamp

log = structlog.get_logger(__name__)

FORMAT = "dcv-resend ledger 1"


@dataclass(frozen=True, slots=True)
class Noted:
    """The head file of a database, and the newest row that it recorded; `row` is None if there is no such file."""

    file: Path
    row: Newest | None


@dataclass(frozen=True, slots=True)
class VerifiedLedger:
    """A ledger whose chain is valid. `first_at` and `last_at` are empty without rows. `left_over` counts pruned rows.

    Pruned rows here are those that are cut off but not removed yet. `recorded_at` is the number of the row with the
    hash that the operator recorded; None if there is none. `missing_file` is the head file that would show if rows were
    lost at the end; None if it was read, or on PostgreSQL.
    """

    rows: int
    first_at: str
    last_at: str
    head: ChainPosition
    checkpoint: Checkpoint | None
    left_over: int
    recorded_at: int | None = None
    missing_file: Path | None = None

    def sentence(self) -> str:
        """Return the result on one line."""
        span = f" ({self.first_at} to {self.last_at})" if self.rows else ""
        found = f"OK: {in_rows(self.rows)} verified{span}. Head: {self.head.hash}."
        if self.checkpoint is None:
            return found
        left = f" The next prune deletes {in_rows(self.left_over)} before it." if self.left_over else ""
        return f"{found} Pruned up to row {self.checkpoint.mark.seq} ({self.checkpoint.at}).{left}"

    def recorded_hash_sentence(self, kept: str) -> str:
        """Return which row has the hash that the operator recorded outside of the database."""
        if self.recorded_at is not None:
            return f"Row {self.recorded_at} has the hash {kept}, so that row and all earlier rows are unchanged."
        pruned = ", or the row was pruned" if self.checkpoint else ""
        return f"No row has the hash {kept}, so this isn't the same audit log, or rows were removed{pruned}."


class HeadLog:
    """A writer of the chain's head to the log, so that it is also recorded outside of the database."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def log_head(self) -> None:
        """Log the number and the hash of the newest row."""
        seq, row_hash = await self._ledger.head()
        log.info("ledger head", seq=seq, hash=row_hash)


async def verify(url: str, kept: str | None = None) -> VerifiedLedger:
    """Verify every row of a database, and search for the recorded hash `kept`. Changes nothing.

    Raises ChainBroken with the first row that breaks the chain. Raises ConfigurationError if the database cannot be
    read.
    """
    noted = read_noted(url)
    async with read_snapshot(url) as connection:
        return await verified(Chain(connection), noted, kept)


def read_noted(url: str) -> Noted | None:
    """Return the content of the head file beside a SQLite database, or None on PostgreSQL.

    Call it before reading the database: the database may be ahead of the file, but never behind it. Raises
    ConfigurationError if the file cannot be read.
    """
    if (database := sqlite_file(url)) is None:
        return None
    head_file = HeadFile(database)
    try:
        return Noted(head_file.path, head_file.read())
    except ValueError as error:
        raise ConfigurationError([f"{error}. Remove it if you know why. The next start writes a new one."]) from error


async def compare_with_head_file(database: Database) -> None:
    """Log a warning at a start if rows were lost since the last commit.

    The head file that proves it is then left unchanged.
    """
    head_file = database.head_file
    if head_file is None:
        return
    async with database.read() as connection:
        chain = Chain(connection)
        try:
            if newest := head_file.read():
                await chain.require(newest, head_file.path)
        except (ChainBroken, ValueError) as error:
            head_file.freeze()
            fix = f"run `dcv-resend ledger verify`; remove {head_file.path} once you know why"
            log.warning("rows of the audit log were lost", problem=str(error), fix=fix)
        else:
            head = await chain.head()
            if head:
                head_file.save_in_background(Newest(head.seq, head.hash))


async def verified(chain: Chain, noted: Noted | None, kept: str | None = None) -> VerifiedLedger:
    """Verify the chain within a transaction of the caller. The row that the head file recorded must exist.

    Raises ChainBroken with the first row that breaks the chain.
    """
    checkpoint = await chain.checkpoint()
    start = checkpoint.mark if checkpoint else START
    left_over = await chain.count(until=start.seq)
    if left_over and not checkpoint:
        raise ChainBroken(1, "there are earlier rows")
    # A checkpoint alone could be forged, so a row of the chain itself must record that `ledger prune` made the cut.
    at, first, last, is_cut_recorded = start, "", "", checkpoint is None
    kept_at = start.seq if kept == start.hash else None
    async for row in chain.rows(after=start.seq):
        at = verify_link(at, row)
        first, last = first or row.at, row.at
        kept_at = at.seq if kept == at.hash else kept_at
        is_cut_recorded = is_cut_recorded or (row.kind == LedgerEvent.PRUNED and _cut_off(row) == start)
    if not is_cut_recorded:
        raise ChainBroken(
            start.seq + 1, "earlier rows are missing, and no row records that `ledger prune` deleted them"
        )
    _require_head(await chain.head(), at)
    if noted and noted.row:
        await chain.require(noted.row, noted.file)
    missing_file = noted.file if noted and not noted.row else None
    return VerifiedLedger(at.seq - start.seq, first, last, at, checkpoint, left_over, kept_at, missing_file)


async def export(
    url: str, since: datetime | None, until: datetime | None, now: datetime, write: Callable[[bytes], Any]
) -> None:
    """Write the rows from the first one written at `since` to the last one written before `until`, as JSON lines.

    Rows between these two are included even if they were written out of order, because a chain has no gaps. The line of
    a row is the text that its hash is computed from, with the hash as the last member.

    Raises ChainBroken if a row cannot be written as text.
    """
    async with read_snapshot(url) as connection:
        chain = Chain(connection)
        checkpoint = await chain.checkpoint()
        after, last = await _span(chain, checkpoint.mark if checkpoint else START, since, until)
        span = {"since": since and format_timestamp(since), "until": until and format_timestamp(until)}
        opening = {"format": FORMAT, "after": _mark(after), "checkpoint": checkpoint and _checkpoint_record(checkpoint)}
        write(_line({**opening, **span}))
        at = after
        async for row in chain.rows(after.seq, last):
            at = row.mark
            write(_row_line(row))
        head = await chain.head()
        closing = {"rows": at.seq - after.seq, "last": _mark(at), "head": head and _mark(head)}
        write(_line({**closing, "exported_at": format_timestamp(now)}))


async def _span(
    chain: Chain, start: ChainPosition, since: datetime | None, until: datetime | None
) -> tuple[ChainPosition, int | None]:
    """Return the row after which to begin, and the last row.

    If no row is in between, both are the row to begin after.
    """
    first = await chain.first_since(format_timestamp(since), start.seq) if since else start.seq + 1
    last = await chain.last_before(format_timestamp(until), start.seq) or 0 if until else None
    if first is None or (last is not None and last < first):
        return start, start.seq
    return (start if first == start.seq + 1 else await chain.before(first)), last


def _require_head(head: ChainPosition | None, last: ChainPosition) -> None:
    if head is None:
        raise ChainBroken(last.seq, "the record of the chain's head is missing")
    if head.seq > last.seq:
        raise ChainBroken(last.seq + 1, f"it's missing, and the chain's head is row {head.seq}")
    if head.seq < last.seq:
        raise ChainBroken(head.seq + 1, f"it comes after the chain's head, row {head.seq}")
    if head.hash != last.hash:
        raise ChainBroken(last.seq, "the chain's head has a different hash")


def _cut_off(row: Row) -> ChainPosition | None:
    """Return the position up to which a `pruned` row says the ledger was cut off, or None if the row is forged."""
    try:
        detail = json.loads(row.detail)
        return ChainPosition(detail["through"], detail["hash"])
    except (LookupError, TypeError, ValueError, RecursionError):
        return None


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _row_line(row: Row) -> bytes:
    if not row.body:
        raise ChainBroken(row.mark.seq, "it contains bytes that aren't text")
    return row.body[:-1] + b',"hash":' + canonical_json(row.mark.hash).encode() + b"}\n"


def _mark(mark: ChainPosition) -> dict[str, Any]:
    return {"seq": mark.seq, "hash": mark.hash}


def _checkpoint_record(checkpoint: Checkpoint) -> dict[str, Any]:
    return {**_mark(checkpoint.mark), "at": checkpoint.at, "rows": checkpoint.rows}


def in_rows(count: int) -> str:
    """Return a number of rows as text."""
    return f"{count:,} row{'' if count == 1 else 's'}"
