"""The pending orders and the domain of the account that a name belongs to. Pure, and without scans of the account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.models import Domain, Order
from bot.parsing.domain_names import is_public_suffix
from bot.services.lookup import eligibility
from bot.services.lookup.account import AccountSnapshot

_WWW = "www."
# Monitoring, scripts and file names write these for `*.`, which many of them do not allow.
_WILDCARD_WORDS = frozenset(("wildcard", "star"))


@dataclass(frozen=True, slots=True)
class Resolution:
    """The DV orders that a name belongs to, or its domains. If not `is_exact`, no order carries the name itself.

    `name` is the name without a word for its wildcard. If there are both, the domains have this very name, and the
    listing does not show if they are pending. If they are, they come first.
    """

    name: str
    orders: tuple[Order, ...] = ()
    domains: tuple[Domain, ...] = ()
    is_exact: bool = True


def resolve(account: AccountSnapshot, name: str) -> Resolution:
    """Return what a name that a person typed belongs to: the closest of what is pending, else its nearest domain.

    Several orders mean that the person has to choose. Several domains have the same name, and all of them are pending.
    """
    if orders := exact_orders(account, name):
        return Resolution(name, orders)
    plain = _spelled(account.domains_by_name, name)
    domains, own = nearest_domains(account, name), exact_domains(account, plain)
    if any(domain.is_pending and may_wait(domain) for domain in own):
        return Resolution(plain, domains=domains)
    below = orders_below(account, name)
    if related := related_orders(account, name):
        orders = tuple(dict.fromkeys((*related, *below)))
        return Resolution(plain, orders, tuple(filter(may_wait, own)), is_exact=False)
    if any(map(may_wait, domains)):
        return Resolution(plain, domains=domains)
    if below:
        return Resolution(name, below, is_exact=False)
    return Resolution(plain, domains=domains)


def is_listed(account: AccountSnapshot, name: str) -> bool:
    """Return whether the account has a pending order or an active domain for exactly this name."""
    return name in account.orders_by_name or bool(related_orders(account, name) or exact_domains(account, name))


def exact_orders(account: AccountSnapshot, name: str) -> tuple[Order, ...]:
    """Return the pending DV orders that carry a name, itself or as a wildcard."""
    return _dv(account.orders_by_name.get(name, ()))


def related_orders(account: AccountSnapshot, name: str) -> tuple[Order, ...]:
    """Return the pending DV orders whose certificate will be valid for a name that is not written on them.

    These are orders for a wildcard one label above the name, and orders for the name with or without `www.`. A
    `wildcard.` or `star.` before the name of a wildcard is one label below it, too.
    """
    parent = name.partition(".")[2]
    twin = name.removeprefix(_WWW) if name.startswith(_WWW) else _WWW + name
    twins = () if is_public_suffix(name) else account.orders_by_name.get(twin, ())
    found = (*account.orders_by_wildcard.get(parent, ()), *(order for order in twins if twin in order.names))
    return _dv(dict.fromkeys(found))


def orders_below(account: AccountSnapshot, name: str) -> tuple[Order, ...]:
    """Return the pending DV orders that carry a name below a registrable name, or below one of its subdomains."""
    return () if is_public_suffix(name) else _dv(account.orders_by_parent.get(name, ()))


def exact_domains(account: AccountSnapshot, name: str) -> tuple[Domain, ...]:
    """Return the active domains of exactly this name, as `nearest_domains` does."""
    return _best(account.domains_by_name.get(name, ()))


def nearest_domains(account: AccountSnapshot, name: str) -> tuple[Domain, ...]:
    """Return the active domains of a name, else of its nearest parent.

    If there are several of one name, those that may wait for an email are returned, else the newest of them.
    """
    return _nearest(account.domains_by_name, name)


def nearest_deactivated(account: AccountSnapshot, name: str) -> tuple[Domain, ...]:
    """Return the newest deactivated domain of a name, else of its nearest parent."""
    return _nearest(account.deactivated_by_name, name)


def _spelled(by_name: Mapping[str, Sequence[Domain]], name: str) -> str:
    """Return the name without a word for its wildcard, unless a domain is called by that very name."""
    word, _, rest = name.partition(".")
    is_wildcard = word in _WILDCARD_WORDS and "." in rest and name not in by_name
    return rest if is_wildcard and not is_public_suffix(rest) else name


def _dv(orders: Mapping[Order, None] | Sequence[Order]) -> tuple[Order, ...]:
    """Only DV orders are found by name: OV and EV orders are validated by their domains."""
    return tuple(order for order in orders if order.is_dv)


def _nearest(by_name: Mapping[str, Sequence[Domain]], name: str) -> tuple[Domain, ...]:
    name = _spelled(by_name, name)
    while name:
        if found := by_name.get(name):
            return _best(found)
        name = name.partition(".")[2]
    return ()


def _best(domains: Sequence[Domain]) -> tuple[Domain, ...]:
    pending = [domain for domain in domains if domain.is_pending and may_wait(domain)]
    if waiting := pending or list(filter(may_wait, domains)):
        return tuple(waiting)
    return (max(domains, key=lambda domain: domain.id),) if domains else ()


def may_wait(domain: Domain) -> bool:
    """Return whether a domain may wait for an email, as far as the listing shows."""
    return eligibility.domain_ineligible(domain) is None
