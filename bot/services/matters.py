"""What the gate is asked about: what was typed, what was found, and what would be sent."""

from collections.abc import Iterable, Iterator

from bot.models import Call, DomainTarget, Kind, Listed, Offered, Order, OrderTarget, PastRequest, Place, Plan
from bot.policy import Matter
from bot.services.lookup import Wanted
from bot.targets import WantedName, WantedOrder


def about_typed(place: Place | None, wanted: Wanted | None) -> Matter:
    """Before DigiCert is asked: a channel, and what somebody named, if anything."""
    names = (wanted.name,) if isinstance(wanted, WantedName) else ()
    order = wanted.order_id if isinstance(wanted, WantedOrder) else None
    return Matter(place.channel_id if place else None, names, order)


def about_plan(place: Place, plan: Plan) -> Matter:
    """Every name that a form offers to mail for."""
    return _settled(place, plan.key, (waiting.name for waiting in plan.waiting))


def about_calls(place: Place, key: str, calls: Iterable[Call]) -> Matter:
    """What these calls would mail for; `key` is the order or domain that they belong to."""
    names: list[str] = []
    for call in calls:
        names += call.names
        match call.target:
            case OrderTarget(order_id):
                key = f"{Kind.ORDER}:{order_id}"
            case DomainTarget(_, name_scope):
                names.append(name_scope)
    return _settled(place, key, names)


def about_order(place: Place | None, order: Order) -> Matter:
    """An order and all its names, in whatever state they are."""
    names = order.names or ((order.common_name,) if order.common_name else ())
    return _settled(place, f"{Kind.ORDER}:{order.id}", names)


def about_domain(place: Place | None, name: str) -> Matter:
    """A domain, apart from any order."""
    return _settled(place, "", (name,))


def about_line(place: Place, line: Listed) -> Iterator[Matter]:
    """Each name of a line of the account's listing, which does not tell for which of an order's names mail waits."""
    for name in _bare(line.names) or (line.name,):
        if line.kind is Kind.ORDER:
            yield Matter(place.channel_id, (name,), line.id)
        else:
            yield about_domain(place, name)


def about_offered(place: Place, offered: Offered) -> Matter:
    """An order or a domain that a channel was offered."""
    return _settled(place, offered.key, offered.names)


def about_past(place: Place | None, past: PastRequest) -> Matter:
    """What the ledger tells of a request; of one that was refused it knows only what was typed."""
    names = tuple(name for call in past.calls for name in call.names)
    orders = {call.target.removeprefix("order ") for call in past.calls if call.target.startswith("order ")}
    key = f"{Kind.ORDER}:{orders.pop()}" if orders else ""
    return _settled(place, key, names) if names else about_typed(place, None)


def _settled(place: Place | None, key: str, names: Iterable[str]) -> Matter:
    kind, _, number = key.partition(":")
    order = int(number) if kind == Kind.ORDER and number.isdecimal() else None
    return Matter(place.channel_id if place else None, _bare(names), order, settled=True)


def _bare(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once; a mail for `*.example.com` validates example.com, so that is the name that counts."""
    return tuple(dict.fromkeys(name.lower().removeprefix("*.") for name in names))
