"""Resolution of a name to pending orders and domains of the account. Pure, and without scans of the account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.models import Domain, Order
from bot.parsing.domain_names import is_public_suffix
from bot.services.lookup import eligibility
from bot.services.lookup.account import AccountSnapshot

_WWW = "www."
# Monitoring, scripts and file names write these words for `*.`, because many of them do not allow an asterisk.
_WILDCARD_WORDS = frozenset(("wildcard", "star"))


@dataclass(frozen=True, slots=True)
class Resolution:
    """The DV orders or the domains that a name belongs to. If not `is_exact`, no order has the name itself.

    `name` is the name without a word for its wildcard. If there are both orders and domains, the domains have this very
    name, and the snapshot does not show if they are pending. If they are, they come first.
    """

    name: str
    orders: tuple[Order, ...] = ()
    domains: tuple[Domain, ...] = ()
    is_exact: bool = True


def resolve(account: AccountSnapshot, name: str) -> Resolution:
    """Return the pending orders or domains that are closest to a typed name, else its nearest domain.

    If there are several orders, the user has to choose. Several domains have the same name, and all may be pending.
    """
    if orders := exact_orders(account, name):
        return Resolution(name, orders)
    plain = _spelled(account.domains_by_name, name)
    domains, own = nearest_domains(account, name), exact_domains(account, plain)
    if any(domain.is_pending and may_wait(domain) for domain in own):
        return Resolution(plain, domains=domains)
    # A related order is close but not exact, so the orders below the name are offered as well, and the user chooses.
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
    """Return True if the account has a pending order or an active domain for exactly this name."""
    return name in account.orders_by_name or bool(related_orders(account, name) or exact_domains(account, name))


def exact_orders(account: AccountSnapshot, name: str) -> tuple[Order, ...]:
    """Return the pending DV orders that have this name, itself or as a wildcard."""
    return _dv(account.orders_by_name.get(name, ()))


def related_orders(account: AccountSnapshot, name: str) -> tuple[Order, ...]:
    """Return the pending DV orders whose certificate will be valid for a name that they do not list.

    These are orders for a wildcard one label above the name, and orders for the name with or without `www.`. A name
    with `wildcard.` or `star.` in front is one label below its wildcard, too.
    """
    parent = name.partition(".")[2]
    # A certificate for either of the two names is also valid for the other.
    twin = name.removeprefix(_WWW) if name.startswith(_WWW) else _WWW + name
    twins = () if is_public_suffix(name) else account.orders_by_name.get(twin, ())
    found = (*account.orders_by_wildcard.get(parent, ()), *(order for order in twins if twin in order.names))
    return _dv(dict.fromkeys(found))


def orders_below(account: AccountSnapshot, name: str) -> tuple[Order, ...]:
    """Return the pending DV orders that have a name below this registrable name or subdomain."""
    return () if is_public_suffix(name) else _dv(account.orders_by_parent.get(name, ()))


def exact_domains(account: AccountSnapshot, name: str) -> tuple[Domain, ...]:
    """Return the active domains of exactly this name, chosen as in `nearest_domains`."""
    return _best(account.domains_by_name.get(name, ()))


def nearest_domains(account: AccountSnapshot, name: str) -> tuple[Domain, ...]:
    """Return the active domains of a name, else of its nearest parent.

    If there are several of one name, return those that may be pending, else only the newest.
    """
    return _nearest(account.domains_by_name, name)


def nearest_deactivated(account: AccountSnapshot, name: str) -> tuple[Domain, ...]:
    """Return the newest deactivated domain of a name, else of its nearest parent."""
    return _nearest(account.deactivated_by_name, name)


def _spelled(by_name: Mapping[str, Sequence[Domain]], name: str) -> str:
    """Return the name without a word for its wildcard, unless a domain has that very name."""
    word, _, rest = name.partition(".")
    is_wildcard = word in _WILDCARD_WORDS and "." in rest and name not in by_name
    return rest if is_wildcard and not is_public_suffix(rest) else name


def _dv(orders: Mapping[Order, None] | Sequence[Order]) -> tuple[Order, ...]:
    """Return the DV orders. OV and EV orders are validated through their domains, so they are not found by name."""
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
    """Return True if a domain may be pending for an email, as far as the snapshot shows."""
    return eligibility.is_domain_eligible(domain)
