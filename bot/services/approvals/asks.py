"""The questions that a user has the bot ask: authorized like a resend, counted, in the ledger, and posted once."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from attrs import define

from bot.clock import Clock
from bot.errors import BotError, InvalidInput, NotResendable, SlackRejected
from bot.models import Actor, ApprovalAsk, Destination, Interaction, LedgerEvent, Mailbox, Reach, ResendRequest
from bot.parsing.slack_ids import is_person
from bot.policy.rules import Action
from bot.services.approvals.mailboxes import open_mailboxes
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_calls
from bot.services.follow_up.check_now import CheckNow
from bot.services.lookup.reach import ReachReader
from bot.services.publishing.delivery import attempt_delivery, deliver_with_retry, root_key
from bot.services.publishing.publisher import MessagePublisher
from bot.slack.channels import Channel
from bot.slack.chat import Chat
from bot.store import approval_asks
from bot.store.approval_asks import ApprovalAsks
from bot.store.database import Database
from bot.store.follow_ups import FollowUps
from bot.store.ledger.entries import Entry, Ledger, append
from bot.store.requests import Requests
from bot.store.retention import APPROVAL_RETENTION
from bot.store.retry import until_available
from bot.views import approvals as views
from bot.views.approvals import ApprovalInput
from bot.views.resend_form import ModalView
from bot.workflow_engine import Steps, WorkflowEngine

log = structlog.get_logger(__name__)

FLOW = "ask_v1"
DAY = timedelta(days=1)
# Slack waits three seconds for the answer to a submitted form.
PATIENCE = 2.2

_NOT_A_MEMBER = "I'm not in that channel. Run `/invite @DCV Resend` there first."
_SHARED = "That channel is shared with another organization. Choose another one."
_NOT_A_PERSON = "Choose a full member of this workspace."


@define(eq=False, repr=False, slots=False)
class ApprovalAskService:
    """The form *Ask someone to approve*, and the workflow that posts the question."""

    _authorizer: Authorizer
    _check_now: CheckNow
    _reach: ReachReader
    _requests: Requests
    _follow_ups: FollowUps
    _ledger: Ledger
    _asks: ApprovalAsks
    _database: Database
    _publisher: MessagePublisher
    _chat: Chat
    _channel: Callable[[str], Awaitable[Channel]]
    _engine: WorkflowEngine
    _clock: Clock

    def __attrs_post_init__(self) -> None:
        self._engine.define(FLOW, self._flow)

    async def start(self, actor: Actor, request_id: str) -> ResendRequest:
        """Return the request to ask about, without a call to DigiCert.

        Raises NotAllowed if the user may not resend it, and InvalidInput if it is unknown.
        """
        return await self._check_now.request(actor, request_id, Action.RESEND)

    async def form(self, actor: Actor, request: ResendRequest) -> ModalView:
        """Return the form, or the reason why nothing can be asked. Authorizes all that approving validates."""
        try:
            await self._require_reach(actor, request)
            mailboxes = await self._mailboxes(request)
        except BotError as error:
            return views.denied(request.id, str(error))
        approvers = await self._asks.last_approvers(mailbox.email for mailbox in mailboxes)
        return views.form(request.id, mailboxes, approvers)

    async def accept(self, actor: Actor, view_id: str, filled: ApprovalInput) -> str:
        """Save a question and return its id. Nothing is posted before `post`. Takes at most PATIENCE seconds.

        Safe to repeat: the same view gives the same question. Raises NotAllowed if the user may not resend the request,
        and InvalidInput with the field that they must correct.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._accept(actor, view_id, filled)
        except TimeoutError:
            raise InvalidInput("That took too long, and I asked no one. Try again.") from None

    async def post(self, ask_id: str) -> None:
        """Start the workflow that posts a question. Safe to repeat: it runs once."""
        await self._engine.start(FLOW, ask_id)

    async def clean_up(self) -> None:
        """Delete questions that were asked over APPROVAL_RETENTION ago."""
        await self._asks.prune(self._clock() - APPROVAL_RETENTION)

    async def _accept(self, actor: Actor, view_id: str, filled: ApprovalInput) -> str:
        request = await self._check_now.request(actor, filled.request_id, Action.RESEND)
        await self._require_reach(actor, request)
        mailboxes = await self._mailboxes(request)
        if not 0 <= filled.mailbox < len(mailboxes):
            raise InvalidInput("That email is no longer waiting for approval. Open the form again.")
        await self._require_recipient(actor, filled.asked)
        ask_id = hashlib.sha256(f"{actor.team_id}:view:{view_id}".encode()).hexdigest()[:16]
        email = mailboxes[filled.mailbox].email
        ask = ApprovalAsk(ask_id, request.id, email, filled.asked, actor, self._clock())
        async with self._database.write() as transaction:
            if not await approval_asks.exists(transaction, ask.id):
                asked = await approval_asks.asked_since(transaction, request.id, ask.at - DAY)
                if len(asked) >= views.MOST_ASKS:
                    raise InvalidInput(f"{views.MOST_ASKS} people were asked about this in a day. Try again tomorrow.")
                await approval_asks.add(transaction, ask)
                await append(transaction, _entry(ask, request))
        log.info("asked to approve", request_id=request.id, user=actor.user_id, asked=ask.asked)
        return ask.id

    async def _require_reach(self, actor: Actor, request: ResendRequest) -> None:
        """Require the permission to resend all of a request, with everything that its emails would validate."""
        rules = await self._authorizer.rules()
        parts = [await self._reach.of_call(call, request.order_id, rules) for call in request.calls]
        reach = Reach(
            tuple(name for part in parts for name in part.names),
            tuple(name for part in parts for name in part.below),
            tuple(order_id for part in parts for order_id in part.orders),
        )
        resource = resource_for_calls(request.destination, request.calls, reach)
        await self._authorizer.require(actor, Action.RESEND, {"request": request.id}, resource)

    async def _mailboxes(self, request: ResendRequest) -> Sequence[Mailbox]:
        results = await self._ledger.results(request.id)
        found = open_mailboxes(request, results, await self._follow_ups.of(request.id))
        if not found:
            raise NotResendable("No email of this request is waiting for approval.", "")
        return found

    async def _require_recipient(self, actor: Actor, asked: str) -> None:
        """Raise InvalidInput if the question must not go to this user or channel."""
        if is_person(asked):
            context = await self._authorizer.context(Actor(asked, actor.team_id))
            if context.person is None:
                words = "Slack didn't say who that is. Try again in a minute."
                raise InvalidInput(words, {views.PERSON: words})
            if context.is_ineligible:
                raise InvalidInput(_NOT_A_PERSON, {views.PERSON: _NOT_A_PERSON})
            return
        try:
            channel = await self._channel(asked)
        except SlackRejected:
            raise InvalidInput(_NOT_A_MEMBER, {views.CHANNEL: _NOT_A_MEMBER}) from None
        words = _SHARED if channel.is_shared else "" if channel.is_member else _NOT_A_MEMBER
        if words:
            raise InvalidInput(words, {views.CHANNEL: words})

    async def _flow(self, steps: Steps, ask_id: str) -> None:
        """Post the question.

        DBOS replays recorded steps by their order, so a workflow with other steps needs a new name.
        """
        with structlog.contextvars.bound_contextvars(ask=ask_id):
            await deliver_with_retry(steps, "ask", self._deliver, ask_id)

    async def _deliver(self, ask_id: str) -> dict[str, Any]:
        return await attempt_delivery(self._post_now, ask_id)

    async def _post_now(self, ask_id: str) -> None:
        """Post the question once, and tell the user who asks. A question that is over by now is not posted."""
        ask = await until_available(self._asks.get, ask_id)
        if ask is None or self._clock() - ask.at > DAY:
            return
        request = await self._requests.get(ask.request_id)
        results = await self._ledger.results(request.id)
        mailboxes = open_mailboxes(request, results, await self._follow_ups.of(request.id))
        mailbox = next((each for each in mailboxes if each.email == ask.email), None)
        if mailbox is None:
            return
        notice = views.posted(ask)
        try:
            await self._publisher.publish(ask_key(ask), Destination(ask.asked), views.question(ask, mailbox), None)
        except SlackRejected as error:
            log.warning("a question could not be posted", asked=ask.asked, error=error.code)
            notice = views.not_posted(ask)
        root = await self._publisher.post_of(root_key(request.id))
        where = root.destination if root else request.destination
        await self._chat.send_ephemeral(Interaction(ask.actor, where), notice)


def ask_key(ask: ApprovalAsk) -> str:
    """Return the key of the message with a question. It begins with the request, as those of its other messages do."""
    return f"{ask.request_id}.{ask.id}"


def _entry(ask: ApprovalAsk, request: ResendRequest) -> Entry:
    """Return the ledger entry of a question."""
    names = {each.name for call in request.calls for each in call.recipients if each.email == ask.email}
    detail = {"asked": ask.asked, "email": ask.email, "names": sorted(names)}
    return Entry(LedgerEvent.ASKED, ask.at, ask.actor, request.id, detail=detail)
