"""The retention of the ledger: removal of its oldest rows, whole requests at a time, with a valid chain."""

from dataclasses import dataclass
from datetime import datetime

from bot.errors import ConfigurationError
from bot.services.operations.ledger_audit import in_rows, read_noted, verified
from bot.store.database import open_database
from bot.store.inspection import read_snapshot
from bot.store.ledger import pruning
from bot.store.ledger.hash_chain import START, Chain
from bot.store.ledger.pruning import Cut
from bot.store.retention import LEDGER_MIN_RETENTION
from bot.store.schema import format_timestamp


@dataclass(frozen=True, slots=True)
class PruningPlan:
    """The rows to remove. `left_over` counts rows that an earlier prune cut off and did not remove."""

    before: datetime
    now: datetime
    cut: Cut
    left_over: int

    @property
    def is_empty(self) -> bool:
        """Return True if there is nothing to remove."""
        return not (self.cut.rows or self.left_over)

    def sentence(self) -> str:
        """Return what will be removed, and which open request holds back the rest."""
        words = f"{in_rows(self.cut.rows)} older than {format_timestamp(self.before)} can be deleted"
        words += f", up to row {self.cut.through.seq}." if self.cut.rows else "."
        if self.cut.held_by:
            words += f" Later rows stay, because request {self.cut.held_by} isn't completed."
        if self.left_over:
            words += f" An earlier prune left {in_rows(self.left_over)} to delete."
        return words


async def plan(url: str, before: datetime, now: datetime) -> PruningPlan:
    """Return what may be removed from before a point in time. Changes nothing.

    Raises ConfigurationError if `before` is within the last 30 days. Raises ChainBroken if the chain is not valid,
    because pruning would destroy the evidence.
    """
    if before > now - LEDGER_MIN_RETENTION:
        raise ConfigurationError([f"--before must be at least {LEDGER_MIN_RETENTION.days} days ago."])
    noted = read_noted(url)
    async with read_snapshot(url) as connection:
        found = await verified(Chain(connection), noted)
        start = found.checkpoint.mark if found.checkpoint else START
        return PruningPlan(before, now, await pruning.plan(connection, start, before, now), found.left_over)


async def execute(url: str, plan: PruningPlan) -> int:
    """Write the checkpoint and remove the rows. Returns how many rows were removed.

    The transactions are short enough for a bot that serves at the same time. Raises StoreUnavailable if the database
    does not answer for a minute. The next prune removes what is left.
    """
    database = open_database(url)
    try:
        if plan.cut.rows:
            await pruning.cut_off(database, plan.cut, plan.before, plan.now)
        return await pruning.sweep(database, plan.cut.through.seq)
    finally:
        await database.close()
