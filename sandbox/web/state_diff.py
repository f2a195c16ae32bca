"""The difference between the state that a browser has and the current one."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.json_types import Json


@dataclass(frozen=True)
class StatePart:
    """One part of the state: its name, a version that changes with it, and a function that renders it."""

    name: str
    version: Hashable
    render: Callable[[], Json]


class StateDiff:
    """The state that was sent to one browser. Only new and changed parts are rendered again."""

    def __init__(self, parts: Callable[[], Iterable[StatePart]]) -> None:
        self._parts = parts
        self._sent: dict[str, Hashable] = {}

    def next_changes(self) -> dict[str, Any] | None:
        """Return the parts to `put` and the names to `drop` since the last call, or None if nothing changed."""
        now = {part.name: part for part in self._parts()}
        put = {part.name: part.render() for part in self._changed_parts(now.values())}
        drop = [name for name in self._sent if name not in now]
        self._sent = {name: part.version for name, part in now.items()}
        return {"put": put, "drop": drop} if put or drop else None

    def _changed_parts(self, parts: Iterable[StatePart]) -> Iterator[StatePart]:
        # None can be a version, so an absent part needs a value of its own.
        unknown = object()
        return (part for part in parts if self._sent.get(part.name, unknown) != part.version)
