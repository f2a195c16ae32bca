"""The hash chain of the ledger, for verification: each row with the exact bytes that its hash is taken of."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.head_file import Newest
from bot.store.ledger.entries import GENESIS, row_body
from bot.store.schema import ledger, ledger_checkpoints, ledger_head

_BATCH = 500
_LOST = "The database was copied without its -wal file, or an older copy was restored"


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """A position in the chain: the number of a row, and its hash."""

    seq: int
    hash: str


START = ChainPosition(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A cut by pruning: the position of the last row that was cut off, when that was, and how many rows there were."""

    mark: ChainPosition
    at: str
    rows: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is in the database. Do not trust any part of it before `verify_link` has checked it."""

    mark: ChainPosition
    at: str
    kind: str
    detail: str
    prev: str
    body: bytes


class ChainBroken(Exception):
    """The first row that breaks the chain: its number, and the reason as text for the operator."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"Row {seq} is invalid: {why}.")
        self.seq = seq


class Chain:
    """Reader of the chain in one transaction of the caller. Reads in batches, so that its memory does not grow."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint; None if nothing was ever pruned."""
        newest = sa.select(ledger_checkpoints).order_by(ledger_checkpoints.c.seq.desc()).limit(1)
        row = (await self._connection.execute(newest)).first()
        return Checkpoint(ChainPosition(row.seq, row.hash), row.at, row.rows) if row else None

    async def head(self) -> ChainPosition | None:
        """Return the position that the next row will follow; None if the head row is missing."""
        row = (await self._connection.execute(sa.select(ledger_head))).first()
        return ChainPosition(row.seq, row.hash) if row else None

    async def rows(self, after: int, until: int | None = None) -> AsyncIterator[Row]:
        """Yield the rows with numbers greater than `after`, up to and including `until`, in order."""
        batch = sa.select(ledger).order_by(ledger.c.seq).limit(_BATCH)
        if until is not None:
            batch = batch.where(ledger.c.seq <= until)
        while found := (await self._connection.execute(batch.where(ledger.c.seq > after))).mappings().all():
            for row in found:
                yield _row(dict(row))
            after = found[-1]["seq"]

    async def before(self, seq: int) -> ChainPosition:
        """Return the position that a row says it follows."""
        return ChainPosition(
            seq - 1, str(await self._connection.scalar(sa.select(ledger.c.prev).where(ledger.c.seq == seq)))
        )

    async def count(self, until: int) -> int:
        """Return how many rows have this number or a smaller one."""
        counted = sa.select(sa.func.count()).select_from(ledger).where(ledger.c.seq <= until)
        return int(await self._connection.scalar(counted) or 0)

    async def first_since(self, moment: str, after: int) -> int | None:
        """Return the number of the first row behind `after` that was written at this moment or later."""
        first = sa.select(sa.func.min(ledger.c.seq)).where(ledger.c.at >= moment, ledger.c.seq > after)
        return await self._number(first)

    async def last_before(self, moment: str, after: int) -> int | None:
        """Return the number of the last row behind `after` that was written before this moment."""
        last = sa.select(sa.func.max(ledger.c.seq)).where(ledger.c.at < moment, ledger.c.seq > after)
        return await self._number(last)

    async def require(self, newest: Newest, noted_in: Path) -> None:
        """Raise ChainBroken if a row that was once the newest is missing, or is another one.

        A row that was pruned cannot be compared any more.
        """
        head, cut = await self.head() or START, await self.checkpoint()
        if newest.seq > head.seq:
            raise ChainBroken(head.seq + 1, f"it's missing, and {noted_in} names row {newest.seq}. {_LOST}")
        found = cut.mark.hash if cut and cut.mark.seq == newest.seq else await self._hash(newest.seq)
        if found not in (None, newest.hash):
            raise ChainBroken(newest.seq, f"it isn't the row that {noted_in} names. {_LOST}")

    async def _hash(self, seq: int) -> str | None:
        found: str | None = await self._connection.scalar(sa.select(ledger.c.hash).where(ledger.c.seq == seq))
        return found

    async def _number(self, wanted: sa.Select[Any]) -> int | None:
        found: int | None = await self._connection.scalar(wanted)
        return found


def verify_link(before: ChainPosition, row: Row) -> ChainPosition:
    """Check that a row follows `before`, and return its position. Raises ChainBroken if it does not."""
    expected = before.seq + 1
    if row.mark.seq != expected:
        raise ChainBroken(expected, f"it's missing, and row {row.mark.seq} comes next")
    if row.prev != before.hash:
        raise ChainBroken(expected, f"it doesn't contain the hash of row {before.seq}")
    if hashlib.sha256(row.body).hexdigest() != row.mark.hash:
        raise ChainBroken(expected, "its content doesn't match its hash, so it was modified")
    return row.mark


def _row(row: dict[str, Any]) -> Row:
    try:
        body = row_body(row)
    except TypeError:
        # SQLite accepts bytes in a text column, but JSON cannot hold them: such a row never had a valid hash.
        body = b""
    return Row(ChainPosition(row["seq"], row["hash"]), row["at"], row["kind"], row["detail"], row["prev"], body)
