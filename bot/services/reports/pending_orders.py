"""The pending orders and domains that a user may see, as rows for the status page and for Home. Changes nothing."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from attrs import define

from bot.async_cache import cached
from bot.digicert.client import CertCentral
from bot.errors import CaError
from bot.models import (
    AccountEntry,
    Domain,
    Kind,
    LastResend,
    NameValidation,
    Order,
    OrderValidation,
    domain_key,
    order_key,
)
from bot.parsing.domain_names import ancestors, without_wildcard
from bot.services.authorization.visibility import Visibility
from bot.services.lookup import eligibility
from bot.services.lookup.account import AccountSnapshot
from bot.services.publishing.delivery import root_key
from bot.services.publishing.publisher import MessagePublisher
from bot.store.ledger.history import LastResends
from bot.views.pending_rows import PendingRow, target_key

log = structlog.get_logger(__name__)

# Each domain is a term of one query. An OV or EV order with more domains shows its resends in its own status.
MOST_DOMAINS = 20
REMEMBERED = 60.0
MOST_REMEMBERED = 10_000
MOST_FILLS = 5
_LAST = datetime.max.replace(tzinfo=UTC)
_Target = TypeVar("_Target", bound=Order | Domain)


@dataclass(frozen=True, slots=True)
class MailedNames:
    """The newest resend of a target, with its recipients for all names, and these names."""

    last: LastResend
    names: frozenset[str]


PendingTarget = Order | Domain


@define(eq=False, repr=False, slots=False)
class PendingOrders:
    """Reader of what is known about pending orders and domains. The caller must ask the authorizer first."""

    _certcentral: CertCentral
    _history: LastResends
    _publisher: MessagePublisher
    _alert_channels: Collection[str] = ()

    def __attrs_post_init__(self) -> None:
        self._validation = cached(self._certcentral.order_validation, maxsize=1024, ttl=REMEMBERED)
        # The keys of what no email can help, although the account list does not say so.
        self._needs_else: dict[str, None] = {}

    async def page(
        self, asker: Visibility, targets: Sequence[PendingTarget], account: AccountSnapshot, number: int, size: int
    ) -> list[PendingRow]:
        """Return the rows of one page. What no email can help comes last over all pages.

        Only the validation of an order shows that of some orders. They are put last, and the page is filled again, at
        most MOST_FILLS times.
        """
        for _ in range(MOST_FILLS):
            ordered = sorted(targets, key=lambda target: target_key(target) in self._needs_else)
            rows = await self.rows(asker, ordered[number * size :][:size], account)
            found = {target_key(row.target): bool(row.need) for row in rows if not listed_need(row.target)}
            if not (new := [key for key, needs in found.items() if needs and key not in self._needs_else]):
                break
            self._needs_else |= dict.fromkeys(new)
        for key in [key for key, needs in found.items() if not needs]:
            # It counts again when its list is drawn the next time.
            self._needs_else.pop(key, None)
        while len(self._needs_else) > MOST_REMEMBERED:
            del self._needs_else[next(iter(self._needs_else))]
        return rows

    async def rows(
        self,
        asker: Visibility,
        targets: Sequence[PendingTarget],
        account: AccountSnapshot,
        *,
        asks_digicert: bool = True,
    ) -> list[PendingRow]:
        """Return a row for each target, with its last resend and its clock. Those that no email can help come last."""
        orders = [target for target in targets if isinstance(target, Order)]
        domains = [target for target in targets if isinstance(target, Domain)]
        found = [
            *await self._order_rows(asker, orders, account, asks_digicert=asks_digicert),
            *await self._domain_rows(asker, domains),
        ]
        by_key = {target_key(row.target): row for row in found}
        return sorted([by_key[target_key(target)] for target in targets], key=lambda row: bool(row.need))

    async def _domain_rows(self, asker: Visibility, domains: Sequence[Domain]) -> list[PendingRow]:
        last = visible_resends(asker, await self._history.last(domains=[domain.id for domain in domains]))
        mailed = {domain.id: newest_resend(last, [domain_key(domain.id)]) for domain in domains}
        linked = iter(await self.linked(asker, [each.last for each in mailed.values() if each]))
        mailed = {domain_id: each and replace(each, last=next(linked)) for domain_id, each in mailed.items()}
        return [self._domain_row(asker, domain, mailed[domain.id]) for domain in domains]

    def _domain_row(self, asker: Visibility, domain: Domain, mailed: MailedNames | None) -> PendingRow:
        need = listed_need(domain)
        may = not need and asker.may_resend_below(domain.name)
        one_tap = may and mailed is not None and self._is_one_email(asker, {domain.name}, mailed)
        last = mailed.last if mailed else None
        return PendingRow(domain, last, mailed is not None and domain.name in mailed.names, need, may, one_tap=one_tap)

    async def _order_rows(
        self, asker: Visibility, orders: Sequence[Order], account: AccountSnapshot, *, asks_digicert: bool
    ) -> list[PendingRow]:
        """Return a row for each order.

        Calls DigiCert for the validation of each order, and for the date of each reissue: its lists do not have them.
        What it does not answer is left out of the row, as is all of it unless `asks_digicert`.
        """
        validations: Sequence[OrderValidation | None] = [None for _ in orders]
        if asks_digicert:
            orders = await asyncio.gather(*(self._dated(order) for order in orders))
            validations = await asyncio.gather(*(self._validated(asker, order) for order in orders))
        last = await self._last_of(asker, orders, account)
        return [
            self._row(asker, order, entries, last.get(order.id), account)
            for order, entries in zip(orders, validations, strict=True)
        ]

    def _row(
        self,
        asker: Visibility,
        order: Order,
        validation: OrderValidation | None,
        mailed: MailedNames | None,
        account: AccountSnapshot,
    ) -> PendingRow:
        entries = validation.names if validation else ()
        scopes = [without_wildcard(entry.name_scope) for entry in entries if entry.is_open]
        if not order.is_dv and validation is None:
            scopes = [domain.name for domain in domains_of(order, account)]
        need = needs_instead(order, validation)
        may = not need and may_resend(asker, order, scopes)
        return PendingRow(
            order,
            mailed.last if mailed else None,
            mailed is not None and not mailed.names.isdisjoint(open_names(entries)),
            need,
            may,
            progress(entries),
            may and mailed is not None and self._is_one_email(asker, set(map(without_wildcard, order.names)), mailed),
        )

    def _is_one_email(self, asker: Visibility, names: Collection[str], mailed: MailedNames) -> bool:
        """Return True if the stored data describes one email. In an alert channel, guests would read its address."""
        in_alerts = asker.destination is not None and asker.destination.channel_id in self._alert_channels
        return len(names) == len(mailed.names) == len(mailed.last.emails) == 1 and not in_alerts

    async def _validated(self, asker: Visibility, order: Order) -> OrderValidation | None:
        """Return the validation of the names that the user may see; None if DigiCert does not answer."""
        try:
            validation = await self._validation(order.id)
        except CaError as error:
            log.info("the validation of a listed order could not be read", order=order.id, error=str(error))
            return None
        entries = tuple(entry for each in validation.names if (entry := asker.entry(each, order)))
        return replace(
            validation, names=entries, unreadable=validation.unreadable + len(validation.names) - len(entries)
        )

    async def linked(self, asker: Visibility, resends: Iterable[LastResend]) -> list[LastResend]:
        """Return the resends with a link to each thread, if the user may read it."""
        resends = list(resends)
        once = {resend.request_id: resend for resend in resends}
        mine = asker.actor.user_id
        found = (
            self._publisher.link(root_key(each.request_id), to_its_own=each.user_id == mine) for each in once.values()
        )
        links = dict(zip(once, await asyncio.gather(*found), strict=True))
        return [replace(resend, link=links[resend.request_id]) for resend in resends]

    async def _dated(self, order: Order) -> Order:
        if order.since is not None:
            return order
        try:
            return replace(order, since=(await self._certcentral.order(order.id)).since)
        except CaError as error:
            log.info("the date of a reissue could not be read", order=order.id, error=str(error))
            return order

    async def _last_of(
        self, asker: Visibility, orders: Sequence[Order], account: AccountSnapshot
    ) -> Mapping[int, MailedNames]:
        """Return the newest resend for each order, by order id. Orders without one are left out."""
        domains = {
            order.id: [domain.id for domain in domains_of(order, account)[:MOST_DOMAINS]]
            for order in orders
            if not order.is_dv
        }
        last = await self._history.last(
            [order.id for order in orders if order.is_dv], [each for some in domains.values() for each in some]
        )
        newest: dict[int, MailedNames] = {}
        for order in orders:
            prefixes = list(map(domain_key, domains.get(order.id, ()))) or [order_key(order.id)]
            if found := newest_resend(visible_resends(asker, last, order.id), prefixes):
                newest[order.id] = found
        links = await self.linked(asker, [mailed.last for mailed in newest.values()])
        return {
            order_id: replace(mailed, last=linked)
            for (order_id, mailed), linked in zip(newest.items(), links, strict=True)
        }


def visible_targets(asker: Visibility, account: AccountSnapshot) -> list[PendingTarget]:
    """Return the orders with the names that the user may see, and the pending domains, the most urgent first.

    A domain that an OV or EV order of the list waits for is left out: the emails are the same.
    """
    orders = [order for each in account.orders if (order := asker.order(each))]
    of_orders = {domain.id for order in orders if not order.is_dv for domain in domains_of(order, account)}
    pending = (domain for domain in account.domains if domain.is_pending and domain.id not in of_orders)
    return most_urgent_first([*orders, *(domain for domain in pending if asker.sees(domain.name))])


def most_urgent_first(targets: Iterable[_Target]) -> list[_Target]:
    """Return the orders and domains: the nearest end of a certificate first, then the longest pending.

    Those that no email can help come last. If the pending date is missing, the order date counts.
    """
    return sorted(targets, key=_urgency)


def listed_need(target: PendingTarget) -> str:
    """Return what a target needs if the account list shows that no email can help it; else empty."""
    if isinstance(target, Order):
        return needs_instead(target)
    by_email = target.method in {None, eligibility.EMAIL}
    return "" if by_email else f"needs {eligibility.in_words(target.method or '')}"


def needs_instead(order: Order, validation: OrderValidation | None = None) -> str:
    """Return what a listed order needs if no email can help it; empty if one might.

    `validation` are the names that the reader may see. What could not be read of it may be what an email helps.
    """
    if nothing := eligibility.order_ineligible(order):
        return f"{nothing} {nothing.hint}".strip()
    if validation is None or validation.unreadable or not validation.names:
        return ""
    waiting = [entry for entry in validation.names if entry.is_open]
    if not waiting:
        return "all domains are validated"
    methods = [entry.method or validation.method or order.method or eligibility.EMAIL for entry in waiting]
    return "" if eligibility.EMAIL in methods else f"needs {eligibility.in_words(methods[0])}"


def progress(entries: Sequence[NameValidation]) -> str:
    """Return how many names are validated, if it is some of them."""
    total = sum(len(entry.names) for entry in entries)
    validated = sum(len(entry.names) for entry in entries if not entry.is_open)
    return f"{validated} of {total} validated" if 0 < validated < total else ""


def open_names(entries: Iterable[NameValidation]) -> frozenset[str]:
    """Return each pending name and name scope, without wildcard."""
    waiting = (entry for entry in entries if entry.is_open)
    return frozenset(without_wildcard(name) for entry in waiting for name in (entry.name_scope, *entry.names))


def may_resend(asker: Visibility, order: Order, domains: Iterable[str]) -> bool:
    """Return True if the user may resend for any part of an order.

    The emails of an OV or EV order validate `domains`, so one of these must be allowed.
    """
    if order.is_dv:
        line = AccountEntry(Kind.ORDER, order.id, order.common_name, order.names, None, waiting=True)
        return asker.line(line) is not None
    return any(map(asker.may_resend_below, dict.fromkeys(domains)))


def domains_of(order: Order, account: AccountSnapshot) -> list[Domain]:
    """Return the nearest listed domain of each name of an order, each once."""
    found: dict[int, Domain] = {}
    for name in order.names:
        above = ancestors(without_wildcard(name))
        domain = next((account.domains_by_name[each][0] for each in above if each in account.domains_by_name), None)
        if domain:
            found.setdefault(domain.id, domain)
    return list(found.values())


def visible_resends(
    asker: Visibility, last: Mapping[str, LastResend], order_id: int | None = None
) -> Mapping[str, LastResend]:
    """Return the resends for names that the user may see. A resend of a domain may have been for other names."""
    return {key: resend for key, resend in last.items() if asker.sees(resend.name, order_id)}


def newest_resend(last: Mapping[str, LastResend], prefixes: Sequence[str]) -> MailedNames | None:
    """Return the newest resend under one of these keys, with its recipients for all names; None if there is none."""
    mine = [resend for key, resend in last.items() if key.startswith(tuple(f"{each}:" for each in prefixes))]
    newest = max(mine, key=lambda resend: resend.at, default=None)
    if newest is None:
        return None
    same = [resend for resend in mine if resend.request_id == newest.request_id]
    emails = (*newest.emails, *(email for resend in same for email in resend.emails))
    names = frozenset(without_wildcard(resend.name) for resend in same)
    return MailedNames(replace(newest, emails=tuple(dict.fromkeys(emails))), names)


def _urgency(target: PendingTarget) -> tuple[bool, datetime, datetime, int]:
    ends = ordered_at = None
    if isinstance(target, Order):
        ends, ordered_at = target.expires_at, target.ordered_at
    return bool(listed_need(target)), ends or _LAST, target.since or ordered_at or _LAST, target.id
