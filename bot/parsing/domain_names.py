"""Domain names: their readable form, their parents, and what the public suffix list says of them. Pure."""

from functools import cache

import idna
from publicsuffixlist import PublicSuffixList


def is_public_suffix(name: str) -> bool:
    """Whether names of many owners stand directly below `name`, as below `com` and `co.uk`; see `parents`.

    Takes a name as `encode_name` returns it: another spelling of a suffix is not found.
    """
    return bool(_suffixes().is_public(name))


def unicode_name(ascii_name: str) -> str:
    """The name as people write it: in Unicode where that encodes back to the very same name, else as it is."""
    return ".".join(map(_display_label, ascii_name.split(".")))


def display_name(ascii_name: str) -> str:
    """A domain name as people read it; beside a Unicode form stands the ASCII one, which cannot look like another."""
    shown = unicode_name(ascii_name)
    return ascii_name if shown == ascii_name else f"{shown} ({ascii_name})"


def without_wildcard(name: str) -> str:
    """Return the name without `*.` in front: an email for `*.example.com` validates example.com."""
    return name.removeprefix("*.")


def ancestors(name: str) -> tuple[str, ...]:
    """`name` and its parents up to the registrable domain, nearest first; under an unknown suffix `name` alone.

    Takes an ASCII-encoded name. Source: the ICANN section of publicsuffix.org, as installed; nothing is fetched.
    """
    registrable = _suffixes().privatesuffix(name)
    if registrable is None:
        return (name,)
    labels = name.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels) - registrable.count(".")))


def is_subdomain_of(parent: str, name: str) -> bool:
    """True where `name` is `parent` or lies below it; both ASCII-encoded."""
    return name == parent or name.endswith(f".{parent}")


def has_public_suffix(name: str) -> bool:
    """True where `name`, in ASCII or Unicode, lies below a suffix of that list; asked of alerts, never of people."""
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
