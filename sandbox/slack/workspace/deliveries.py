"""Envelopes that are sent to the app, and their outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.json_types import Json


class DeliverySocket(Protocol):
    """The connection that an envelope is sent over. `closed_at` is in seconds of the event loop's clock."""

    closed_at: float | None


@dataclass(eq=False)
class Delivery:
    """One envelope, sent `at` (Unix seconds). `payload` came with the ack, `after` seconds later.

    `failure` is Slack's retry reason for an envelope without an ack. `status` is that of the HTTP response.
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
    connection: DeliverySocket | None = field(default=None, repr=False)
    _answered: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def kind(self) -> str:
        """Return the kind: slash_commands, interactive or events_api."""
        return str(self.envelope["type"])

    @property
    def sent(self) -> Json:
        """Return the payload that the app received."""
        return dict(self.envelope["payload"])

    @property
    def retry_attempt(self) -> int:
        """Return how often this event was sent before."""
        return int(self.envelope.get("retry_attempt", 0))

    @property
    def answered(self) -> bool:
        """Return whether an ack came at all, even too late."""
        return self._answered.is_set()

    def mark_sent(self, connection: DeliverySocket | None = None) -> None:
        """Record that the envelope is sent now, over this connection if it is a socket."""
        self.sent_at, self.connection = asyncio.get_running_loop().time(), connection

    def connection_outlived(self, seconds: float) -> bool:
        """Return whether the envelope's socket stayed open for so many seconds after it was sent."""
        # Without a connection, the envelope was never sent over a socket.
        closed_at = self.connection.closed_at if self.connection else 0.0
        return closed_at is None or closed_at > self.sent_at + seconds

    def acknowledge(self, payload: Json | None) -> None:
        """Record the app's ack. A late one only changes `after`."""
        # Slack ignores an ack after its deadline.
        self.acked, self.payload = not self.settled, payload
        self.after = asyncio.get_running_loop().time() - self.sent_at
        self._answered.set()

    def stop_waiting(self) -> None:
        """Stop waiting for an ack. Without one, `after` is the time that passed."""
        if not self.answered:
            self.after = asyncio.get_running_loop().time() - self.sent_at
        self.settled = True

    async def wait_for_ack(self, seconds: float) -> bool:
        """Wait for the ack, and return whether it came in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._answered.wait()
        except TimeoutError:
            pass
        self.stop_waiting()
        return self.acked

    async def redeliver(self, *, new_id: bool = False) -> "Delivery":
        """Send the same payload again, in the same envelope or in a new one. The second ack has no effect."""
        return await self.resend(self, new_id)
