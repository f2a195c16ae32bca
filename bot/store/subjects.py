"""What a row of the ledger is about, as keys to find it by: `order:7`, `domain:12`, `name:shop.example.com`; pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.targets import parents

_ORDER = re.compile(r"order[ :]([1-9][0-9]{0,17})")
_DOMAIN = re.compile(r"domain[ :]([1-9][0-9]{0,17})(?: \((.*)\))?", re.DOTALL)
_NAME = re.compile(r"(?:name:|domain )?(?:\*\.)?([a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+)")
_LONGEST_NAME = 253
# Where a row names an order, a domain or a name in words: of a call, of a request, of what somebody was refused.
_WORDS = ("target", "subject", "status", "text", "history")


def subjects(detail: Mapping[str, Any]) -> frozenset[str]:
    """The keys of one row's detail; a name is found by each of its parents too, up to the registrable domain.

    Never raises: what it cannot read is not found by it, and no row may fail for that.
    """
    words = [detail.get(key) for key in _WORDS]
    calls = detail.get("calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, Mapping):
            recipients = call.get("recipients")
            words += [call.get("target"), *(recipients if isinstance(recipients, Mapping) else ())]
    return frozenset(key for text in words if isinstance(text, str) for key in _keys(text))


def name_key(name: str) -> str:
    """The key of an ASCII-encoded name."""
    return f"name:{name}"


def _keys(text: str) -> Iterable[str]:
    if order := _ORDER.fullmatch(text):
        yield f"order:{order[1]}"
    elif domain := _DOMAIN.fullmatch(text):
        yield f"domain:{domain[1]}"
        yield from _names(domain[2] or "")
    else:
        yield from _names(text)


def _names(text: str) -> Iterable[str]:
    found = _NAME.fullmatch(text)
    if found and len(found[1]) <= _LONGEST_NAME:
        yield from (name_key(name) for name in parents(found[1]))
