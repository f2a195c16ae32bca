"""What is known about the end of each domain: the account's list, the rules, and what the bot has seen since."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from attrs import define

from bot.clock import Clock
from bot.errors import CaError
from bot.expiry.calendar import Calendar
from bot.expiry.domain_expiry import DomainExpiry, ExpiryState, expiries
from bot.models import LastResend, LedgerEvent, Order, domain_key
from bot.services.lookup.account import AccountCache, AccountSnapshot
from bot.store.follow_ups import FollowUps
from bot.store.ledger.history import LastResends

log = structlog.get_logger(__name__)

MAX_AGE = timedelta(hours=6)
# The last resends are read for so many targets at most: each is a term of one query.
_MOST_TARGETS = 400
# The account is read again at most this often because of what the bot has seen itself.
_REREAD_SECONDS = 60.0
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The domains and the pending orders, as DigiCert listed them at `read_at`.

    `last` has the last resend of those that need someone before the horizon, by the key of the domain or order.
    """

    rows: tuple[DomainExpiry, ...]
    orders: tuple[Order, ...]
    read_at: datetime
    last: Mapping[str, LastResend]
    unreadable: str = ""


@define(eq=False, repr=False, slots=False)
class InventoryReader:
    """Reader of the inventory for background work: it leaves half of DigiCert's limits to people.

    It shares the account cache with everything else, so it rarely needs a call of its own. After a start it makes none
    for `first_read_seconds`, unless a digest is due.
    """

    _account_cache: AccountCache
    _calendar: Calendar
    _last_resends: LastResends
    _follow_ups: FollowUps
    _clock: Clock
    _retry_seconds: float
    _first_read_seconds: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._reads_from: float | None = None
        self._next_try = 0.0
        self._next_reread = 0.0

    async def read(self, since: datetime | None, horizon: timedelta) -> Inventory | None:
        """Return the inventory, read at `since` or later if DigiCert answers, and at most MAX_AGE old.

        If DigiCert does not answer, return the last one, however old, or None if there is none. Last resends are read
        for what ends within the `horizon`.
        """
        account, now = await self._account(since), self._clock()
        if account is None:
            return None
        # In a thread, as thousands of domains take some time.
        rows = await asyncio.to_thread(expiries, account.domains, self._calendar, now)
        last = await self._last(rows, account.orders, now + horizon)
        known = tuple(_updated(row, last.get(domain_key(row.domain.id)), account.read_at) for row in rows)
        return Inventory(known, account.orders, account.read_at, last, account.unreadable)

    async def _account(self, since: datetime | None) -> AccountSnapshot | None:
        loop, last, oldest = asyncio.get_running_loop(), self._account_cache.last, self._clock() - MAX_AGE
        if self._reads_from is None:
            self._reads_from = loop.time() + self._first_read_seconds
        wanted = max(since, oldest) if since else oldest
        if last and await self._is_outdated(last):
            wanted = max(wanted, last.read_at + _MOMENT)
        elif since is None and loop.time() < self._reads_from:
            # The account is being listed anyway after a start.
            return last
        if loop.time() < self._next_try:
            return last
        try:
            return await self._account_cache.since(wanted, MAX_AGE)
        except CaError as error:
            log.warning("the domains could not be read", error=str(error))
            self._next_try = loop.time() + self._retry_seconds
            return self._account_cache.last

    async def _is_outdated(self, last: AccountSnapshot) -> bool:
        """Return True if a check saw a domain validated after the account was read, but at most once a minute."""
        now = asyncio.get_running_loop().time()
        if now < self._next_reread or not await self._follow_ups.saw_validation_since(last.read_at):
            return False
        self._next_reread = now + _REREAD_SECONDS
        return True

    async def _last(
        self, rows: Iterable[DomainExpiry], orders: Sequence[Order], horizon: datetime
    ) -> Mapping[str, LastResend]:
        domains = [row.domain.id for row in rows if row.is_due(horizon)][:_MOST_TARGETS]
        found = await self._last_resends.last([order.id for order in orders][:_MOST_TARGETS], domains)
        newest: dict[str, LastResend] = {}
        for key, resend in found.items():
            target = ":".join(key.split(":")[:2])
            if target not in newest or newest[target].at < resend.at:
                newest[target] = resend
        return newest


def _updated(row: DomainExpiry, last: LastResend | None, read_at: datetime) -> DomainExpiry:
    """Return a row with what the bot did since the account was read: a domain that was emailed waits for approval."""
    if last is None or last.outcome is not LedgerEvent.SENT or last.at <= read_at or row.state is ExpiryState.WAITING:
        return row
    end = row.end if row.state is ExpiryState.VALID else None
    domain = replace(row.domain, since=last.at)
    return replace(row, domain=domain, state=ExpiryState.WAITING, end=end, renewed_until=None)
