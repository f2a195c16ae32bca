"""A Slack message → what it may ask to be resent; pure, and no JSON value makes it raise."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bot.parsing import domain_mentions, order_mentions
from bot.parsing.field_keys import is_field_key
from bot.parsing.message_text import Passage, PassageKind, read_passages
from bot.parsing.targets import WantedName, WantedOrder
from bot.parsing.work_budget import WorkBudget

_MOST_CANDIDATES = 50
_LONGEST_CONTEXT = 4000
_OF_THE_SENDER = {PassageKind.FOOTER, PassageKind.TITLE_LINK}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order or a name that a message may mean, and where it says so; views escape `where`.

    What is not strong, such as the host of a link, counts only if exactly that name waits, never through a parent.
    `is_link` marks the address of a link that shows another text, `is_key` what is probably the key of a field.
    """

    target: WantedOrder | WantedName
    is_strong: bool
    where: str
    is_link: bool = False
    is_key: bool = False


def read_candidates(message: Any) -> tuple[Candidate, ...]:
    """At most 50 candidates of a raw Slack message, each target once: the strong ones first, in order of appearance."""
    strong: dict[WantedOrder | WantedName, Candidate] = {}
    weak: dict[WantedOrder | WantedName, Candidate] = {}
    for candidate in _mentions(message):
        same = strong if candidate.is_strong else weak
        known = same.setdefault(candidate.target, candidate)
        same[candidate.target] = replace(
            known, is_link=known.is_link and candidate.is_link, is_key=known.is_key or candidate.is_key
        )
        if len(strong) == _MOST_CANDIDATES:
            break
    found = [*strong.values(), *(candidate for target, candidate in weak.items() if target not in strong)]
    return tuple(found[:_MOST_CANDIDATES])


def _mentions(message: Any) -> Iterator[Candidate]:
    reading = _Reading(read_passages(message))
    for passage in reading.passages:
        found = heapq.merge(sorted(reading.orders(passage), key=_place), reading.names(passage), key=_place)
        yield from (candidate for _, candidate in found)


def _place(mention: tuple[int, Candidate]) -> int:
    return mention[0]


class _Reading:
    """One pass over a message, whose passages share what work may be done."""

    def __init__(self, passages: tuple[Passage, ...]) -> None:
        self.passages = passages
        self._for_names = WorkBudget(domain_mentions.MOST_WORK)
        self._for_orders = WorkBudget(order_mentions.MOST_WORK)

    @cached_property
    def _is_about_certificates(self) -> bool:
        """True if the beginning of the message, where its title is, says so."""
        text = "\n".join(passage.text[:_LONGEST_CONTEXT] for passage in self.passages)[:_LONGEST_CONTEXT]
        return domain_mentions.is_about_certificates(text)

    def orders(self, passage: Passage) -> Iterator[tuple[int, Candidate]]:
        for at, order_id in order_mentions.orders_in(passage.text, self._for_orders):
            yield at, Candidate(WantedOrder(order_id), True, passage.where)

    def names(self, passage: Passage) -> Iterator[tuple[int, Candidate]]:
        if self._for_names.is_spent:
            return
        for host in domain_mentions.names_in(passage.text, self._for_names, lambda: self._is_about_certificates):
            is_strong = host.is_strong and passage.kind not in _OF_THE_SENDER
            is_link = passage.kind is PassageKind.LINK
            is_key = is_field_key(passage.text, host.at)
            yield host.at, Candidate(WantedName(host.name), is_strong, passage.where, is_link, is_key)
