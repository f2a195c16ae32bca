"""A small internet in memory: zones, name servers and resolvers, each of which can be wrong in its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.dns.addresses import AddressRules, Endpoint
from bot.dns.paths import DnsPaths
from bot.dns.replies import Question, Record, Reply, ReplyKind

RESOLVER = "10.0.0.53"
Data = Mapping[tuple[str, str], Sequence[Record]]


@dataclass
class WorldServer:
    """A name server. A `fault` is the kind of each of its replies."""

    name: str
    address: str
    data: Data = field(default_factory=dict)
    fault: ReplyKind | None = None


@dataclass
class World:
    """The servers of each zone, and what each resolver has in its cache. Everything asked is in `asked`."""

    zones: dict[str, list[WorldServer]]
    caches: dict[str, dict[tuple[str, str], Reply]] = field(default_factory=lambda: {RESOLVER: {}})
    unresolved: frozenset[str] = frozenset()
    asked: list[tuple[str, Question]] = field(default_factory=list)

    @property
    def paths(self) -> DnsPaths:
        return DnsPaths(self, tuple(Endpoint(each) for each in self.caches), AddressRules())

    def asked_resolvers(self, name: str) -> bool:
        """Return True if a resolver was asked for this name, other than for its name servers."""
        return any(where in self.caches and each.name == name and each.rtype != "NS" for where, each in self.asked)

    async def ask(
        self, question: Question, endpoint: Endpoint, zone: str | None, seconds: float, *, checking_disabled: bool
    ) -> Reply:
        self.asked.append((endpoint.address, question))
        if endpoint.address in self.caches:
            return self._resolver(question, self.caches[endpoint.address], checking_disabled)
        assert zone is not None
        server = next(each for each in self.zones[zone] if each.address == endpoint.address)
        return Reply(server.fault) if server.fault else self._server(question, zone, server)

    def _resolver(self, question: Question, cache: Mapping[tuple[str, str], Reply], checking_disabled: bool) -> Reply:
        cached = cache.get((question.name, question.rtype))
        if checking_disabled and (question.name, f"{question.rtype} CD") in cache:
            return cache[question.name, f"{question.rtype} CD"]
        if cached:
            return cached
        if question.rtype == "NS":
            servers = self.zones.get(question.name)
            names = sorted({each.name for each in servers or ()})
            return Reply(ReplyKind.ANSWER if servers else ReplyKind.NXDOMAIN, tuple((each,) for each in names))
        addresses = sorted(
            {each.address for zone in self.zones.values() for each in zone if each.name == question.name}
        )
        found = () if question.name in self.unresolved or question.rtype != "A" else addresses
        return Reply(ReplyKind.ANSWER, tuple((each,) for each in found))

    def _server(self, question: Question, zone: str, server: WorldServer) -> Reply:
        below = [each for each in self.zones if each != zone and each.endswith(f".{zone}")]
        cut = next((each for each in below if f".{question.name}".endswith(f".{each}")), None)
        if cut and not any(f".{name}".endswith(f".{cut}") for name, _ in server.data):
            return Reply(ReplyKind.REFERRAL, zone=cut, servers=tuple({each.name: 0 for each in self.zones[cut]}))
        if records := server.data.get((question.name, question.rtype)):
            return Reply(ReplyKind.ANSWER, tuple(sorted(records)))
        if alias := server.data.get((question.name, "CNAME")):
            return Reply(ReplyKind.ANSWER, aliases=tuple(alias[0]))
        star = f"*.{question.name.partition('.')[2]}"
        exists = any(name == question.name or name.endswith(f".{question.name}") for name, _ in server.data)
        if not exists and question.name != star and any(name == star for name, _ in server.data):
            return self._server(Question(star, question.rtype), zone, server)
        is_there = exists or question.name == zone
        return Reply(ReplyKind.ANSWER if is_there else ReplyKind.NXDOMAIN)
