"""The records of one zone, and what an authoritative server answers from them.

Sources: RFC 1034 4.3.2 (algorithm), RFC 2308 (negative answers), RFC 4592 (wildcards), RFC 8020 (NXDOMAIN).
"""

import copy
from dataclasses import dataclass, field

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL = 300
NEGATIVE_TTL = 900
_MOST_ALIASES = 8


@dataclass
class Answer:
    """The sections of an answer. `is_referral` means that it has no authority."""

    answer: list[dns.rrset.RRset] = field(default_factory=list)
    authority: list[dns.rrset.RRset] = field(default_factory=list)
    additional: list[dns.rrset.RRset] = field(default_factory=list)
    name_exists: bool = True
    is_referral: bool = False


class LocalZone:
    """A zone with its SOA and NS records. Names are ASCII-encoded, without a final dot."""

    def __init__(self, name: str, servers: dict[str, str]) -> None:
        self.name = name
        self.records: dict[tuple[str, str], list[str]] = {}
        self.delegations: dict[str, dict[str, str]] = {}
        self._servers = servers
        soa = f"{next(iter(servers))}. hostmaster.{name}. 1 7200 900 1209600 {NEGATIVE_TTL}"
        self.records[name, "SOA"] = [soa]
        self.records[name, "NS"] = [f"{server}." for server in servers]

    @property
    def server_addresses(self) -> frozenset[str]:
        """The addresses of its name servers."""
        return frozenset(self._servers.values())

    def copy(self) -> "LocalZone":
        """Return the zone as it is now, for a server that stays behind."""
        return copy.deepcopy(self)

    def publish(self, name: str, rtype: str, value: str) -> None:
        """Add a record. Raises ValueError if it is malformed, outside the zone, or beside a CNAME (RFC 1034 3.6.2)."""
        if not _is_below(name, self.name):
            raise ValueError(f"{name} is not in {self.name}")
        dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(rtype), value)
        others = {each for owner, each in self.records if owner == name}
        if (rtype == "CNAME" and others) or "CNAME" in others:
            raise ValueError(f"a CNAME record cannot be beside other records of {name}")
        values = self.records.setdefault((name, rtype), [])
        if value not in values:
            values.append(value)

    def remove(self, name: str, rtype: str, value: str | None = None) -> None:
        """Remove one record, or all of this type."""
        left = [each for each in self.records.get((name, rtype), []) if value is not None and each != value]
        self.records.pop((name, rtype), None)
        if left:
            self.records[name, rtype] = left

    def delegate(self, name: str, servers: dict[str, str]) -> None:
        """Hand a name below this zone to other servers."""
        self.delegations[name] = servers

    def answer(self, name: str, rtype: str) -> Answer:
        """Return the answer to a question about a name of this zone."""
        found = Answer()
        for _ in range(_MOST_ALIASES):
            if cut := next((each for each in self.delegations if _is_below(name, each)), None):
                return found if found.answer else self._referral(cut)
            owner = self._owner(name)
            if owner is None:
                return self._negative(found, name_exists=False)
            if values := self.records.get((owner, rtype)):
                found.answer.append(_rrset(name, rtype, values))
                return found
            alias = self.records.get((owner, "CNAME"))
            if alias is None:
                return self._negative(found, name_exists=True)
            found.answer.append(_rrset(name, "CNAME", alias))
            name = alias[0].removesuffix(".").lower()
            if not _is_below(name, self.name):
                return found
        return found

    def _owner(self, name: str) -> str | None:
        """Return the name whose records answer: the name itself, a wildcard, or None if it does not exist."""
        owners = {owner for owner, _ in self.records}
        if any(_is_below(owner, name) for owner in owners):
            return name
        closest = name
        while not any(_is_below(owner, closest) for owner in owners):
            closest = closest.partition(".")[2]
        wildcard = f"*.{closest}"
        return wildcard if wildcard in owners else None

    def _negative(self, found: Answer, *, name_exists: bool) -> Answer:
        found.authority.append(_rrset(self.name, "SOA", self.records[self.name, "SOA"], NEGATIVE_TTL))
        found.name_exists = name_exists
        return found

    def _referral(self, cut: str) -> Answer:
        servers = self.delegations[cut]
        glue = [_rrset(server, "A", [address]) for server, address in servers.items() if _is_below(server, self.name)]
        return Answer([], [_rrset(cut, "NS", [f"{server}." for server in servers])], glue, is_referral=True)


def _is_below(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def _rrset(name: str, rtype: str, values: list[str], ttl: int = TTL) -> dns.rrset.RRset:
    return dns.rrset.from_text(f"{name}.", ttl, "IN", rtype, *values)
