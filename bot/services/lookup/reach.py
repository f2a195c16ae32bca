"""The reach of an email: everything that it would validate besides its names. Deny rules are checked against it."""

import asyncio
from collections.abc import Collection, Iterable, Sequence

from bot.digicert.client import CertCentral
from bot.errors import CaUnreadable
from bot.models import NO_REACH, Call, DomainTarget, NameValidation, Order, OrderTarget, Reach, order_key
from bot.parsing.domain_names import is_subdomain_of, without_wildcard
from bot.policy.rules import Resource, Rule, Rules
from bot.services.lookup.account import AccountCache, AccountSnapshot


class ReachReader:
    """Reads of the reach of emails from DigiCert, limited to what a deny rule can match."""

    def __init__(self, certcentral: CertCentral, account_cache: AccountCache) -> None:
        self._certcentral = certcentral
        self._account_cache = account_cache

    async def of_call(self, call: Call, order_id: int | None, rules: Rules) -> Reach:
        """Return the reach of an accepted call, from DigiCert's current data.

        `order_id` is the requested order, if any. Raises CaError if DigiCert cannot be reached or does not answer.
        """
        if not rules.limited_denies:
            return NO_REACH
        match call.target:
            case OrderTarget(dv_order_id):
                order, validation = await asyncio.gather(
                    self._certcentral.order(dv_order_id), self._certcentral.order_validation(dv_order_id)
                )
                return of_order(order, validation.names)
            case DomainTarget(_, name_scope):
                return await self.of_scopes((name_scope,), order_id, rules, young=True)

    async def of_scopes(
        self, scopes: Sequence[str], order_id: int | None, rules: Rules, *, young: bool = False
    ) -> Reach:
        """Return the reach of emails for these name scopes of domains.

        Each validates everything below it, and helps every pending OV or EV order with a name there. A DV order never
        reuses a validation. The account is read only if a rule denies an order by its id.

        Raises CaError, also if a denied order is listed but its names cannot be read.
        """
        denied = {order for rule in rules.limited_denies for order in rule.orders}
        own = [order_id] if order_id is not None else []
        helped = []
        if denied:
            account = await self._account_cache.account(young=young)
            _require_readable(account, denied)
            helped = _helped(account, scopes, denied)
        return Reach(below=tuple(scopes), orders=tuple(dict.fromkeys([*own, *helped])))


def domains_stopped(rule: Rule, account: AccountSnapshot) -> list[str]:
    """Return the stored domains for which a deny rule blocks emails although it does not name them."""
    stopped = []
    for domain in account.domains:
        reach = Reach(below=(domain.name,), orders=tuple(_helped(account, (domain.name,), rule.orders)))
        resource = Resource(names=(domain.name,), resolved=True, reach=reach)
        if rule.denies_part_of(resource) and not rule.matches(domain.name, resource, if_unknown=True):
            stopped.append(domain.name)
    return stopped


def _require_readable(account: AccountSnapshot, order_ids: Collection[int]) -> None:
    """Raise CaUnreadable if one of these orders may be in a row that the bot could not read."""
    # A row without a readable id may be any of these orders.
    if any(not row.id.isdecimal() or int(row.id) in order_ids for row in account.unread_orders):
        raise CaUnreadable("DigiCert lists an order that the bot cannot read, and a rule may be about it.")


def _helped(account: AccountSnapshot, scopes: Sequence[str], order_ids: Iterable[int]) -> list[int]:
    """Return the given OV and EV orders that are pending with a name within one of the scopes."""
    pending = (account.order_by_key.get(order_key(order_id)) for order_id in sorted(order_ids))
    return [
        order.id
        for order in pending
        if order
        and not order.is_dv
        and any(is_subdomain_of(scope, name) for scope in scopes for name in bare_names(order))
    ]


def of_order(order: Order, entries: Iterable[NameValidation]) -> Reach:
    """Return the reach of an email for a DV order: all its names, and the scope of each.

    A certificate for `*.example.com` is valid for every name directly below example.com, so those count, too.
    """
    scopes = [without_wildcard(entry.name_scope) for entry in entries]
    wildcards = [without_wildcard(name) for name in order.names if name.startswith("*.")]
    names = dict.fromkeys([*bare_names(order), *scopes])
    return Reach(names=tuple(names), below=tuple(dict.fromkeys(wildcards)), orders=(order.id,))


def bare_names(order: Order) -> list[str]:
    """Return every name of an order without its wildcard, each once."""
    return list(dict.fromkeys(without_wildcard(name) for name in (*order.names, order.common_name) if name))
