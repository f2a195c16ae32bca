"""The triage of an alert: its pending targets get an offer, are counted, or exceed the rate limit. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

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
