"""What no other feature listens to: a button or a form of another version of the bot, or a forged one."""

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import InvalidInput
from bot.models import Interaction
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import read_actor

_ANYTHING = re.compile("")


class Fallback:
    """Listener for all that is left over."""

    def __init__(self, boundary: ErrorBoundary) -> None:
        self._boundary = boundary

    async def refuse(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Say that nothing will come of it."""
        interaction = Interaction(read_actor(body), None)
        await ack()
        async with self._boundary.respond_to(interaction):
            raise InvalidInput("The bot does not know this button or form any more. Begin anew with /dcv-resend.")


def register(app: AsyncApp, _: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    unknown = Fallback(boundary)
    app.action(_ANYTHING)(unknown.refuse)
    app.view(_ANYTHING)(unknown.refuse)
