"""Collects what `record_findings` judges: the replies of every name server, and only then those of the resolvers."""

from dataclasses import replace

from bot.dns.caa import UNREAD_CAA, CaaView
from bot.dns.record_findings import Gap, PlaceView, RecordView, ResolverReply, WantedRecord, has_value
from bot.dns.replies import MOST_ALIASES, Question, Reply, ReplyKind
from bot.dns.session import DnsSession
from bot.dns.zones import Zone, ask_all, ask_any, find_zone
from bot.parsing.domain_names import ancestors

_MOST_LEVELS = 4


async def collect_record(session: DnsSession, wanted: WantedRecord) -> RecordView:
    """Return everything that is needed to judge a record.

    The session must withhold the places of the record from resolvers.
    """
    session.permit(*wanted.places)
    top = await find_zone(session, wanted.name)
    caa = await collect_caa(session, wanted.name, top)
    places = [
        await _with_resolvers(session, wanted, await _place(session, wanted, each, top)) for each in wanted.places
    ]
    return RecordView(tuple(places), caa, session.reached_any)


async def collect_by_resolvers(session: DnsSession, wanted: WantedRecord) -> RecordView:
    """Return what resolvers say, without asking any name server. It never makes a record fine."""
    session.release(*wanted.places)
    session.permit(*wanted.places)
    caa = await _caa_by_resolvers(session, wanted.name)
    places = []
    for name in wanted.places:
        replies = await session.ask_every_resolver(Question(name, wanted.rtype))
        places.append(PlaceView(name, "", resolvers=tuple(map(ResolverReply, replies))))
    return RecordView(tuple(places), caa, gap=Gap.RESOLVERS_ONLY)


async def collect_caa(session: DnsSession, name: str, top: Zone) -> CaaView:
    """Return the CAA records of the closest name that has any, from `name` up to the registrable domain.

    CAs also climb to the public suffix, which the bot does not ask. Source: RFC 8659, section 3.
    """
    for each in ancestors(name):
        session.permit(each)
        reply = await follow_any(session, Question(each, "CAA"), top)
        if not reply.is_usable:
            return UNREAD_CAA
        if reply.records:
            return CaaView(reply.records, each)
    return CaaView()


async def follow_any(session: DnsSession, question: Question, top: Zone | None = None) -> Reply:
    """Return the first usable reply of any name server, at the end of the name's aliases."""
    reply = Reply(ReplyKind.UNASKED)
    for _ in range(MOST_ALIASES):
        _, reply = await ask_any(session, question, top)
        if not reply.aliases:
            return reply
        [alias] = reply.aliases
        session.permit(alias)
        question, top = Question(alias, question.rtype), None
    return Reply(ReplyKind.UNASKED)


async def _caa_by_resolvers(session: DnsSession, name: str) -> CaaView:
    for each in ancestors(name):
        session.permit(each)
        reply = await session.ask_any_resolver(Question(each, "CAA"))
        if not reply.is_usable:
            return UNREAD_CAA
        if reply.records:
            return CaaView(reply.records, each)
    return CaaView()


async def _place(
    session: DnsSession, wanted: WantedRecord, name: str, top: Zone | None, steps: int = MOST_ALIASES
) -> PlaceView:
    """Return what every name server says about one name, and about the target of its CNAME record."""
    top = top or await find_zone(session, name)
    if top.is_missing:
        return PlaceView(name, top.name, missing_from=top.name)
    question = Question(name, wanted.rtype)
    asked = await ask_all(session, question, top)
    place = PlaceView(name, asked.zone.name, asked.replies, asked.zone.unresolved)
    usable = [each.reply for each in asked.replies if each.reply.is_usable]
    if any(reply.kind is ReplyKind.NXDOMAIN for reply in usable):
        place = replace(place, missing_from=await _missing_from(session, question, asked.zone))
    if any(reply.records or reply.aliases for reply in usable):
        place = replace(place, wildcard=await _wildcard(session, question, asked.zone))
    aliases = [alias for reply in usable for alias in reply.aliases]
    if aliases and steps:
        session.permit(aliases[0])
        place = replace(place, followed=await _place(session, wanted, aliases[0], None, steps - 1))
    return place


async def _with_resolvers(session: DnsSession, wanted: WantedRecord, place: PlaceView) -> PlaceView:
    """Return the place with the resolvers' replies, if every name server has the value."""
    if not has_value(wanted, place):
        return place
    session.release(place.name)
    question = Question(place.name, wanted.rtype)
    replies = await session.ask_every_resolver(question)
    unchecked: tuple[Reply | None, ...] = (None,) * len(replies)
    if any(reply.kind is ReplyKind.SERVFAIL for reply in replies):
        unchecked = await session.ask_every_resolver(question, checking_disabled=True)
    resolvers = tuple(ResolverReply(*each) for each in zip(replies, unchecked, strict=True))
    return _at_the_end(place, resolvers)


def _at_the_end(place: PlaceView, resolvers: tuple[ResolverReply, ...]) -> PlaceView:
    """Return the place with these replies at the end of its aliases, the name that has the value."""
    if place.followed:
        return replace(place, followed=_at_the_end(place.followed, resolvers))
    return replace(place, resolvers=resolvers)


async def _wildcard(session: DnsSession, question: Question, zone: Zone) -> Reply | None:
    """Return the reply for `*` in place of the first label, which a zone has only if there is a wildcard (RFC 4592)."""
    if question.name == zone.name:
        return None
    star = f"*.{question.name.partition('.')[2]}"
    session.permit(star)
    return (await ask_any(session, Question(star, question.rtype), zone))[1]


async def _missing_from(session: DnsSession, question: Question, zone: Zone) -> str:
    """Return the highest name on the way up that does not exist either (RFC 8020)."""
    missing, name = question.name, question.name
    for _ in range(_MOST_LEVELS):
        name = name.partition(".")[2]
        if len(name) <= len(zone.name):
            break
        session.permit(name)
        _, reply = await ask_any(session, Question(name, question.rtype), zone)
        if reply.kind is not ReplyKind.NXDOMAIN:
            break
        missing = name
    return missing
