"""What becomes of an alert that names what may wait: offered, counted, or one of too many. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.store.offers import ChannelOffers

MOST_OFFERS = 10
SPAN = timedelta(minutes=10)
OFFER_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Triage:
    """Which offers count one more alert, which targets get an offer, and whether the summary tells of it instead."""

    counted: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    summarised: bool = False


def without_offer(named: Sequence[str], known: ChannelOffers) -> list[str]:
    """The targets for which no offer stands in this channel."""
    return [key for key in named if key not in known.open]


def is_rate_limited(known: ChannelOffers) -> bool:
    """Return whether the author caused as many offers in this channel lately as one may."""
    return known.lately >= MOST_OFFERS


def triage(named: Sequence[str], waiting: Collection[str], known: ChannelOffers) -> Triage:
    """The verdict on an alert that names these targets, of which these wait.

    If the author used up the allowance, `waiting` are those that the listing calls pending. They get no offers.
    """
    counted = tuple(dict.fromkeys(known.open[key] for key in named if key in known.open))
    wanted = tuple(key for key in without_offer(named, known) if key in waiting)
    if is_rate_limited(known):
        return Triage(counted, summarised=bool(wanted))
    return Triage(counted, wanted)
