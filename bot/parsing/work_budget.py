"""A limit on the work that a hostile text can cause. Pure."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


class WorkBudget:
    """A number of units of work. Each parser defines its unit."""

    def __init__(self, units: int) -> None:
        self._remaining = units

    @property
    def is_spent(self) -> bool:
        """Return True if nothing is left."""
        return self._remaining <= 0

    def spend(self, units: int = 1) -> bool:
        """Spend units. Return True if as many were left."""
        self._remaining -= units
        return self._remaining >= 0

    def limit(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Yield items while a unit is left for each."""
        for item in items:
            if not self.spend():
                return
            yield item
