"""Collects what `mail_findings` judges: MX records, the addresses of mail servers, and DNS contacts."""

import asyncio

from bot.dns.mail_findings import CONTACT_LABEL, ContactView, MailView
from bot.dns.record_check import collect_caa, follow_any
from bot.dns.replies import Question, Reply, ReplyKind
from bot.dns.session import DnsSession
from bot.dns.zones import find_zone

_MOST_HOSTS = 4


async def collect_mail(session: DnsSession, domain: str, *, by_resolvers: bool = False) -> MailView:
    """Return the mail servers of a domain. MX records come from its name servers, unless `by_resolvers`."""
    session.permit(domain)
    question = Question(domain, "MX")
    mx = await (session.ask_any_resolver(question) if by_resolvers else _from_servers(session, question))
    hosts = [host for _, host in mx.records if host][:_MOST_HOSTS]
    session.permit(*hosts)
    found = await asyncio.gather(*(_addresses(session, host) for host in hosts))
    return MailView(domain, mx, tuple(zip(hosts, found, strict=True)))


async def collect_contact(session: DnsSession, domain: str) -> ContactView:
    """Return the DNS contacts of a domain."""
    top = await find_zone(session, domain)
    name = f"{CONTACT_LABEL}{domain}"
    session.permit(name)
    txt = await follow_any(session, Question(name, "TXT"), top)
    return ContactView(txt, await collect_caa(session, domain, top))


async def _from_servers(session: DnsSession, question: Question) -> Reply:
    top = await find_zone(session, question.name)
    return Reply(ReplyKind.NXDOMAIN) if top.is_missing else await follow_any(session, question, top)


async def _addresses(session: DnsSession, host: str) -> Reply:
    """Return the IPv4 addresses of a mail server, or its IPv6 addresses if it has no others."""
    reply = await session.ask_any_resolver(Question(host, "A"))
    if reply.records or not reply.is_usable:
        return reply
    return await session.ask_any_resolver(Question(host, "AAAA"))
