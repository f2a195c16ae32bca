"""The zone that a name is in, and the addresses of its name servers, found from the registrable domain down.

Resolvers are asked for the servers of the registrable domain and for addresses of servers, never for the name itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.dns.replies import Question, Reply, ReplyKind
from bot.dns.session import DnsSession, NameServer
from bot.parsing.domain_names import ancestors

MOST_REFERRALS = 8


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone and each address of its servers. `unresolved` are servers whose address is not known.

    If `is_missing`, the parent zone says that this domain does not exist.
    """

    name: str
    servers: tuple[NameServer, ...] = ()
    unresolved: tuple[str, ...] = ()
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class ServerReply:
    """The reply of one authoritative server."""

    server: NameServer
    reply: Reply


@dataclass(frozen=True, slots=True)
class ZoneReplies:
    """The replies of every server of the zone that has a name."""

    zone: Zone
    replies: tuple[ServerReply, ...] = ()


def registrable(name: str) -> str:
    """Return the registrable domain of a name; its last two labels if its suffix is not on the public list."""
    known = ancestors(name)[-1]
    return known if known != name else ".".join(name.split(".")[-2:])


async def find_zone(session: DnsSession, name: str) -> Zone:
    """Return the zone of the registrable domain of a name. It has no servers if resolvers do not know them."""
    top = registrable(name)
    session.permit(top)
    reply = await session.ask_any_resolver(Question(top, "NS"))
    if reply.kind is ReplyKind.NXDOMAIN:
        return Zone(top, is_missing=True)
    return await _zone(session, top, [record[0] for record in reply.records], ())


async def ask_all(session: DnsSession, question: Question, zone: Zone | None = None) -> ZoneReplies:
    """Ask every server of the zone that has the name. Referrals are followed to the zone below.

    `zone` is the one to begin with; by default that of the registrable domain.
    """
    zone = zone or await find_zone(session, question.name)
    extra: list[ServerReply] = []
    for _ in range(MOST_REFERRALS):
        asked = await asyncio.gather(*(session.ask_server(question, each, zone.name) for each in zone.servers))
        replies = [ServerReply(server, reply) for server, reply in zip(zone.servers, asked, strict=True)]
        referral = next((each.reply for each in replies if each.reply.kind is ReplyKind.REFERRAL), None)
        if referral is None:
            own = {each.server.address for each in replies}
            return ZoneReplies(zone, (*replies, *(each for each in extra if each.server.address not in own)))
        # A server that answers although another one refers to a zone below may have that zone, or an old copy.
        extra += [each for each in replies if each.reply.is_usable]
        zone = await _zone(session, referral.zone, referral.servers, referral.glue)
    return ZoneReplies(zone)


async def ask_any(session: DnsSession, question: Question, zone: Zone | None = None) -> tuple[Zone, Reply]:
    """Return the first usable reply of any server of the zone that has the name."""
    zone = zone or await find_zone(session, question.name)
    reply = Reply(ReplyKind.UNASKED)
    for _ in range(MOST_REFERRALS):
        reply = await session.ask_any_server(question, zone.servers, zone.name)
        if reply.kind is not ReplyKind.REFERRAL:
            return zone, reply
        zone = await _zone(session, reply.zone, reply.servers, reply.glue)
    return zone, Reply(ReplyKind.UNASKED)


async def _zone(session: DnsSession, name: str, servers: Sequence[str], glue: Sequence[tuple[str, str]]) -> Zone:
    """Return a zone with the addresses of its servers, from glue or from resolvers."""
    glued = {server for server, _ in glue}
    others = [server for server in dict.fromkeys(servers) if server not in glued]
    session.permit(*others)
    types = ("A", "AAAA") if session.has_ipv6 else ("A",)
    found = await asyncio.gather(
        *(session.ask_any_resolver(Question(server, rtype)) for server in others for rtype in types)
    )
    addresses = list(glue)
    for number, reply in enumerate(found):
        addresses += [(others[number // len(types)], record[0]) for record in reply.records]
    if not session.has_ipv6:
        addresses = [(server, address) for server, address in addresses if ":" not in address]
    known = {server for server, _ in addresses}
    return Zone(
        name,
        tuple(NameServer(*each) for each in dict.fromkeys(addresses)),
        tuple(server for server in dict.fromkeys(servers) if server not in known),
    )
