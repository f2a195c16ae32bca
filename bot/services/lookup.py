"""From an order id or a name to what really waits there, and who may be mailed for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.digicert.client import CertCentral
from bot.errors import CaRefused, Misunderstood
from bot.models import Domain, DomainTarget, Kind, Listed, NameValidation, Order, OrderTarget, Plan
from bot.recipients import shared_mailboxes, shares_a_mailbox
from bot.services import states
from bot.services.listing import Account, Listing, matching
from bot.services.waiting import Found, WaitingNames
from bot.targets import WantedName, WantedOrder, covers, plain_name, read_target

SEARCH_SECONDS = 0.9
MOST_CALLS = 10

Wanted = WantedOrder | WantedName


@dataclass(frozen=True, slots=True)
class Choice:
    """Several orders carry the name: the person decides."""

    name: str
    matches: tuple[Listed, ...]


class Lookup:
    """Reads DigiCert for people; whoever calls it has asked the gate first.

    Its answers raise NothingToDo where nothing can be resent, CaUnavailable and CaRefused where DigiCert cannot tell.
    """

    def __init__(self, certcentral: CertCentral, listing: Listing, waiting: WaitingNames) -> None:
        self._certcentral = certcentral
        self._listing = listing
        self._waiting = waiting

    async def search(self, typed: str) -> tuple[list[Listed], Wanted | None]:
        """The lines that match what was typed so far, and what it names where no line is exactly that."""
        wanted = _readable(typed)
        account = await self._listing.within(SEARCH_SECONDS)
        ascii_typed = wanted.name if isinstance(wanted, WantedName) else None
        lines = matching(account.lines if account else [], typed, ascii_typed)
        return lines, None if any(_is_exactly(line, wanted) for line in lines) else wanted

    async def find(self, wanted: Wanted) -> Plan | Choice:
        """What waits for an order id or a name that somebody wrote."""
        match wanted:
            case WantedOrder(order_id):
                return await self._order(order_id)
            case WantedName(name):
                return await self._named(name)

    async def chosen(self, key: str) -> Plan | Choice:
        """What waits for the option of a select: `order:700001`, `domain:1234`, or `name:` and a name to look up."""
        kind, _, rest = key.partition(":")
        if kind == "name":
            return await self.find(read_target(rest))
        if kind not in set(Kind) or not (rest.isascii() and rest.isdecimal() and len(rest) <= 18):
            raise Misunderstood("That is not one of the choices. Choose an order or a domain from the list.")
        return await (self._order(int(rest)) if kind == Kind.ORDER else self._domain(int(rest)))

    async def rescoped(self, plan: Plan, index: int) -> Plan:
        """The same domain's plan for another of the name scopes that its form offers."""
        kind, _, domain_id = plan.key.partition(":")
        if kind != Kind.DOMAIN or not 0 <= index < len(plan.scopes):
            raise Misunderstood("That is not one of the choices. Choose a name from the list.")
        return await self._domain(int(domain_id), plan.scopes, plan.scopes[index])

    async def _named(self, name: str) -> Plan | Choice:
        account = await self._listing.account()
        if not _orders_with(account, name) and not covering(account.domains, name):
            account = await self._listing.account(young=True)
        orders = _orders_with(account, name)
        if len(orders) > 1:
            keys = {f"{Kind.ORDER}:{order.id}" for order in orders}
            return Choice(name, tuple(line for line in account.lines if line.key in keys))
        if orders:
            return await self._order(orders[0].id)
        if domain := covering(account.domains, name):
            return await self._domain(domain.id, tuple(dict.fromkeys((domain.name, name))))
        return await self._not_listed(name, account)

    async def _not_listed(self, name: str, account: Account) -> Plan:
        """The newest order by this name, in whatever state it is; else NothingToDo, with the reason that is known."""
        if orders := await self._certcentral.orders_named(name):
            hopeful = [order for order in orders if not states.order_has_nothing(order)]
            return await self._order(max(order.id for order in hopeful or orders))
        domain = covering(account.deactivated, name)
        raise (states.domain_has_nothing(domain) if domain else None) or states.unknown_name(name)

    async def _order(self, order_id: int) -> Plan:
        try:
            order = await self._certcentral.order(order_id)
        except CaRefused as error:
            raise (states.unknown_order(order_id) if error.status == 404 else error) from error
        if nothing := states.order_has_nothing(order):
            raise nothing
        validation = await self._certcentral.order_validation(order_id)
        open_names = [entry for entry in validation.names if entry.is_open]
        by_email, remarks = states.only_email(order, validation, open_names)
        found, more = await self._of_order(order, by_email)
        name = order.common_name or (order.names or by_email[0].names)[0]
        return _plan(f"{Kind.ORDER}:{order.id}", order.id, name, found, (*remarks, *more))

    async def _of_order(self, order: Order, entries: Sequence[NameValidation]) -> tuple[Found, list[str]]:
        if order.is_dv:
            return await self._waiting.of_order(OrderTarget(order.id), entries), []
        targets, remarks = await self._domain_targets(entries)
        return await self._waiting.of_domains(targets), remarks

    async def _domain_targets(
        self, entries: Sequence[NameValidation]
    ) -> tuple[list[tuple[DomainTarget, bool]], list[str]]:
        """The domain and name scope of each entry, once; remarks on those that have no domain or no room."""
        found: dict[DomainTarget, bool] = {}
        homeless = []
        for entry in entries:
            scope = entry.name_scope.removeprefix("*.")
            domain_id = entry.domain_id or await self._domain_id(scope)
            if domain_id is None:
                homeless.append(scope)
            else:
                found.setdefault(DomainTarget(domain_id, scope), entry.covers_below)
        remarks = states.left_out(homeless, "CertCentral has no domain for it")
        if more := [target.name_scope for target in found][MOST_CALLS:]:
            remarks.append(states.too_many(MOST_CALLS, more))
        return list(found.items())[:MOST_CALLS], remarks

    async def _domain_id(self, name: str) -> int | None:
        domain = covering((await self._listing.account()).domains, name)
        return domain.id if domain else None

    async def _domain(self, domain_id: int, scopes: tuple[str, ...] = (), scope: str | None = None) -> Plan:
        try:
            domain = await self._certcentral.domain(domain_id)
        except CaRefused as error:
            raise (states.unknown_domain(domain_id) if error.status == 404 else error) from error
        if nothing := states.domain_has_nothing(domain):
            raise nothing
        found = await self._waiting.of_domains([(DomainTarget(domain.id, scope or domain.name), True)])
        return _plan(f"{Kind.DOMAIN}:{domain.id}", domain.id, domain.name, found, (), scopes)


def wanted_key(wanted: Wanted) -> str:
    """What somebody wrote, as the option of a select."""
    return f"{Kind.ORDER}:{wanted.order_id}" if isinstance(wanted, WantedOrder) else f"name:{wanted.name}"


def _plan(
    key: str, number: int, name: str, found: Found, remarks: tuple[str, ...], scopes: tuple[str, ...] = ()
) -> Plan:
    waiting, more = found
    plan = Plan(key, f"{number} · {plain_name(name)}", waiting, (*remarks, *more), scopes)
    if not waiting:
        raise states.no_recipient(name)
    if shares_a_mailbox(plan) and not shared_mailboxes(plan):
        raise states.no_shared_mailbox(name, len(waiting))
    return plan


def _orders_with(account: Account, name: str) -> list[Order]:
    return [
        order for order in account.orders if order.is_dv and name in {own.removeprefix("*.") for own in order.names}
    ]


def covering(domains: Sequence[Domain], name: str) -> Domain | None:
    """The domain itself, else the nearest parent."""
    return max(
        (domain for domain in domains if covers(domain.name, name)), key=lambda found: len(found.name), default=None
    )


def _readable(typed: str) -> Wanted | None:
    try:
        return read_target(typed)
    except Misunderstood:
        return None


def _is_exactly(line: Listed, wanted: Wanted | None) -> bool:
    match wanted:
        case WantedOrder(order_id):
            return line.kind is Kind.ORDER and line.id == order_id
        case WantedName(name):
            return name in {own.removeprefix("*.") for own in line.names}
        case None:
            return True
