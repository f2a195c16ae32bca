"""What a row of the ledger is about, as keys to find it by: `order:7`, `domain:12`, `name:shop.example.com`; pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.models import domain_key, name_key, order_key
from bot.parsing.domain_names import ancestors

_ORDER = re.compile(r"order[ :]([1-9][0-9]{0,17})")
_DOMAIN = re.compile(r"domain[ :]([1-9][0-9]{0,17})(?: \((.*)\))?", re.DOTALL)
_NAME = re.compile(r"(?:name:|domain )?(?:\*\.)?([a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+)")
_LONGEST_NAME = 253
# Where a row names an order, a domain or a name in words: of a call, of a request, of what somebody was refused.
_WORDS = ("target", "subject", "status", "text", "history")


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """The orders, the domains by their ids, and the names that a row is about; names are as they were written."""

    orders: tuple[int, ...]
    domains: tuple[int, ...]
    names: tuple[str, ...]


def search_terms(detail: Mapping[str, Any]) -> SearchTerms:
    """Return what one row's detail is about; what it cannot read is left out, and it never raises."""
    found: dict[str, list[Any]] = {"order": [], "domain": [], "name": []}
    for kind, value in (*_of_calls(detail.get("calls")), *_of_target(detail), *_of_words(detail)):
        found[kind].append(value)
    return SearchTerms(*(tuple(dict.fromkeys(found[kind])) for kind in ("order", "domain", "name")))


def search_keys(detail: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys of one row's detail; a name is found by each of its parents too, up to the registrable domain.

    Never raises: what it cannot read is not found by it, and no row may fail for that.
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
    """Yield what words name: those of a call or of a request, or those that were typed."""
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
