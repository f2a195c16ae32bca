"""The triage of an alert: its pending targets get an offer, are counted, or exceed the rate limit. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.models import OfferTarget, TargetKey
from bot.store.offers import ChannelOffers

MOST_OFFERS = 10
SPAN = timedelta(minutes=10)
OFFER_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Triage:
    """The result of a triage: offer ids that count one more alert, target keys that get an offer.

    `summarised` means that the author's allowance is used up, so that the summary counts the alert instead.
    """

    counted: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    summarised: bool = False


def without_offer(named: Sequence[str], known: ChannelOffers) -> list[str]:
    """Return the target keys that have no open offer in this channel."""
    return [key for key in named if key not in known.open]


def is_rate_limited(known: ChannelOffers) -> bool:
    """Return True if the author has caused MOST_OFFERS offers in this channel within SPAN."""
    return known.lately >= MOST_OFFERS


def triage(named: Sequence[str], waiting: Collection[str], known: ChannelOffers) -> Triage:
    """Decide about an alert that mentions the target keys `named`, of which `waiting` are pending.

    If the author's allowance is used up, `waiting` comes from the account list alone, and its targets get no offers.
    """
    counted = tuple(dict.fromkeys(known.open[key] for key in named if key in known.open))
    wanted = tuple(key for key in without_offer(named, known) if key in waiting)
    if is_rate_limited(known):
        return Triage(counted, summarised=bool(wanted))
    return Triage(counted, wanted)


def one_per_email(targets: Sequence[OfferTarget]) -> list[OfferTarget]:
    """Return the targets without those whose emails another one would send, too.

    An order replaces the domain that its emails are for. The keys of what is left out are in `also` of the other.
    """
    kept: list[OfferTarget] = []
    for target in targets:
        same = next((number for number, other in enumerate(kept) if _overlap(target, other)), None)
        if same is None:
            kept.append(target)
        else:
            kept[same] = _merged(kept[same], target)
    return kept


def _overlap(one: OfferTarget, other: OfferTarget) -> bool:
    return bool(one.emails) and (set(one.emails) <= set(other.emails) or set(other.emails) <= set(one.emails))


def _merged(first: OfferTarget, second: OfferTarget) -> OfferTarget:
    """Return the one that sends more, or the order if they send the same. The first one counts before the second."""
    main, rest = first, second
    if (len(second.emails), _is_order(second)) > (len(first.emails), _is_order(first)):
        main, rest = second, first
    return replace(main, also=(*main.also, *rest.keys))


def _is_order(target: OfferTarget) -> bool:
    return TargetKey.parse(target.key).order_id is not None
