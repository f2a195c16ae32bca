"""Single values as DigiCert writes them, read leniently: text, names, flags, numbers, moments, parts and lists."""

import re
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import idna
from pydantic import BeforeValidator

LONGEST_TEXT = 300


def clean(text: str) -> str:
    """One line without control characters, of a length that fits in a message."""
    if len(text) <= LONGEST_TEXT and text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = (character for character in text[: 4 * LONGEST_TEXT] if character.isprintable() or character.isspace())
    line = " ".join("".join(kept).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def domain_name(text: str) -> str:
    """A name as we compare it: ASCII-encoded, lower case, without the trailing dot; a leading `*.` stays."""
    name = clean(text).lower().rstrip(". ")
    if name.isascii():
        return name
    star, bare = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    try:
        return star + idna.encode(bare, uts46=True).decode("ascii")
    except UnicodeError:
        return name


def without_star(name: str) -> str:
    """The name that a wildcard stands under."""
    return name.removeprefix("*.")


def _read_text(value: object) -> object:
    return clean(value) if isinstance(value, str) else value if value is not None else ""


def _read_flag(value: object) -> bool | None:
    # Page "List domains": `is_active` is the string "1" in places.
    if isinstance(value, str | int):
        return {"1": True, "true": True, "0": False, "false": False}.get(str(value).lower())
    return None


def _read_number(value: object) -> int | None:
    # Page "Order validation status": ids are strings there.
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value) else None


def _read_moment(value: object) -> datetime | None:
    """Any of DigiCert's spellings, as UTC; a plain date, which may be Mountain Time, is taken as midnight UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_T = TypeVar("_T")

# An empty part can be null or, in place of an object, an empty list.
Part = Annotated[_T, BeforeValidator(lambda value: value or {})]
Many = Annotated[tuple[_T, ...], BeforeValidator(lambda value: () if value is None else value)]

Text = Annotated[str, BeforeValidator(_read_text)]
Flag = Annotated[bool | None, BeforeValidator(_read_flag)]
Number = Annotated[int | None, BeforeValidator(_read_number)]
Moment = Annotated[datetime | None, BeforeValidator(_read_moment)]
