"""The follow-up worker: runs the checks due after each accepted call. A short durable workflow announces changes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from attrs import define
from pydantic import TypeAdapter

from bot.clock import Clock, ends_within
from bot.errors import BotError, CaError, CaRejected, NotResendable, SlackRejected, SlackUnavailable
from bot.follow_up_schedule import FollowUpSchedule, Transition, next_state
from bot.models import (
    Actor,
    FollowUp,
    FollowUpState,
    Observation,
    ResendRequest,
    StatusUpdate,
    waiting_names,
)
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_request
from bot.services.bulk.result import BulkReporter
from bot.services.follow_up.observer import ValidationObserver
from bot.services.publishing.delivery import (
    attempt_delivery,
    deliver_with_retry,
    last_reminder_key,
    reminder_key,
    root_key,
)
from bot.services.publishing.publisher import MessagePublisher
from bot.services.resend.reporter import ResultReporter
from bot.store.follow_ups import TOGETHER, FollowUps
from bot.store.posts import Post
from bot.store.requests import Requests
from bot.store.retention import FOLLOW_UP_RETENTION
from bot.store.retry import until_available
from bot.views import follow_up as views
from bot.views.blocks import Message
from bot.views.resend_messages import GONE, Successor, is_stopped_by_person
from bot.workflow_engine import Steps, WorkflowEngine

log = structlog.get_logger(__name__)

FLOW = "follow_v1"
AT_ONCE = 4
CHECK_SECONDS = 2.0
RELEASE_SECONDS = 10.0
AFTER_A_BUG = timedelta(hours=1)

_UPDATE = TypeAdapter(StatusUpdate)


@define(eq=False, repr=False, slots=False)
class FollowUpWorker:
    """The worker that runs due checks, and ends follow-ups that a user stops."""

    _authorizer: Authorizer
    _requests: Requests
    _follow_ups: FollowUps
    _observer: ValidationObserver
    _reporter: ResultReporter
    _publisher: MessagePublisher
    _engine: WorkflowEngine
    _schedule: FollowUpSchedule
    _clock: Clock
    _bulk: BulkReporter

    def __attrs_post_init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._released: dict[str, asyncio.Event] = {}
        self._woken = asyncio.Event()
        self._engine.define(FLOW, self._flow)

    async def run(self) -> None:
        """Start each check when it is due, until cancelled. Running checks are cancelled with it."""
        try:
            while True:
                self._woken.clear()
                pause = await self._begin_due()
                await ends_within(pause, self._woken.wait())
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def wake(self) -> None:
        """Search for due checks now."""
        self._woken.set()

    async def stoppable(self, actor: Actor, request_id: str) -> tuple[ResendRequest, tuple[str, ...]]:
        """Return a tracked request and its names that are not validated.

        Raises NotAllowed if the user may not stop that. Raises NotResendable, with the reason, if it is not tracked.
        """
        request = await self._authorized(actor, request_id)
        follow_ups = await self._follow_ups.of(request_id)
        open_ones = [each for each in follow_ups if each.is_open]
        if request is None or not open_ones:
            raise _already_over(follow_ups)
        return request, waiting_names(request, open_ones)

    async def stop(self, actor: Actor, request_id: str) -> None:
        """Stop the follow-ups of a request.

        Raises NotAllowed if the user may not do that. Raises NotResendable, with the reason, if none is open.
        """
        await self._authorized(actor, request_id)
        if not await self._follow_ups.stop(request_id, actor.user_id, self._clock()):
            raise _already_over(await self._follow_ups.of(request_id))
        log.info("stopped following", request_id=request_id, user=actor.user_id)
        self.wake()

    async def resume(self, actor: Actor, request_id: str) -> None:
        """Track a request again that a user stopped, with a check at once.

        Raises NotAllowed if the user may not do that. Raises NotResendable, with the reason, if it cannot be resumed.
        """
        request, now = await self._authorized(actor, request_id), self._clock()

        def can_resume(each: FollowUp) -> bool:
            return is_stopped_by_person(each) and self._schedule.next_check(each.since, now) is not None

        if request is None or not await self._follow_ups.resume(request_id, can_resume, now):
            raise _already_over(await self._follow_ups.of(request_id))
        log.info("tracking resumed", request_id=request_id, user=actor.user_id)
        await self._reporter.refresh_reminders(request, await self._reporter.refresh_root(request))
        self.wake()

    async def _authorized(self, actor: Actor, request_id: str) -> ResendRequest | None:
        """Return the request, or None if it is not stored, to a user who may control its tracking."""
        about = {"tracking": request_id[:32]}
        await self._authorizer.require(actor, Action.STATUS, about)
        try:
            request = await self._requests.get(request_id)
        except KeyError:
            return None
        await self._authorizer.require(actor, Action.STATUS, about, resource_for_request(request))
        return request

    async def clean_up(self) -> None:
        """Delete follow-ups whose schedule ended over RETENTION ago, in any state."""
        last = max(self._schedule.follow_ups, default=timedelta(0))
        await self._follow_ups.prune(self._clock() - last - FOLLOW_UP_RETENTION)

    async def check(self, follow_up: FollowUp) -> None:
        """Run one due check: query DigiCert, save the result, and start a workflow to announce any change.

        Safe to repeat after a crash. Waits at most RELEASE_SECONDS for the workflow to release the row.
        """
        number = follow_up.checks
        if not follow_up.status_update:
            number += 1
            update = await self._save(follow_up, number, await self._observe(follow_up))
            if update is None or not update.needs_announcement:
                await self._refresh_root(follow_up)
                return
        released = self._released[follow_up.id] = asyncio.Event()
        try:
            await self._engine.start(FLOW, f"follow:{follow_up.id}:{number}")
            await ends_within(RELEASE_SECONDS, released.wait())
        finally:
            self._released.pop(follow_up.id, None)

    async def _begin_due(self) -> float:
        """Start due checks, at most AT_ONCE at a time. Returns the seconds until the next search."""
        try:
            due = await self._follow_ups.due(self._clock(), 2 * AT_ONCE)
            for follow_up in due:
                # One check of a request covers all of its calls that are due.
                checked = {each.partition(".")[0] for each in self._under_way}
                if follow_up.request_id not in checked and len(self._under_way) < AT_ONCE:
                    self._under_way[follow_up.id] = asyncio.create_task(self._carry_out(follow_up))
            next_due = await self._follow_ups.next_due()
        except BotError as error:
            log.warning("what is due must wait", error=str(error))
            return CHECK_SECONDS
        except Exception:
            log.exception("what is due could not be begun")
            return CHECK_SECONDS
        ahead = (next_due - self._clock()).total_seconds() if next_due else 0.0
        return min(ahead, CHECK_SECONDS) if ahead > 0 else CHECK_SECONDS

    async def _carry_out(self, follow_up: FollowUp) -> None:
        with structlog.contextvars.bound_contextvars(follow_up=follow_up.id):
            try:
                await self.check(follow_up)
                self.wake()
            except BotError as error:
                log.warning("a look must wait", error=str(error))
            except Exception:
                log.exception("a look failed")
            finally:
                self._under_way.pop(follow_up.id, None)

    async def _flow(self, steps: Steps, flow_id: str) -> None:
        """Acquire the status update, release the row for the next check, and announce the update.

        DBOS replays recorded steps by their order, so a workflow with other steps needs a new name.
        """
        _, follow_up_id, number = flow_id.split(":")
        with structlog.contextvars.bound_contextvars(follow_up=follow_up_id):
            update = await steps.run("take", self._acquire, follow_up_id, int(number))
            await steps.run("release", self._release, follow_up_id, int(number))
            if released := self._released.get(follow_up_id):
                released.set()
            if update:
                await deliver_with_retry(steps, "tell", self._announce, follow_up_id, int(number), update)

    async def _acquire(self, follow_up_id: str, number: int) -> dict[str, Any] | None:
        update = await until_available(self._follow_ups.pending_update, follow_up_id, number)
        return _UPDATE.dump_python(update, mode="json") if update else None

    async def _release(self, follow_up_id: str, number: int) -> None:
        await until_available(self._follow_ups.announce_done, follow_up_id, number)

    async def _observe(self, follow_up: FollowUp) -> dict[int, Observation]:
        """Return DigiCert's state of this call, and of those of the same request that are due with it, by call number.

        A call is missing if DigiCert does not answer, or if it is no longer tracked.
        """
        request = await until_available(self._requests.get, follow_up.request_id)
        soon = self._clock() + TOGETHER
        found: dict[int, Observation] = {}
        for each in await until_available(self._follow_ups.of, follow_up.request_id):
            is_due = each.id == follow_up.id or (each.due_at is not None and each.due_at <= soon)
            if each.is_open and is_due and (observation := await self._observe_one(request, each)):
                found[each.call_no] = observation
        return found

    async def _observe_one(self, request: ResendRequest, follow_up: FollowUp) -> Observation | None:
        at = self._clock()
        try:
            return await self._observer.observe_call(request, follow_up.call_no)
        except CaRejected as error:
            log.warning("DigiCert refused a look", error=str(error), status=error.status)
            return Observation(at, follow_up.validated, GONE) if error.status == 404 else None
        except CaError as error:
            log.warning("DigiCert did not answer a look", error=str(error))
        except Exception:
            log.exception("a look failed on our side")
        return None

    async def _save(
        self, follow_up: FollowUp, number: int, observations: dict[int, Observation]
    ) -> StatusUpdate | None:
        """Save a check and return what to announce, or None. Safe to repeat: a saved check is not decided again.

        If the result cannot be saved because of a bug, postpone the check by AFTER_A_BUG.
        """
        request, now = await until_available(self._requests.get, follow_up.request_id), self._clock()

        def decide(each: FollowUp) -> Transition:
            names, observation = request.calls[each.call_no].names, observations.get(each.call_no)
            # A check that came a little early counts as the one that it replaces.
            at = max(now, each.due_at or now) if each.id != follow_up.id else now
            return next_state(each, names, observation, self._schedule, at)

        others = {call_no: decide for call_no in observations if call_no != follow_up.call_no}
        try:
            return await until_available(self._follow_ups.record_check, follow_up.id, number, decide, now, others)
        except Exception:
            log.exception("what was seen could not be noted; looking again later")
            await until_available(self._follow_ups.postpone, follow_up.id, number, now + AFTER_A_BUG)
            return None

    async def _refresh_root(self, follow_up: FollowUp) -> None:
        """Publish the time of the check in the root message. If Slack is unavailable, the next check publishes it.

        The card of a plan shows no times of checks.
        """
        request = await self._requests.get(follow_up.request_id)
        if request.plan:
            return
        try:
            await self._reporter.refresh_root(request, is_urgent=False)
        except SlackRejected as error:
            await self._abandon(request, error)
        except SlackUnavailable as error:
            log.warning("how it stands could not be shown", error=str(error))

    async def _abandon(self, request: ResendRequest, error: SlackRejected) -> None:
        log.warning("a change can be posted nowhere; tracking ended", error=error.code)
        await self._follow_ups.abandon(request.id, error.code, self._clock())

    async def _announce(self, follow_up_id: str, number: int, update: dict[str, Any]) -> dict[str, Any]:
        return await attempt_delivery(self._announce_now, follow_up_id, number, _UPDATE.validate_python(update))

    async def _announce_now(self, follow_up_id: str, number: int, update: StatusUpdate) -> None:
        request, follow_up = await self._find(follow_up_id)
        if not follow_up:
            return
        if request.plan:
            await self._bulk.show_changes(request.plan)
            return
        try:
            root = await self._reporter.refresh_root(request, is_urgent=False)
        except SlackRejected as error:
            await self._abandon(request, error)
            return
        try:
            await self._reply(request, follow_up, number, update, root)
            await self._remind(request, update, root)
        except SlackRejected as error:
            log.warning("a change could not be posted in the thread; the card shows it", error=error.code)

    async def _reply(
        self, request: ResendRequest, follow_up: FollowUp, number: int, update: StatusUpdate, root: Post
    ) -> None:
        """Publish what changed in the thread of the card. Each update has its own key, so that it is posted once."""
        match update.state:
            case FollowUpState.SUPERSEDED:
                message = await self._superseded(update.word, root)
                key = f"{request.id}.to.{update.word}"
            case FollowUpState.STOPPED:
                # The user who stopped it sees that on the card.
                message, key = None, ""
            case _:
                message, key = (
                    views.changed(request, {follow_up.call_no: update, **dict(update.also)}),
                    f"{follow_up.id}.{number}",
                )
        if message:
            await self._publisher.publish(key, root.thread, message, request.actor.user_id)

    async def _superseded(self, newer_id: str, root: Post) -> Message | None:
        """Return the reply that a newer request has taken over; None if its card is in the same thread."""
        newer = await self._requests.get(newer_id)
        if newer.destination == root.thread:
            return None
        link = await self._publisher.link(root_key(newer_id))
        return views.resent_elsewhere(Successor(newer.actor.user_id, link))

    async def _remind(self, request: ResendRequest, update: StatusUpdate, root: Post) -> None:
        """Publish the reminder that is due, if any, and remove the buttons of reminders that no longer help."""
        is_open = any(each.is_open for each in await self._follow_ups.of(request.id))
        updates = [update, *(each for _, each in update.also)]
        states, nudge = {each.state for each in updates}, max(each.nudge for each in updates)
        if nudge and is_open:
            await self._reporter.remind(request, root, reminder_key(request.id, nudge))
        elif FollowUpState.FINISHED in states and not is_open:
            await self._reporter.remind(request, root, last_reminder_key(request.id))
        elif states != {FollowUpState.FOLLOWING}:
            await self._reporter.refresh_reminders(request, root)

    async def _find(self, follow_up_id: str) -> tuple[ResendRequest, FollowUp | None]:
        """Return a request and its follow-up, or None in place of the follow-up if it was deleted."""
        request_id, _, call_no = follow_up_id.partition(".")
        request = await self._requests.get(request_id)
        mine = (each for each in await self._follow_ups.of(request_id) if each.call_no == int(call_no))
        return request, next(mine, None)


def _already_over(follow_ups: Sequence[FollowUp]) -> NotResendable:
    reason = views.why_over(follow_ups)
    return NotResendable(f"Tracking has already ended: {reason}.", "*Check now* shows the current state.")
