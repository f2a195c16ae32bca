"""Parser of what a plan is for: a filter, or a pasted list of orders and domains. Pure; raises only InvalidInput."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.errors import InvalidInput
from bot.parsing.order_ids import typed_digits
from bot.parsing.targets import (
    INVISIBLE,
    LONGEST_TEXT,
    QUOTES,
    TargetRef,
    quoted,
    read_name,
    read_target,
    target_ref_key,
)

EXAMPLES = "700001, shop.example.com, waiting > 3d, expiring < 30d, *.shop.example.com or method email"
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_AGE = re.compile(r"(waiting|expiring)\s*([<>])\s*([0-9]{1,3})\s*([hdw])(?:ays?|ours?|eeks?)?", re.IGNORECASE)
_METHOD = re.compile(r"method\s*[:=]?\s*([a-z-]{1,30})", re.IGNORECASE)
_BELOW = re.compile(r"<?\*\.(?:<[^<>|\s]+\|)?([^\s<>|,;]+)>?", re.IGNORECASE)
_CONDITIONS = (_AGE, _METHOD, _BELOW)
_JOIN = re.compile(r"\s*(?:[,;&]|and\b)?\s*", re.IGNORECASE)
_ENTITIES = (("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&"))
# Cells of a spreadsheet are separated by tabs, and lines end in several ways.
_SEPARATORS = re.compile(r"[\n\r\t\v\f\u0085\u2028\u2029,;]")
_BLANKS = f"{INVISIBLE}{QUOTES} \u00a0\u2022\u00b7\u2013-"


@dataclass(frozen=True, slots=True)
class BulkFilter:
    """A choice of pending targets by a condition; all conditions that are set must hold.

    `waiting_over` is the least age of a pending target. `expiring_within` chooses domains whose validation ends so
    soon. `below` is a name of which only the names below it count.
    """

    waiting_over: timedelta | None = None
    expiring_within: timedelta | None = None
    below: str | None = None
    is_by_method: bool = False


@dataclass(frozen=True, slots=True)
class BulkList:
    """The orders and domains of a list, each once. `lines` counts them with the repeated ones."""

    targets: tuple[TargetRef, ...]
    lines: int


BulkWish = BulkFilter | BulkList


def read_wish(text: str) -> BulkWish:
    """Return the filter or the list that `text` is.

    A list has ids and names, separated by lines, commas, semicolons, tabs or spaces. Raises InvalidInput that quotes
    the first entry that is neither, with its number.
    """
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(f"A list has at most {LONGEST_TEXT:,} characters, and this has {len(text):,}.")
    plain = text.strip(f"{_BLANKS}\n\r\t")
    if not plain:
        raise InvalidInput(f"Enter orders and domains, or a filter: {EXAMPLES}.")
    return _filter(plain) or _list(plain)


def is_list(text: str) -> bool:
    """Return True if `text` is a list of two orders or domains, or more."""
    try:
        wish = read_wish(text)
    except InvalidInput:
        return False
    return isinstance(wish, BulkList) and len(wish.targets) > 1


def listed(ids_and_names: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return a list for `read_wish` with the first of these ids and names, and those for which it has no room."""
    text = ""
    for number, each in enumerate(ids_and_names):
        if len(text) + len(each) >= LONGEST_TEXT:
            return text.rstrip(), ids_and_names[number:]
        text += f"{each}\n"
    return text.rstrip(), ()


def _filter(text: str) -> BulkFilter | None:
    """Return the filter that `text` is, or None if it is none. Conditions may be joined by `and`."""
    for entity, char in _ENTITIES:
        text = text.replace(entity, char)
    rest, found = " ".join(text.split()), BulkFilter()
    while rest:
        condition = next((match for pattern in _CONDITIONS if (match := pattern.match(rest))), None)
        # Several wildcards are a list of names, and each of them is meant.
        if condition is None or (condition.re is _BELOW and found.below):
            return None
        found = _with(found, condition)
        rest = _JOIN.sub("", rest[condition.end() :], count=1)
    return found


def _with(found: BulkFilter, condition: re.Match[str]) -> BulkFilter:
    if condition.re is _BELOW:
        return replace(found, below=read_name(condition[1]))
    if condition.re is _METHOD:
        if condition[1].lower() != "email":
            raise InvalidInput(f"{quoted(condition[1])} has no emails to resend. Use method email.")
        return replace(found, is_by_method=True)
    kind, sign, span = condition[1].lower(), condition[2], int(condition[3]) * _UNITS[condition[4].lower()]
    match kind, sign:
        case "waiting", ">":
            return replace(found, waiting_over=span)
        case "expiring", "<":
            return replace(found, expiring_within=span)
    raise InvalidInput(f"{quoted(condition[0])} isn't a filter. Use waiting > 3d or expiring < 30d.")


def _list(text: str) -> BulkList:
    parts = [bare for part in _SEPARATORS.split(text) if (bare := part.strip(_BLANKS))]
    found = [target for number, part in enumerate(parts, 1) for target in _targets(part, number)]
    return BulkList(tuple({target_ref_key(each): each for each in found}.values()), len(found))


def _targets(part: str, number: int) -> list[TargetRef]:
    """Return the targets of one entry: its words if each of them is one, else the one that it is as a whole."""
    words = part.split()
    try:
        if len(words) > 1 and typed_digits(part) is None:
            return [read_target(word) for word in words]
    except InvalidInput:
        # Such as “order 700001”, which is one target in two words.
        pass
    try:
        return [read_target(part)]
    except InvalidInput as error:
        raise InvalidInput(f"Entry {number}: {error}") from error
