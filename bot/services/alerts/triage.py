"""The triage of an alert: its pending targets get an offer, are counted, or exceed the rate limit. Pure."""

from collections.abc import Mapping, Sequence
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


def triage(named: Sequence[str], waiting: Mapping[str, OfferTarget], known: ChannelOffers) -> Triage:
    """Decide about an alert that mentions the target keys `named`, of which `waiting` are pending.

    A target whose emails all have an open offer counts for these offers. If the author's allowance is used up,
    `waiting` comes from the account list alone, and its targets get no offers.
    """
    same = {key: _open_for(target, known) for key, target in waiting.items()}
    counted = [offer_id for key in named for offer_id in [*_open(key, known), *same.get(key, ())]]
    wanted = tuple(key for key in without_offer(named, known) if key in waiting and not same[key])
    if is_rate_limited(known):
        return Triage(tuple(dict.fromkeys(counted)), summarised=bool(wanted))
    return Triage(tuple(dict.fromkeys(counted)), wanted)


def _open(key: str, known: ChannelOffers) -> list[str]:
    return [known.open[key]] if key in known.open else []


def _open_for(target: OfferTarget, known: ChannelOffers) -> list[str]:
    """Return the open offers of all emails of a target; none if one of them has no offer."""
    found = [_open(key, known) for key in target.emails]
    return [offer_id for each in found for offer_id in each] if all(found) else []


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
