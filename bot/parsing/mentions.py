"""Search for the orders and names that a Slack message may be about. Pure, and no JSON value makes it raise."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bot.parsing import domain_mentions, order_mentions
from bot.parsing.field_keys import is_field_key
from bot.parsing.message_text import SpanKind, TextSpan, read_spans
from bot.parsing.targets import DomainRef, OrderRef
from bot.parsing.work_budget import WorkBudget

_MOST_CANDIDATES = 50
_LONGEST_CONTEXT = 4000
_OF_THE_SENDER = {SpanKind.FOOTER, SpanKind.TITLE_LINK}


@dataclass(frozen=True, slots=True)
class Mention:
    """An order or a name that a message may mean. `location` says in which part of it; views must escape it.

    If not `is_explicit`, such as the host of a link, it counts only if exactly that name waits, never through a parent.
    `is_link` marks the address of a link that shows another text. `is_key` marks what is probably the key of a field.
    """

    target: OrderRef | DomainRef
    is_explicit: bool
    location: str
    is_link: bool = False
    is_key: bool = False


def find_mentions(message: Any) -> tuple[Mention, ...]:
    """Return at most 50 mentions in a raw Slack message, each target once.

    The explicit ones are first, in order of appearance.
    """
    explicit: dict[OrderRef | DomainRef, Mention] = {}
    implicit: dict[OrderRef | DomainRef, Mention] = {}
    for candidate in _mentions(message):
        same = explicit if candidate.is_explicit else implicit
        known = same.setdefault(candidate.target, candidate)
        same[candidate.target] = replace(
            known, is_link=known.is_link and candidate.is_link, is_key=known.is_key or candidate.is_key
        )
        if len(explicit) == _MOST_CANDIDATES:
            break
    found = [*explicit.values(), *(candidate for target, candidate in implicit.items() if target not in explicit)]
    return tuple(found[:_MOST_CANDIDATES])


def _mentions(message: Any) -> Iterator[Mention]:
    reading = _SpanReader(read_spans(message))
    for span in reading.spans:
        found = heapq.merge(sorted(reading.orders(span), key=_destination), reading.names(span), key=_destination)
        yield from (candidate for _, candidate in found)


def _destination(mention: tuple[int, Mention]) -> int:
    return mention[0]


class _SpanReader:
    """One pass over a message. Its spans share one budget of work."""

    def __init__(self, spans: tuple[TextSpan, ...]) -> None:
        self.spans = spans
        self._for_names = WorkBudget(domain_mentions.MOST_WORK)
        self._for_orders = WorkBudget(order_mentions.MOST_WORK)

    @cached_property
    def _is_about_certificates(self) -> bool:
        """True if the beginning of the message, with its title, is about certificates."""
        text = "\n".join(span.text[:_LONGEST_CONTEXT] for span in self.spans)[:_LONGEST_CONTEXT]
        return domain_mentions.is_about_certificates(text)

    def orders(self, span: TextSpan) -> Iterator[tuple[int, Mention]]:
        for at, order_id in order_mentions.find_order_ids(span.text, self._for_orders):
            yield at, Mention(OrderRef(order_id), True, span.location)

    def names(self, span: TextSpan) -> Iterator[tuple[int, Mention]]:
        if self._for_names.is_spent:
            return
        for host in domain_mentions.find_domains(span.text, self._for_names, lambda: self._is_about_certificates):
            is_strong = host.is_explicit and span.kind not in _OF_THE_SENDER
            is_link = span.kind is SpanKind.LINK
            is_key = is_field_key(span.text, host.at)
            yield host.at, Mention(DomainRef(host.name), is_strong, span.location, is_link, is_key)
