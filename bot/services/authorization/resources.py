"""The resources of policy decisions, built from input, plans, calls, and stored requests."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.models import (
    NAME,
    AccountEntry,
    Call,
    Destination,
    DomainTarget,
    Kind,
    OfferTarget,
    OrderTarget,
    PastRequest,
    Plan,
    Reach,
    ResendRequest,
    TargetKey,
    name_key,
    order_key,
)
from bot.parsing.domain_names import without_wildcard
from bot.parsing.targets import DomainRef, OrderRef, TargetRef, target_ref_key
from bot.policy.rules import Resource


def resource_for_input(destination: Destination | None, wanted: TargetRef | None) -> Resource:
    """Return the resource before any call to DigiCert: a channel, and the target that the user named, if any."""
    names = (wanted.name,) if isinstance(wanted, DomainRef) else ()
    order = wanted.order_id if isinstance(wanted, OrderRef) else None
    channel = destination.channel_id if destination else None
    return Resource(channel, names, order, target=target_ref_key(wanted) if wanted else "")


def resource_for_plan(destination: Destination | None, plan: Plan, key: str) -> Resource:
    """Return the resource of resending everything that a form offers: the names it emails for, and their reach.

    `key` is that of the target that the user asked for.

    An order's id covers the names of a DV order. The email for an OV or EV order validates a domain, so the domain
    itself must be allowed.
    """
    orders = {waiting.target.order_id for waiting in plan.waiting if isinstance(waiting.target, OrderTarget)}
    names = _bare(waiting.name for waiting in plan.waiting)
    return Resource(
        destination.channel_id if destination else None,
        names,
        next(iter(orders), None),
        resolved=True,
        reach=plan.reach,
        target=key if TargetKey.parse(key).kind in ASKED_KINDS else name_key(names[0]),
    )


# The kinds of targets that a user asks for: the number of a domain means nothing to them.
ASKED_KINDS = frozenset({Kind.ORDER, NAME})


def resource_for_calls(destination: Destination, calls: Iterable[Call], reach: Reach) -> Resource:
    """Return the resource of these calls. An address of a parent may validate the parent, so that counts, too."""
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
    bare = _bare(names)
    target = name_key(bare[0]) if order is None else order_key(order)
    return Resource(destination.channel_id, bare, order, resolved=True, reach=reach, target=target)


def resource_for_request(request: ResendRequest) -> Resource:
    """Return the resource of viewing an accepted request: the names that it emailed for."""
    names = (name for call in request.calls for name in call.names)
    return _resolved(request.destination, request.key, names)


def resources_for_entry(destination: Destination | None, line: AccountEntry) -> Iterator[Resource]:
    """Yield a resource for each name of an inventory line.

    The inventory does not show which names of an order are pending.
    """
    channel = destination.channel_id if destination else None
    for name in _bare(line.names) or _bare((line.name,)):
        if line.kind is Kind.ORDER:
            yield Resource(channel, (name,), line.id)
        else:
            yield Resource(channel, (name,), resolved=True, reach=Reach(below=(name,)))


def resources_for_offer_target(destination: Destination, offered: OfferTarget) -> Resource:
    """Return the resource of an order or a domain that was offered to a channel."""
    return _resolved(destination, offered.key, offered.names)


def resource_for_past_request(destination: Destination | None, past: PastRequest) -> tuple[Resource, ...]:
    """Return the resources that a user must be allowed to see to see a past request; empty if it names nothing.

    They are resolved unless the request was for an order of which the bot read no name.
    """
    channel, names = destination.channel_id if destination else None, _bare(past.names)
    orders = past.orders or ((None,) if names else ())
    return tuple(Resource(channel, names, order, resolved=bool(names)) for order in orders)


def _resolved(destination: Destination | None, key: str, names: Iterable[str]) -> Resource:
    order, bare = TargetKey.parse(key).order_id, _bare(names)
    target = key if order is not None else name_key(bare[0]) if bare else ""
    return Resource(destination.channel_id if destination else None, bare, order, resolved=True, target=target)


def _bare(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once, without wildcard.

    An email for `*.example.com` validates example.com, so that name counts.
    """
    return tuple(dict.fromkeys(without_wildcard(name.lower()) for name in names))
