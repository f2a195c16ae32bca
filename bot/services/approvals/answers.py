"""The answers of the people who were asked to approve an email. They cause a check or a note, and learn nothing."""

from datetime import timedelta

import structlog
from attrs import define

from bot.clock import Clock
from bot.errors import BotError, InvalidInput, NotAllowed, PermissionUnknown
from bot.models import Actor, ApprovalAsk, Destination, ResendRequest
from bot.parsing.slack_ids import is_person
from bot.services.approvals.asks import ask_key
from bot.services.authorization.authorizer import Authorizer
from bot.services.follow_up.check_now import CheckNow
from bot.services.follow_up.worker import FollowUpWorker
from bot.services.publishing.delivery import root_key
from bot.services.publishing.publisher import MessagePublisher
from bot.store.approval_asks import ApprovalAsks
from bot.store.follow_ups import FollowUps
from bot.store.requests import Requests
from bot.views import approvals as views
from bot.views.blocks import Message

log = structlog.get_logger(__name__)

LEAST_PAUSE = timedelta(minutes=1)
_EXPIRED = "This question has expired."
_NOT_ASKED = "not-asked"


@define(eq=False, repr=False, slots=False)
class ApprovalAnswers:
    """The buttons *I approved it* and *I can't find it*, for the person who was asked or a member of the channel."""

    _authorizer: Authorizer
    _asks: ApprovalAsks
    _requests: Requests
    _follow_ups: FollowUps
    _follow_up_worker: FollowUpWorker
    _check_now: CheckNow
    _publisher: MessagePublisher
    _clock: Clock

    async def approved(self, actor: Actor, ask_id: str, channel_id: str) -> Message:
        """Make the check of the request due, at most once a minute, and return the answer for this person.

        Raises NotAllowed if someone else was asked, and InvalidInput if the question has expired.
        """
        ask, request = await self._answerable(actor, ask_id, channel_id)
        now = self._clock()
        if not await self._asks.record_approval(ask, actor.user_id, now, LEAST_PAUSE):
            return views.asked_lately()
        log.info("says it is approved", request_id=request.id, user=actor.user_id)
        if await self._follow_ups.make_targets_due([call.target.key for call in request.calls], now):
            self._follow_up_worker.wake()
        else:
            await self._check(request)
        return views.thanks()

    async def _check(self, request: ResendRequest) -> None:
        """Check a request that is not tracked any more. What fails here is no matter of the person who was asked."""
        try:
            await self._check_now.refresh(request)
        except BotError as error:
            log.warning("a request could not be checked after an approval", request_id=request.id, error=str(error))

    async def missing(self, actor: Actor, ask_id: str, channel_id: str) -> Message:
        """Add a line to the thread of the request, once for each person, and return what to try.

        Raises the same errors as `approved`. Raises SlackUnavailable if the line could not be posted.
        """
        ask, request = await self._answerable(actor, ask_id, channel_id)
        root = await self._publisher.post_of(root_key(request.id))
        thread = root.thread if root and root.ts else request.destination
        key = f"{ask_key(ask)}.{actor.user_id}"[:64]
        await self._publisher.publish(key, thread, views.cannot_find(ask, actor.user_id), ask.actor.user_id)
        return views.what_to_try(ask.email)

    async def _answerable(self, actor: Actor, ask_id: str, channel_id: str) -> tuple[ApprovalAsk, ResendRequest]:
        """Return a question that this user may answer in this channel, and its request."""
        ask = await self._asks.get(ask_id)
        await self._require_member(actor)
        if ask is None:
            raise InvalidInput(_EXPIRED)
        if is_person(ask.asked):
            if actor.user_id != ask.asked:
                raise NotAllowed("Only the person who was asked can answer this.", _NOT_ASKED)
        elif channel_id != ask.asked:
            raise NotAllowed("Only members of the channel that was asked can answer this.", _NOT_ASKED)
        elif not await self._publisher.is_open(Destination(channel_id)):
            await self._publisher.withdraw(ask_key(ask))
            raise InvalidInput("I no longer ask questions in this channel.")
        try:
            return ask, await self._requests.get(ask.request_id)
        except KeyError:
            raise InvalidInput(_EXPIRED) from None

    async def _require_member(self, actor: Actor) -> None:
        """Require an active full member of this workspace. The rules do not matter: being asked is the permission."""
        context = await self._authorizer.context(actor)
        if context.person is None:
            raise PermissionUnknown("I couldn't verify your Slack account. Try again in a minute.")
        if context.is_ineligible:
            raise NotAllowed("Only full members of this workspace can answer this.", _NOT_ASKED)
