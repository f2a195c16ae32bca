"""Socket Mode: tickets, sockets, and envelopes that want an ack within three seconds."""

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
PARTING_SECONDS = 1.0
TAKES_ANSWER = frozenset({"view_submission", "block_suggestion"})


@dataclass(eq=False)
class Socket:
    """One open connection of the app."""

    ws: web.WebSocketResponse
    transport: asyncio.Transport | None
    frozen: bool = False
    closed_at: float | None = None

    def freeze(self) -> None:
        """Let nothing in or out from now on, although the connection stands."""
        self.frozen = True
        self.end()
        if self.transport is not None:
            self.transport.pause_reading()

    def end(self) -> None:
        """Note that from now on nothing is heard over it."""
        if self.closed_at is None:
            self.closed_at = asyncio.get_running_loop().time()

    def drop(self) -> None:
        """Cut it off without a word."""
        if self.transport is not None:
            self.transport.abort()


class SocketMode:
    """Speaks with the sockets of one app; routing among them is random, but the same for the same seed."""

    def __init__(self, here: Workspace, changes: Condition, complain: Callable[[str], None], seed: int) -> None:
        self.deliveries: list[Delivery] = []
        self.sockets: list[Socket] = []
        self.on_connect: Callable[[], None] = lambda: None
        self._here, self._changes, self._complain = here, changes, complain
        self._random = random.Random(seed)  # noqa: S311 - routing, no secret
        self._tickets: dict[str, float] = {}
        self._frozen: list[Socket] = []
        self._second_sends: set[asyncio.Task[bool]] = set()

    def ticket(self) -> str:
        """Return a ticket that opens one socket, within `ticket_seconds`."""
        ticket = str(uuid.uuid4())
        self._tickets[ticket] = self._here.mint.clock()
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a WebSocket handshake and stay until the socket closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404, text="this ticket is unknown or used")
        if self._here.mint.clock() - self._tickets.pop(ticket) > self._here.ticket_seconds:
            return web.Response(status=408, text="this ticket has expired")
        ws = web.WebSocketResponse(autoping=False, autoclose=False, timeout=CLOSING_SECONDS)
        await ws.prepare(request)
        if len(self.sockets) >= SOCKET_LIMIT:
            await ws.send_json(self._goodbye("too_many_websockets"))
            await ws.close()
            return ws
        await self._talk(Socket(ws, request.transport))
        return ws

    def burn(self, ticket: str) -> None:
        """Make a ticket worthless: a handshake that failed used it up."""
        self._tickets.pop(ticket, None)

    async def deliver(self, kind: str, payload: Json, what: str, **extras: Any) -> Delivery:
        """Send an envelope to any open socket and wait for its ack, which may not come: see `acked`.

        `what` names it for the list of problems.
        """
        delivery = Delivery(envelope(kind, payload, extras), what, self._again)
        if not await self._send(delivery):
            self._complain(f"{what} failed: the app has no open socket")
            return delivery
        if self._here.duplicate_next:
            self._here.duplicate_next = False
            await self._send_second(delivery)
        await self._settle(delivery)
        return delivery

    async def disconnect(self, reason: str) -> None:
        """Tell every socket to go, and unless it is only a warning, close it."""
        parting = list(self.sockets)
        if reason != "warning":
            self.sockets.clear()
            self._changes.notify_all()
        await asyncio.gather(*(self._part(socket.ws, reason) for socket in parting), return_exceptions=True)

    def drop(self) -> None:
        """Cut off all sockets without a word."""
        for socket in self.sockets:
            socket.drop()
        self.sockets.clear()

    def freeze(self) -> None:
        """Let every open socket stand still: what goes there is lost, until the next one that opens takes its place."""
        for socket in self.sockets:
            socket.freeze()

    async def close(self) -> None:
        """Close all sockets and stop waiting for acks."""
        self._bury_frozen()
        for socket in self._frozen:
            socket.drop()
        for task in list(self._second_sends):
            task.cancel()
        closing = [socket.ws.close(code=1001) for socket in list(self.sockets)]
        await asyncio.gather(*closing, *self._second_sends, return_exceptions=True)

    async def _talk(self, socket: Socket) -> None:
        await socket.ws.send_json(self._hello())
        self._bury_frozen()
        self.sockets.append(socket)
        self._changes.notify_all()
        self.on_connect()
        try:
            async for frame in socket.ws:
                await self._hear(socket, frame.type, frame.data)
            self._changes.notify_all()
            await asyncio.sleep(self._here.parting_seconds)
        except ConnectionError:
            pass
        finally:
            socket.end()
            if socket in self.sockets:
                self.sockets.remove(socket)
            self._changes.notify_all()
            await socket.ws.close()

    def _bury_frozen(self) -> None:
        for socket in [socket for socket in self.sockets if socket.frozen]:
            self.sockets.remove(socket)
            self._frozen.append(socket)

    async def _hear(self, socket: Socket, kind: WSMsgType, data: Any) -> None:
        if kind is WSMsgType.PING and not self._here.mute_pongs:
            await socket.ws.pong(data)
        elif kind is WSMsgType.TEXT:
            try:
                self._take_ack(json.loads(data), socket)
            except (ValueError, AttributeError):
                self._complain(f"a frame is no JSON object: {data[:80]}")

    def _take_ack(self, ack: Json, socket: Socket) -> None:
        envelope_id = ack.get("envelope_id")
        same = [delivery for delivery in self.deliveries if delivery.envelope["envelope_id"] == envelope_id]
        waiting = [delivery for delivery in same if not delivery.answered]
        if not same:
            self._complain(f"an ack for an envelope that was never sent: {envelope_id}")
        elif not waiting:
            self._complain(f"{same[0].what} was acknowledged more than once")
        else:
            # Of an envelope that was sent again, the one over this socket, or the one that somebody still waits for.
            heard = min(waiting, key=lambda delivery: (delivery.line is not socket, delivery.settled))
            heard.acknowledge(ack.get("payload"))
            self._mind(heard)
        self._changes.notify_all()

    def _mind(self, delivery: Delivery) -> None:
        if not delivery.acked:
            self._complain(f"{delivery.what} was acknowledged too late, after {delivery.after:.1f} s")
        if delivery.payload and not delivery.envelope["accepts_response_payload"]:
            self._complain(f"{delivery.what} takes no answer, yet its ack has one: {str(delivery.payload)[:200]}")

    async def _send(self, delivery: Delivery) -> bool:
        delivery.at = self._here.mint.clock()
        self.deliveries.append(delivery)
        while self.sockets:
            socket = self._random.choice(self.sockets)
            try:
                delivery.leave(socket)
                if not socket.frozen:
                    await socket.ws.send_json(delivery.envelope)
            except ConnectionError:
                self.sockets.remove(socket)
            else:
                self._changes.notify_all()
                return True
        delivery.settled = True
        return False

    async def _settle(self, delivery: Delivery) -> bool:
        in_time = await delivery.answer_within(self._here.ack_seconds)
        if not in_time:
            self._complain(f"{delivery.what} was not acknowledged within {self._here.ack_seconds:g} s")
        self._changes.notify_all()
        return in_time

    async def _send_second(self, first: Delivery) -> None:
        second = Delivery(first.envelope, f"{first.what} (sent twice)", self._again)
        if await self._send(second):
            task = asyncio.ensure_future(self._settle(second))
            self._second_sends.add(task)
            task.add_done_callback(self._second_sends.discard)

    async def _again(self, first: Delivery, new_id: bool) -> Delivery:
        sent = first.envelope | ({"envelope_id": str(uuid.uuid4())} if new_id else {})
        second = Delivery(sent, f"{first.what} (again)", self._again)
        if await self._send(second):
            await self._settle(second)
        return second

    async def _part(self, ws: web.WebSocketResponse, reason: str) -> None:
        await ws.send_json(self._goodbye(reason))
        if reason != "warning":
            await self._wait_for_close(ws)
            await ws.close()

    async def _wait_for_close(self, ws: web.WebSocketResponse) -> None:
        with suppress(TimeoutError):
            await self._changes.wait_for(lambda: ws.closed, what="the app to go", timeout=PARTING_SECONDS)

    def _goodbye(self, reason: str) -> Json:
        parts = {"debug_info": {"host": "sandbox"}, "connection_info": {"app_id": self._here.bot.app_id}}
        return {"type": "disconnect", "reason": reason, "num_connections": len(self.sockets), **parts}

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.sockets) + 1,
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 3600},
            "connection_info": {"app_id": self._here.bot.app_id},
        }


def envelope(kind: str, payload: Json, extras: Json) -> Json:
    """A payload with what stands around it."""
    told = payload.get("type") if isinstance(payload, dict) else None
    takes_answer = kind == "slash_commands" or str(told) in TAKES_ANSWER
    about = {"type": kind, "accepts_response_payload": takes_answer}
    return {"envelope_id": str(uuid.uuid4()), "payload": payload, **about, **extras}
