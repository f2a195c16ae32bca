"""The fallback for buttons and forms that no feature handles: from another version of the bot, or forged."""

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import StaleInteraction
from bot.models import Interaction
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import read_actor

_ANYTHING = re.compile("")


class Fallback:
    """Listener for every action and view that no other feature handles."""

    def __init__(self, boundary: ErrorBoundary) -> None:
        self._boundary = boundary

    async def refuse(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Say that this button or form has expired."""
        interaction = Interaction(read_actor(body), None)
        await ack()
        async with self._boundary.respond_to(interaction):
            raise StaleInteraction("button")


def register(app: AsyncApp, _: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    unknown = Fallback(boundary)
    app.action(_ANYTHING)(unknown.refuse)
    app.view(_ANYTHING)(unknown.refuse)
