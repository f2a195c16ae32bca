"""Following: after every accepted call looks come due; what one of them has to tell is told by a short durable flow."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from attrs import define
from pydantic import TypeAdapter

from bot.clock import Clock
from bot.errors import BotError, CaError, CaRefused, NothingToDo, SlackRefused, SlackUnavailable
from bot.follow_up_schedule import Schedule, decide
from bot.models import Actor, Following, FollowState, News, ResendRequest, Seen
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Gate
from bot.services.authorization.resources import about_request
from bot.services.follow_up.observer import Looking
from bot.services.publishing.delivery import root_key, tried, until_told
from bot.services.publishing.publisher import Board
from bot.services.resend.reporter import Reporting
from bot.store.follow_ups import Followings
from bot.store.posts import Post
from bot.store.requests import Requests
from bot.store.retry import patiently
from bot.views import follow_up as views
from bot.views.blocks import Message
from bot.workflow_engine import Engine, Steps

log = structlog.get_logger(__name__)

FLOW = "follow_v1"
AT_ONCE = 4
LOOK_SECONDS = 2.0
RELEASE_SECONDS = 10.0
AFTER_A_BUG = timedelta(hours=1)
KEPT = timedelta(days=30)

_NEWS = TypeAdapter(News)


@define(eq=False, repr=False, slots=False)
class Follower:
    """Begins what is due, carries it out, and stops where somebody asks for it."""

    _gate: Gate
    _requests: Requests
    _followings: Followings
    _looking: Looking
    _reporting: Reporting
    _board: Board
    _engine: Engine
    _schedule: Schedule
    _clock: Clock

    def __attrs_post_init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._released: dict[str, asyncio.Event] = {}
        self._woken = asyncio.Event()
        self._engine.define(FLOW, self._flow)

    async def attend(self) -> None:
        """Begin whatever is due, at its moment, until it is cancelled."""
        try:
            while True:
                self._woken.clear()
                pause = await self._begin_due()
                # Not `wait_for`: before Python 3.12 it may lose a cancellation, and this would never end.
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._woken.wait()
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def wake(self) -> None:
        """Look for what is due now."""
        self._woken.set()

    async def stop(self, actor: Actor, request_id: str) -> None:
        """Follow a request no longer; NothingToDo where nothing follows it, which says why."""
        about = {"stop_following": request_id[:32]}
        await self._gate.require(actor, Action.LOOK, about)
        with suppress(KeyError):
            request = await self._requests.get(request_id)
            await self._gate.require(actor, Action.LOOK, about, about_request(request))
        if not await self._followings.stop(request_id, actor.user_id, self._clock()):
            reason = views.why_over(await self._followings.of(request_id))
            raise NothingToDo(f"This is not followed any longer: {reason}.", "*Check now* tells how it stands.")
        log.info("stopped following", request_id=request_id, user=actor.user_id)
        self.wake()

    async def tidy(self) -> None:
        """Forget what was followed long ago."""
        last = max(self._schedule.follow_ups, default=timedelta(0))
        await self._followings.prune(self._clock() - last - KEPT)

    async def look(self, following: Following) -> None:
        """Carry out what is due: look, note, and let a flow tell what there is to tell; a crash repeats it."""
        number = following.checks
        if not following.news:
            number += 1
            news = await self._note(following.id, number, await self._look(following.id))
            if news is None or not news.is_told:
                await self._present(following)
                return
        released = self._released[following.id] = asyncio.Event()
        try:
            await self._engine.start(FLOW, f"follow:{following.id}:{number}")
            with suppress(TimeoutError):
                async with asyncio.timeout(RELEASE_SECONDS):
                    await released.wait()
        finally:
            self._released.pop(following.id, None)

    async def _begin_due(self) -> float:
        """Begin what is due, a handful at once, and return in how many seconds to look again."""
        try:
            due = await self._followings.due(self._clock(), 2 * AT_ONCE)
            for following in due:
                if following.id not in self._under_way and len(self._under_way) < AT_ONCE:
                    self._under_way[following.id] = asyncio.create_task(self._carry_out(following))
            next_due = await self._followings.next_due()
        except BotError as error:
            log.warning("what is due must wait", error=str(error))
            return LOOK_SECONDS
        except Exception:
            log.exception("what is due could not be begun")
            return LOOK_SECONDS
        ahead = (next_due - self._clock()).total_seconds() if next_due else 0.0
        return min(ahead, LOOK_SECONDS) if ahead > 0 else LOOK_SECONDS

    async def _carry_out(self, following: Following) -> None:
        with structlog.contextvars.bound_contextvars(following=following.id):
            try:
                await self.look(following)
                self.wake()
            except BotError as error:
                log.warning("a look must wait", error=str(error))
            except Exception:
                log.exception("a look failed")
            finally:
                self._under_way.pop(following.id, None)

    async def _flow(self, steps: Steps, flow_id: str) -> None:
        """Take the news, let the row go on, tell. Recorded steps must keep their order: a changed flow is a new one."""
        _, following_id, number = flow_id.split(":")
        with structlog.contextvars.bound_contextvars(following=following_id):
            news = await steps.run("take", self._take, following_id, int(number))
            await steps.run("release", self._release, following_id, int(number))
            if released := self._released.get(following_id):
                released.set()
            if news:
                await until_told(steps, "tell", self._tell, following_id, int(number), news)

    async def _take(self, following_id: str, number: int) -> dict[str, Any] | None:
        news = await patiently(self._followings.news, following_id, number)
        return _NEWS.dump_python(news, mode="json") if news else None

    async def _release(self, following_id: str, number: int) -> None:
        await patiently(self._followings.release, following_id, number)

    async def _look(self, following_id: str) -> Seen | None:
        """What DigiCert says; None where it does not answer, or where nothing is followed any longer."""
        request, following = await patiently(self._find, following_id)
        if not following or not following.is_open:
            return None
        at = self._clock()
        try:
            return await self._looking.call(request, following.call_no)
        except CaRefused as error:
            log.warning("DigiCert refused a look", error=str(error), status=error.status)
            return Seen(at, following.validated, views.GONE) if error.status == 404 else None
        except CaError as error:
            log.warning("DigiCert did not answer a look", error=str(error))
        except Exception:
            log.exception("a look failed on our side")
        return None

    async def _note(self, following_id: str, number: int, seen: Seen | None) -> News | None:
        """What there is to tell; decided once, however often this is repeated."""
        request, following = await patiently(self._find, following_id)
        if not following:
            return None
        now = self._clock()
        names = request.calls[following.call_no].names
        decide_now = partial(decide, names=names, seen=seen, schedule=self._schedule, now=now)
        try:
            return await patiently(self._followings.note, following_id, number, decide_now, now)
        except Exception:
            log.exception("what was seen could not be noted; looking again later")
            await patiently(self._followings.postpone, following_id, number, now + AFTER_A_BUG)
            return None

    async def _present(self, following: Following) -> None:
        """Show in the root message that it was looked; where Slack is away the next look shows it."""
        request = await self._requests.get(following.request_id)
        try:
            await self._reporting.present(request)
        except SlackRefused as error:
            await self._give_up(request, error)
        except SlackUnavailable as error:
            log.warning("how it stands could not be shown", error=str(error))

    async def _give_up(self, request: ResendRequest, error: SlackRefused) -> None:
        log.warning("this can be told nowhere; it is not followed any longer", error=error.code)
        await self._followings.give_up(request.id, error.code, self._clock())

    async def _tell(self, following_id: str, number: int, news: dict[str, Any]) -> dict[str, Any]:
        return await tried(self._tell_now, following_id, number, _NEWS.validate_python(news))

    async def _tell_now(self, following_id: str, number: int, news: News) -> None:
        request, following = await self._find(following_id)
        if not following:
            return
        try:
            root = await self._reporting.present(request)
        except SlackRefused as error:
            await self._give_up(request, error)
            return
        try:
            await self._reply(request, following, number, news, root)
        except SlackRefused as error:
            log.warning("what changed could not be told; how it stands is", error=error.code)

    async def _reply(self, request: ResendRequest, following: Following, number: int, news: News, root: Post) -> None:
        """What changed, in the thread of the root message; each under a key of its own, so that it stands once."""
        all_of_it = await self._followings.of(request.id)
        message: Message | None
        match news.state:
            case FollowState.TAKEN_OVER:
                link = await self._board.link(root_key(news.word))
                key, message = f"{request.id}.to.{news.word}", views.taken_over(request, all_of_it, news.word, link)
            case FollowState.STOPPED:
                key, message = f"{request.id}.stopped", views.stopped(request, all_of_it, news)
            case _:
                call = request.calls[following.call_no]
                key, message = f"{following.id}.{number}", views.changed(request, all_of_it, call, news)
        if message:
            await self._board.show(key, root.thread, message, request.actor.user_id)
        if news.nudge and any(each.is_open for each in all_of_it):
            nudge = views.nudge(request, all_of_it, self._clock())
            await self._board.show(f"{request.id}.nudge{news.nudge}", root.thread, nudge, request.actor.user_id)

    async def _find(self, following_id: str) -> tuple[ResendRequest, Following | None]:
        """The request and its following; None where that was forgotten."""
        request_id, _, call_no = following_id.partition(".")
        request = await self._requests.get(request_id)
        mine = (each for each in await self._followings.of(request_id) if each.call_no == int(call_no))
        return request, next(mine, None)
