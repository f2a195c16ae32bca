"""Search keys of a ledger row: `order:7`, `domain:12`, `name:shop.example.com`. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.models import domain_key, name_key, order_key
from bot.parsing.domain_names import ancestors

# order 7, order:7
_ORDER = re.compile(r"order[ :]([1-9][0-9]{0,17})")
# domain 12, domain:12, domain 12 (shop.example.com)
_DOMAIN = re.compile(r"domain[ :]([1-9][0-9]{0,17})(?: \((.*)\))?", re.DOTALL)
# shop.example.com, *.shop.example.com, name:shop.example.com, domain shop.example.com
_NAME = re.compile(r"(?:name:|domain )?(?:\*\.)?([a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+)")
_LONGEST_NAME = 253
# The parts of a row's detail that may name an order, a domain or a name in text.
_WORDS = ("target", "subject", "status", "text", "history")


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """The ids of the orders and domains that a row is about, and the names, as they were written."""

    orders: tuple[int, ...]
    domains: tuple[int, ...]
    names: tuple[str, ...]


def search_terms(detail: Mapping[str, Any]) -> SearchTerms:
    """Return what one row's detail is about. Skips what it cannot read, and never raises."""
    found: dict[str, list[Any]] = {"order": [], "domain": [], "name": []}
    for kind, value in (*_of_calls(detail.get("calls")), *_of_target(detail), *_of_words(detail)):
        found[kind].append(value)
    return SearchTerms(*(tuple(dict.fromkeys(found[kind])) for kind in ("order", "domain", "name")))


def search_keys(detail: Mapping[str, Any]) -> frozenset[str]:
    """Return the search keys of one row's detail.

    A name gets the keys of its parents too, up to the registrable domain. Skips what it cannot read, and never raises:
    no row may be lost because of its keys.
    """
    about = search_terms(detail)
    names = (key for name in about.names for key in _keys(name))
    return frozenset((*map(order_key, about.orders), *map(domain_key, about.domains), *names))


def _of_calls(calls: object) -> Iterable[tuple[str, Any]]:
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, Mapping):
            recipients = call.get("recipients")
            yield from _read(call.get("target"))
            yield from (("name", name) for name in (recipients if isinstance(recipients, Mapping) else ()))


def _of_target(detail: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield the target of a refusal."""
    names, order_id = detail.get("names"), detail.get("order")
    yield from (("name", name) for name in (names if isinstance(names, list) else ()) if isinstance(name, str))
    if isinstance(order_id, int) and not isinstance(order_id, bool) and order_id > 0:
        yield "order", order_id


def _of_words(detail: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for key in _WORDS:
        yield from _read(detail.get(key))


def _read(text: object) -> Iterable[tuple[str, Any]]:
    """Yield the order, domain or name that a text is, as the bot writes it or as a user typed it."""
    if not isinstance(text, str):
        return
    if order := _ORDER.fullmatch(text):
        yield "order", int(order[1])
    elif domain := _DOMAIN.fullmatch(text):
        yield "domain", int(domain[1])
        if domain[2]:
            yield "name", domain[2]
    elif name := _NAME.fullmatch(text):
        yield "name", name[1]


def _keys(name: str) -> Iterable[str]:
    found = _NAME.fullmatch(name)
    if found and len(found[1]) <= _LONGEST_NAME:
        yield from map(name_key, ancestors(found[1]))
