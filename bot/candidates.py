"""A Slack message → what it may ask to be resent; pure, and no JSON value makes it raise."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.names import names_in
from bot.orders import orders_in
from bot.passages import Passage, PassageKind, read_passages
from bot.targets import WantedName, WantedOrder

_MOST_CANDIDATES = 50
_OF_THE_SENDER = {PassageKind.FOOTER, PassageKind.TITLE_LINK}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order or a name that a message may mean, and where it says so; views escape `where`.

    What is not strong, such as the host of a link, counts only if exactly that name waits, never through a parent.
    """

    target: WantedOrder | WantedName
    is_strong: bool
    where: str


def read_candidates(message: Any) -> tuple[Candidate, ...]:
    """At most 50 candidates of a raw Slack message, each target once: the strong ones first, in order of appearance."""
    strong: dict[WantedOrder | WantedName, Candidate] = {}
    weak: dict[WantedOrder | WantedName, Candidate] = {}
    for candidate in _mentions(message):
        (strong if candidate.is_strong else weak).setdefault(candidate.target, candidate)
        if len(strong) == _MOST_CANDIDATES:
            break
    found = [*strong.values(), *(candidate for target, candidate in weak.items() if target not in strong)]
    return tuple(found[:_MOST_CANDIDATES])


def _mentions(message: Any) -> Iterator[Candidate]:
    for passage in read_passages(message):
        found = heapq.merge(sorted(_orders(passage), key=_place), _names(passage), key=_place)
        yield from (candidate for _, candidate in found)


def _place(mention: tuple[int, Candidate]) -> int:
    return mention[0]


def _orders(passage: Passage) -> Iterator[tuple[int, Candidate]]:
    for at, order_id in orders_in(passage.text):
        yield at, Candidate(WantedOrder(order_id), True, passage.where)


def _names(passage: Passage) -> Iterator[tuple[int, Candidate]]:
    for host in names_in(passage.text):
        is_strong = host.is_strong and passage.kind not in _OF_THE_SENDER
        yield host.at, Candidate(WantedName(host.name), is_strong, passage.where)
