"""Domain names, and the five mailboxes that every CA accepts (pure)."""

from collections.abc import Iterator
from functools import cache

from publicsuffixlist import PublicSuffixList

CONSTRUCTED_MAILBOXES = ("admin", "webmaster", "postmaster", "hostmaster", "administrator")


def without_wildcard(name: str) -> str:
    """Return the name in lower case, without the wildcard label and the root dot."""
    return name.lower().rstrip(".").removeprefix("*.")


def is_within(name: str, parent: str) -> bool:
    """Return whether `name` is `parent` or below it."""
    return name == parent or name.endswith(f".{parent}")


@cache
def _suffixes() -> PublicSuffixList:
    # CAs use the ICANN section only: github.io, say, is a registrable domain.
    return PublicSuffixList(only_icann=True)


def registrable_domain(name: str) -> str:
    """Return the name one label below its public suffix, or the bare name if there is none."""
    return _suffixes().privatesuffix(without_wildcard(name)) or without_wildcard(name)


def self_and_ancestors(name: str) -> Iterator[str]:
    """Return the bare name and its parents, from the longest to the registrable domain."""
    step, top = without_wildcard(name), registrable_domain(name)
    while step != top:
        yield step
        step = step.partition(".")[2]
    yield top


def are_related(name: str, other: str) -> bool:
    """Return whether one name is at or below the other, within one registrable domain."""
    return without_wildcard(name) in self_and_ancestors(other) or without_wildcard(other) in self_and_ancestors(name)


def constructed_emails(scope: str) -> list[str]:
    """Return the addresses that may approve `scope` whatever its DNS says (Baseline Requirements 3.2.2.4.4)."""
    return [f"{mailbox}@{scope}" for mailbox in CONSTRUCTED_MAILBOXES]
