"""The Events API: the delivery of events to a subscribed app, with Slack's retries."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.events import REQUIRED_SCOPES, subscription_name
from sandbox.slack.workspace.models import Channel
from sandbox.slack.workspace.payloads import event_callback
from sandbox.slack.workspace.workspace import Workspace

MAX_RETRIES = 3


class EventDispatcher:
    """The background delivery of events.

    An event without an ack is retried at once. If that fails, or if no socket is open, it is parked until
    `retry_parked`. The next connection calls that. Over HTTP, the test calls it instead of waiting for minutes. After
    the third retry, the event is given up.
    """

    def __init__(
        self, workspace: Workspace, deliver: Callable[..., Awaitable[Delivery]], is_connected: Callable[[], bool]
    ) -> None:
        self._workspace, self._deliver, self._is_connected = workspace, deliver, is_connected
        self._tasks: set[asyncio.Task[None]] = set()
        self.parked: list[tuple[Json, int, str]] = []

    def dispatch(self, event: Json, channel: Channel | None, **extras: Any) -> None:
        """Deliver an event if the app is subscribed to it and may see it.

        `extras` go beside the event, as event_id does.
        """
        if self._is_subscribed(event, channel):
            self._start(event_callback(self._workspace, event, channel, **extras), 0, "")

    def retry_parked(self) -> None:
        """Retry every parked event."""
        parked, self.parked = self.parked, []
        for parts in parked:
            self._start(*parts)

    async def wait_until_idle(self) -> None:
        """Wait until every event has been acknowledged, parked or given up."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Cancel every delivery in progress."""
        for task in self._tasks:
            task.cancel()

    def _start(self, payload: Json, attempt: int, reason: str) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver_with_retry(payload, attempt, reason))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_with_retry(self, payload: Json, attempt: int, reason: str) -> None:
        if not self._is_connected():
            self._park(payload, attempt + 1, "timeout")
            return
        what = f"event {payload['event']['type']}"
        delivery = await self._deliver("events_api", payload, what, retry_attempt=attempt, retry_reason=reason)
        if delivery.acked or not delivery.may_be_retried:
            return
        if attempt == 0:
            await self._deliver_with_retry(payload, 1, delivery.failure)
        else:
            self._park(payload, attempt + 1, delivery.failure)

    def _park(self, payload: Json, attempt: int, reason: str) -> None:
        if attempt <= MAX_RETRIES:
            self.parked.append((payload, attempt, reason))

    def _is_subscribed(self, event: Json, channel: Channel | None) -> bool:
        name = subscription_name(event)
        granted = REQUIRED_SCOPES.get(name) is None or REQUIRED_SCOPES[name] in self._workspace.granted_scopes
        present = channel is None or channel.member
        return name in self._workspace.subscriptions and granted and present and not self._is_own_echo(event)

    def _is_own_echo(self, event: Json) -> bool:
        said = event.get("message") or event.get("previous_message") or event
        # An app receives events of its own messages, unless a test turns that off.
        return said.get("bot_id") == self._workspace.bot.bot_id and not self._workspace.echo_own_messages
