"""DNS over UDP and TCP on a loopback port: datagrams, lengths, truncation (RFC 1035 4.2, RFC 6891, RFC 7766)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode

# None is silence.
Respond = Callable[[dns.message.Message], Awaitable[bytes | dns.message.Message | None]]
_PLAIN_UDP = 512


class DnsListener:
    """One port with both protocols. It accepts what a strict server accepts, and answers FORMERR or NOTIMP else."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Open the port. Another one is tried if UDP or TCP is in use there."""
        loop = asyncio.get_running_loop()
        for _ in range(20):
            self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), ("127.0.0.1", 0))
            self.port = self._transport.get_extra_info("sockname")[1]
            try:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            except OSError:
                self._transport.close()
            else:
                return
        raise OSError("no port is free for UDP and TCP")

    async def stop(self) -> None:
        """Close the port."""
        self._transport.close()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def receive(self, data: bytes, sender: tuple[str, int]) -> None:
        """Answer one datagram."""

        async def reply() -> None:
            if answer := await self.answer(data, is_udp=True):
                self._transport.sendto(answer, sender)

        task = asyncio.ensure_future(reply())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def answer(self, data: bytes, *, is_udp: bool) -> bytes | None:
        """Return the wire form of the answer, or None for silence."""
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR:
            return None
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            refusal = dns.message.make_response(query)
            is_query = query.opcode() == dns.opcode.QUERY
            refusal.set_rcode(dns.rcode.FORMERR if is_query else dns.rcode.NOTIMP)
            return refusal.to_wire()
        answer = await self._respond(query)
        return _wire(query, answer, is_udp=is_udp) if isinstance(answer, dns.message.Message) else answer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                answer = await self.answer(await reader.readexactly(length), is_udp=False)
                if answer is None:
                    break
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, listener: DnsListener) -> None:
        self._listener = listener

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._listener.receive(data, addr)


def _wire(query: dns.message.Message, answer: dns.message.Message, *, is_udp: bool) -> bytes:
    """Return the answer, or only its header with TC if it does not fit into the sender's UDP payload."""
    most = max(_PLAIN_UDP, query.payload) if query.edns >= 0 else _PLAIN_UDP
    wire = answer.to_wire(max_size=65535)
    if not is_udp or len(wire) <= most:
        return wire
    cut = dns.message.make_response(query)
    cut.flags = answer.flags | dns.flags.TC
    return cut.to_wire()
