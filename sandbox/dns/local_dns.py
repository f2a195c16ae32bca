"""The whole local DNS: zones, four name servers, and a resolver."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import dns.rdatatype

from sandbox.condition import Condition
from sandbox.dns.name_server import LocalNameServer, ServerFault
from sandbox.dns.resolver import LocalResolver
from sandbox.dns.zone import Answer, LocalZone

# Addresses for documentation (RFC 5737): nothing answers there, and the bot maps them to loopback ports.
SERVERS = {f"ns{number}.dns.example": f"198.51.100.{number}" for number in range(1, 5)}
OWN_ZONE = "dns.example"


class LocalDns:
    """An internet of a few zones. Use it as an async context manager."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.changes = Condition()
        self.zones: dict[str, LocalZone] = {}
        self.broken: set[str] = set()
        """Zones whose DNSSEC signatures are wrong."""
        self.servers = [LocalNameServer(name, address, self.zones) for name, address in SERVERS.items()]
        self.resolver = LocalResolver(self.zones, self.servers, self.broken, now)
        self.add_zone(OWN_ZONE)
        for name, address in SERVERS.items():
            self.publish(name, "A", address)

    async def __aenter__(self) -> Self:
        for each in (*self.servers, self.resolver):
            await each.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (*self.servers, self.resolver):
            await each.stop()

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a bot that asks this DNS."""
        mapped = ",".join(f"{each.address}=127.0.0.1:{each.port}" for each in self.servers)
        return {"DCV_DNS_RESOLVERS": f"127.0.0.1:{self.resolver.port}", "DCV_DNS_SANDBOX": mapped}

    def add_zone(self, name: str, servers: dict[str, str] | None = None) -> LocalZone:
        """Add a zone, and hand it over from the zone above if that is here."""
        zone = LocalZone(name, servers or SERVERS)
        above = self._zone(name)
        if above:
            above.delegate(name, servers or SERVERS)
        self.zones[name] = zone
        self.changes.notify_all()
        return zone

    def publish(self, name: str, rtype: str, value: str) -> None:
        """Add a record to the zone of a name. Raises ValueError if there is none, or if the record is malformed."""
        self._zone_of(name).publish(name, rtype, value)
        self.changes.notify_all()

    def remove(self, name: str, rtype: str, value: str | None = None) -> None:
        """Remove one record of a name, or all of this type."""
        self._zone_of(name).remove(name, rtype, value)
        self.changes.notify_all()

    def fail(self, number: int, fault: ServerFault) -> None:
        """Let name server 1 to 4 fail."""
        self.servers[number - 1].fail(fault)
        self.changes.notify_all()

    def break_dnssec(self, zone: str, *, broken: bool = True) -> None:
        """Make the signatures of a zone wrong, or right again."""
        (self.broken.add if broken else self.broken.discard)(zone)
        self.changes.notify_all()

    def resolve_all(self, name: str, rtype: str) -> list[str]:
        """Return the records that a CA finds: without a cache, from each server that answers, with DNSSEC checked.

        TXT records are their strings joined by a line break, as one record of several strings is not one string. Empty
        if the signatures are wrong, or if the servers disagree.
        """
        zone = self._zone(name)
        if zone is None or zone.name in self.broken:
            return []
        mine = [server for server in self.servers if server.address in zone.server_addresses]
        answers = [found for server in mine if (found := server.resolve(name, rtype))]
        sets = {tuple(sorted(_texts(answer, rtype))) for answer in answers}
        return list(sets.pop()) if len(sets) == 1 else []

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Every question that a name server received."""
        return [question for server in self.servers for question in server.asked]

    def _zone(self, name: str) -> LocalZone | None:
        fitting = [each for each in self.zones.values() if name == each.name or name.endswith(f".{each.name}")]
        return max(fitting, key=lambda each: len(each.name), default=None)

    def _zone_of(self, name: str) -> LocalZone:
        if zone := self._zone(name):
            return zone
        raise ValueError(f"no zone has {name}")


def _texts(answer: Answer, rtype: str) -> list[str]:
    found = [rdata for rrset in answer.answer if rrset.rdtype == dns.rdatatype.from_text(rtype) for rdata in rrset]
    if rtype == "TXT":
        return ["\n".join(part.decode("utf-8", "replace") for part in rdata.strings) for rdata in found]
    return [rdata.to_text().removesuffix(".").lower() for rdata in found]
