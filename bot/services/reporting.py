"""The conversation about one request: announced at once, told to the end however long Slack was away."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from bot.clock import Clock
from bot.errors import BotError, SlackRefused, SlackUnavailable
from bot.models import Place, ResendRequest
from bot.services.board import Board
from bot.store.ledger import Ledger
from bot.store.patience import patiently
from bot.store.posts import Post
from bot.store.requests import Requests
from bot.views import messages
from bot.views.blocks import Message

log = structlog.get_logger(__name__)

ANNOUNCE_SECONDS = 5.0


def root_key(request_id: str) -> str:
    """The key of a request's root message."""
    return f"{request_id}.root"


class Reporting:
    """The steps of a resend that talk."""

    def __init__(self, requests: Requests, ledger: Ledger, board: Board, clock: Clock) -> None:
        self._requests = requests
        self._ledger = ledger
        self._board = board
        self._clock = clock

    async def announce(self, request_id: str) -> int:
        """Show that the request is on its way, and return its number of calls; the mail does not wait for Slack."""
        request = await patiently(self._requests.get, request_id)
        await self._briefly(request, messages.sending(request))
        return len(request.calls)

    async def waiting(self, request_id: str, turned_away: Mapping[str, Any]) -> None:
        """Show that DigiCert wants to be asked later."""
        request = await patiently(self._requests.get, request_id)
        endings = await patiently(self._ledger.endings, request_id)
        again = datetime.fromisoformat(turned_away["again_at"])
        await self._briefly(request, messages.waiting(request, endings, again, turned_away["busy"]))

    async def progress(self, request_id: str) -> None:
        """Show which of several calls have ended."""
        request = await patiently(self._requests.get, request_id)
        endings = await patiently(self._ledger.endings, request_id)
        await self._briefly(request, messages.progress(request, endings))

    async def report(self, request_id: str) -> dict[str, Any]:
        """Tell the outcome: `{"told": True}`, or in how many seconds at the earliest to try again. Safe to repeat."""
        wait = 0.0
        try:
            await self._tell(await self._requests.get(request_id))
        except BotError as error:
            log.warning("the outcome could not be told yet", error=str(error))
            wait = error.retry_after if isinstance(error, SlackUnavailable) else 0.0
        except Exception:
            log.exception("the outcome could not be told yet")
        else:
            return {"told": True}
        return {"told": False, "wait": wait}

    async def _tell(self, request: ResendRequest) -> None:
        endings = await self._ledger.endings(request.id)
        root = await self._show_root(request, messages.ended(request, endings))
        thread = Place(root.place.channel_id, root.place.thread_ts or root.ts)
        try:
            key = f"{request.id}.detail"
            await self._board.show(key, thread, messages.detail(request, endings), request.actor.user_id)
        except SlackRefused as error:
            log.warning("the detail could not be told; the outcome is", error=error.code)
        await self._requests.reported(request.id, self._clock())
        log.info("told", outcomes=[ending.outcome.value for ending in endings.values()])

    async def _briefly(self, request: ResendRequest, message: Message) -> None:
        try:
            async with asyncio.timeout(ANNOUNCE_SECONDS):
                await self._show_root(request, message)
        except (BotError, TimeoutError) as error:
            log.warning("could not be announced; the outcome will be told", error=str(error))
        except Exception:
            log.exception("could not be announced; the outcome will be told")

    async def _show_root(self, request: ResendRequest, message: Message) -> Post:
        return await self._board.show(root_key(request.id), request.place, message, request.actor.user_id)
