"""A caching, validating resolver: positive answers for their TTL, absence for that of the SOA record (RFC 2308)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from sandbox.dns.name_server import LocalNameServer
from sandbox.dns.wire import DnsListener
from sandbox.dns.zone import NEGATIVE_TTL, TTL, Answer, LocalZone

_MOST_ALIASES = 8


@dataclass(frozen=True)
class _Cached:
    until: float
    answer: Answer
    zones: tuple[str, ...]


class LocalResolver:
    """The resolver. `asked` are the questions that it received: name and type.

    `broken` are zones whose signatures are wrong: names in them get SERVFAIL, unless checking is disabled (RFC 4035).
    """

    def __init__(
        self,
        zones: Mapping[str, LocalZone],
        servers: Sequence[LocalNameServer],
        broken: set[str],
        now: Callable[[], float],
    ) -> None:
        self.asked: list[tuple[str, str]] = []
        self._zones = zones
        self._servers = servers
        self._broken = broken
        self._now = now
        self._cache: dict[tuple[str, str], _Cached] = {}
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

    def forget(self) -> None:
        """Empty the cache."""
        self._cache.clear()

    async def respond(self, query: dns.message.Message) -> dns.message.Message:
        """Return the answer to a query that asks for recursion."""
        [question] = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        rtype = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, rtype))
        reply = dns.message.make_response(query, recursion_available=True)
        if not query.flags & dns.flags.RD:
            reply.set_rcode(dns.rcode.REFUSED)
            return reply
        found = self._resolve(name, rtype)
        is_bogus = found is not None and self._broken & {*found.zones} and not query.flags & dns.flags.CD
        if found is None or is_bogus:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        reply.set_rcode(dns.rcode.NOERROR if found.answer.name_exists else dns.rcode.NXDOMAIN)
        reply.answer, reply.authority = found.answer.answer, found.answer.authority
        return reply

    def _resolve(self, name: str, rtype: str) -> _Cached | None:
        cached = self._cache.get((name, rtype))
        if cached and cached.until > self._now():
            return cached
        if (found := self._fresh(name, rtype)) is None:
            return None
        answer, zones = found
        ttl = TTL if answer.answer and not answer.authority else NEGATIVE_TTL
        self._cache[name, rtype] = _Cached(self._now() + ttl, answer, zones)
        return self._cache[name, rtype]

    def _fresh(self, name: str, rtype: str) -> tuple[Answer, tuple[str, ...]] | None:
        """Return the answer of the first server that gives one, and the zones that it passed."""
        whole, zones = Answer(), list[str]()
        for _ in range(_MOST_ALIASES):
            zone = self._zone(name)
            if zone is None:
                # A name of which this small internet knows nothing.
                whole.name_exists = False
                return whole, tuple(zones)
            part = self._from_servers(zone, name, rtype)
            if part is None:
                return None
            zones.append(zone.name)
            whole.answer += part.answer
            whole.authority, whole.name_exists = part.authority, part.name_exists
            last = part.answer[-1] if part.answer else None
            if last is None or part.authority or last.rdtype == dns.rdatatype.from_text(rtype):
                return whole, tuple(zones)
            name = last[0].to_text().removesuffix(".").lower()
        return None

    def _from_servers(self, zone: LocalZone, name: str, rtype: str) -> Answer | None:
        for server in self._servers:
            if server.address in zone.server_addresses and (found := server.resolve(name, rtype)):
                return found
        return None

    def _zone(self, name: str) -> LocalZone | None:
        fitting = [each for each in self._zones.values() if name == each.name or name.endswith(f".{each.name}")]
        return max(fitting, key=lambda each: len(each.name), default=None)
