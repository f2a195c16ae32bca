"""The preview of a plan: a durable workflow looks everything up, freezes the rows, and publishes them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import structlog
from attrs import define

from bot.bulk import BulkPlan, BulkState, count_emails
from bot.clock import Clock
from bot.errors import BotError, StoreUnavailable
from bot.fair_share import working_for
from bot.models import LedgerEvent
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input
from bot.services.authorization.visibility import Visibility
from bot.services.bulk.result import EDIT_SECONDS, BulkReporter
from bot.services.bulk.selection import BulkSelection, Selected
from bot.services.publishing.delivery import attempt_delivery, deliver_with_retry
from bot.store.bulk_plans import BulkPlans, frozen_rows, plan_hash
from bot.store.ledger.entries import Entry
from bot.store.retry import until_available
from bot.views import bulk as views
from bot.views.errors import describe
from bot.workflow_engine import Steps, WorkflowEngine

log = structlog.get_logger(__name__)

FLOW = "bulk_preview_v1"


@define(eq=False, repr=False, slots=False)
class BulkPreviews:
    """The workflow that makes the preview of a plan. It counts as work for the requester, who waits for it."""

    _authorizer: Authorizer
    _plans: BulkPlans
    _selection: BulkSelection
    _reporter: BulkReporter
    _engine: WorkflowEngine
    _clock: Clock

    def __attrs_post_init__(self) -> None:
        self._engine.define(FLOW, self._flow)

    async def start(self, plan_id: str) -> None:
        """Start the preview of a saved plan. Safe to repeat: it runs once. An error is only logged."""
        try:
            await self._engine.start(FLOW, plan_id)
        except Exception:
            log.exception("a preview could not be started yet", plan=plan_id)

    async def start_pending(self) -> None:
        """Start each preview whose start was lost."""
        for plan in await self._plans.in_state(BulkState.LOOKING_UP):
            await self.start(plan.id)

    async def _flow(self, steps: Steps, plan_id: str) -> None:
        """Look the targets up, publish the preview, and send the requester what only they may learn.

        DBOS replays recorded steps by their order, so a workflow with other steps needs a new name.
        """
        with structlog.contextvars.bound_contextvars(plan=plan_id):
            await steps.run("look_up", self._read, plan_id)
            await deliver_with_retry(steps, "preview", self._deliver, plan_id)
            await steps.run("hidden", self._reporter.show_hidden, plan_id)

    async def _deliver(self, plan_id: str) -> dict[str, Any]:
        return await attempt_delivery(self._reporter.show_preview, plan_id)

    async def _read(self, plan_id: str) -> None:
        """Freeze what the plan would send, or save why it sends nothing. Safe to repeat."""
        plan = await until_available(self._plans.get, plan_id)
        if plan is None or plan.state is not BulkState.LOOKING_UP:
            return
        try:
            with working_for(plan.actor.user_id):
                selected = await self._select(plan)
        except StoreUnavailable:
            raise
        except BotError as error:
            await self._end(plan, describe(error))
        except Exception:
            log.exception("the targets of a plan could not be looked up")
            await self._end(plan, "An internal error stopped the lookup. Nothing was sent.")
        else:
            await until_available(self._freeze, plan, selected)

    async def _select(self, plan: BulkPlan) -> Selected:
        resource = resource_for_input(plan.destination, None)
        about = {"text": plan.asked.wanted[:200], "channel": plan.destination.channel_id}
        context = await self._authorizer.require(plan.actor, Action.RESEND, about, resource)
        counted = [0, 0]

        def progress(done: int, total: int) -> None:
            counted[:] = done, total

        async with self._showing(plan, counted):
            visibility = Visibility(plan.actor, plan.destination, context)
            return await self._selection.select(plan, visibility, progress)

    @contextlib.asynccontextmanager
    async def _showing(self, plan: BulkPlan, counted: list[int]) -> AsyncIterator[None]:
        """Publish the progress every few seconds for as long as the context lasts."""
        task = asyncio.create_task(self._show(plan, counted))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _show(self, plan: BulkPlan, counted: list[int]) -> None:
        while True:
            try:
                await self._reporter.show_text(plan, views.looking_up(plan, counted[0], counted[1]))
            except BotError as error:
                log.warning("the progress of a lookup could not be shown", error=str(error))
            await asyncio.sleep(EDIT_SECONDS)

    async def _freeze(self, plan: BulkPlan, selected: Selected) -> None:
        items = selected.items
        frozen = replace(
            plan,
            state=BulkState.READY if items else BulkState.DISCARDED,
            hash=plan_hash(items),
            lines=selected.lines,
            targets=len(items),
            emails=count_emails(items),
            left_out=selected.left_out,
            repeated=selected.repeated,
            everyone=selected.everyone,
        )
        detail = {"hash": frozen.hash, "rows": frozen_rows(items), "lines": frozen.lines, "emails": frozen.emails}
        detail |= {"channel": plan.destination.channel_id, "reason": plan.asked.reason, "locale": plan.asked.locale}
        entry = Entry(LedgerEvent.PLANNED, self._clock(), plan.actor, plan.id, detail=detail)
        await self._plans.freeze(frozen, items, entry)

    async def _end(self, plan: BulkPlan, problem: str) -> None:
        ended = replace(plan, state=BulkState.DISCARDED, problem=problem)
        await until_available(
            self._plans.change,
            plan.id,
            lambda stored: (ended, ()) if stored.state is BulkState.LOOKING_UP else None,
        )
