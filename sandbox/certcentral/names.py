"""Domain names and the five mailboxes that every CA accepts (pure)."""

from collections.abc import Iterator
from functools import cache

from publicsuffixlist import PublicSuffixList

CONSTRUCTED = ("admin", "webmaster", "postmaster", "hostmaster", "administrator")


def bare(name: str) -> str:
    """The name in lower case, without the wildcard label and the root dot."""
    return name.lower().rstrip(".").removeprefix("*.")


def within(name: str, parent: str) -> bool:
    """Whether `name` is `parent` or lies below it."""
    return name == parent or name.endswith(f".{parent}")


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def registrable(name: str) -> str:
    """The name one label below its public suffix (ICANN section); the bare name itself where there is none."""
    return _suffixes().privatesuffix(bare(name)) or bare(name)


def lineage(name: str) -> Iterator[str]:
    """The bare name and its parents, from the longest to the registrable domain."""
    step, top = bare(name), registrable(name)
    while step != top:
        yield step
        step = step.partition(".")[2]
    yield top


def related(name: str, other: str) -> bool:
    """Whether one lies at or below the other, both at or below their registrable domain."""
    return bare(name) in lineage(other) or bare(other) in lineage(name)


def constructed(scope: str) -> list[str]:
    """The addresses that may approve `scope` whatever its DNS says (Baseline Requirements 3.2.2.4.4)."""
    return [f"{mailbox}@{scope}" for mailbox in CONSTRUCTED]
