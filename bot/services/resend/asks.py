"""Questions of people without permission: they ask those who may resend, who open the filled form with one click."""

import hashlib

import structlog
from attrs import define

from bot.clock import Clock
from bot.errors import InvalidInput, SlackRejected, StaleInteraction
from bot.models import NAME, Actor, Destination, ResendAsk, ResendRequest, TargetKey
from bot.parsing.domain_names import is_subdomain_of, without_wildcard
from bot.parsing.targets import TargetRef, read_target_key
from bot.policy.rules import INELIGIBLE, Action
from bot.services.authorization.authorizer import Authorizer, others_who_can
from bot.services.authorization.resources import resource_for_input
from bot.services.publishing.delivery import root_key
from bot.services.publishing.publisher import SHARED, MessagePublisher, is_direct
from bot.store.resend_asks import POST, ResendAsks
from bot.views import resend_asks as views
from bot.views.blocks import Message
from bot.views.resend_messages import Successor

log = structlog.get_logger(__name__)

# Slack takes about fifty edits a minute, and as many questions about a channel.
MOST_WITHDRAWN = 20

_CLOSED = "I can't post in this channel. Run `/invite @DCV Resend`, or ask them directly."
_SHARED = "I don't ask in channels that are shared with another organization. Ask them directly."
_DIRECT = "I can ask them only in a channel. Run the command there, or ask them directly."
_TOO_OFTEN = "There were enough requests within the last hour. Try again later, or ask them directly."


@define(eq=False, repr=False, slots=False)
class ResendAskService:
    """The questions to those who may resend. Only members of this workspace may ask, and only the policy says whom."""

    _authorizer: Authorizer
    _asks: ResendAsks
    _publisher: MessagePublisher
    _clock: Clock

    async def ask(self, actor: Actor, destination: Destination, cause: str, target: str) -> Message:
        """Post the question, and return the confirmation for the user. Safe to repeat with the same `cause`.

        Raises NotAllowed for guests and people of other workspaces. Raises InvalidInput if the policy allows it to no
        one else, if the bot may not post there, or if there were too many questions.
        """
        wanted = read_target_key(target)
        resource = resource_for_input(destination, wanted)
        context = await self._authorizer.context(actor)
        decision = context.decide(Action.RESEND, resource)
        self._authorizer.require_answer(decision)
        if decision.rule in INELIGIBLE:
            await self._authorizer.require(actor, Action.RESEND, {"text": target[:200]}, resource)
        who = others_who_can(context, Action.RESEND, resource)
        if not (who.users or who.groups):
            raise InvalidInput("No one else can resend this.")
        await self._require_open(destination)
        ask_id = hashlib.sha256(f"{actor.team_id}:{cause}".encode()).hexdigest()[:16]
        ask = ResendAsk(ask_id, actor, destination, target, self._clock())
        if not await self._asks.add(ask):
            raise InvalidInput(_TOO_OFTEN)
        try:
            await self._publisher.publish(f"{POST}{ask.id}", destination, views.question(ask, who), None)
        except SlackRejected as error:
            raise InvalidInput(_SHARED if error.code == SHARED else _CLOSED) from error
        log.info("asked to resend", ask=ask.id, user=actor.user_id, target=target)
        return views.asked(who)

    async def find(self, ask_id: str) -> tuple[ResendAsk, TargetRef | None]:
        """Return a question with its target. Raises StaleInteraction if it is unknown or too old."""
        if ask := await self._asks.get(ask_id):
            return ask, read_target_key(ask.target)
        raise StaleInteraction("request")

    async def show_answer(self, request: ResendRequest) -> None:
        """Replace the question that a sent request answers by who sent it, without its button. Safe to repeat.

        Raises SlackUnavailable if Slack cannot be reached.
        """
        ask = await self._asks.get(request.answers) if request.answers else None
        if ask is None or not _is_about(ask, request) or not await self._publisher.post_of(f"{POST}{ask.id}"):
            return
        link = await self._publisher.link(root_key(request.id))
        message = views.answered(ask, Successor(request.actor.user_id, link))
        try:
            await self._publisher.publish(f"{POST}{ask.id}", ask.destination, message, None)
        except SlackRejected as error:
            log.warning("the answer to a question could not be shown", ask=ask.id, error=error.code)

    async def withdraw(self) -> None:
        """Replace the newest questions by a neutral line if their channel became shared. Safe to repeat.

        Nothing else edits a question that gets no answer.
        """
        for ask in await self._asks.posted(MOST_WITHDRAWN):
            await self._publisher.withdraw(f"{POST}{ask.id}")

    async def _require_open(self, destination: Destination) -> None:
        if is_direct(destination):
            raise InvalidInput(_DIRECT)
        if reason := await self._publisher.blocked_reason(destination):
            raise InvalidInput(_SHARED if reason == SHARED else _CLOSED)


def _is_about(ask: ResendAsk, request: ResendRequest) -> bool:
    """Return True if a request is for what was asked: the user may have chosen something else in the form."""
    asked = TargetKey.parse(ask.target)
    if asked.kind != NAME:
        return not ask.target or asked.order_id == request.order_id
    name = without_wildcard(asked.value)
    sent = [without_wildcard(each) for call in request.calls for each in call.names]
    return any(is_subdomain_of(name, each) or is_subdomain_of(each, name) for each in sent)
