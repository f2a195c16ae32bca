"""A limit on the work that one hostile text may cause; pure."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


class WorkBudget:
    """Counts units of work, and ends with them; what a unit is, each reader says."""

    def __init__(self, units: int) -> None:
        self._remaining = units

    @property
    def is_spent(self) -> bool:
        """Return True if nothing is left."""
        return self._remaining <= 0

    def spend(self, units: int = 1) -> bool:
        """Return True if so much was left; it no longer is."""
        self._remaining -= units
        return self._remaining >= 0

    def limit(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Yield the items while a unit is left for each."""
        for item in items:
            if not self.spend():
                return
            yield item
