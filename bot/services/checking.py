"""*Check now*: what DigiCert says of the names of a request, told in its thread; reads, and sends nothing."""

from bot.clock import Clock
from bot.digicert.client import CertCentral
from bot.errors import Misunderstood
from bot.models import Actor, Call, DomainTarget, NameState, OrderTarget, Place, ResendRequest
from bot.policy import Action
from bot.services.board import Board
from bot.services.gate import Gate
from bot.store.requests import Requests
from bot.views import messages


class Checking:
    """Looks after a request when somebody asks."""

    def __init__(self, gate: Gate, requests: Requests, certcentral: CertCentral, board: Board, clock: Clock) -> None:
        self._gate = gate
        self._requests = requests
        self._certcentral = certcentral
        self._board = board
        self._clock = clock

    async def request(self, actor: Actor, request_id: str) -> ResendRequest:
        """The request behind a button, for somebody who may look."""
        await self._gate.require(actor, Action.LOOK, {"request": request_id[:32]})
        try:
            return await self._requests.get(request_id)
        except KeyError:
            raise Misunderstood("The bot does not remember this request. Ask anew with /dcv-resend.") from None

    async def check(self, actor: Actor, request_id: str, thread: Place) -> None:
        """Read each name's state from DigiCert and tell it in the thread; the next check edits that reply."""
        request = await self.request(actor, request_id)
        states = [state for call in request.calls for state in await self._states(call)]
        message = messages.checked(request, states, actor.user_id, self._clock())
        await self._board.show(f"{request.id}.check", thread, message, actor.user_id)

    async def _states(self, call: Call) -> list[NameState]:
        match call.target:
            case OrderTarget(order_id):
                return await self._order_states(order_id, call)
            case DomainTarget(domain_id, name_scope):
                domain = await self._certcentral.domain(domain_id)
                waits = domain.is_pending is not False
                return [NameState(name_scope, waits, "still waits" if waits else "validated")]

    async def _order_states(self, order_id: int, call: Call) -> list[NameState]:
        validation = await self._certcentral.order_validation(order_id)
        if validation.status not in _OPEN_ORDERS:
            return [NameState(name, False, f"its order is {validation.status}") for name in call.names]
        waiting = {name.removeprefix("*.") for entry in validation.names if entry.is_open for name in entry.names}
        return [
            NameState(name, name in waiting, "still waits" if name in waiting else "validated") for name in call.names
        ]


_OPEN_ORDERS = frozenset({"pending", "reissue_pending", "processing"})
