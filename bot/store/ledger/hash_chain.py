"""The ledger as whoever checks it sees it: row after row, each with the very bytes that its hash is taken of."""

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
_LOST = "A copy of the database was made without its -wal file, or an older copy was put back"


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """A place in the chain: the number of a row, and its hash."""

    seq: int
    hash: str


START = ChainPosition(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where rows were cut off: the last of them, when that was, and how many there were."""

    mark: ChainPosition
    at: str
    rows: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands there; nothing of it may be believed before `follow` has checked it."""

    mark: ChainPosition
    at: str
    kind: str
    detail: str
    prev: str
    body: bytes


class ChainBroken(Exception):
    """The first row that breaks the chain: its number, and why in words."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"Row {seq} does not fit: {why}.")
        self.seq = seq


class Chain:
    """Reads the chain in one transaction of the caller's, in as much memory for many rows as for few."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def checkpoint(self) -> Checkpoint | None:
        """The newest place at which rows were cut off."""
        newest = sa.select(ledger_checkpoints).order_by(ledger_checkpoints.c.seq.desc()).limit(1)
        row = (await self._connection.execute(newest)).first()
        return Checkpoint(ChainPosition(row.seq, row.hash), row.at, row.rows) if row else None

    async def head(self) -> ChainPosition | None:
        """What the next row will follow; None where it is gone."""
        row = (await self._connection.execute(sa.select(ledger_head))).first()
        return ChainPosition(row.seq, row.hash) if row else None

    async def rows(self, after: int, until: int | None = None) -> AsyncIterator[Row]:
        """The rows with greater numbers than `after`, up to `until`, in order."""
        batch = sa.select(ledger).order_by(ledger.c.seq).limit(_BATCH)
        if until is not None:
            batch = batch.where(ledger.c.seq <= until)
        while found := (await self._connection.execute(batch.where(ledger.c.seq > after))).mappings().all():
            for row in found:
                yield _row(dict(row))
            after = found[-1]["seq"]

    async def before(self, seq: int) -> ChainPosition:
        """The place that a row says it follows."""
        return ChainPosition(
            seq - 1, str(await self._connection.scalar(sa.select(ledger.c.prev).where(ledger.c.seq == seq)))
        )

    async def count(self, until: int) -> int:
        """How many rows have this number or a smaller one."""
        counted = sa.select(sa.func.count()).select_from(ledger).where(ledger.c.seq <= until)
        return int(await self._connection.scalar(counted) or 0)

    async def first_since(self, moment: str, after: int) -> int | None:
        """The number of the first row after another that was written at this moment or later."""
        first = sa.select(sa.func.min(ledger.c.seq)).where(ledger.c.at >= moment, ledger.c.seq > after)
        return await self._number(first)

    async def last_before(self, moment: str, after: int) -> int | None:
        """The number of the last row after another that was written before this moment."""
        last = sa.select(sa.func.max(ledger.c.seq)).where(ledger.c.at < moment, ledger.c.seq > after)
        return await self._number(last)

    async def require(self, newest: Newest, noted_in: Path) -> None:
        """Raise ChainBroken if a row that was once the newest is not there, or is another one.

        A row that was cut off cannot be compared any more.
        """
        head, cut = await self.head() or START, await self.checkpoint()
        if newest.seq > head.seq:
            raise ChainBroken(head.seq + 1, f"it is missing, and {noted_in} knows of row {newest.seq}. {_LOST}")
        found = cut.mark.hash if cut and cut.mark.seq == newest.seq else await self._hash(newest.seq)
        if found not in (None, newest.hash):
            raise ChainBroken(newest.seq, f"it is not the row of that number that {noted_in} knows of. {_LOST}")

    async def _hash(self, seq: int) -> str | None:
        found: str | None = await self._connection.scalar(sa.select(ledger.c.hash).where(ledger.c.seq == seq))
        return found

    async def _number(self, wanted: sa.Select[Any]) -> int | None:
        found: int | None = await self._connection.scalar(wanted)
        return found


def verify_link(before: ChainPosition, row: Row) -> ChainPosition:
    """The place of a row that was checked to follow `before`; ChainBroken where it does not."""
    expected = before.seq + 1
    if row.mark.seq != expected:
        raise ChainBroken(expected, f"it is missing, and row {row.mark.seq} comes next")
    if row.prev != before.hash:
        raise ChainBroken(expected, f"it does not carry the hash of row {before.seq}")
    if hashlib.sha256(row.body).hexdigest() != row.mark.hash:
        raise ChainBroken(expected, "it is not what its hash was taken of, so something in it was changed")
    return row.mark


def _row(row: dict[str, Any]) -> Row:
    try:
        body = row_body(row)
    except TypeError:
        # SQLite keeps bytes in a column of text, and no JSON holds them: no hash was ever taken of that.
        body = b""
    return Row(ChainPosition(row["seq"], row["hash"]), row["at"], row["kind"], row["detail"], row["prev"], body)
