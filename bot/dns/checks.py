"""The checks that the bot makes, within its limits: four at once, and one for each target and minute."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from attrs import define, field

from bot.async_cache import cached
from bot.dns.caa import UNREAD_CAA
from bot.dns.mail_check import collect_contact, collect_mail
from bot.dns.mail_findings import ContactView, MailView
from bot.dns.paths import DnsPaths
from bot.dns.record_check import collect_by_resolvers, collect_record
from bot.dns.record_findings import Gap, RecordView, WantedRecord
from bot.dns.replies import Reply, ReplyKind
from bot.dns.session import DnsSession

MOST_AT_ONCE = 4
SHARED_SECONDS = 60.0
RECORD_SECONDS = 12.0
MAIL_SECONDS = 2.0
# How long a reply of any name server shows that the bot can reach them.
_ROUTE_SECONDS = 3600.0

_View = TypeVar("_View")


class DnsMode(StrEnum):
    """Whom the bot asks: name servers first, only resolvers, or no one."""

    DIRECT = "direct"
    RESOLVER = "resolver"
    OFF = "off"


@define(eq=False, repr=False, slots=False)
class DnsChecks:
    """Checks of records and mail domains. Pass only names that DigiCert lists for the account."""

    _paths: DnsPaths
    _mode: DnsMode = DnsMode.DIRECT
    _reached_at: float = field(default=float("-inf"), init=False)

    def __attrs_post_init__(self) -> None:
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)
        self.record = cached(self._record, maxsize=1024, ttl=SHARED_SECONDS)
        self.mail = cached(self._mail, maxsize=1024, ttl=SHARED_SECONDS)
        self.contact = cached(self._contact, maxsize=1024, ttl=SHARED_SECONDS)

    async def _record(self, wanted: WantedRecord) -> RecordView:
        """Return everything that is needed to judge a record."""
        if self._mode is DnsMode.OFF:
            return RecordView(gap=Gap.OFF)
        session = DnsSession(self._paths, RECORD_SECONDS, withheld=wanted.places)
        collect = collect_record if self._mode is DnsMode.DIRECT else collect_by_resolvers
        view = await self._within_limits(session, collect(session, wanted))
        return replace(view, has_route=self._has_route)

    async def _mail(self, domain: str) -> MailView:
        """Return the mail servers of a domain, within MAIL_SECONDS."""
        if self._mode is DnsMode.OFF:
            return MailView(domain, Reply(ReplyKind.UNASKED), gap=Gap.OFF)
        session = DnsSession(self._paths, MAIL_SECONDS)
        by_resolvers = self._mode is DnsMode.RESOLVER
        view = await self._within_limits(session, collect_mail(session, domain, by_resolvers=by_resolvers))
        is_cut_off = view.mx.kind is ReplyKind.UNREACHABLE and not by_resolvers and not self._has_route
        return replace(view, gap=Gap.NO_ROUTE) if is_cut_off else view

    async def _contact(self, domain: str) -> ContactView:
        """Return the DNS contacts of a domain, within MAIL_SECONDS."""
        if self._mode is not DnsMode.DIRECT:
            return ContactView(Reply(ReplyKind.UNASKED), UNREAD_CAA)
        session = DnsSession(self._paths, MAIL_SECONDS)
        return await self._within_limits(session, collect_contact(session, domain))

    @property
    def _has_route(self) -> bool:
        """True if a name server replied lately, so that silence is the fault of the others."""
        return asyncio.get_running_loop().time() - self._reached_at < _ROUTE_SECONDS

    async def _within_limits(self, session: DnsSession, collecting: Coroutine[Any, Any, _View]) -> _View:
        async with self._at_once:
            try:
                return await collecting
            finally:
                if session.reached_any:
                    self._reached_at = asyncio.get_running_loop().time()
