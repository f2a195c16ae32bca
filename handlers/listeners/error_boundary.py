"""The error boundary around every listener: it reports errors to the user and logs bugs with a reference."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.clock import ends_within
from bot.errors import BotError
from bot.fair_share import working_for
from bot.models import Interaction
from bot.services.publishing.publisher import is_direct
from bot.slack.chat import Chat
from bot.views import errors
from bot.views.blocks import Message

log = structlog.get_logger(__name__)

PARTING_SECONDS = 0.5


class ErrorBoundary:
    """Error boundary for listeners. Tracks requests in progress so that shutdown can wait for them."""

    def __init__(self, chat: Chat, contact: str | None = None, console: str = "") -> None:
        self._chat = chat
        self._contact = contact
        self._console = console
        self._open: list[Interaction] = []
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def respond_to(self, interaction: Interaction) -> AsyncIterator[None]:
        """Send any error raised inside to this person as an ephemeral message. No exception leaves the context.

        Work inside counts as theirs for the fair share between people.
        """
        self._open.append(interaction)
        self._idle.clear()
        try:
            user_id = interaction.actor.user_id
            with structlog.contextvars.bound_contextvars(user=user_id), working_for(user_id):
                try:
                    yield
                except BotError as error:
                    log.info("reported to the user", problem=type(error).__name__, words=str(error))
                    message = errors.message_for(
                        error,
                        self._contact,
                        can_ask=_is_channel(interaction),
                        line=interaction.line,
                        console=self._console,
                    )
                    await self._chat.send_ephemeral(interaction, message)
                except Exception:
                    reference = uuid.uuid4().hex[:8]
                    log.exception("bug", reference=reference)
                    message = errors.internal_error(reference, self._contact)
                    await self._chat.send_ephemeral(interaction, message)
        finally:
            self._open.remove(interaction)
            if not self._open:
                self._idle.set()

    def message_for(self, error: BotError) -> Message:
        """Return an error as a message, for a screen that the listener draws itself."""
        return errors.message_for(error, self._contact, console=self._console)

    async def idle(self, seconds: float) -> None:
        """Wait until no request is in progress, at most `seconds`."""
        if not await ends_within(seconds, self._idle.wait()):
            log.warning("stopping while a user is waiting for an answer", open=len(self._open))

    async def notify_shutdown(self) -> None:
        """Tell each user with a request in progress that the bot is stopping. Takes at most PARTING_SECONDS."""
        notices = [
            self._chat.send_ephemeral(interaction, errors.stopping()) for interaction in dict.fromkeys(self._open)
        ]
        await ends_within(PARTING_SECONDS, asyncio.gather(*notices, return_exceptions=True))


def _is_channel(interaction: Interaction) -> bool:
    """Return True for a channel, in which the user can ask others for help."""
    return interaction.destination is not None and not is_direct(interaction.destination)
