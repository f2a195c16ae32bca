"""What one browser was told so far, and what it must be told now."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.json_types import Json


@dataclass(frozen=True)
class Part:
    """One thing on the page: its name, what changes when it changes, and how it is drawn as JSON."""

    name: str
    version: Hashable
    draw: Callable[[], Json]


class Mirror:
    """Compares all parts with those of the last time; drawing is left to the parts that are new or differ."""

    def __init__(self, parts: Callable[[], Iterable[Part]]) -> None:
        self._parts = parts
        self._told: dict[str, Hashable] = {}

    def changes(self) -> dict[str, Any] | None:
        """Return what to `put` and what to `drop` by name; None when nothing changed."""
        now = {part.name: part for part in self._parts()}
        put = {part.name: part.draw() for part in self._new(now.values())}
        drop = [name for name in self._told if name not in now]
        self._told = {name: part.version for name, part in now.items()}
        return {"put": put, "drop": drop} if put or drop else None

    def _new(self, parts: Iterable[Part]) -> Iterator[Part]:
        unknown = object()
        return (part for part in parts if self._told.get(part.name, unknown) != part.version)
