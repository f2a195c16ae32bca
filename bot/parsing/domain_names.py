"""Domain names: their readable form, their parents, and the public suffix list. Pure."""

from functools import cache

import idna
from publicsuffixlist import PublicSuffixList


def is_public_suffix(name: str) -> bool:
    """Return True if names directly below `name` belong to many owners, as for `com` and `co.uk`; see `ancestors`.

    Takes a name as `encode_name` returns it: another spelling of a suffix is not found.
    """
    return bool(_suffixes().is_public(name))


def unicode_name(ascii_name: str) -> str:
    """Return the name in Unicode, with each label as it is that would not encode back to itself."""
    return ".".join(map(_display_label, ascii_name.split(".")))


def display_name(ascii_name: str) -> str:
    """Return a domain name for display: in Unicode, followed by the ASCII form, which cannot imitate another name."""
    shown = unicode_name(ascii_name)
    return ascii_name if shown == ascii_name else f"{shown} ({ascii_name})"


def without_wildcard(name: str) -> str:
    """Return the name without `*.` in front: an email for `*.example.com` validates example.com."""
    return name.removeprefix("*.")


def ancestors(name: str) -> tuple[str, ...]:
    """Return `name` and its parents up to the registrable domain, nearest first; only `name` if its suffix is unknown.

    Takes an ASCII-encoded name. Source: the ICANN section of publicsuffix.org, as installed. Nothing is downloaded.
    """
    registrable = _suffixes().privatesuffix(name)
    if registrable is None:
        return (name,)
    labels = name.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels) - registrable.count(".")))


def is_subdomain_of(parent: str, name: str) -> bool:
    """Return True if `name` is `parent` or below it. Both are ASCII-encoded."""
    return name == parent or name.endswith(f".{parent}")


def has_public_suffix(name: str) -> bool:
    """Return True if `name`, in ASCII or Unicode, is below a public suffix. For names in alerts, not for typed ones."""
    return _suffixes().is_private(name)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def _display_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        shown = idna.ulabel(label)
        return shown if idna.alabel(shown).decode("ascii") == label else label
    except UnicodeError:
        return label
