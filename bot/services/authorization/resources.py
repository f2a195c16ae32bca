"""What the gate is asked about: what was typed, what was found, and what would be sent."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.models import (
    Call,
    DomainTarget,
    Kind,
    Listed,
    Offered,
    OrderTarget,
    PastRequest,
    Place,
    Plan,
    Reach,
    ResendRequest,
    TargetKey,
)
from bot.parsing.domain_names import without_wildcard
from bot.parsing.targets import Wanted, WantedName, WantedOrder
from bot.policy.rules import Matter


def about_typed(place: Place | None, wanted: Wanted | None) -> Matter:
    """Before DigiCert is asked: a channel, and what somebody named, if anything."""
    names = (wanted.name,) if isinstance(wanted, WantedName) else ()
    order = wanted.order_id if isinstance(wanted, WantedOrder) else None
    return Matter(place.channel_id if place else None, names, order)


def about_plan(place: Place | None, plan: Plan) -> Matter:
    """Return the resource of resending everything that a form offers: the names it emails for, and their reach.

    An order's id covers the names of a DV order. The email for an OV or EV order validates a domain, so the domain
    itself must be allowed.
    """
    orders = {waiting.target.order_id for waiting in plan.waiting if isinstance(waiting.target, OrderTarget)}
    names = _bare(waiting.name for waiting in plan.waiting)
    return Matter(place.channel_id if place else None, names, next(iter(orders), None), settled=True, reach=plan.reach)


def about_calls(place: Place, calls: Iterable[Call], reach: Reach) -> Matter:
    """Return the resource of these calls; an address of a parent may validate the parent, so that counts, too."""
    names: list[str] = []
    of_parents: list[str] = []
    order = None
    for call in calls:
        names += call.names
        of_parents += (recipient.email_domain for recipient in call.recipients if recipient.email_domain)
        match call.target:
            case OrderTarget(order_id):
                order = order_id
            case DomainTarget(_, name_scope):
                names.append(name_scope)
    reach = replace(reach, names=_bare((*reach.names, *of_parents)))
    return Matter(place.channel_id, _bare(names), order, settled=True, reach=reach)


def about_request(request: ResendRequest) -> Matter:
    """Return the resource of looking at an accepted request: the names that it emailed for."""
    names = (name for call in request.calls for name in call.names)
    return _settled(request.place, request.key, names)


def about_line(place: Place | None, line: Listed) -> Iterator[Matter]:
    """Yield a resource for each name of a line of the listing; which of an order's names wait is not listed."""
    channel = place.channel_id if place else None
    for name in _bare(line.names) or _bare((line.name,)):
        if line.kind is Kind.ORDER:
            yield Matter(channel, (name,), line.id)
        else:
            yield Matter(channel, (name,), settled=True, reach=Reach(below=(name,)))


def about_offered(place: Place, offered: Offered) -> Matter:
    """An order or a domain that a channel was offered."""
    return _settled(place, offered.key, offered.names)


def about_past(place: Place | None, past: PastRequest) -> tuple[Matter, ...]:
    """Return all that a person must be allowed to see before they see a past request; nothing if it names nothing.

    It is settled unless an order was typed of which no name was read.
    """
    channel, names = place.channel_id if place else None, _bare(past.names)
    orders = past.orders or ((None,) if names else ())
    return tuple(Matter(channel, names, order, settled=bool(names)) for order in orders)


def _settled(place: Place | None, key: str, names: Iterable[str]) -> Matter:
    order = TargetKey.parse(key).order_id
    return Matter(place.channel_id if place else None, _bare(names), order, settled=True)


def _bare(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once; a mail for `*.example.com` validates example.com, so that is the name that counts."""
    return tuple(dict.fromkeys(without_wildcard(name.lower()) for name in names))
