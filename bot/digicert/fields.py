"""Single values as DigiCert writes them, read leniently: text, names, flags, numbers, moments, parts and lists."""

import re
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, TypeVar

import idna
from pydantic import BeforeValidator, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from bot.parsing.domain_names import without_wildcard

LONGEST_TEXT = 300
# Underscores are no part of host names, but they are in certificates; a single label is a word, not a name.
_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


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


def is_host(name: str) -> bool:
    """Whether a certificate for a server can carry this: a DNS name, which may be a wildcard, or an IP address."""
    if _HOST.fullmatch(without_wildcard(name)):
        return True
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def _read_text(value: object) -> object:
    return clean(value) if isinstance(value, str) else value if value is not None else ""


def _read_word(value: object) -> object:
    """One of DigiCert's words, which are compared whatever their letter case."""
    word = value.strip().lower() if isinstance(value, str) else value
    return "canceled" if word == "cancelled" else word


def _read_names(value: object) -> object:
    """Return the entries of a list of names, of an object that numbers them, or of one text with commas between.

    Raises ValueError for anything else: a name that the bot overlooks is a name that no rule is asked about.
    """
    if isinstance(value, dict) and all(str(key).isdecimal() for key in value):
        return list(value.values())
    if isinstance(value, str):
        names = [name for name in re.split(r"[\s,;]+", value) if name]
        if not all(is_host(domain_name(name)) for name in names):
            raise ValueError("not a list of names")
        return names
    return value if value is not None else ()


def _read_many(value: object) -> object:
    """A list; an object whose values are objects numbers its entries."""
    if isinstance(value, dict) and value and all(isinstance(entry, dict) for entry in value.values()):
        return list(value.values())
    return value if value is not None else ()


def _read_all_or_none(value: object, read: ValidatorFunctionWrapHandler) -> object:
    """A list, taken for empty if any entry of it cannot be read: the rest would say less than DigiCert did."""
    try:
        return read(value)
    except ValidationError:
        return ()


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
Many = Annotated[tuple[_T, ...], BeforeValidator(_read_many)]

AllOrNone = Annotated[tuple[_T, ...], WrapValidator(_read_all_or_none), BeforeValidator(_read_many)]

Text = Annotated[str, BeforeValidator(_read_text)]
Word = Annotated[str, BeforeValidator(_read_word), BeforeValidator(_read_text)]
Names = Annotated[tuple[Text, ...], BeforeValidator(_read_names)]
Flag = Annotated[bool | None, BeforeValidator(_read_flag)]
Number = Annotated[int | None, BeforeValidator(_read_number)]
Moment = Annotated[datetime | None, BeforeValidator(_read_moment)]
