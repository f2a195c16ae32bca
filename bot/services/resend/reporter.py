"""The Slack messages of one request: announced at once, and reported however long Slack is unavailable."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from attrs import define, field

from bot.clock import Clock
from bot.errors import BotError, NotResendable, SlackRejected
from bot.follow_up_schedule import FollowUpSchedule
from bot.models import CallResult, Destination, FollowUp, FollowUpState, LedgerEvent, ResendRequest
from bot.services.lookup.eligibility import continued_already
from bot.services.publishing.delivery import attempt_delivery, is_reminder, last_reminder_key, root_key
from bot.services.publishing.publisher import Draw, MessagePublisher
from bot.services.resend.asks import ResendAskService
from bot.store.follow_ups import FollowUps
from bot.store.ledger.entries import Ledger
from bot.store.posts import Post
from bot.store.requests import Requests
from bot.store.retry import until_available
from bot.timings import PRODUCTION, Timings
from bot.views import follow_up as views
from bot.views import request_details, resend_messages
from bot.views.blocks import Message
from bot.views.resend_form import ModalView
from bot.views.resend_messages import MAY_HAVE_BEEN_SENT, CardFacts, Successor, is_stopped_by_person
from bot.views.revalidation_card import stop_of

log = structlog.get_logger(__name__)


@define(eq=False, repr=False, slots=False)
class ResultReporter:
    """The workflow steps of a resend that post to Slack, and its card and reminders for as long as it is tracked."""

    _requests: Requests
    _ledger: Ledger
    _follow_ups: FollowUps
    _publisher: MessagePublisher
    _schedule: FollowUpSchedule
    _clock: Clock
    _email_end_note: bool = field(kw_only=True)
    _asks: ResendAskService | None = field(default=None, kw_only=True)
    _console_url: str = field(default="", kw_only=True)
    _timings: Timings = field(default=PRODUCTION, kw_only=True)

    async def announce(self, request_id: str) -> int:
        """Publish that the request is in progress, and return its number of calls.

        The card from which it was made loses its buttons. Errors of Slack are only logged, and a bound limits the wait,
        so that Slack does not delay the emails.
        """
        request = await until_available(self._requests.get, request_id)
        async with self._best_effort():
            await self._show_progress(request, lambda _: resend_messages.in_progress(request))
            await self._refresh_followed(request)
        return len(request.calls)

    async def waiting(self, request_id: str, turned_away: Mapping[str, Any]) -> None:
        """Publish that DigiCert or Slack turned the call away, and when the bot tries again."""
        request = await until_available(self._requests.get, request_id)
        again = datetime.fromisoformat(turned_away["again_at"])
        busy = turned_away["busy"]
        # An earlier version of the bot did not save the words.
        words = turned_away.get("words") or "DigiCert cannot be reached."
        async with self._best_effort():
            await self._show_progress(
                request, lambda results: resend_messages.waiting(request, results, again, busy, words)
            )

    async def progress(self, request_id: str) -> None:
        """Publish which of several calls have ended."""
        request = await until_available(self._requests.get, request_id)
        async with self._best_effort():
            await self._show_progress(request, lambda results: resend_messages.progress(request, results))

    async def report(self, request_id: str) -> dict[str, Any]:
        """Publish the outcome. Safe to repeat.

        Returns `{"delivered": True}`, or `{"delivered": False, "wait": seconds}` with the least pause before a retry.
        """
        return await attempt_delivery(self._publish_result, request_id)

    async def refresh_root(self, request: ResendRequest, *, is_urgent: bool = True) -> Post:
        """Publish the card with the outcome and the current state, and return it. Safe to repeat.

        It is urgent if a person waits for it.
        """
        return await self._show_root(request, partial(self._ended, request), is_urgent=is_urgent)

    async def remind(self, request: ResendRequest, root: Post, key: str) -> None:
        """Publish a reminder, which gets the request's buttons, and remove them from the older messages."""
        await self._show_reminder(request, root, key)
        await self.refresh_root(request, is_urgent=False)
        await self.refresh_reminders(request, root)

    async def refresh_reminders(self, request: ResendRequest, root: Post) -> None:
        """Publish the reminders of a request again, so that only the newest message has buttons. Safe to repeat."""
        for post in await self._reminders(request.id):
            await self._show_reminder(request, root, post.key)

    async def thread(self, request: ResendRequest) -> Destination:
        """Return the thread of its card, or of its plan's; its destination if that card is in direct messages."""
        root = await self._publisher.post_of(root_key(request.plan or request.id))
        return root.thread if root and root.ts and not root.detour else request.destination

    async def facts(self, request: ResendRequest) -> CardFacts:
        """Return what the card of an ended request shows."""
        return await self._facts(request, root_key(request.id))

    async def require_interrupted(self, request: ResendRequest) -> None:
        """Raise NotResendable unless the request is an interrupted revalidation that no one has continued."""
        results = await self._ledger.results(request.id)
        stop = stop_of(request, results) if len(results) == len(request.calls) else None
        if stop is None or not stop.can_continue:
            raise NotResendable("This revalidation isn't interrupted.", "See its card for the current state.")
        if (await self.facts(request)).resent:
            raise continued_already()

    async def is_interrupted(self, request_id: str) -> bool:
        """Return True if a request is an interrupted revalidation that no one has continued."""
        try:
            await self.require_interrupted(await self._requests.get(request_id))
        except (KeyError, NotResendable):
            return False
        return True

    async def details(self, request: ResendRequest, page: int) -> ModalView | None:
        """Return one page of the details of a request; None while it has not ended."""
        if not await self._has_ended(request):
            return None
        return request_details.details(await self.facts(request), page, email_end_note=self._email_end_note)

    async def _has_ended(self, request: ResendRequest) -> bool:
        return len(await self._ledger.results(request.id)) == len(request.calls)

    async def _ended(self, request: ResendRequest) -> Message:
        """Return the card with the outcome and the current state."""
        return resend_messages.result(await self.facts(request))

    async def _facts(self, request: ResendRequest, key: str) -> CardFacts:
        """Return what the message of this key shows. `has_buttons` says if it has the buttons of its request."""
        follow_ups = await self._follow_ups.of(request.id)
        newer = {each.word for each in follow_ups if each.state is FollowUpState.SUPERSEDED}
        now = self._clock()
        stopped = [each for each in follow_ups if is_stopped_by_person(each)]
        return CardFacts(
            request,
            await self._ledger.results(request.id),
            follow_ups,
            successors={
                request_id: await self._successor(await self._requests.get(request_id)) for request_id in newer
            },
            resent=await self._resent(request),
            validated=await self._ledger.validated(request.id),
            has_buttons=key == await self._holder(request.id, follow_ups),
            can_resume=any(self._schedule.next_check(each.since, now) for each in stopped),
            console_url=self._console_url,
        )

    async def _resent(self, request: ResendRequest) -> Successor | None:
        """Return the newest request that was made from the card for the same target, one that was sent if there is."""
        newer = [each for each in await self._requests.following(request.id) if each.key == request.key]
        found = [await self._successor(each) for each in newer]
        return next((each for each in found if each.is_sent), None) or next(iter(found), None)

    async def _successor(self, newer: ResendRequest) -> Successor:
        outcomes = {each.outcome for each in (await self._ledger.results(newer.id)).values()}
        link = await self._publisher.link(root_key(newer.id))
        return Successor(newer.actor.user_id, link, not outcomes.isdisjoint(MAY_HAVE_BEEN_SENT))

    async def _holder(self, request_id: str, follow_ups: Sequence[FollowUp]) -> str:
        """Return the key of the message that has the buttons: the newest reminder, or the card once a user stopped."""
        reminders = await self._reminders(request_id)
        if reminders and not any(is_stopped_by_person(each) for each in follow_ups):
            return reminders[-1].key
        return root_key(request_id)

    async def _reminders(self, request_id: str) -> list[Post]:
        """Return the reminders that were posted, oldest first."""
        posts = await self._publisher.posts_of(request_id)
        return sorted((post for post in posts if is_reminder(post.key) and post.ts), key=lambda post: post.intended_at)

    async def _show_reminder(self, request: ResendRequest, root: Post, key: str) -> None:
        """Publish a reminder, with what to try and the buttons if it has them, else without."""

        async def draw() -> Message:
            post = await self._publisher.post_of(key)
            at = post.intended_at if post else self._clock()
            facts = await self._facts(request, key)
            since = min(each.since for each in facts.follow_ups)
            # A reminder that is not posted yet is about to be the newest.
            if post is None or post.ts is None:
                facts = replace(facts, has_buttons=True)
            is_last = key == last_reminder_key(request.id)
            if not facts.has_buttons or resend_messages.is_settled(facts):
                return views.reminder_over(since, at, is_last=is_last)
            return views.reminder(facts, since, at, is_last=is_last)

        await self._publisher.publish(key, root.thread, draw, request.actor.user_id, is_urgent=False)

    async def _publish_result(self, request_id: str) -> None:
        request = await self._requests.get(request_id)
        root = await self.refresh_root(request)
        await self._refresh_followed(request)
        results = await self._ledger.results(request.id)
        if self._asks and any(result.outcome in MAY_HAVE_BEEN_SENT for result in results.values()):
            await self._asks.show_answer(request)
        if self._email_end_note and all(result.outcome is LedgerEvent.SENT for result in results.values()):
            await self._note_email_end(root)
        await self._requests.reported(request.id, self._clock())
        log.info("reported", outcomes=[result.outcome.value for result in results.values()])

    async def _note_email_end(self, root: Post) -> None:
        """Reply with the note on the end of email validation, at most once in each channel and quarter."""
        now = self._clock()
        key = f"{root.destination.channel_id}-{now.year}-{(now.month + 2) // 3}.email-end"
        if await self._publisher.post_of(key):
            return
        try:
            await self._publisher.publish(key, root.thread, views.email_ends(), None)
        except SlackRejected as error:
            log.warning("the note on the end of email validation could not be posted", error=error.code)

    async def _refresh_followed(self, request: ResendRequest) -> None:
        """Publish the card again from which this request was made. Safe to repeat."""
        if request.follows is None:
            return
        try:
            followed = await self._requests.get(request.follows)
        except KeyError:
            # It was pruned meanwhile.
            return
        # An item of a plan has no card.
        if followed.plan or not await self._has_ended(followed):
            return
        try:
            await self.refresh_reminders(followed, await self.refresh_root(followed))
        except SlackRejected as error:
            log.warning("the card of the earlier request could not be updated", error=error.code)

    async def _show_progress(
        self, request: ResendRequest, message: Callable[[Mapping[int, CallResult]], Message]
    ) -> None:
        """Publish the progress, or the outcome if another process has ended the request meanwhile."""

        async def draw() -> Message:
            results = await self._ledger.results(request.id)
            return await self._ended(request) if len(results) == len(request.calls) else message(results)

        await self._show_root(request, draw)

    @asynccontextmanager
    async def _best_effort(self) -> AsyncIterator[None]:
        """Bound the time of what is published inside, and only log its errors."""
        try:
            async with asyncio.timeout(self._timings.announce_timeout):
                yield
        except (BotError, TimeoutError) as error:
            log.warning("could not be announced; the outcome will be reported", error=str(error))
        except Exception:
            log.exception("could not be announced; the outcome will be reported")

    async def _show_root(self, request: ResendRequest, message: Draw, *, is_urgent: bool = True) -> Post:
        return await self._publisher.publish(
            root_key(request.id), request.destination, message, request.actor.user_id, is_urgent=is_urgent
        )
