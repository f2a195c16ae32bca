"""The limits of plans: above how many targets a plan needs a reason, and above how many another person."""

from datetime import timedelta

from attrs import define

from bot.bulk import BulkPlan
from bot.clock import Clock
from bot.store.bulk_plans import targets_since
from bot.store.database import Database, Transaction

DAY = timedelta(hours=24)


@define(eq=False, repr=False, slots=False)
class BulkLimits:
    """The limits of the settings. 0 turns the second person off."""

    _database: Database
    _reason_over: int
    _approve_over: int
    _clock: Clock

    def needs_reason(self, targets: int, reason: str | None) -> bool:
        """Return True if so many targets need a reason, and there is none."""
        return targets > self._reason_over and not reason

    async def needs_approval(self, plan: BulkPlan) -> bool:
        """Return True if a plan needs another person: with the plans that its requester started in the last day."""
        async with self._database.read() as connection:
            return await self.needs_approval_in(connection, plan)

    async def needs_approval_in(self, transaction: Transaction, plan: BulkPlan) -> bool:
        """Return what `needs_approval` does, read in the caller's transaction.

        Otherwise two plans at once could both be below the limit.
        """
        if not self._approve_over:
            return False
        ids = {plan.actor.user_id, plan.person_id}
        started = await targets_since(transaction, ids, self._clock() - DAY, but=plan.id)
        return started + plan.targets > self._approve_over
