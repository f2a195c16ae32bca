"""Envelopes under way to the app, and what became of them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.json_types import Json


class Connection(Protocol):
    """What an envelope is sent over; `closed_at` is in seconds of the event loop's clock."""

    closed_at: float | None


@dataclass(eq=False)
class Delivery:
    """One envelope: `sent` is its payload, `at` when in Unix seconds; `payload` came with the ack, `after` so long.

    `failure` is Slack's word for why it was not acknowledged, as the next try tells it; `status` is what HTTP answered.
    """

    envelope: Json
    what: str
    resend: Callable[["Delivery", bool], Awaitable["Delivery"]] = field(repr=False)
    acked: bool = False
    after: float = 0.0
    payload: Json | None = None
    sent_at: float = 0.0
    at: float = 0.0
    settled: bool = False
    failure: str = "timeout"
    status: int | None = None
    may_be_retried: bool = True
    connection: Connection | None = field(default=None, repr=False)
    _answered: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def kind(self) -> str:
        """slash_commands, interactive or events_api."""
        return str(self.envelope["type"])

    @property
    def sent(self) -> Json:
        """What the app was sent."""
        return dict(self.envelope["payload"])

    @property
    def retry_attempt(self) -> int:
        """How often this event was sent before."""
        return int(self.envelope.get("retry_attempt", 0))

    @property
    def answered(self) -> bool:
        """Whether an ack came at all, be it too late."""
        return self._answered.is_set()

    def mark_sent(self, connection: Connection | None = None) -> None:
        """Note that it is on its way, and over which socket if over any."""
        self.sent_at, self.connection = asyncio.get_running_loop().time(), connection

    def connection_outlived(self, seconds: float) -> bool:
        """Whether it left over a socket that stayed open for so many seconds."""
        closed_at = self.connection.closed_at if self.connection else 0.0
        return closed_at is None or closed_at > self.sent_at + seconds

    def acknowledge(self, payload: Json | None) -> None:
        """Note the app's ack; one that comes too late changes nothing but `after`."""
        self.acked, self.payload = not self.settled, payload
        self.after = asyncio.get_running_loop().time() - self.sent_at
        self._answered.set()

    def stop_waiting(self) -> None:
        """Wait for no ack any longer; without one, `after` is how long that took."""
        if not self.answered:
            self.after = asyncio.get_running_loop().time() - self.sent_at
        self.settled = True

    async def wait_for_ack(self, seconds: float) -> bool:
        """Wait for the ack; False when it did not come in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._answered.wait()
        except TimeoutError:
            pass
        self.stop_waiting()
        return self.acked

    async def redeliver(self, *, new_id: bool = False) -> "Delivery":
        """Send the same payload again, in the same envelope or in a new one; what the second ack says has no effect."""
        return await self.resend(self, new_id)
