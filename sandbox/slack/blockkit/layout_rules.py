"""Rules over a list of blocks whose blocks are valid one by one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sandbox.slack.blockkit.blocks import BLOCKS, Surface
from sandbox.slack.blockkit.rules import find_repeated, iter_items
from sandbox.slack.blockkit.schema import Validator, Violation, child_pointer, list_of
from sandbox.slack.blockkit.table_blocks import TABLES

PlacedBlock = tuple[Mapping[str, Any], str]

_CHILD_FIELDS = {"container": "child_blocks", "carousel": "elements", "plan": "tasks"}


def iter_blocks(blocks: Sequence[Mapping[str, Any]], at: str) -> Iterator[PlacedBlock]:
    """Yield the blocks and the blocks nested in them, each with its pointer."""
    for index, block in enumerate(blocks):
        pointer = child_pointer(at, index)
        yield block, pointer
        if nest := _CHILD_FIELDS.get(block["type"]):
            yield from iter_blocks(block.get(nest, ()), child_pointer(pointer, nest))


def block_list(surface: Surface, most: int, least: int = 0) -> Validator:
    """Return a validator for a list of blocks on `surface`. Each block_id may be used once."""
    each = list_of(BLOCKS[surface], most, least)

    def check(value: Any, at: str) -> Iterator[Violation]:
        violations = list(each(value, at))
        # The ids can be compared only if every block is valid.
        yield from violations or find_repeated(iter_blocks(value, at), "block_id")

    return check


def find_extra_tables(places: Iterable[PlacedBlock]) -> Iterator[Violation]:
    """Yield a violation for every table after the first one."""
    tables = [pointer for block, pointer in places if block["type"] in TABLES]
    return (Violation(pointer, "A message can hold only one table.") for pointer in tables[1:])


def find_extra_focus(places: Iterable[PlacedBlock]) -> Iterator[Violation]:
    """Yield a violation for every element with `focus_on_load` after the first one."""
    focused = [pointer for element, pointer in _iter_elements(places) if element.get("focus_on_load")]
    return (Violation(f"{pointer}/focus_on_load", "Only one element can have the focus.") for pointer in focused[1:])


def _iter_elements(places: Iterable[PlacedBlock]) -> Iterator[PlacedBlock]:
    for block, at in places:
        if block["type"] == "actions":
            yield from iter_items(block, at, "elements")
        for name in ("element", "accessory"):
            if name in block:
                yield block[name], child_pointer(at, name)


def count_markdown(places: Iterable[PlacedBlock]) -> int:
    """Return the number of characters in all markdown blocks."""
    return sum(len(block["text"]) for block, _ in places if block["type"] == "markdown")


def count_characters(blocks: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of characters in all strings, except in tables, which have their own limit."""
    total, remaining = 0, list[Any](blocks)
    while remaining:
        value = remaining.pop()
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, Mapping) and value.get("type") not in TABLES:
            remaining.extend(value.values())
        elif isinstance(value, list | tuple):
            remaining.extend(value)
    return total
