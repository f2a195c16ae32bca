"""Lookup of an order id or a name: the names that are pending there, and the recipients for each."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from attrs import define, field

from bot.clock import Clock, utc_now
from bot.digicert.client import CertCentral
from bot.errors import CaRejected, InvalidInput, NotResendable, NotVisible
from bot.expiry.calendar import Calendar, shipped_calendar
from bot.expiry.outlook import Outlook
from bot.models import (
    AccountEntry,
    CallStep,
    DcvToken,
    Domain,
    DomainTarget,
    Kind,
    NameValidation,
    Order,
    OrderTarget,
    OrderValidation,
    Plan,
    Reach,
    ResendRequest,
    Revalidation,
    TargetKey,
    Unreadable,
    Valid,
    domain_key,
    order_key,
)
from bot.parsing.domain_names import display_name, is_subdomain_of, without_wildcard
from bot.parsing.targets import DomainRef, OrderRef, TargetRef, read_target
from bot.recipients import needs_shared_mailbox, shared_mailboxes
from bot.services.authorization.visibility import Visibility
from bot.services.lookup import eligibility, reach
from bot.services.lookup.account import AccountCache, AccountSnapshot, search
from bot.services.lookup.name_resolution import Resolution, is_listed, nearest_deactivated, nearest_domains, resolve
from bot.services.lookup.reach import ReachReader
from bot.services.lookup.recipient_options import Found, RecipientOptions
from bot.views.validity import prospect_in_words

# CertCentral's name of the validation by a DNS TXT record.
TXT = "dns-txt-token"
SEARCH_SECONDS = 0.9
MOST_CALLS = 10
# The limit of reads for domains of one name. An account holds at most one for each organization.
MOST_TWINS = 10
MOST_NAMES = 10
_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class DomainChoice:
    """Several orders or domains that match the name, of which the user chooses one.

    If not `is_exact`, none of them has the name itself.
    """

    name: str
    matches: tuple[AccountEntry, ...]
    is_exact: bool = True


@define(eq=False, repr=False, slots=False)
class Finder:
    """Lookups at DigiCert for a user. The caller must ask the authorizer first.

    The methods raise NotResendable if nothing can be resent. They raise NotVisible for everything that the user may not
    see or that does not exist. They raise CaUnavailable and CaRejected if DigiCert does not answer the question.
    """

    _certcentral: CertCentral
    _account_cache: AccountCache
    _waiting: RecipientOptions
    _reach: ReachReader = field(alias="reach_reader")
    _clock: Clock = utc_now
    _calendar: Calendar = field(factory=shipped_calendar)

    async def search(
        self, typed: str, visibility: Visibility, limit: int
    ) -> tuple[list[AccountEntry], TargetRef | None]:
        """Return the lines that match the typed text, and the target that it names unless a line is exactly that.

        Searches only the names that the user may see.
        """
        wanted = _readable(typed)
        account = await self._account_cache.within(SEARCH_SECONDS)
        meant = wanted.name if isinstance(wanted, DomainRef) else str(wanted.order_id) if wanted else None
        # In a thread, because ten thousand lines under many rules would block the event loop for tens of milliseconds.
        every = account.searchable if account else ()
        lines = await asyncio.to_thread(search, every, typed, meant, visibility.line, limit)
        return lines, None if any(_is_exactly(line, wanted) for line in lines) else wanted

    async def find(self, wanted: TargetRef, visibility: Visibility, *, exactly: bool = False) -> Plan | DomainChoice:
        """Return what is pending for an order id or a name that the user typed.

        If `exactly`, the user must choose even a single order, unless it has the name itself.
        """
        match wanted:
            case OrderRef(number, str(name)) if await self._is_domain(number, name, visibility):
                return await self._domain(number, visibility)
            case OrderRef(order_id):
                return await self._order(order_id, visibility, wanted)
            case DomainRef(name):
                return await self._named(name, visibility, exactly=exactly)

    async def lines(self, keys: Sequence[str]) -> list[AccountEntry]:
        """Return the lines of these orders and domains, without those that the account no longer lists."""
        account = await self._account_cache.account()
        return [account.line_by_key[key] for key in keys if key in account.line_by_key]

    async def known_best(self, names: Sequence[str]) -> frozenset[str]:
        """Return the names that the account knows best: those with an order or domain of their own, else with a parent.

        Calls DigiCert once for each name without a pending order or domain, and for MOST_NAMES names at most.
        """
        account = await self._account_cache.account()
        own = {name for name in names if is_listed(account, name)}
        limit = asyncio.Semaphore(_AT_ONCE)

        async def has_order(name: str) -> bool:
            async with limit:
                found = await self._certcentral.orders_named(name)
                return any(not isinstance(order, Unreadable) for order in found)

        # Closed orders are not in the snapshot, so only a search at DigiCert shows that a name had one.
        others = [name for name in dict.fromkeys(names) if name not in own][:MOST_NAMES]
        own.update(name for name, has in zip(others, await asyncio.gather(*map(has_order, others)), strict=True) if has)
        return frozenset(own or {name for name in names if nearest_domains(account, name)})

    async def _is_domain(self, number: int, name: str, visibility: Visibility) -> bool:
        """Return True if this id and name are those of a visible domain, and the id is not that of an order."""
        account = await self._account_cache.account()
        is_order = any(order.id == number for order in account.orders)
        is_domain = any((domain.id, domain.name) == (number, name) for domain in account.domains)
        return is_domain and not is_order and visibility.sees(name)

    async def by_key(self, key: str, visibility: Visibility) -> Plan | DomainChoice:
        """Return what is pending for the option of a select: `order:700001`, `domain:1234`, or `name:` and a name.

        Raises InvalidInput if the key is malformed.
        """
        chosen = TargetKey.parse(key)
        if chosen.kind == "name":
            return await self.find(read_target(chosen.value), visibility)
        if chosen.number is None:
            raise InvalidInput("Choose an order or domain from the list.")
        if chosen.kind == Kind.ORDER:
            return await self._order(chosen.number, visibility, OrderRef(chosen.number))
        return await self._domain(chosen.number, visibility)

    async def with_scope(self, plan: Plan, index: int, visibility: Visibility) -> Plan:
        """Return the plan of the same domain for another name scope that its form offers.

        Raises InvalidInput if the form does not offer that scope.
        """
        key = TargetKey.parse(plan.key)
        if key.kind != Kind.DOMAIN or key.number is None or not 0 <= index < len(plan.scopes):
            raise InvalidInput("Choose a domain from the list.")
        return await self._domain(key.number, visibility, plan.scopes, plan.scopes[index])

    async def revalidation(self, key: str, visibility: Visibility) -> Plan:
        """Return the plan to submit a domain again and email for it. `visibility` is one for that action.

        Raises NotResendable if the domain is pending or inactive, or if that is not worthwhile.
        """
        domain = await self._domain_of(key, visibility)
        outlook = self._outlook
        prospect = outlook.prospect(domain)
        if not prospect.is_worthwhile:
            raise eligibility.domain_ineligible(domain, outlook) or eligibility.resend_instead(domain)
        state = Revalidation(eligibility.validity_in_words(domain, outlook), domain.validation_types)
        remarks = [prospect_in_words(prospect, outlook.today)]
        if isinstance(domain.validation, Valid):
            remarks.append("The present validation stays in force meanwhile.")
        return await self._revalidated(domain, state, remarks, visibility)

    async def continuation(self, request: ResendRequest, visibility: Visibility) -> Plan:
        """Return the plan for the remaining steps of an interrupted revalidation, by the present state of its domain.

        Its recipients are read now. Raises NotResendable if nothing is left to do.
        """
        domain = await self._domain_of(request.key, visibility)
        if domain.is_pending is False and domain.approved_at and domain.approved_at >= request.at:
            raise eligibility.validated_meanwhile(domain, self._outlook)
        steps: tuple[CallStep, ...] = tuple(CallStep)
        state = eligibility.validity_in_words(domain, self._outlook)
        if domain.is_pending:
            state = "submitted for validation"
            steps = steps[2:] if domain.method == eligibility.EMAIL else steps[1:]
        await self._waiting.refresh(domain.id)
        revalidation = Revalidation(state, domain.validation_types, steps, request.id)
        return await self._revalidated(domain, revalidation, (), visibility)

    async def dns_record(self, request: ResendRequest, visibility: Visibility) -> tuple[Domain, DcvToken]:
        """Return the domain of an interrupted revalidation, and the value of the TXT record that validates it too.

        Raises NotResendable if the domain waits for no record.
        """
        domain = await self._domain_of(request.key, visibility)
        if not domain.is_pending or domain.method != TXT or domain.token is None:
            raise eligibility.no_dns_record(domain)
        return domain, domain.token

    async def _domain_of(self, key: str, visibility: Visibility) -> Domain:
        chosen = TargetKey.parse(key)
        if chosen.kind != Kind.DOMAIN or chosen.number is None:
            raise InvalidInput("Choose a domain from the list.")
        with visibility.if_unknown(eligibility.unknown_domain(chosen.number), None):
            domain = await self._certcentral.domain(chosen.number)
        if not visibility.sees(domain.name):
            raise visibility.not_visible(None)
        return domain

    async def _revalidated(
        self, domain: Domain, revalidation: Revalidation, remarks: Sequence[str], visibility: Visibility
    ) -> Plan:
        found = await self._waiting.of_domains([(DomainTarget(domain.id, domain.name), True)])
        whole = await self._reach.of_scopes((domain.name,), None, visibility.context.rules)
        plan = _plan(domain_key(domain.id), domain.id, domain.name, found, tuple(remarks), whole)
        return replace(plan, revalidation=revalidation)

    @property
    def _outlook(self) -> Outlook:
        return Outlook(self._calendar, self._clock())

    async def _named(self, name: str, visibility: Visibility, *, exactly: bool) -> Plan | DomainChoice:
        account = await self._account_cache.account()
        found = resolve(account, name)
        # A new order is not in a cached snapshot yet, so an inexact match deserves a fresh one.
        if not found.is_exact or not (found.orders or found.domains):
            account = await self._account_cache.account(young=True)
            found = resolve(account, name)
        if domains := await self._pending_of(found):
            return await self._one_domain(account, name, found, domains, visibility)
        if not found.orders:
            return await self._not_listed(name, account, visibility)
        lines = _visible_lines(account, found.orders, visibility)
        if len(lines) > 1 or (lines and exactly and not found.is_exact):
            return DomainChoice(name, lines, found.is_exact)
        order_id = lines[0].id if lines else found.orders[0].id
        return await self._order(order_id, visibility, DomainRef(name))

    async def _one_domain(
        self, account: AccountSnapshot, name: str, found: Resolution, domains: Sequence[Domain], visibility: Visibility
    ) -> Plan | DomainChoice:
        """Return the plan for a domain, or a choice if several of this name are pending."""
        lines = _visible_lines(account, domains, visibility) if len(domains) > 1 else ()
        if len(lines) > 1:
            return DomainChoice(name, lines)
        scopes = _scopes(domains[0], found.name, account)
        return await self._domain(domains[0].id, visibility, scopes, typed=found.name)

    async def _pending_of(self, found: Resolution) -> Sequence[Domain]:
        """Return the pending domains. Without any, return none if there are orders, else the first domain.

        Reads them from DigiCert if the snapshot does not decide between them.
        """
        if not found.orders and len(found.domains) < 2:
            return found.domains
        now = await asyncio.gather(*map(self._domain_now, found.domains[:MOST_TWINS]))
        return list(filter(eligibility.is_domain_eligible, now)) or now[: 0 if found.orders else 1]

    async def _domain_now(self, listed: Domain) -> Domain:
        """Read a domain of the snapshot again. Return it as deactivated if DigiCert no longer shows it."""
        try:
            return await self._certcentral.domain(listed.id)
        except CaRejected:
            return replace(listed, is_active=False)

    async def _not_listed(self, name: str, account: AccountSnapshot, visibility: Visibility) -> Plan:
        """Return the plan for the newest order of this name, in any state.

        If there is none, raise with the known reason.
        """
        found = await self._certcentral.orders_named(name)
        if orders := [order for order in found if not isinstance(order, Unreadable)]:
            # Order ids grow with time, so the highest one is the newest. Prefer orders that an email may help.
            eligible = [order for order in orders if not eligibility.order_ineligible(order)]
            return await self._order(max(order.id for order in eligible or orders), visibility, DomainRef(name))
        if not visibility.sees_everything:
            raise visibility.not_visible(DomainRef(name))
        outlook = self._outlook
        reasons = (eligibility.domain_ineligible(each, outlook) for each in nearest_deactivated(account, name))
        raise next(filter(None, reasons), None) or eligibility.unknown_name(name, account.unreadable_with(found))

    async def _order(self, order_id: int, visibility: Visibility, wanted: TargetRef) -> Plan:
        with visibility.if_unknown(eligibility.unknown_order(order_id), wanted):
            order = await self._certcentral.order(order_id)
        observation = visibility.order(order)
        if observation and isinstance(wanted, OrderRef):
            _require_described(observation, wanted.name)
        try:
            return await self._order_plan(order, observation or replace(order, names=(), common_name=""), visibility)
        except NotResendable as error:
            # A user who may see no name of an order may still resend for the domain that validates it.
            raise (visibility.not_visible(wanted) if observation is None else error) from None
        except NotVisible:
            raise visibility.not_visible(wanted) from None

    async def _order_plan(self, order: Order, observation: Order, visibility: Visibility) -> Plan:
        """Return what is pending for an order. `observation` is the same order, reduced to what the user may see."""
        if nothing := eligibility.order_ineligible(observation):
            raise nothing
        validation = await self._certcentral.order_validation(order.id)
        entries = [entry for entry in validation.names if entry.is_open]
        if not entries:
            shown = validation if observation == order else eligibility.without_names(validation)
            raise eligibility.no_name_waits(observation, shown)
        visible = [each for each in (visibility.entry(entry, order) for entry in entries) if each]
        if not visible:
            raise visibility.not_visible(None)
        remarks = eligibility.email_validated(observation, validation, visible)[1]
        by_email = eligibility.email_validated(observation, validation, entries)[0]
        # DigiCert does not document an email for only some of the pending names, so all of them must be visible.
        if not all(visibility.entry(entry, order) == entry for entry in by_email):
            raise visibility.not_visible(None)
        found, more = await self._of_order(order, by_email)
        whole = await self._reach_of(order, validation, found, visibility)
        name = observation.common_name or (observation.names or [by_email[0].name_scope])[0]
        plan = _plan(order_key(order.id), order.id, name, found, (*remarks, *more), whole)
        validated = _validated(order, validation, visibility)
        plan = replace(plan, product=order.product, since=order.since or order.ordered_at, validated=validated)
        return _visible(plan, visibility)

    async def _reach_of(self, order: Order, validation: OrderValidation, found: Found, visibility: Visibility) -> Reach:
        if order.is_dv:
            return reach.of_order(order, validation.names)
        scopes = [waiting.scope for waiting in found[0]]
        return await self._reach.of_scopes(scopes, order.id, visibility.context.rules)

    async def _of_order(self, order: Order, entries: Sequence[NameValidation]) -> tuple[Found, list[str]]:
        if order.is_dv:
            return await self._waiting.of_order(OrderTarget(order.id), entries), []
        targets, remarks = await self._domain_targets(entries)
        return await self._waiting.of_domains(targets), remarks

    async def _domain_targets(
        self, entries: Sequence[NameValidation]
    ) -> tuple[list[tuple[DomainTarget, bool]], list[str]]:
        """Return each domain and name scope once, and remarks on entries without a domain or beyond the limit."""
        found: dict[DomainTarget, bool] = {}
        without_domain = []
        for entry in entries:
            scope = without_wildcard(entry.name_scope)
            domain_id = entry.domain_id or await self._domain_id(scope)
            if domain_id is None:
                without_domain.append(scope)
            else:
                found.setdefault(DomainTarget(domain_id, scope), entry.covers_below)
        remarks = eligibility.excluded_names(without_domain, "CertCentral has no domain for it")
        if more := [target.name_scope for target in found][MOST_CALLS:]:
            remarks.append(eligibility.too_many(MOST_CALLS, more))
        return list(found.items())[:MOST_CALLS], remarks

    async def _domain_id(self, name: str) -> int | None:
        domains = nearest_domains(await self._account_cache.account(), name)
        return domains[0].id if domains else None

    async def _domain(
        self,
        domain_id: int,
        visibility: Visibility,
        scopes: tuple[str, ...] = (),
        scope: str | None = None,
        typed: str | None = None,
    ) -> Plan:
        wanted = DomainRef(typed) if typed else None
        with visibility.if_unknown(eligibility.unknown_domain(domain_id), wanted):
            domain = await self._certcentral.domain(domain_id)
        permitted = tuple(each for each in scopes or (domain.name,) if visibility.may_resend_below(each))
        may, outlook = visibility.may_revalidate_below(domain.name), self._outlook
        if nothing := eligibility.domain_ineligible(domain, outlook, may_revalidate=may):
            if not visibility.sees(domain.name):
                raise visibility.not_visible(wanted)
            if typed is not None and typed not in (domain.name, *scopes):
                nothing = eligibility.below_validated(typed, domain, outlook, may_revalidate=may) or nothing
            raise nothing
        chosen = scope or (permitted or (domain.name,))[0]
        if not visibility.sees(chosen):
            raise visibility.not_visible(wanted)
        found = await self._waiting.of_domains([(DomainTarget(domain.id, chosen), True)])
        remarks = eligibility.not_on_an_order(typed, chosen) if typed and typed not in scopes else ()
        whole = await self._reach.of_scopes((chosen,), None, visibility.context.rules)
        name = domain.name if visibility.sees(domain.name) else chosen
        plan = _plan(domain_key(domain.id), domain.id, name, found, remarks, whole, permitted)
        return replace(plan, since=domain.since)


def _visible(plan: Plan, visibility: Visibility) -> Plan:
    """Return the plan if the user may see each name that it emails for. Raises NotVisible otherwise."""
    order_id = TargetKey.parse(plan.key).order_id
    if all(visibility.sees(waiting.name, order_id) for waiting in plan.waiting):
        return plan
    raise visibility.not_visible(OrderRef(order_id) if order_id is not None else None)


def _validated(order: Order, validation: OrderValidation, visibility: Visibility) -> tuple[str, ...]:
    """Return the names of an order that are validated already, as far as the user may see them."""
    seen = (visibility.entry(entry, order) for entry in validation.names if not entry.is_open)
    return tuple(dict.fromkeys(without_wildcard(name) for entry in seen if entry for name in entry.names))


def _scopes(domain: Domain, name: str, account: AccountSnapshot) -> tuple[str, ...]:
    """Return the name scopes that the form offers: the stored domain, and the typed name if an order has it.

    Any other name below the domain is refused: under invented names, one mailbox could be emailed without a cooldown.
    """
    return tuple(dict.fromkeys((domain.name, name) if name in account.orders_by_name else (domain.name,)))


def _plan(
    key: str,
    number: int,
    name: str,
    found: Found,
    remarks: tuple[str, ...],
    whole: Reach,
    scopes: tuple[str, ...] = (),
) -> Plan:
    waiting, more = found
    plan = Plan(key, f"{number} · {display_name(name)}", waiting, (*remarks, *more), scopes, whole)
    if not waiting:
        raise eligibility.no_recipient(name, key)
    if needs_shared_mailbox(plan) and not shared_mailboxes(plan):
        raise eligibility.no_shared_mailbox(name, len(waiting), key)
    return plan


def _require_described(order: Order, name: str | None) -> None:
    """Raise InvalidInput if the user gave an order id together with a name unrelated to that order."""
    own = [without_wildcard(each) for each in order.names]
    if name and own and not any(is_subdomain_of(each, name) or is_subdomain_of(name, each) for each in own):
        raise InvalidInput(
            f"Order {order.id} isn't for {display_name(name)}. Enter one order number or domain at a time."
        )


def _visible_lines(
    account: AccountSnapshot, found: Sequence[Order | Domain], visibility: Visibility
) -> tuple[AccountEntry, ...]:
    """Return the lines of these orders or domains that the user may resend for, the longest waiting first."""
    lines = [line for each in found if (line := visibility.line(account.line_of(each)))]
    return tuple(sorted(lines, key=lambda line: line.since.timestamp() if line.since else math.inf))


def _readable(typed: str) -> TargetRef | None:
    try:
        return read_target(typed)
    except InvalidInput:
        return None


def _is_exactly(line: AccountEntry, wanted: TargetRef | None) -> bool:
    match wanted:
        case OrderRef(order_id):
            return line.kind is Kind.ORDER and line.id == order_id
        case DomainRef(name):
            return name in {without_wildcard(own) for own in line.names}
        case None:
            return True
