"""Socket Mode: tickets, sockets, and envelopes that expect an ack within three seconds."""

import asyncio
import json
import random
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.condition import Condition
from sandbox.json_types import Json
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.workspace import Workspace

SOCKET_LIMIT = 10
CLOSING_SECONDS = 0.3
DISCONNECT_SECONDS = 1.0
ACCEPTS_ANSWER = frozenset({"view_submission", "block_suggestion"})


@dataclass(eq=False)
class AppSocket:
    """One open WebSocket of the app."""

    ws: web.WebSocketResponse
    transport: asyncio.Transport | None
    frozen: bool = False
    closed_at: float | None = None

    def freeze(self) -> None:
        """Stop reading and writing, without closing the connection."""
        self.frozen = True
        self.mark_closed()
        if self.transport is not None:
            self.transport.pause_reading()

    def mark_closed(self) -> None:
        """Record the time after which the app can receive nothing over this socket."""
        if self.closed_at is None:
            self.closed_at = asyncio.get_running_loop().time()

    def drop(self) -> None:
        """Abort the connection without a close frame."""
        if self.transport is not None:
            self.transport.abort()


class SocketMode:
    """The Socket Mode server of one app. Routing among its sockets is random, but the same for the same seed."""

    def __init__(
        self, workspace: Workspace, changes: Condition, report_problem: Callable[[str], None], seed: int
    ) -> None:
        self.deliveries: list[Delivery] = []
        self.sockets: list[AppSocket] = []
        self.on_connect: Callable[[], None] = lambda: None
        self._workspace, self._changes, self._report_problem = workspace, changes, report_problem
        self._random = random.Random(seed)  # noqa: S311 - routing, no secret
        self._tickets: dict[str, float] = {}
        self._frozen: list[AppSocket] = []
        self._duplicates: set[asyncio.Task[bool]] = set()

    def issue_ticket(self) -> str:
        """Return a ticket that opens one socket within `ticket_seconds`."""
        ticket = str(uuid.uuid4())
        self._tickets[ticket] = self._workspace.ids.clock()
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a WebSocket handshake and serve the socket until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404, text="this ticket is unknown or used")
        if self._workspace.ids.clock() - self._tickets.pop(ticket) > self._workspace.ticket_seconds:
            return web.Response(status=408, text="this ticket has expired")
        ws = web.WebSocketResponse(autoping=False, autoclose=False, timeout=CLOSING_SECONDS)
        await ws.prepare(request)
        if len(self.sockets) >= SOCKET_LIMIT:
            await ws.send_json(self._disconnect_message("too_many_websockets"))
            await ws.close()
            return ws
        await self._run_socket(AppSocket(ws, request.transport))
        return ws

    def invalidate_ticket(self, ticket: str) -> None:
        """Invalidate a ticket after a failed handshake."""
        self._tickets.pop(ticket, None)

    async def deliver(self, kind: str, payload: Json, what: str, **extras: Any) -> Delivery:
        """Send an envelope to a random open socket and wait for its ack, which may not come: see `acked`.

        `what` names it in the list of problems.
        """
        delivery = Delivery(build_envelope(kind, payload, extras), what, self._redeliver)
        if not await self._send(delivery):
            self._report_problem(f"{what} failed: the app has no open socket")
            return delivery
        if self._workspace.duplicate_next:
            self._workspace.duplicate_next = False
            await self._send_duplicate(delivery)
        await self._wait_for_ack(delivery)
        return delivery

    async def disconnect(self, reason: str) -> None:
        """Send a disconnect message to every socket and, unless it is only a warning, close it."""
        sockets = list(self.sockets)
        if reason != "warning":
            self.sockets.clear()
            self._changes.notify_all()
        await asyncio.gather(
            *(self._disconnect_socket(socket.ws, reason) for socket in sockets), return_exceptions=True
        )

    def drop(self) -> None:
        """Abort every socket without a close frame."""
        for socket in self.sockets:
            socket.drop()
        self.sockets.clear()

    def freeze(self) -> None:
        """Freeze every open socket. Its envelopes are lost until the next socket replaces it."""
        for socket in self.sockets:
            socket.freeze()

    async def close(self) -> None:
        """Close all sockets and stop waiting for acks."""
        self._retire_frozen()
        for socket in self._frozen:
            socket.drop()
        for task in list(self._duplicates):
            task.cancel()
        closing = [socket.ws.close(code=1001) for socket in list(self.sockets)]
        await asyncio.gather(*closing, *self._duplicates, return_exceptions=True)

    async def _run_socket(self, socket: AppSocket) -> None:
        await socket.ws.send_json(self._hello_message())
        self._retire_frozen()
        self.sockets.append(socket)
        self._changes.notify_all()
        self.on_connect()
        try:
            async for frame in socket.ws:
                await self._handle_frame(socket, frame.type, frame.data)
            self._changes.notify_all()
            # In this time, Slack has not yet noticed the close frame and may still send to this socket.
            await asyncio.sleep(self._workspace.close_notice_seconds)
        except ConnectionError:
            pass
        finally:
            socket.mark_closed()
            if socket in self.sockets:
                self.sockets.remove(socket)
            self._changes.notify_all()
            await socket.ws.close()

    def _retire_frozen(self) -> None:
        for socket in [socket for socket in self.sockets if socket.frozen]:
            self.sockets.remove(socket)
            self._frozen.append(socket)

    async def _handle_frame(self, socket: AppSocket, kind: WSMsgType, data: Any) -> None:
        if kind is WSMsgType.PING and not self._workspace.ignore_pings:
            await socket.ws.pong(data)
        elif kind is WSMsgType.TEXT:
            try:
                self._handle_ack(json.loads(data), socket)
            except (ValueError, AttributeError):
                self._report_problem(f"a frame is no JSON object: {data[:80]}")

    def _handle_ack(self, ack: Json, socket: AppSocket) -> None:
        envelope_id = ack.get("envelope_id")
        same = [delivery for delivery in self.deliveries if delivery.envelope["envelope_id"] == envelope_id]
        waiting = [delivery for delivery in same if not delivery.answered]
        if not same:
            self._report_problem(f"an ack for an envelope that was never sent: {envelope_id}")
        elif not waiting:
            self._report_problem(f"{same[0].what} was acknowledged more than once")
        else:
            # If the envelope was sent several times, prefer the delivery over this socket, then one still awaited.
            delivery = min(waiting, key=lambda delivery: (delivery.connection is not socket, delivery.settled))
            delivery.acknowledge(ack.get("payload"))
            self._check_ack(delivery)
        self._changes.notify_all()

    def _check_ack(self, delivery: Delivery) -> None:
        if not delivery.acked:
            self._report_problem(f"{delivery.what} was acknowledged too late, after {delivery.after:.1f} s")
        if delivery.payload and not delivery.envelope["accepts_response_payload"]:
            self._report_problem(f"{delivery.what} takes no answer, yet its ack has one: {str(delivery.payload)[:200]}")

    async def _send(self, delivery: Delivery) -> bool:
        delivery.at = self._workspace.ids.clock()
        self.deliveries.append(delivery)
        # A socket that turns out to be closed is dropped, and another one is tried.
        while self.sockets:
            socket = self._random.choice(self.sockets)
            try:
                delivery.mark_sent(socket)
                if not socket.frozen:
                    await socket.ws.send_json(delivery.envelope)
            except ConnectionError:
                self.sockets.remove(socket)
            else:
                self._changes.notify_all()
                return True
        # No open socket is left, so no ack can come.
        delivery.settled = True
        return False

    async def _wait_for_ack(self, delivery: Delivery) -> bool:
        in_time = await delivery.wait_for_ack(self._workspace.ack_seconds)
        if not in_time:
            self._report_problem(f"{delivery.what} was not acknowledged within {self._workspace.ack_seconds:g} s")
        self._changes.notify_all()
        return in_time

    async def _send_duplicate(self, first: Delivery) -> None:
        second = Delivery(first.envelope, f"{first.what} (sent twice)", self._redeliver)
        if await self._send(second):
            task = asyncio.ensure_future(self._wait_for_ack(second))
            self._duplicates.add(task)
            task.add_done_callback(self._duplicates.discard)

    async def _redeliver(self, first: Delivery, new_id: bool) -> Delivery:
        sent = first.envelope | ({"envelope_id": str(uuid.uuid4())} if new_id else {})
        second = Delivery(sent, f"{first.what} (again)", self._redeliver)
        if await self._send(second):
            await self._wait_for_ack(second)
        return second

    async def _disconnect_socket(self, ws: web.WebSocketResponse, reason: str) -> None:
        await ws.send_json(self._disconnect_message(reason))
        if reason != "warning":
            await self._wait_for_close(ws)
            await ws.close()

    async def _wait_for_close(self, ws: web.WebSocketResponse) -> None:
        with suppress(TimeoutError):
            await self._changes.wait_for(lambda: ws.closed, what="the app to go", timeout=DISCONNECT_SECONDS)

    def _disconnect_message(self, reason: str) -> Json:
        parts = {"debug_info": {"host": "sandbox"}, "connection_info": {"app_id": self._workspace.bot.app_id}}
        return {"type": "disconnect", "reason": reason, "num_connections": len(self.sockets), **parts}

    def _hello_message(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.sockets) + 1,
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 3600},
            "connection_info": {"app_id": self._workspace.bot.app_id},
        }


def build_envelope(kind: str, payload: Json, extras: Json) -> Json:
    """Return the envelope of a payload."""
    kind_of_payload = payload.get("type") if isinstance(payload, dict) else None
    accepts_answer = kind == "slash_commands" or str(kind_of_payload) in ACCEPTS_ANSWER
    about = {"type": kind, "accepts_response_payload": accepts_answer}
    return {"envelope_id": str(uuid.uuid4()), "payload": payload, **about, **extras}
