"""Rules over a whole stack of blocks, whose blocks each hold by themselves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sandbox.slack.blockkit.blocks import BLOCKS, Surface
from sandbox.slack.blockkit.rules import items, repeated
from sandbox.slack.blockkit.schema import Flaw, Kind, below, many
from sandbox.slack.blockkit.table_blocks import TABLES

Place = tuple[Mapping[str, Any], str]

_NESTS = {"container": "child_blocks", "carousel": "elements", "plan": "tasks"}


def placed(blocks: Sequence[Mapping[str, Any]], at: str) -> Iterator[Place]:
    """Go through the blocks and those nested in them, each with its pointer."""
    for index, block in enumerate(blocks):
        pointer = below(at, index)
        yield block, pointer
        if nest := _NESTS.get(block["type"]):
            yield from placed(block.get(nest, ()), below(pointer, nest))


def stack(surface: Surface, most: int, least: int = 0) -> Kind:
    """A list of blocks that may stand on `surface`, each with a block_id of its own."""
    each = many(BLOCKS[surface], most, least)

    def check(value: Any, at: str) -> Iterator[Flaw]:
        flaws = list(each(value, at))
        yield from flaws or repeated(placed(value, at), "block_id")

    return check


def second_tables(places: Iterable[Place]) -> Iterator[Flaw]:
    """A message holds one table at most."""
    tables = [pointer for block, pointer in places if block["type"] in TABLES]
    return (Flaw(pointer, "A message can hold only one table.") for pointer in tables[1:])


def focused_twice(places: Iterable[Place]) -> Iterator[Flaw]:
    """One element at most takes the focus when a view opens."""
    focused = [pointer for element, pointer in _elements(places) if element.get("focus_on_load")]
    return (Flaw(f"{pointer}/focus_on_load", "Only one element can have the focus.") for pointer in focused[1:])


def _elements(places: Iterable[Place]) -> Iterator[Place]:
    for block, at in places:
        if block["type"] == "actions":
            yield from items(block, at, "elements")
        for name in ("element", "accessory"):
            if name in block:
                yield block[name], below(at, name)


def markdown_length(places: Iterable[Place]) -> int:
    """Count the characters of all markdown blocks."""
    return sum(len(block["text"]) for block, _ in places if block["type"] == "markdown")


def length(blocks: Sequence[Mapping[str, Any]]) -> int:
    """Count the characters of every string in the blocks, except in tables, which have a limit of their own."""
    total, left = 0, list[Any](blocks)
    while left:
        value = left.pop()
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, Mapping) and value.get("type") not in TABLES:
            left.extend(value.values())
        elif isinstance(value, list | tuple):
            left.extend(value)
    return total
