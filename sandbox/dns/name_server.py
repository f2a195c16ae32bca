"""An authoritative name server with faults."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from sandbox.dns.wire import DnsListener
from sandbox.dns.zone import Answer, LocalZone

SLOW_SECONDS = 1.0


class ServerFault(StrEnum):
    """How a server fails."""

    NONE = "none"
    LAME = "lame"
    REFUSED = "refused"
    SERVFAIL = "servfail"
    UNREACHABLE = "unreachable"
    STALE = "stale"
    """The server has the records of the time when the fault began."""
    SLOW = "slow"
    GARBAGE = "garbage"


class LocalNameServer:
    """One of the name servers. `asked` are the questions that it received: name and type."""

    def __init__(self, name: str, address: str, zones: Mapping[str, LocalZone]) -> None:
        self.name = name
        self.address = address
        self.asked: list[tuple[str, str]] = []
        self.fault = ServerFault.NONE
        self._zones = zones
        self._old: dict[str, LocalZone] = {}
        self._listener = DnsListener(self.respond)

    @property
    def port(self) -> int:
        """The loopback port."""
        return self._listener.port

    async def start(self) -> None:
        """Open the port."""
        await self._listener.start()

    async def stop(self) -> None:
        """Close the port."""
        await self._listener.stop()

    def fail(self, fault: ServerFault) -> None:
        """Fail in this way from now on."""
        self.fault = fault
        self._old = {name: zone.copy() for name, zone in self._zones.items()} if fault is ServerFault.STALE else {}

    async def respond(self, query: dns.message.Message) -> bytes | dns.message.Message | None:
        """Return the answer to a query, or None for silence."""
        [question] = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        rtype = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, rtype))
        match self.fault:
            case ServerFault.UNREACHABLE:
                return None
            case ServerFault.GARBAGE:
                return query.id.to_bytes(2, "big") + b"\x84\x00" + b"\x00\x01\xff\xff\x00\x00\x00\x00" + b"\xc0\xff" * 8
            case ServerFault.SLOW:
                await asyncio.sleep(SLOW_SECONDS)
        return self._answer(query, name, rtype)

    def _answer(self, query: dns.message.Message, name: str, rtype: str) -> dns.message.Message:
        reply = dns.message.make_response(query)
        codes = {ServerFault.REFUSED: dns.rcode.REFUSED, ServerFault.SERVFAIL: dns.rcode.SERVFAIL}
        zone = self._zone(name)
        if self.fault in codes or zone is None:
            reply.set_rcode(codes.get(self.fault, dns.rcode.REFUSED))
            return reply
        if self.fault is ServerFault.LAME:
            # As a server answers that has no such zone, but still a cache.
            return reply
        found = zone.answer(name, rtype)
        reply.flags |= 0 if found.is_referral else dns.flags.AA
        reply.set_rcode(dns.rcode.NOERROR if found.name_exists else dns.rcode.NXDOMAIN)
        reply.answer, reply.authority, reply.additional = found.answer, found.authority, found.additional
        return reply

    def resolve(self, name: str, rtype: str) -> Answer | None:
        """Return the answer that a resolver gets from this server, or None if it must ask another one."""
        zone = self._zone(name)
        if zone is None or self.fault not in {ServerFault.NONE, ServerFault.STALE, ServerFault.SLOW}:
            return None
        return zone.answer(name, rtype)

    def _zone(self, name: str) -> LocalZone | None:
        """Return the closest zone of this server that has the name."""
        zones = self._old or self._zones
        mine = (each for each in zones.values() if self.address in each.server_addresses)
        fitting = [each for each in mine if name == each.name or name.endswith(f".{each.name}")]
        return max(fitting, key=lambda each: len(each.name), default=None)
