"""*Check now*: reads the validation state of a request's names, for its card and the user who asked. Never sends."""

from functools import partial

from attrs import define

from bot.clock import Clock
from bot.errors import InvalidInput
from bot.follow_up_schedule import NOT_SUBMITTED, FollowUpSchedule, next_state
from bot.models import Actor, Call, NameState, Observation, ResendRequest
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_request
from bot.services.follow_up.observer import ValidationObserver
from bot.services.resend.reporter import ResultReporter
from bot.store.follow_ups import FollowUps
from bot.store.requests import Requests
from bot.views import resend_messages
from bot.views.blocks import Message


@define(eq=False, repr=False, slots=False)
class CheckNow:
    """The check of a request when a user asks for it."""

    _authorizer: Authorizer
    _requests: Requests
    _follow_ups: FollowUps
    _observer: ValidationObserver
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
            raise InvalidInput("This request is no longer stored. Run `/dcv-resend` again.") from None
        await self._authorizer.require(actor, action, about, resource_for_request(request))
        return request

    async def check(self, actor: Actor, request_id: str) -> Message:
        """Read each name's state from DigiCert, show it on the card, and return it for the user who asked.

        The follow-up does not announce these changes again. Raises CaError if DigiCert does not give the data.
        """
        request = await self.request(actor, request_id)
        observation = await self._observer.observe_request(request)
        await self._record(request, observation)
        root = await self._reporter.refresh_root(request)
        if not any(each.is_open for each in await self._follow_ups.of(request.id)):
            await self._reporter.refresh_reminders(request, root)
        states = [state for number, call in request.emailing for state in _states(call, observation[number])]
        return resend_messages.checked(states, self._clock())

    async def refresh(self, request: ResendRequest) -> None:
        """Read each name's state from DigiCert, and publish it in the root message alone. Does not authorize.

        Raises CaError if DigiCert does not give the data.
        """
        await self._record(request, await self._observer.observe_request(request))
        await self._reporter.refresh_root(request)

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
        return [NameState(name, False, "no longer submitted for validation") for name in call.names]
    if observation.closed_status:
        return [NameState(name, False, _closed_words(observation.closed_status)) for name in call.names]
    return [
        NameState(
            name,
            name not in observation.validated,
            "validated" if name in observation.validated else "waiting for approval",
        )
        for name in call.names
    ]


def _closed_words(status: str) -> str:
    return "the certificate was issued" if status == "issued" else f"the order was {status}"
