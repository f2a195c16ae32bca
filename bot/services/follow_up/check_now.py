"""The *Check now* button: reads the validation state of a request's names and posts it in the thread. Never sends."""

from functools import partial

from attrs import define

from bot.clock import Clock
from bot.errors import InvalidInput
from bot.follow_up_schedule import NOT_SUBMITTED, FollowUpSchedule, next_state
from bot.models import Actor, Call, Destination, NameState, Observation, ResendRequest
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_request
from bot.services.follow_up.observer import ValidationObserver
from bot.services.publishing.delivery import root_key
from bot.services.publishing.publisher import MessagePublisher, is_direct
from bot.services.resend.reporter import ResultReporter
from bot.store.follow_ups import FollowUps
from bot.store.requests import Requests
from bot.views import resend_messages


@define(eq=False, repr=False, slots=False)
class CheckNow:
    """The check of a request when a user asks for it."""

    _authorizer: Authorizer
    _requests: Requests
    _follow_ups: FollowUps
    _observer: ValidationObserver
    _publisher: MessagePublisher
    _reporter: ResultReporter
    _schedule: FollowUpSchedule
    _clock: Clock

    async def request(self, actor: Actor, request_id: str, action: Action = Action.STATUS) -> ResendRequest:
        """Return the request of a button.

        Raises InvalidInput if the request is unknown. Raises NotAllowed if the user may not perform `action` on all of
        its names in its channel.
        """
        about = {"request": request_id[:32]}
        await self._authorizer.require(actor, action, about)
        try:
            request = await self._requests.get(request_id)
        except KeyError:
            raise InvalidInput("The bot does not remember this request. Ask anew with /dcv-resend.") from None
        await self._authorizer.require(actor, action, about, resource_for_request(request))
        return request

    async def check(self, actor: Actor, request_id: str, thread: Destination) -> None:
        """Read each name's state from DigiCert and post it in the thread. The next check edits that reply.

        The follow-up does not announce these changes again. Raises CaError if DigiCert does not give the data.
        """
        request = await self.request(actor, request_id)
        observation = await self._observer.observe_request(request)
        states = [state for number, call in enumerate(request.calls) for state in _states(call, observation[number])]
        message = resend_messages.checked(request, states, actor.user_id, self._clock())
        key, destination = await self._answer_place(request, actor, thread)
        await self._publisher.publish(key, destination, message, actor.user_id)
        await self._record(request, observation)
        await self._reporter.refresh_root(request)

    async def refresh(self, request: ResendRequest) -> None:
        """Read each name's state from DigiCert, and publish it in the root message alone. Does not authorize.

        Raises CaError if DigiCert does not give the data.
        """
        await self._record(request, await self._observer.observe_request(request))
        await self._reporter.refresh_root(request)

    async def _answer_place(self, request: ResendRequest, actor: Actor, thread: Destination) -> tuple[str, Destination]:
        """Return the message key and the destination of a reply: one per channel thread, or one per user in DMs.

        A request that moved to direct messages stays there, even if a user presses a button in its channel.
        """
        key, own_key = f"{request.id}.check", f"{request.id}.check.{actor.user_id}"
        if is_direct(thread):
            return own_key, thread
        root = await self._publisher.post_of(root_key(request.id))
        if root and root.detour:
            return own_key, Destination(actor.user_id)
        return (key if await self._publisher.is_open(thread) else own_key), thread

    async def _record(self, request: ResendRequest, observation: dict[int, Observation]) -> None:
        now = self._clock()
        decisions = {
            number: partial(
                next_state, names=request.calls[number].names, observation=one, schedule=self._schedule, now=now
            )
            for number, one in observation.items()
        }
        await self._follow_ups.record_observation(request.id, decisions, now)


def _states(call: Call, observation: Observation) -> list[NameState]:
    if observation.closed_status == NOT_SUBMITTED:
        return [
            NameState(name, False, "not validated, and not submitted for validation any more") for name in call.names
        ]
    if observation.closed_status:
        return [NameState(name, False, f"its order is {observation.closed_status}") for name in call.names]
    return [
        NameState(
            name, name not in observation.validated, "validated" if name in observation.validated else "still waits"
        )
        for name in call.names
    ]
