"""The Slack messages of one request: announced at once, and reported however long Slack is unavailable."""

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
    """The workflow steps of a resend that post to Slack, and its root message for as long as a follow-up runs."""

    _requests: Requests
    _ledger: Ledger
    _follow_ups: FollowUps
    _publisher: MessagePublisher
    _clock: Clock
    _email_end_note: bool = field(kw_only=True)
    _timings: Timings = field(default=PRODUCTION, kw_only=True)

    async def announce(self, request_id: str) -> int:
        """Publish that the request is in progress, and return its number of calls.

        Errors of Slack are only logged, and a bound limits the wait, so that Slack does not delay the emails.
        """
        request = await until_available(self._requests.get, request_id)
        await self._best_effort(request, lambda _: resend_messages.in_progress(request))
        return len(request.calls)

    async def waiting(self, request_id: str, turned_away: Mapping[str, Any]) -> None:
        """Publish that DigiCert or Slack turned the call away, and when the bot tries again."""
        request = await until_available(self._requests.get, request_id)
        again = datetime.fromisoformat(turned_away["again_at"])
        busy = turned_away["busy"]
        # An earlier version of the bot did not save the words.
        words = turned_away.get("words") or "DigiCert cannot be reached."
        await self._best_effort(request, lambda results: resend_messages.waiting(request, results, again, busy, words))

    async def progress(self, request_id: str) -> None:
        """Publish which of several calls have ended."""
        request = await until_available(self._requests.get, request_id)
        await self._best_effort(request, lambda results: resend_messages.progress(request, results))

    async def report(self, request_id: str) -> dict[str, Any]:
        """Publish the outcome. Safe to repeat.

        Returns `{"delivered": True}`, or `{"delivered": False, "wait": seconds}` with the least pause before a retry.
        """
        return await attempt_delivery(self._publish_result, request_id)

    async def refresh_root(self, request: ResendRequest) -> Post:
        """Publish the outcome and the current follow-up status in the root message, and return it. Safe to repeat."""
        return await self._show_root(request, partial(self._ended, request))

    async def _ended(self, request: ResendRequest) -> Message:
        """Return the message with the outcome and the current follow-up status."""
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
        """Publish the progress, or the outcome if another process has ended the request meanwhile. Only log errors."""

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
