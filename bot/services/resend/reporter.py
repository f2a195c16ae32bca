"""The conversation about one request: announced at once, told to the end however long Slack was away."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from attrs import define, field

from bot.clock import Clock
from bot.errors import BotError, SlackRejected
from bot.models import CallResult, FollowUpState, ResendRequest
from bot.services.publishing.delivery import attempt_delivery, root_key
from bot.services.publishing.publisher import Draw, MessagePublisher
from bot.store.follow_ups import FollowUps
from bot.store.ledger.entries import Ledger
from bot.store.posts import Post
from bot.store.requests import Requests
from bot.store.retry import until_available
from bot.timings import PRODUCTION, Timings
from bot.views import follow_up as views
from bot.views import resend_messages
from bot.views.blocks import Message

log = structlog.get_logger(__name__)


@define(eq=False, repr=False, slots=False)
class ResultReporter:
    """The steps of a resend that talk, and its root message as long as it is followed."""

    _requests: Requests
    _ledger: Ledger
    _follow_ups: FollowUps
    _publisher: MessagePublisher
    _clock: Clock
    _email_end_note: bool = field(kw_only=True)
    _timings: Timings = field(default=PRODUCTION, kw_only=True)

    async def announce(self, request_id: str) -> int:
        """Show that the request is on its way, and return its number of calls; the mail does not wait for Slack."""
        request = await until_available(self._requests.get, request_id)
        await self._best_effort(request, lambda _: resend_messages.in_progress(request))
        return len(request.calls)

    async def waiting(self, request_id: str, turned_away: Mapping[str, Any]) -> None:
        """Show that DigiCert, or Slack, wants to be asked later."""
        request = await until_available(self._requests.get, request_id)
        again = datetime.fromisoformat(turned_away["again_at"])
        busy = turned_away["busy"]
        # An earlier version of the bot wrote down no words.
        words = turned_away.get("words") or "DigiCert cannot be reached."
        await self._best_effort(request, lambda results: resend_messages.waiting(request, results, again, busy, words))

    async def progress(self, request_id: str) -> None:
        """Show which of several calls have ended."""
        request = await until_available(self._requests.get, request_id)
        await self._best_effort(request, lambda results: resend_messages.progress(request, results))

    async def report(self, request_id: str) -> dict[str, Any]:
        """Tell the outcome: `{"told": True}`, or in how many seconds at the earliest to try again. Safe to repeat."""
        return await attempt_delivery(self._publish_result, request_id)

    async def refresh_root(self, request: ResendRequest) -> Post:
        """Show the outcome and how it stands now in the root message, which is returned; safe to repeat."""
        return await self._show_root(request, partial(self._ended, request))

    async def _ended(self, request: ResendRequest) -> Message:
        """The outcome and how it stands now."""
        results = await self._ledger.results(request.id)
        follow_ups = await self._follow_ups.of(request.id)
        newer = {each.word for each in follow_ups if each.state is FollowUpState.SUPERSEDED}
        links = {request_id: await self._publisher.link(root_key(request_id)) for request_id in newer}
        return resend_messages.result(request, results, views.status(request, results, follow_ups, links))

    async def _publish_result(self, request_id: str) -> None:
        request = await self._requests.get(request_id)
        root = await self.refresh_root(request)
        results = await self._ledger.results(request.id)
        detail = resend_messages.detail(request, results, email_end_note=self._email_end_note)
        try:
            await self._publisher.publish(f"{request.id}.detail", root.thread, detail, request.actor.user_id)
        except SlackRejected as error:
            log.warning("the detail could not be told; the outcome is", error=error.code)
        await self._requests.reported(request.id, self._clock())
        log.info("told", outcomes=[result.outcome.value for result in results.values()])

    async def _best_effort(
        self, request: ResendRequest, message: Callable[[Mapping[int, CallResult]], Message]
    ) -> None:
        """Show how far it is; the outcome where another process came to its end meanwhile."""

        async def draw() -> Message:
            results = await self._ledger.results(request.id)
            return await self._ended(request) if len(results) == len(request.calls) else message(results)

        try:
            async with asyncio.timeout(self._timings.announce_timeout):
                await self._show_root(request, draw)
        except (BotError, TimeoutError) as error:
            log.warning("could not be announced; the outcome will be told", error=str(error))
        except Exception:
            log.exception("could not be announced; the outcome will be told")

    async def _show_root(self, request: ResendRequest, message: Draw) -> Post:
        return await self._publisher.publish(root_key(request.id), request.destination, message, request.actor.user_id)
