"""The report of `/dcv-status`: authorizes the user, reads DigiCert and the stores. Changes nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from attrs import define, field

from bot.clock import Clock
from bot.digicert.client import CertCentral
from bot.errors import CaRejected, CaUnavailable, InvalidInput, NotVisible
from bot.expiry.calendar import Calendar, shipped_calendar
from bot.expiry.outlook import Outlook
from bot.models import (
    Actor,
    Destination,
    Domain,
    DomainTarget,
    LastResend,
    NameValidation,
    Order,
    OrderTarget,
    OrderValidation,
    TargetKey,
    Unreadable,
    domain_key,
)
from bot.parsing.domain_names import without_wildcard
from bot.parsing.targets import DomainRef, OrderRef, TargetRef, read_target, target_ref_key
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input
from bot.services.authorization.visibility import Visibility
from bot.services.lookup import eligibility
from bot.services.lookup.account import AccountCache, AccountSnapshot
from bot.services.lookup.finder import MOST_TWINS
from bot.services.lookup.name_resolution import nearest_deactivated, nearest_domains, resolve
from bot.services.reports.pending_orders import (
    PendingOrders,
    may_resend,
    most_urgent_first,
    newest_resend,
    visible_resends,
    visible_targets,
)
from bot.store.ledger.history import LastResends
from bot.views import status as views
from bot.views.blocks import Message
from bot.views.status import DomainState, NameGroup, OrderState, State, StatusPage

MOST_ORDERS = 5

_PAGE = "page"


@define(eq=False, repr=False, slots=False)
class StatusReport:
    """The validation status of orders and names, for one user. Authorizes the user before it calls DigiCert."""

    _authorizer: Authorizer
    _certcentral: CertCentral
    _account_cache: AccountCache
    _history: LastResends
    _pending: PendingOrders
    _clock: Clock
    _console_url: str
    _calendar: Calendar = field(factory=shipped_calendar)

    async def report(self, actor: Actor, destination: Destination | None, wanted: TargetRef | None) -> Message:
        """Return the status of an order or a name, or the first page of what is pending, freshly listed, for None.

        Raises NotAllowed, after the denial is in the ledger. Raises NotResendable if the order or name is unknown,
        and CaRejected if DigiCert rejects the call. If DigiCert is unavailable, the message says so and has a button.
        """
        key = target_ref_key(wanted) if wanted else views.page_key(0)
        return await self._answer(actor, destination, key, wanted, young=True)

    async def page(self, actor: Actor, destination: Destination | None, key: str) -> Message:
        """Return the message for a button. Pages are consistent for a minute, because the account list is cached."""
        return await self._answer(actor, destination, key, _wanted(key), young=False)

    async def _answer(
        self, actor: Actor, destination: Destination | None, key: str, wanted: TargetRef | None, *, young: bool
    ) -> Message:
        about = {"status": key[:200], "channel": destination.channel_id if destination else ""}
        context = await self._authorizer.require(actor, Action.STATUS, about, resource_for_input(destination, wanted))
        try:
            return await self._message(Visibility(actor, destination, context, Action.STATUS), key, young=young)
        except NotVisible as error:
            await self._authorizer.record(actor, Action.STATUS, about, error.rule)
            raise

    async def _message(self, asker: Visibility, key: str, *, young: bool) -> Message:
        try:
            asked = TargetKey.parse(key)
            if asked.kind == _PAGE:
                return await self._page(asker, _page_number(asked.value), young=young)
            match read_target(asked.value):
                case OrderRef(order_id):
                    found: list[State] = [await self._order(asker, order_id, OrderRef(order_id))]
                    return views.states(None, found, 0, self._clock(), self._console_url)
                case DomainRef(name):
                    return await self._named(asker, name)
        except CaUnavailable as error:
            return views.unavailable(str(error), key)

    async def _page(self, asker: Visibility, number: int, *, young: bool) -> Message:
        asker.require_answer()
        account = await self._account_cache.account(young=young)
        targets = visible_targets(asker, account)
        pages = max(1, -(-len(targets) // views.PER_PAGE))
        number = min(number, pages - 1)
        rows = await self._pending.page(asker, targets, account, number, views.PER_PAGE)
        orders = sum(isinstance(target, Order) for target in targets)
        counts = (orders, len(targets) - orders)
        page = StatusPage(number, pages, counts, tuple(rows), account.read_at, account.unreadable)
        return views.page(page, self._clock())

    async def _named(self, asker: Visibility, name: str) -> Message:
        """Return each order that is pending for a name, and its domain if no DV order is.

        If nothing is pending, return the orders that DigiCert lists for the name, or its deactivated domain.
        """
        account = await self._account_cache.account()
        orders, domains = _pending(account, name)
        if not orders and not domains:
            account = await self._account_cache.account(young=True)
            orders, domains = _pending(account, name)
        if not orders and not domains:
            listed = await self._certcentral.orders_named(name)
            named = [order for order in listed if not isinstance(order, Unreadable)]
            orders = sorted(named, key=lambda order: order.id, reverse=True)
            domains = () if orders else nearest_deactivated(account, name)
            if not orders and not domains and asker.sees_everything:
                raise eligibility.unknown_name(name, account.unreadable_with(listed))
        wanted = DomainRef(name)
        orders = [order for each in orders if (order := asker.order(each))]
        domains = [domain for domain in domains if asker.sees(domain.name)]
        if not orders and not domains:
            raise asker.not_visible(wanted)
        found = [
            *(self._order(asker, order.id, wanted) for order in orders[:MOST_ORDERS]),
            *(self._domain(asker, domain.id) for domain in domains[:MOST_TWINS]),
        ]
        states, more = await asyncio.gather(*found), len(orders[MOST_ORDERS:])
        return views.states(name, states, more, self._clock(), self._console_url)

    async def _order(self, asker: Visibility, order_id: int, wanted: TargetRef) -> State:
        with asker.if_unknown(eligibility.unknown_order(order_id), wanted):
            found = await self._certcentral.order(order_id)
        order = asker.order(found)
        if order is None:
            raise asker.not_visible(wanted)
        if nothing := eligibility.order_ineligible(order):
            return OrderState(order, f"{nothing} {nothing.hint}")
        validation = await self._certcentral.order_validation(order_id)
        entries = tuple(entry for each in validation.names if (entry := asker.entry(each, found)))
        groups = await self._groups(asker, order, replace(validation, names=entries))
        permitted = may_resend(asker, found, (without_wildcard(entry.name_scope) for entry in entries))
        return OrderState(order, None, groups, self._remark(order, validation, hides=order != found), permitted)

    def _remark(self, order: Order, validation: OrderValidation, *, hides: bool) -> str:
        """Return what an order without a pending name still needs, or which of its names could not be read."""
        if any(entry.is_open for entry in validation.names):
            return eligibility.unreadable_entries(validation)
        shown = eligibility.without_names(validation) if hides else validation
        nothing = eligibility.no_name_waits(order, shown)
        return f"{nothing} {nothing.hint}"

    async def _groups(self, asker: Visibility, order: Order, validation: OrderValidation) -> tuple[NameGroup, ...]:
        """Return the order's names by state, method and the last request that emailed them, the pending ones first.

        The links are added last, so that each thread's link is asked of Slack only once.
        """
        keys, found = await self._last_by_key(order, validation)
        last = visible_resends(asker, found, order.id)
        grouped: dict[tuple[bool, str, str], NameGroup] = {}
        for entry, keys_of_names in zip(validation.names, keys, strict=True):
            method = entry.method or validation.method or order.method or eligibility.EMAIL
            for name, key in zip(entry.names, keys_of_names, strict=True):
                by_email, words = method == eligibility.EMAIL, eligibility.in_words(method)
                mine = NameGroup((name,), entry.is_open, words, last.get(key), by_email)
                group = (entry.is_open, method, mine.last.request_id if mine.last else "")
                grouped[group] = _joined(grouped[group], mine) if group in grouped else mine
        groups = sorted(grouped.values(), key=lambda group: not group.waits)
        mailed = [group.last for group in groups if group.last]
        links = {each.request_id: each.link for each in await self._pending.linked(asker, mailed)}
        return tuple(
            replace(group, last=replace(group.last, link=links[group.last.request_id])) if group.last else group
            for group in groups
        )

    async def _last_by_key(
        self, order: Order, validation: OrderValidation
    ) -> tuple[list[list[str]], Mapping[str, LastResend]]:
        """Return, for each entry, the resend key of each of its names, and the newest resends by key.

        The emails of a DV order belong to one name each, those of an OV or EV order to a domain.
        """
        if order.is_dv:
            target = OrderTarget(order.id)
            keys = [[f"{target.key}:{without_wildcard(name)}" for name in entry.names] for entry in validation.names]
            return keys, await self._history.last([order.id])
        targets = [await self._domain_target(entry) for entry in validation.names]
        keys = [[target.key] * len(entry.names) for entry, target in zip(validation.names, targets, strict=True)]
        return keys, await self._history.last(domains=dict.fromkeys(target.domain_id for target in targets))

    async def _domain_target(self, entry: NameValidation) -> DomainTarget:
        scope = without_wildcard(entry.name_scope)
        if entry.domain_id is not None:
            return DomainTarget(entry.domain_id, scope)
        domains = nearest_domains(await self._account_cache.account(), scope)
        return DomainTarget(domains[0].id if domains else 0, scope)

    async def _domain(self, asker: Visibility, domain_id: int) -> State:
        try:
            domain = await self._certcentral.domain(domain_id)
        except CaRejected as error:
            raise (eligibility.unknown_domain(domain_id) if error.status == 404 else error) from error
        outlook = Outlook(self._calendar, self._clock())
        may_revalidate = asker.may_revalidate_below(domain.name)
        nothing = eligibility.domain_ineligible(domain, outlook, may_revalidate=may_revalidate)
        resends = visible_resends(asker, await self._history.last(domains=[domain.id]))
        mailed = newest_resend(resends, [domain_key(domain.id)])
        linked = (await self._pending.linked(asker, [mailed.last]))[0] if mailed else None
        permitted = asker.may_resend_below(domain.name)
        over, revalidates = (f"{nothing} {nothing.hint}", nothing.revalidates) if nothing else (None, "")
        return DomainState(domain, over, linked, permitted, outlook.end(domain), bool(revalidates))


def _wanted(key: str) -> TargetRef | None:
    """Return the order or domain of a button's key, or None."""
    asked = TargetKey.parse(key)
    try:
        return None if asked.kind == _PAGE else read_target(asked.value)
    except InvalidInput:
        return None


def _page_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise InvalidInput("This list has changed. Run `/dcv-status` again.")
    return int(text)


def _pending(account: AccountSnapshot, name: str) -> tuple[list[Order], Sequence[Domain]]:
    """Return the pending orders of a name, OV and EV too, or else those it belongs to, and its domains.

    There are no domains if a DV order names it exactly.
    """
    found = resolve(account, name)
    orders = most_urgent_first(account.orders_by_name.get(name, ()) or found.orders)
    return orders, () if found.is_exact and any(order.is_dv for order in orders) else found.domains


def _joined(group: NameGroup, more: NameGroup) -> NameGroup:
    last = group.last
    if last and more.last:
        last = replace(last, emails=tuple(dict.fromkeys((*last.emails, *more.last.emails))))
    return replace(group, names=group.names + more.names, last=last)
