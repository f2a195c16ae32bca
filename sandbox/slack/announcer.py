"""The Events API: who hears of an event, and how often it is tried."""

import asyncio
from typing import Any

from sandbox.slack.events import SCOPES, subscription
from sandbox.slack.payloads import event_callback
from sandbox.slack.shapes import Json
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.workspace import Channel, Workspace

MOST_ATTEMPTS = 3


class Announcer:
    """Delivers events in the background.

    An event that was not acknowledged is tried again at once; what fails then, or met no open socket, waits for
    `retry()`, which the next connection calls. After the third repeat it is given up.
    """

    def __init__(self, here: Workspace, socket_mode: SocketMode) -> None:
        self._here, self._socket_mode = here, socket_mode
        self._tasks: set[asyncio.Task[None]] = set()
        self.parked: list[tuple[Json, int]] = []

    def tell(self, event: Json, channel: Channel | None, **extras: Any) -> None:
        """Deliver an event if the app is subscribed to it and may see it; extras go beside it, as event_id does."""
        if self._is_heard(event, channel):
            self._start(event_callback(self._here, event, channel, **extras), 0)

    def retry(self) -> None:
        """Try again whatever was parked."""
        parked, self.parked = self.parked, []
        for payload, attempt in parked:
            self._start(payload, attempt)

    async def settle(self) -> None:
        """Wait until every event that is on its way was acknowledged, parked or given up."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Forget everything that is on its way."""
        for task in self._tasks:
            task.cancel()

    def _start(self, payload: Json, attempt: int) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(payload, attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, payload: Json, attempt: int) -> None:
        if not self._socket_mode.sockets:
            self._park(payload, attempt + 1)
            return
        retry = {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        what = f"event {payload['event']['type']}"
        delivery = await self._socket_mode.deliver("events_api", payload, what, **retry)
        if delivery.acked:
            return
        if attempt == 0:
            await self._carry(payload, 1)
        else:
            self._park(payload, attempt + 1)

    def _park(self, payload: Json, attempt: int) -> None:
        if attempt <= MOST_ATTEMPTS:
            self.parked.append((payload, attempt))

    def _is_heard(self, event: Json, channel: Channel | None) -> bool:
        name = subscription(event)
        granted = SCOPES.get(name) is None or SCOPES[name] in self._here.granted_scopes
        present = channel is None or channel.member
        return name in self._here.subscriptions and granted and present and not self._is_muted(event)

    def _is_muted(self, event: Json) -> bool:
        said = event.get("message") or event.get("previous_message") or event
        return said.get("bot_id") == self._here.bot.bot_id and not self._here.echo_own_messages
