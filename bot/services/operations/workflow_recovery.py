"""Recovery of unfinished workflows of instances that are gone, by the instances that run."""

import asyncio

import structlog

from bot.store.cluster.membership import Membership
from bot.workflow_engine import WorkflowEngine

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 30.0


class WorkflowRecovery:
    """Failover of workflows: an executor without a lease is gone."""

    def __init__(self, membership: Membership, engine: WorkflowEngine) -> None:
        self._membership = membership
        self._engine = engine
        self._known_executors: frozenset[str] = frozenset()
        self._sweep_at = 0.0

    async def run_once(self) -> None:
        """Recover workflows if an instance came or went, and every half minute. Raises StoreUnavailable."""
        executors, now = await self._membership.executors(), asyncio.get_running_loop().time()
        if executors == self._known_executors and now < self._sweep_at:
            return
        owners = await self._engine.pending_executors() - {self._membership.executor}
        # Read again: an executor that owned a workflow at that moment had its lease before.
        if gone := owners - await self._membership.executors():
            log.info("continuing the work of instances that are gone", executors=sorted(gone))
            await self._engine.recover(gone)
        self._known_executors, self._sweep_at = executors, now + SWEEP_SECONDS
