"""Filters, sorting and pages of the list calls."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from multidict import MultiMapping

from sandbox.certcentral.api_errors import malformed
from sandbox.certcentral.times import parse_time_range

Row = TypeVar("Row")
TextReaders = Mapping[str, Callable[[Row], Iterable[str]]]
TimeReaders = Mapping[str, Callable[[Row], datetime | None]]
_FILTER = re.compile(r"filters\[(\w+)\](?:\[\d*\])?")
MAX_ROWS = 1000


def read_filters(query: MultiMapping[str]) -> dict[str, list[str]]:
    """Return the values of each `filters[name]`, with or without an index."""
    wanted: dict[str, list[str]] = {}
    for key, value in query.items():
        if found := _FILTER.fullmatch(key):
            wanted.setdefault(found[1], []).append(value)
    return wanted


def has_flag(query: MultiMapping[str], name: str) -> bool:
    """Return whether the flag is set, as a parameter of its own or as a filter."""
    values = [*query.getall(name, []), *read_filters(query).get(name, [])]
    return any(value.lower() in {"true", "1"} for value in values)


def matches_text(wanted: str, texts: Iterable[str]) -> bool:
    """Return whether a text equals `wanted`, or contains it if it starts with %. Letter case does not matter."""
    if wanted.startswith("%"):
        return any(wanted.strip("%").lower() in text.lower() for text in texts)
    return any(wanted.lower() == text.lower() for text in texts)


def matches_time(wanted: str, moment: datetime | None) -> bool:
    """Return whether the time is in the range of a date filter. Raises CertCentralError (400) if it is malformed."""
    try:
        start, end = parse_time_range(wanted)
    except ValueError as error:
        raise malformed(f"{wanted} is no date") from error
    return moment is not None and start <= moment < end


def apply_filters(
    rows: Iterable[Row], query: MultiMapping[str], texts: TextReaders[Row], times: TimeReaders[Row]
) -> list[Row]:
    """Return the rows that match every known filter. Unknown filters are ignored."""
    chosen = list(rows)
    for name, values in read_filters(query).items():
        if name in texts:
            chosen = [row for row in chosen if any(matches_text(value, texts[name](row)) for value in values)]
        elif name in times:
            chosen = [row for row in chosen if any(matches_time(value, times[name](row)) for value in values)]
    return chosen


def sort_rows(rows: Iterable[Row], sort: str, keys: Mapping[str, Callable[[Row], Any]]) -> list[Row]:
    """Return the rows sorted by `a,-b` (minus means descending). Unknown keys are ignored."""
    result = list(rows)
    # Sorting is stable, so the most significant key comes last.
    for term in reversed(sort.split(",")):
        name = term.strip().removeprefix("-")
        if name in keys:
            result.sort(key=keys[name], reverse=term.strip().startswith("-"))
    return result


def build_page(
    name: str, rows: Sequence[Row], query: MultiMapping[str], show: Callable[[Row], object]
) -> dict[str, Any]:
    """Return one page of rows under `name`, with total, limit and offset."""
    limit = min(_read_integer(query, "limit", MAX_ROWS), MAX_ROWS)
    offset = _read_integer(query, "offset", 0)
    shown = [show(row) for row in rows[offset : offset + limit]]
    return {name: shown, "page": {"total": len(rows), "limit": limit, "offset": offset}}


def drop_empty_list(answer: dict[str, Any], name: str, *, omit: bool) -> dict[str, Any]:
    """Return the answer without the key `name` if its list is empty and `omit` is set."""
    return {key: value for key, value in answer.items() if value or key != name or not omit}


def _read_integer(query: MultiMapping[str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise malformed(f"{name} is no whole number")
    return int(text)
