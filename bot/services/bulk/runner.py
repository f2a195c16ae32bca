"""The run of a plan: a durable workflow sends its items, four at a time, and stops when it must."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from attrs import define

from bot.bulk import APPROVAL_TIME, BulkItem, BulkOutcome, BulkPlan, BulkState, counts, ended, left
from bot.clock import Clock
from bot.errors import (
    BotError,
    CaRateLimited,
    CaRejected,
    CaUnavailable,
    CaUnreadable,
    CooldownActive,
    InvalidInput,
    NotAllowed,
    NotResendable,
    PermissionUnknown,
)
from bot.fair_share import BULK, working_for
from bot.models import Actor, Call, LedgerEvent, Reach
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.visibility import Visibility
from bot.services.bulk.people import NOT_RUNNING, PlanPeople
from bot.services.bulk.result import EDIT_SECONDS, BulkReporter
from bot.services.bulk.selection import BulkSelection, cause_of, shrunk
from bot.services.lookup.finder import DomainChoice
from bot.services.publishing.delivery import attempt_delivery, deliver_with_retry
from bot.services.resend.requests import NewRequest, Pause, ResendService
from bot.services.resend.sender import Result
from bot.store.bulk_plans import BulkPlans, Change
from bot.store.ledger.entries import Entry
from bot.store.retry import until_available
from bot.views import bulk as views
from bot.views.bulk import BulkFacts
from bot.workflow_engine import Steps, WorkflowEngine

log = structlog.get_logger(__name__)

FLOW = "bulk_run_v1"
AT_ONCE = 4
# The most that DigiCert may limit or not answer the lookup of one item, before the item is not sent.
_PATIENCE = timedelta(minutes=5)
_PAUSES = (1.0, 30.0)
_POLL_SECONDS = 1.0
_INTERNAL_ERROR = "An internal error stopped it. No email was sent."

# The end of an item that is no request: its outcome, and why.
_End = tuple[BulkOutcome, str]


class _Stopped(Exception):
    """The plan does not run any more."""


@dataclass
class _Run:
    """What only the process knows that carries out a run. `waits_until` is when all items may go on, and `why`.

    `tries` counts the pauses in a row without progress.
    """

    plan: BulkPlan
    todo: Iterator[BulkItem]
    total: int
    began: float
    done: int = 0
    tries: int = 0
    waits_until: datetime | None = None
    why: str = ""

    def live(self) -> BulkFacts:
        """Return the parts of the card that are not stored."""
        waiting = views.waiting_line(self.why, self.waits_until) if self.waits_until else ""
        spent = asyncio.get_running_loop().time() - self.began
        seconds = spent / self.done * (self.total - self.done) if self.done and not waiting else None
        return BulkFacts(self.plan, waiting=waiting, seconds_left=seconds)


@define(eq=False, repr=False, slots=False)
class BulkRunner:
    """The workflow of a run. Each item is an ordinary request, whose id is known before."""

    _authorizer: Authorizer
    _people: PlanPeople
    _plans: BulkPlans
    _selection: BulkSelection
    _resend: ResendService
    _reporter: BulkReporter
    _engine: WorkflowEngine
    _clock: Clock

    def __attrs_post_init__(self) -> None:
        self._engine.define(FLOW, self._flow)

    async def start(self, plan: BulkPlan) -> None:
        """Start the workflow of a run that was saved. Safe to repeat: it runs once. An error is only logged."""
        try:
            await self._engine.start(FLOW, f"{plan.id}.{plan.run}")
        except Exception:
            log.exception("a plan could not be started yet", plan=plan.id)

    async def start_pending(self) -> None:
        """Start each run whose start was lost."""
        for plan in await self._plans.in_state(BulkState.RUNNING):
            await self.start(plan)

    async def stop(self, plan_id: str, note: str, by: Actor) -> None:
        """Save that a plan is stopped. No call begins after that. Does nothing unless it runs."""
        now = self._clock()

        def decide(stored: BulkPlan) -> Change:
            if not stored.is_running:
                return None
            stopped = replace(stored, state=BulkState.STOPPED, note=note, ended_at=now)
            return stopped, [Entry(LedgerEvent.PLAN_ENDED, now, by, plan_id, detail={"state": stopped.state.value})]

        await self._plans.change(plan_id, decide)

    async def end_left(self, plan: BulkPlan) -> None:
        """End the items of a plan that will not be continued. No email is sent for them. Safe to repeat."""
        for item in left(await self._plans.items(plan.id)):
            if await self._resend.is_known(item.request_id):
                # It was accepted before the stop. The check right before its call ends it.
                await self._settle(plan, item, _no_pause)
            else:
                await self._end(plan, item, BulkOutcome.SKIPPED, NOT_RUNNING)

    async def expire(self) -> None:
        """Expire the plans that waited too long, and publish that. A stopped plan ends with what is left."""
        before = self._clock() - APPROVAL_TIME
        for plan in await self._plans.in_state(BulkState.READY, BulkState.ASKING, BulkState.STOPPED):
            since = plan.asked_at if plan.state is BulkState.ASKING else plan.ended_at or plan.at
            if since and since <= before:
                await self._expire(plan)

    async def _expire(self, plan: BulkPlan) -> None:
        was_started = plan.run > 0
        state = BulkState.FINISHED if was_started else BulkState.EXPIRED
        over = replace(plan, state=state, note="It was not continued for a day." if was_started else "")
        changed = await self._plans.change(plan.id, lambda stored: (over, ()) if stored == plan else None)
        if changed != over:
            return
        if was_started:
            await self.end_left(over)
        self._reporter.refresh_soon(plan.id)

    async def _flow(self, steps: Steps, flow_id: str) -> None:
        """Send the items of one run, and publish the result.

        DBOS replays recorded steps by their order, so a workflow with other steps needs a new name.
        """
        plan_id, _, run = flow_id.partition(".")
        with structlog.contextvars.bound_contextvars(plan=plan_id):
            await steps.run("send", self._carry_out, plan_id, int(run))
            await deliver_with_retry(steps, "report", self._deliver, plan_id, int(run))

    async def _deliver(self, plan_id: str, run: int) -> dict[str, Any]:
        return await attempt_delivery(self._reporter.show_result, plan_id, run)

    async def _carry_out(self, plan_id: str, number: int) -> None:
        """Send what is left of a plan while it runs. Safe to repeat after a crash: no call is made twice."""
        plan = await until_available(self._plans.get, plan_id)
        if plan is None or not plan.is_running or plan.run != number:
            return
        todo = left(await until_available(self._plans.items, plan_id))
        run = _Run(plan, iter(todo), len(todo), asyncio.get_running_loop().time())
        with working_for(BULK):
            async with self._showing(run):
                await asyncio.gather(*(self._lane(run) for _ in range(AT_ONCE)))
        await until_available(self._finish, plan)

    async def _lane(self, run: _Run) -> None:
        """Send one item after the other."""
        for item in run.todo:
            try:
                await until_available(self._send, run, item)
            except _Stopped:
                return
            except Exception:
                log.exception("an item of a plan could not be sent", item=item.number)
                await until_available(self._end, run.plan, item, BulkOutcome.NOT_SENT, _INTERNAL_ERROR)
            run.done += 1

    async def _send(self, run: _Run, item: BulkItem) -> None:
        """Send one item, or save why it is not sent. Raises _Stopped if the plan must not go on."""
        await self._ready(run)
        if not await self._resend.is_known(item.request_id) and (end := await self._accept(run, item)):
            await self._end(run.plan, item, *end)
        elif not await self._settle(run.plan, item, partial(self._pause, run)):
            raise _Stopped

    async def _settle(self, plan: BulkPlan, item: BulkItem, pause: Pause) -> bool:
        """Carry out an accepted item and save its end. Return False if `pause` ended it early."""
        results = await self._resend.carry_out(item.request_id, pause)
        if results is None:
            return False
        await self._plans.end(plan.id, ended(item, results))
        return True

    async def _ready(self, run: _Run) -> None:
        """Wait until items may go on. Raises _Stopped if the plan is stopped, or must stop because of its people."""
        while True:
            while run.waits_until and (pause := (run.waits_until - self._clock()).total_seconds()) > 0:
                await _sleep(min(pause, _POLL_SECONDS))
                await self._require_running(run)
            run.waits_until = None
            plan = await self._require_running(run)
            try:
                note = await self._people.lost(plan)
            except PermissionUnknown as error:
                self._hold(run, error, "I can't confirm permissions with Slack.")
                continue
            if note is None:
                run.tries = 0
                return
            await self.stop(plan.id, note, plan.actor)
            raise _Stopped

    async def _require_running(self, run: _Run) -> BulkPlan:
        plan = await self._plans.get(run.plan.id)
        if plan is None or not plan.is_running or plan.run != run.plan.run:
            raise _Stopped
        return plan

    def _hold(self, run: _Run, error: PermissionUnknown | CaUnavailable, why: str) -> None:
        """Let all items wait, for as long as was asked, else for a pause that doubles."""
        first, longest = _PAUSES
        asked = error.retry_after if isinstance(error, PermissionUnknown | CaRateLimited) else None
        until = self._clock() + timedelta(seconds=asked or min(longest, first * 2 ** min(run.tries, 10)))
        run.tries += 1
        run.waits_until, run.why = max(until, run.waits_until or until), why

    async def _accept(self, run: _Run, item: BulkItem) -> _End | None:
        """Accept an item as a request; return its end instead if it gets none."""
        began = self._clock()
        while True:
            try:
                return await self._accept_now(run.plan, item)
            except CaUnreadable as error:
                return BulkOutcome.NOT_SENT, str(error)
            except CaUnavailable as error:
                if self._clock() - began > _PATIENCE:
                    return BulkOutcome.NOT_SENT, str(error)
                self._hold(run, error, str(error))
            except PermissionUnknown as error:
                self._hold(run, error, "I can't confirm permissions with Slack.")
            await self._ready(run)

    async def _accept_now(self, plan: BulkPlan, item: BulkItem) -> _End | None:
        visibility = Visibility(plan.actor, plan.destination, await self._authorizer.context(plan.actor))
        try:
            found = await self._selection.plan_of(item.key, visibility, revalidates=item.revalidates)
            calls = None if isinstance(found, DomainChoice) else shrunk(item, found, plan.asked)
            if calls is None or isinstance(found, DomainChoice):
                return BulkOutcome.NOT_SENT, "It changed since the preview."
            if not calls:
                return BulkOutcome.SKIPPED, "It was validated since the preview."
            await self._resend.accept(_request(plan, item, found.reach, calls))
        except NotAllowed:
            return BulkOutcome.SKIPPED, "The requester may no longer resend for it."
        except CooldownActive:
            return BulkOutcome.SKIPPED, "It was resent since the preview."
        except NotResendable as error:
            return BulkOutcome.SKIPPED, str(error)
        except InvalidInput:
            return BulkOutcome.NOT_SENT, "Its recipients changed since the preview."
        except CaRejected as error:
            return BulkOutcome.NOT_SENT, str(error)
        return None

    async def _pause(self, run: _Run, result: Result) -> bool:
        """Wait before the next attempt of a call. Return False if the plan is stopped meanwhile."""
        try:
            if result.get("paused"):
                return False
            if result.get("busy"):
                run.waits_until, run.why = datetime.fromisoformat(result["again_at"]), result["words"]
            until = self._clock() + timedelta(seconds=result["wait"])
            while (pause := (until - self._clock()).total_seconds()) > 0:
                await _sleep(min(pause, _POLL_SECONDS))
                await until_available(self._require_running, run)
        except _Stopped:
            return False
        return True

    async def _end(self, plan: BulkPlan, item: BulkItem, outcome: BulkOutcome, words: str) -> None:
        """Save the end of an item that was not accepted, with its row in the ledger."""
        at = self._clock()
        detail = {"plan": plan.id, "subject": item.subject, "outcome": outcome.value, "words": words}
        entry = Entry(LedgerEvent.SKIPPED, at, plan.actor, item.request_id, detail=detail)
        await self._plans.end(plan.id, replace(item, outcome=outcome, words=words, ended_at=at), entry)

    async def _finish(self, plan: BulkPlan) -> None:
        items, now = await self._plans.items(plan.id), self._clock()
        state = BulkState.STOPPED if left(items) else BulkState.FINISHED

        def decide(stored: BulkPlan) -> Change:
            is_mine = stored.run == plan.run and stored.state in (BulkState.RUNNING, BulkState.STOPPED)
            if not is_mine or stored.state is state:
                return None
            detail = {"state": state.value, **{outcome.value: number for outcome, number in counts(items).items()}}
            over = replace(stored, state=state, ended_at=now)
            return over, [Entry(LedgerEvent.PLAN_ENDED, now, plan.actor, plan.id, detail=detail)]

        await self._plans.change(plan.id, decide)

    @contextlib.asynccontextmanager
    async def _showing(self, run: _Run) -> AsyncIterator[None]:
        """Publish the progress every few seconds for as long as the context lasts."""
        task = asyncio.create_task(self._show(run))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _show(self, run: _Run) -> None:
        shown: object = None
        while True:
            if shown != (now := (run.done, run.waits_until)):
                try:
                    await self._reporter.show(run.plan.id, is_urgent=False, live=run.live)
                    shown = now
                except BotError as error:
                    log.warning("the progress of a plan could not be shown", error=str(error))
                except Exception:
                    log.exception("the progress of a plan could not be shown")
            await asyncio.sleep(EDIT_SECONDS)


def running(plan: BulkPlan, actor: Actor, now: datetime) -> tuple[BulkPlan, Entry]:
    """Return a plan as the next run starts it, with the ledger's row about that."""
    started = replace(
        plan, state=BulkState.RUNNING, run=plan.run + 1, started_at=plan.started_at or now, ended_at=None, note=""
    )
    detail = {"hash": plan.hash, "run": started.run}
    return started, Entry(LedgerEvent.PLAN_STARTED, now, actor, plan.id, detail=detail)


def _request(plan: BulkPlan, item: BulkItem, reach: Reach, calls: tuple[Call, ...]) -> NewRequest:
    asked = plan.asked
    return NewRequest(
        plan.actor,
        plan.destination,
        cause_of(plan.id, item.key),
        item.key,
        item.subject,
        calls,
        asked.locale,
        asked.reason,
        reach=reach,
        revalidates=item.revalidates,
        plan=plan.id,
    )


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _no_pause(_: Result) -> bool:
    return False
