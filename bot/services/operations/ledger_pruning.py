"""Letting go of the ledger's oldest rows, whole requests at a time, without breaking the chain."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import ConfigurationError
from bot.services.operations.ledger_audit import in_rows, read_noted, verified
from bot.store.database import open_database
from bot.store.inspection import read_snapshot
from bot.store.ledger import pruning
from bot.store.ledger.hash_chain import START, Chain
from bot.store.ledger.pruning import Cut
from bot.store.schema import format_timestamp

# Longer than anything that a request waits for: its cooldown, its outcome in Slack, a look after its mails.
YOUNGEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PruningPlan:
    """What would go; `left_over` counts rows that an earlier prune cut off and did not remove."""

    before: datetime
    now: datetime
    cut: Cut
    left_over: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.cut.rows or self.left_over)

    def sentence(self) -> str:
        """What would go, and what holds back the rest."""
        told = f"{in_rows(self.cut.rows)} from before {format_timestamp(self.before)} may go"
        told += f", up to row {self.cut.through.seq}." if self.cut.rows else "."
        if self.cut.held_by:
            told += f" What follows stays, because request {self.cut.held_by} is not over."
        if self.left_over:
            told += f" {in_rows(self.left_over)} of an earlier prune wait to be removed."
        return told


async def plan(url: str, before: datetime, now: datetime) -> PruningPlan:
    """What may go from before a moment; changes nothing.

    ConfigurationError for a moment within the last 30 days, ChainBroken for a chain that does not hold: that would be
    lost.
    """
    if before > now - YOUNGEST:
        raise ConfigurationError(
            [f"--before must be {YOUNGEST.days} days ago or more, so that no request is cut off midway."]
        )
    noted = read_noted(url)
    async with read_snapshot(url) as connection:
        found = await verified(Chain(connection), noted)
        start = found.checkpoint.mark if found.checkpoint else START
        return PruningPlan(before, now, await pruning.plan(connection, start, before, now), found.left_over)


async def execute(url: str, plan: PruningPlan) -> int:
    """Write the checkpoint and remove the rows, in transactions short enough for a bot that serves; returns how many.

    StoreUnavailable where the database does not answer for a minute; what is left waits for the next prune.
    """
    database = open_database(url)
    try:
        if plan.cut.rows:
            await pruning.cut_off(database, plan.cut, plan.before, plan.now)
        return await pruning.sweep(database, plan.cut.through.seq)
    finally:
        await database.close()
