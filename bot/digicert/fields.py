"""Lenient readers of single values as DigiCert writes them: text, names, flags, numbers, times, parts and lists."""

import re
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, TypeVar

import idna
from pydantic import BeforeValidator, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from bot.parsing.domain_names import without_wildcard

LONGEST_TEXT = 300
# Host names have no underscores, but certificates may have them. A single label is a word, not a name.
_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def clean(text: str) -> str:
    """Return text as one line without control characters, cut to LONGEST_TEXT characters."""
    if len(text) <= LONGEST_TEXT and text.isascii() and text.isprintable():
        return " ".join(text.split())
    visible = (character for character in text[: 4 * LONGEST_TEXT] if character.isprintable() or character.isspace())
    line = " ".join("".join(visible).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def domain_name(text: str) -> str:
    """Return a name in the form that the bot compares: ASCII-encoded, lower case, no trailing dot; `*.` stays."""
    name = clean(text).lower().rstrip(". ")
    if name.isascii():
        return name
    star, bare = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    try:
        return star + idna.encode(bare, uts46=True).decode("ascii")
    except UnicodeError:
        return name


def is_host(name: str) -> bool:
    """Return True if a server certificate can have this name: a DNS name, perhaps a wildcard, or an IP address."""
    if _HOST.fullmatch(without_wildcard(name)):
        return True
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def _read_text(value: object) -> object:
    return clean(value) if isinstance(value, str) else value if value is not None else ""


def _read_word(value: object) -> object:
    """Return one of DigiCert's words in lower case, with one spelling of "canceled"."""
    word = value.strip().lower() if isinstance(value, str) else value
    return "canceled" if word == "cancelled" else word


def _read_names(value: object) -> object:
    """Return the names in a list, in an object with numbers as keys, or in one text with separators.

    Raises ValueError for anything else: no policy rule would be checked for a name that the bot overlooks.
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
    """Return a list, or the values of an object if all of them are objects."""
    if isinstance(value, dict) and value and all(isinstance(entry, dict) for entry in value.values()):
        return list(value.values())
    return value if value is not None else ()


def _read_all_or_none(value: object, read: ValidatorFunctionWrapHandler) -> object:
    """Return a list, or an empty one if any entry cannot be read: the rest alone could mean something else."""
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
    """Return a time in any of DigiCert's formats as UTC. A plain date, perhaps Mountain Time, becomes midnight UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_T = TypeVar("_T")

# DigiCert writes an empty part as null or, in place of an object, as an empty list.
Part = Annotated[_T, BeforeValidator(lambda value: value or {})]
Many = Annotated[tuple[_T, ...], BeforeValidator(_read_many)]

AllOrNone = Annotated[tuple[_T, ...], WrapValidator(_read_all_or_none), BeforeValidator(_read_many)]

Text = Annotated[str, BeforeValidator(_read_text)]
Word = Annotated[str, BeforeValidator(_read_word), BeforeValidator(_read_text)]
Names = Annotated[tuple[Text, ...], BeforeValidator(_read_names)]
Flag = Annotated[bool | None, BeforeValidator(_read_flag)]
Number = Annotated[int | None, BeforeValidator(_read_number)]
Moment = Annotated[datetime | None, BeforeValidator(_read_moment)]
