"""*Check now*: what DigiCert says of the names of a request, told in its thread; reads, and sends nothing."""

from functools import partial

from attrs import define

from bot.clock import Clock
from bot.errors import Misunderstood
from bot.follow_up_schedule import NOT_SUBMITTED, Schedule, decide
from bot.models import Actor, Call, NameState, Place, ResendRequest, Seen
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Gate
from bot.services.authorization.resources import about_request
from bot.services.follow_up.observer import Looking
from bot.services.publishing.delivery import root_key
from bot.services.publishing.publisher import Board, is_direct
from bot.services.resend.reporter import Reporting
from bot.store.follow_ups import Followings
from bot.store.requests import Requests
from bot.views import resend_messages


@define(eq=False, repr=False, slots=False)
class Checking:
    """Looks after a request when somebody asks."""

    _gate: Gate
    _requests: Requests
    _followings: Followings
    _looking: Looking
    _board: Board
    _reporting: Reporting
    _schedule: Schedule
    _clock: Clock

    async def request(self, actor: Actor, request_id: str, action: Action = Action.LOOK) -> ResendRequest:
        """The request behind a button, for somebody who may do this with all its names in its channel."""
        about = {"request": request_id[:32]}
        await self._gate.require(actor, action, about)
        try:
            request = await self._requests.get(request_id)
        except KeyError:
            raise Misunderstood("The bot does not remember this request. Ask anew with /dcv-resend.") from None
        await self._gate.require(actor, action, about, about_request(request))
        return request

    async def check(self, actor: Actor, request_id: str, thread: Place) -> None:
        """Read each name's state from DigiCert and tell it in the thread; the next check edits that reply.

        What is told so is not told again by whatever follows the request.
        """
        request = await self.request(actor, request_id)
        seen = await self._looking.request(request)
        states = [state for number, call in enumerate(request.calls) for state in _states(call, seen[number])]
        message = resend_messages.checked(request, states, actor.user_id, self._clock())
        key, place = await self._answer_place(request, actor, thread)
        await self._board.show(key, place, message, actor.user_id)
        await self._note(request, seen)
        await self._reporting.present(request)

    async def _answer_place(self, request: ResendRequest, actor: Actor, thread: Place) -> tuple[str, Place]:
        """Return the key and the place of an answer: one for all in a channel, one for each person in messages to them.

        A request that was moved to direct messages stays there, whoever still presses a button in its channel.
        """
        key, own_key = f"{request.id}.check", f"{request.id}.check.{actor.user_id}"
        if is_direct(thread):
            return own_key, thread
        root = await self._board.post_of(root_key(request.id))
        if root and root.detour:
            return own_key, Place(actor.user_id)
        return (key if await self._board.is_open(thread) else own_key), thread

    async def _note(self, request: ResendRequest, seen: dict[int, Seen]) -> None:
        now = self._clock()
        decisions = {
            number: partial(decide, names=request.calls[number].names, seen=one, schedule=self._schedule, now=now)
            for number, one in seen.items()
        }
        await self._followings.seen(request.id, decisions, now)


def _states(call: Call, seen: Seen) -> list[NameState]:
    if seen.over == NOT_SUBMITTED:
        return [
            NameState(name, False, "not validated, and not submitted for validation any more") for name in call.names
        ]
    if seen.over:
        return [NameState(name, False, f"its order is {seen.over}") for name in call.names]
    return [
        NameState(name, name not in seen.validated, "validated" if name in seen.validated else "still waits")
        for name in call.names
    ]
