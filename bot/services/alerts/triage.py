"""What becomes of an alert that names what may wait: offered, counted, or one of too many. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.store.offers import Known

MOST_OFFERS = 10
SPAN = timedelta(minutes=10)
STANDS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which offers count one more alert, which targets get an offer, and whether the summary tells of it instead."""

    counted: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    summarised: bool = False


def fresh(named: Sequence[str], known: Known) -> list[str]:
    """The targets for which no offer stands in this channel."""
    return [key for key in named if key not in known.standing]


def is_full(known: Known) -> bool:
    """Return whether the author caused as many offers in this channel lately as one may."""
    return known.lately >= MOST_OFFERS


def decide(named: Sequence[str], waiting: Collection[str], known: Known) -> Verdict:
    """The verdict on an alert that names these targets, of which these wait.

    If the author used up the allowance, `waiting` are those that the listing calls pending. They get no offers.
    """
    counted = tuple(dict.fromkeys(known.standing[key] for key in named if key in known.standing))
    wanted = tuple(key for key in fresh(named, known) if key in waiting)
    if is_full(known):
        return Verdict(counted, summarised=bool(wanted))
    return Verdict(counted, wanted)
