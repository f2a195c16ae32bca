"""What no other feature listens to: a button or a form of another version of the bot, or a forged one."""

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import Misunderstood
from bot.models import Origin
from bot.wiring import Services
from handlers.listeners.error_boundary import Answering
from handlers.listeners.payloads import read_actor

_ANYTHING = re.compile("")


class Unknown:
    """Listener for all that is left over."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    async def refuse(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Say that nothing will come of it."""
        origin = Origin(read_actor(body), None)
        await ack()
        async with self._answering.to(origin):
            raise Misunderstood("The bot does not know this button or form any more. Begin anew with /dcv-resend.")


def register(app: AsyncApp, _: Services, answering: Answering) -> None:
    """Attach this feature's listeners."""
    unknown = Unknown(answering)
    app.action(_ANYTHING)(unknown.refuse)
    app.view(_ANYTHING)(unknown.refuse)
