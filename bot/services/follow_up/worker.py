"""Following: after every accepted call looks come due; what one of them has to tell is told by a short durable flow."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from attrs import define
from pydantic import TypeAdapter

from bot.clock import Clock, ends_within
from bot.errors import BotError, CaError, CaRejected, NotResendable, SlackRejected, SlackUnavailable
from bot.follow_up_schedule import FollowUpSchedule, next_state
from bot.models import Actor, FollowUp, FollowUpState, Observation, ResendRequest, StatusUpdate
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_request
from bot.services.follow_up.observer import ValidationObserver
from bot.services.publishing.delivery import attempt_delivery, deliver_with_retry, root_key
from bot.services.publishing.publisher import MessagePublisher
from bot.services.resend.reporter import ResultReporter
from bot.store.follow_ups import FollowUps
from bot.store.posts import Post
from bot.store.requests import Requests
from bot.store.retry import until_available
from bot.views import follow_up as views
from bot.views.blocks import Message
from bot.workflow_engine import Steps, WorkflowEngine

log = structlog.get_logger(__name__)

FLOW = "follow_v1"
AT_ONCE = 4
CHECK_SECONDS = 2.0
RELEASE_SECONDS = 10.0
AFTER_A_BUG = timedelta(hours=1)
RETENTION = timedelta(days=30)

_NEWS = TypeAdapter(StatusUpdate)


@define(eq=False, repr=False, slots=False)
class FollowUpWorker:
    """Begins what is due, carries it out, and stops where somebody asks for it."""

    _authorizer: Authorizer
    _requests: Requests
    _follow_ups: FollowUps
    _observer: ValidationObserver
    _reporter: ResultReporter
    _publisher: MessagePublisher
    _engine: WorkflowEngine
    _schedule: FollowUpSchedule
    _clock: Clock

    def __attrs_post_init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._released: dict[str, asyncio.Event] = {}
        self._woken = asyncio.Event()
        self._engine.define(FLOW, self._flow)

    async def run(self) -> None:
        """Begin whatever is due, at its moment, until it is cancelled."""
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
        """Look for what is due now."""
        self._woken.set()

    async def stop(self, actor: Actor, request_id: str) -> None:
        """Follow a request no longer; NotResendable where nothing follows it, which says why."""
        about = {"stop_following": request_id[:32]}
        await self._authorizer.require(actor, Action.STATUS, about)
        with suppress(KeyError):
            request = await self._requests.get(request_id)
            await self._authorizer.require(actor, Action.STATUS, about, resource_for_request(request))
        if not await self._follow_ups.stop(request_id, actor.user_id, self._clock()):
            reason = views.why_over(await self._follow_ups.of(request_id))
            raise NotResendable(f"This is not followed any longer: {reason}.", "*Check now* tells how it stands.")
        log.info("stopped following", request_id=request_id, user=actor.user_id)
        self.wake()

    async def clean_up(self) -> None:
        """Forget what was followed long ago."""
        last = max(self._schedule.follow_ups, default=timedelta(0))
        await self._follow_ups.prune(self._clock() - last - RETENTION)

    async def check(self, follow_up: FollowUp) -> None:
        """Carry out what is due: look, note, and let a flow tell what there is to tell; a crash repeats it."""
        number = follow_up.checks
        if not follow_up.status_update:
            number += 1
            update = await self._save(follow_up.id, number, await self._observe(follow_up.id))
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
        """Begin what is due, a handful at once, and return in how many seconds to look again."""
        try:
            due = await self._follow_ups.due(self._clock(), 2 * AT_ONCE)
            for follow_up in due:
                if follow_up.id not in self._under_way and len(self._under_way) < AT_ONCE:
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
        """Take the news, let the row go on, tell. Recorded steps must keep their order: a changed flow is a new one."""
        _, following_id, number = flow_id.split(":")
        with structlog.contextvars.bound_contextvars(follow_up=following_id):
            update = await steps.run("take", self._acquire, following_id, int(number))
            await steps.run("release", self._release, following_id, int(number))
            if released := self._released.get(following_id):
                released.set()
            if update:
                await deliver_with_retry(steps, "tell", self._announce, following_id, int(number), update)

    async def _acquire(self, following_id: str, number: int) -> dict[str, Any] | None:
        update = await until_available(self._follow_ups.pending_update, following_id, number)
        return _NEWS.dump_python(update, mode="json") if update else None

    async def _release(self, following_id: str, number: int) -> None:
        await until_available(self._follow_ups.announce_done, following_id, number)

    async def _observe(self, following_id: str) -> Observation | None:
        """What DigiCert says; None where it does not answer, or where nothing is followed any longer."""
        request, follow_up = await until_available(self._find, following_id)
        if not follow_up or not follow_up.is_open:
            return None
        at = self._clock()
        try:
            return await self._observer.observe_call(request, follow_up.call_no)
        except CaRejected as error:
            log.warning("DigiCert refused a look", error=str(error), status=error.status)
            return Observation(at, follow_up.validated, views.GONE) if error.status == 404 else None
        except CaError as error:
            log.warning("DigiCert did not answer a look", error=str(error))
        except Exception:
            log.exception("a look failed on our side")
        return None

    async def _save(self, following_id: str, number: int, observation: Observation | None) -> StatusUpdate | None:
        """What there is to tell; decided once, however often this is repeated."""
        request, follow_up = await until_available(self._find, following_id)
        if not follow_up:
            return None
        now = self._clock()
        names = request.calls[follow_up.call_no].names
        decide_now = partial(next_state, names=names, observation=observation, schedule=self._schedule, now=now)
        try:
            return await until_available(self._follow_ups.record_check, following_id, number, decide_now, now)
        except Exception:
            log.exception("what was seen could not be noted; looking again later")
            await until_available(self._follow_ups.postpone, following_id, number, now + AFTER_A_BUG)
            return None

    async def _refresh_root(self, follow_up: FollowUp) -> None:
        """Show in the root message that it was looked; where Slack is away the next look shows it."""
        request = await self._requests.get(follow_up.request_id)
        try:
            await self._reporter.refresh_root(request)
        except SlackRejected as error:
            await self._abandon(request, error)
        except SlackUnavailable as error:
            log.warning("how it stands could not be shown", error=str(error))

    async def _abandon(self, request: ResendRequest, error: SlackRejected) -> None:
        log.warning("this can be told nowhere; it is not followed any longer", error=error.code)
        await self._follow_ups.abandon(request.id, error.code, self._clock())

    async def _announce(self, following_id: str, number: int, update: dict[str, Any]) -> dict[str, Any]:
        return await attempt_delivery(self._announce_now, following_id, number, _NEWS.validate_python(update))

    async def _announce_now(self, following_id: str, number: int, update: StatusUpdate) -> None:
        request, follow_up = await self._find(following_id)
        if not follow_up:
            return
        try:
            root = await self._reporter.refresh_root(request)
        except SlackRejected as error:
            await self._abandon(request, error)
            return
        try:
            await self._reply(request, follow_up, number, update, root)
        except SlackRejected as error:
            log.warning("what changed could not be told; how it stands is", error=error.code)

    async def _reply(
        self, request: ResendRequest, follow_up: FollowUp, number: int, update: StatusUpdate, root: Post
    ) -> None:
        """What changed, in the thread of the root message; each under a key of its own, so that it stands once."""
        all_of_it = await self._follow_ups.of(request.id)
        message: Message | None
        match update.state:
            case FollowUpState.SUPERSEDED:
                link = await self._publisher.link(root_key(update.word))
                key, message = f"{request.id}.to.{update.word}", views.superseded(request, all_of_it, update.word, link)
            case FollowUpState.STOPPED:
                key, message = f"{request.id}.stopped", views.stopped(request, all_of_it, update)
            case _:
                call = request.calls[follow_up.call_no]
                key, message = f"{follow_up.id}.{number}", views.changed(request, all_of_it, call, update)
        if message:
            await self._publisher.publish(key, root.thread, message, request.actor.user_id)
        if update.nudge and any(each.is_open for each in all_of_it):
            nudge = views.nudge(request, all_of_it, self._clock())
            await self._publisher.publish(
                f"{request.id}.nudge{update.nudge}", root.thread, nudge, request.actor.user_id
            )

    async def _find(self, following_id: str) -> tuple[ResendRequest, FollowUp | None]:
        """The request and its following; None where that was forgotten."""
        request_id, _, call_no = following_id.partition(".")
        request = await self._requests.get(request_id)
        mine = (each for each in await self._follow_ups.of(request_id) if each.call_no == int(call_no))
        return request, next(mine, None)
