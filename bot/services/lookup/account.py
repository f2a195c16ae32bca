"""The account inventory: pending orders and domains, read from DigiCert at most once a minute."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TypeVar

import structlog

from bot.async_cache import cached
from bot.clock import Clock
from bot.digicert.client import CertCentral
from bot.errors import CaError
from bot.fair_share import working_for
from bot.models import (
    AccountEntry,
    Domain,
    Expired,
    Kind,
    NeverValidated,
    Order,
    Pending,
    Unclear,
    Unreadable,
    Valid,
    domain_key,
    order_key,
)
from bot.parsing.domain_names import unicode_name, without_wildcard
from bot.services.lookup import eligibility

log = structlog.get_logger(__name__)

_Row = TypeVar("_Row", Order, Domain)

REMEMBERED = 60.0
YOUNG = 5.0
RECENT_SECONDS = 2.0
TOO_OLD = timedelta(minutes=10)
# Two warm-ups fit into TOO_OLD, also if one of them fails.
WARM_UP_SECONDS = 240.0
FRESH_ENOUGH = timedelta(seconds=WARM_UP_SECONDS / 2)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class AccountSnapshot:
    """The pending orders and the domains of the account, as DigiCert listed them at `read_at`.

    `domains` are active, `deactivated` are not. `unread_orders` and `unread_domains` are the rows that the bot could
    not read, so an order or domain that is missing elsewhere may still exist.
    """

    orders: tuple[Order, ...]
    domains: tuple[Domain, ...]
    deactivated: tuple[Domain, ...]
    read_at: datetime
    unread_orders: tuple[Unreadable, ...] = ()
    unread_domains: tuple[Unreadable, ...] = ()

    @cached_property
    def lines(self) -> list[AccountEntry]:
        """Return every order and domain as a choice: the longest waiting first, valid domains last.

        If DigiCert gives no date for an order, the time of the order counts.
        """
        orders = [(0, order.since or order.ordered_at or _LAST, _order_line(order)) for order in self.orders]
        domains = [(_rank(domain), domain.since or _LAST, _domain_line(domain)) for domain in self.domains]
        return [line for *_, line in sorted([*orders, *domains], key=lambda ranked: ranked[:2])]

    @property
    def unreadable(self) -> str:
        """Return a sentence on the rows that the bot could not read; empty if it read all of them."""
        return self.unreadable_with(())

    def unreadable_with(self, more: Iterable[object]) -> str:
        """Return the same sentence, with the unreadable orders among `more` rows added. Each row counts once."""
        orders = {*self.unread_orders, *(row for row in more if isinstance(row, Unreadable))}
        return eligibility.unreadable_rows(len(orders), len(self.unread_domains))

    @cached_property
    def line_by_key(self) -> Mapping[str, AccountEntry]:
        """Return each line by the key of its option."""
        return {line.key: line for line in self.lines}

    @cached_property
    def order_by_key(self) -> Mapping[str, Order]:
        """Return each order by the key of its option."""
        return {order_key(order.id): order for order in self.orders}

    @cached_property
    def domain_by_key(self) -> Mapping[str, Domain]:
        """Return each active domain by the key of its option."""
        return {domain_key(domain.id): domain for domain in self.domains}

    def line_of(self, listed: Order | Domain) -> AccountEntry:
        """Return the line of an order or a domain of this snapshot."""
        return self.line_by_key[order_key(listed.id) if isinstance(listed, Order) else domain_key(listed.id)]

    @cached_property
    def orders_by_name(self) -> Mapping[str, Sequence[Order]]:
        """Return the orders that have a name, itself or as a wildcard, by that name."""
        return _index(self.orders, lambda order: (without_wildcard(own) for own in order.names))

    @cached_property
    def orders_by_wildcard(self) -> Mapping[str, Sequence[Order]]:
        """Return the orders that have the wildcard `*.` of a name, by that name."""
        return _index(self.orders, lambda order: (own[2:] for own in order.names if own.startswith("*.")))

    @cached_property
    def orders_by_parent(self) -> Mapping[str, Sequence[Order]]:
        """Return the orders that have a name at any depth below a parent of two labels or more, by that parent."""
        return _index(self.orders, _parents_of)

    @cached_property
    def domains_by_name(self) -> Mapping[str, Sequence[Domain]]:
        """Return the active domains by name. CertCentral may hold several of one name, of which one is pending."""
        return _index(self.domains, lambda domain: (domain.name,))

    @cached_property
    def deactivated_by_name(self) -> Mapping[str, Sequence[Domain]]:
        """Return the deactivated domains by name."""
        return _index(self.deactivated, lambda domain: (domain.name,))

    @cached_property
    def searchable(self) -> Sequence[tuple[str, AccountEntry]]:
        """Return each line that an email may help with its search text, in the order of `lines`."""
        return searchable(line for line in self.lines if line.by_email)

    def prepare(self) -> "AccountSnapshot":
        """Fill all the cached properties, and return the snapshot.

        Takes seconds for tens of thousands of names in Unicode, so call it in a thread.
        """
        _ = self.searchable, self.line_by_key, self.order_by_key, self.domain_by_key
        _ = self.orders_by_name, self.orders_by_wildcard, self.orders_by_parent
        _ = self.domains_by_name, self.deactivated_by_name
        return self


async def read_account(certcentral: CertCentral, clock: Clock) -> AccountSnapshot:
    """Read the account inventory. Raises CaError if DigiCert cannot be reached or does not answer."""
    orders, domains = await asyncio.gather(certcentral.pending_orders(), certcentral.domains())
    read_domains = [domain for domain in domains if not isinstance(domain, Unreadable)]
    return AccountSnapshot(
        orders=tuple(order for order in orders if not isinstance(order, Unreadable)),
        domains=tuple(domain for domain in read_domains if domain.is_active),
        deactivated=tuple(domain for domain in read_domains if not domain.is_active),
        read_at=clock(),
        unread_orders=tuple(order for order in orders if isinstance(order, Unreadable)),
        unread_domains=tuple(domain for domain in domains if isinstance(domain, Unreadable)),
    )


class AccountCache:
    """A cache of the account inventory for one minute, shared by all users."""

    def __init__(
        self,
        certcentral: CertCentral,
        clock: Clock,
        steady: Clock | None = None,
        background: CertCentral | None = None,
    ) -> None:
        """Create an empty cache. `clock` dates what users see, `steady` measures the age of the snapshot.

        `background` is the client for the reads that no user waits for.
        """
        self._certcentral = certcentral
        self._background = background or certcentral
        self._clock = clock
        self._steady = steady or clock
        self._last_read_at = self._last_at = self._steady()
        self._remembered = cached(self._read, maxsize=1, ttl=REMEMBERED)
        self._last: AccountSnapshot | None = None
        self._reading: set[asyncio.Task[AccountSnapshot]] = set()

    async def account(self, *, young: bool = False) -> AccountSnapshot:
        """Return the inventory, at most REMEMBERED seconds old, or YOUNG seconds if `young`.

        Raises CaError if DigiCert cannot be reached or does not answer.
        """
        account = await self._remembered()
        if young and (self._steady() - self._last_read_at).total_seconds() > YOUNG:
            self._remembered.cache_invalidate()
            account = await self._remembered()
        return account

    async def within(self, seconds: float) -> AccountSnapshot | None:
        """Return the inventory if it arrives within `seconds`, else the previous one.

        Returns None if there is no previous one, or if it is older than TOO_OLD. The read continues in the background.
        """
        reading = asyncio.ensure_future(self.account())
        self._reading.add(reading)
        reading.add_done_callback(self._forget)
        await asyncio.wait({reading}, timeout=seconds)
        if reading.done() and reading.exception() is None:
            return reading.result()
        return self._last if self._last and self._steady() - self._last_at < TOO_OLD else None

    async def warm_up(self) -> None:
        """Read the inventory within the limits of background work, so that `within` has one to fall back to.

        Does nothing if a user's read was so recent that it serves until the next warm-up. Raises CaError if DigiCert
        cannot be reached or does not answer.
        """
        if self._last and self._steady() - self._last_at < FRESH_ENOUGH:
            return
        await self._read_in_background()

    async def recent(self) -> AccountSnapshot | None:
        """Return the last inventory if it is younger than TOO_OLD, without a call to DigiCert.

        Otherwise, read it. Returns None if that takes longer than RECENT_SECONDS; the read continues.
        """
        if self._last and self._steady() - self._last_at < TOO_OLD:
            return self._last
        return await self.within(RECENT_SECONDS)

    @property
    def last(self) -> AccountSnapshot | None:
        """The last inventory that was read, however old it is. None before the first reading."""
        return self._last

    async def since(self, at: datetime, max_age: timedelta) -> AccountSnapshot:
        """Return an inventory that was read at `at` or later by the clock, and that is not older than `max_age`.

        If the last one is not, read it within the limits of background work. Raises CaError if DigiCert cannot be
        reached or does not answer.
        """
        last = self._last
        if last and last.read_at >= at and self._steady() - self._last_at <= max_age:
            return last
        return await self._read_in_background()

    async def _read_in_background(self) -> AccountSnapshot:
        began = self._steady()
        account = await asyncio.to_thread((await read_account(self._background, self._clock)).prepare)
        # A user's read that began later has the newer data.
        if self._last is None or self._last_at <= began:
            self._last, self._last_at = account, self._steady()
        return account

    async def _read(self) -> AccountSnapshot:
        # All users share this read, so it must not queue behind the calls of the user who happened to start it.
        with working_for():
            account = await read_account(self._certcentral, self._clock)
        self._last_read_at = read_at = self._steady()
        self._last, self._last_at = await asyncio.to_thread(account.prepare), read_at
        return self._last

    def _forget(self, reading: asyncio.Task[AccountSnapshot]) -> None:
        self._reading.discard(reading)
        if not reading.cancelled() and (error := reading.exception()):
            level = log.warning if isinstance(error, CaError) else log.error
            level("DigiCert's listing could not be read", error=str(error))


def searchable(lines: Iterable[AccountEntry]) -> list[tuple[str, AccountEntry]]:
    """Return each line with its search text."""
    return [(_text(line), line) for line in lines]


def search(
    lines: Sequence[tuple[str, AccountEntry]],
    typed: str,
    meant: str | None,
    view: Callable[[AccountEntry], AccountEntry | None],
    limit: int,
) -> list[AccountEntry]:
    """Return at most `limit` lines whose id or any name contains `typed` or `meant`.

    `meant` is the id or name that the typed text was parsed as, if any. `view` returns the part of a line that the user
    may see, or None. Only that part is searched.
    """
    parts = {part for part in (without_wildcard(typed.strip().lower()), meant) if part}
    found: list[AccountEntry] = []
    for text, line in lines:
        # Match the whole line first, because `view` is expensive. Match again if `view` has hidden some names.
        if _contains(text, parts) and (visible := view(line)) and (visible is line or _contains(_text(visible), parts)):
            found.append(visible)
            if len(found) == limit:
                break
    return found


def _contains(text: str, parts: Collection[str]) -> bool:
    return not parts or any(part in text for part in parts)


def _index(rows: Iterable[_Row], keys: Callable[[_Row], Iterable[str]]) -> Mapping[str, Sequence[_Row]]:
    """Group rows by their keys, each row once per key."""
    found: dict[str, list[_Row]] = {}
    for row in rows:
        for key in dict.fromkeys(keys(row)):
            found.setdefault(key, []).append(row)
    return found


def _parents_of(order: Order) -> Iterator[str]:
    for own in order.names:
        parent = without_wildcard(own).partition(".")[2]
        while "." in parent:
            yield parent
            parent = parent.partition(".")[2]


def _text(line: AccountEntry) -> str:
    """Return the id and every name, in ASCII and in Unicode, one per line.

    Half of a name in Unicode has no ASCII form of its own, so both forms must be searched.
    """
    unicode = (unicode_name(name) for name in line.names if "xn--" in name)
    return "\n".join((str(line.id), line.name, *line.names, *unicode))


def _order_line(order: Order) -> AccountEntry:
    first = order.common_name or (order.names[0] if order.names else "")
    by_email = not eligibility.order_ineligible(order) and order.method in {None, eligibility.EMAIL}
    return AccountEntry(
        Kind.ORDER,
        order.id,
        first,
        order.names,
        order.since,
        waiting=True,
        product=order.product,
        by_email=by_email,
    )


def _domain_line(domain: Domain) -> AccountEntry:
    return AccountEntry(
        Kind.DOMAIN,
        domain.id,
        domain.name,
        (domain.name,),
        domain.since,
        waiting=domain.is_pending,
        validation=domain.validation,
        by_email=eligibility.is_domain_eligible(domain),
    )


def _rank(domain: Domain) -> int:
    """Return the sort rank of a domain: pending, perhaps pending, to be submitted again, valid."""
    match domain.validation:
        case Pending():
            return 0
        case Unclear():
            return 1
        case Expired() | NeverValidated():
            return 2
        case Valid():
            return 3
