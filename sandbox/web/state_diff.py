"""What one browser was told so far, and what it must be told now."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.json_types import Json


@dataclass(frozen=True)
class StatePart:
    """One thing on the page: its name, what changes when it changes, and how it is drawn as JSON."""

    name: str
    version: Hashable
    render: Callable[[], Json]


class StateDiff:
    """Compares all parts with those of the last time; drawing is left to the parts that are new or differ."""

    def __init__(self, parts: Callable[[], Iterable[StatePart]]) -> None:
        self._parts = parts
        self._sent: dict[str, Hashable] = {}

    def next_changes(self) -> dict[str, Any] | None:
        """Return what to `put` and what to `drop` by name; None when nothing changed."""
        now = {part.name: part for part in self._parts()}
        put = {part.name: part.render() for part in self._changed_parts(now.values())}
        drop = [name for name in self._sent if name not in now]
        self._sent = {name: part.version for name, part in now.items()}
        return {"put": put, "drop": drop} if put or drop else None

    def _changed_parts(self, parts: Iterable[StatePart]) -> Iterator[StatePart]:
        unknown = object()
        return (part for part in parts if self._sent.get(part.name, unknown) != part.version)
