"""The Events API: who hears of an event, and how often it is tried."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.events import SCOPES, subscription
from sandbox.slack.workspace.models import Channel
from sandbox.slack.workspace.payloads import event_callback
from sandbox.slack.workspace.workspace import Workspace

MOST_ATTEMPTS = 3


class Announcer:
    """Delivers events in the background.

    An event that was not acknowledged is tried again at once; what fails then, or met no open socket, waits for
    `retry()`, which the next connection calls, and over HTTP whoever does not wait for minutes. After the third repeat
    it is given up.
    """

    def __init__(
        self, here: Workspace, deliver: Callable[..., Awaitable[Delivery]], is_there: Callable[[], bool]
    ) -> None:
        self._here, self._deliver, self._is_there = here, deliver, is_there
        self._tasks: set[asyncio.Task[None]] = set()
        self.parked: list[tuple[Json, int, str]] = []

    def tell(self, event: Json, channel: Channel | None, **extras: Any) -> None:
        """Deliver an event if the app is subscribed to it and may see it; extras go beside it, as event_id does."""
        if self._is_heard(event, channel):
            self._start(event_callback(self._here, event, channel, **extras), 0, "")

    def retry(self) -> None:
        """Try again whatever was parked."""
        parked, self.parked = self.parked, []
        for parts in parked:
            self._start(*parts)

    async def settle(self) -> None:
        """Wait until every event that is on its way was acknowledged, parked or given up."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Forget everything that is on its way."""
        for task in self._tasks:
            task.cancel()

    def _start(self, payload: Json, attempt: int, reason: str) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(payload, attempt, reason))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, payload: Json, attempt: int, reason: str) -> None:
        if not self._is_there():
            self._park(payload, attempt + 1, "timeout")
            return
        what = f"event {payload['event']['type']}"
        delivery = await self._deliver("events_api", payload, what, retry_attempt=attempt, retry_reason=reason)
        if delivery.acked or not delivery.may_be_retried:
            return
        if attempt == 0:
            await self._carry(payload, 1, delivery.failure)
        else:
            self._park(payload, attempt + 1, delivery.failure)

    def _park(self, payload: Json, attempt: int, reason: str) -> None:
        if attempt <= MOST_ATTEMPTS:
            self.parked.append((payload, attempt, reason))

    def _is_heard(self, event: Json, channel: Channel | None) -> bool:
        name = subscription(event)
        granted = SCOPES.get(name) is None or SCOPES[name] in self._here.granted_scopes
        present = channel is None or channel.member
        return name in self._here.subscriptions and granted and present and not self._is_muted(event)

    def _is_muted(self, event: Json) -> bool:
        said = event.get("message") or event.get("previous_message") or event
        return said.get("bot_id") == self._here.bot.bot_id and not self._here.echo_own_messages
