"""The blocks of a valid list and their elements, each with its JSON pointer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sandbox.slack.blockkit.rules import iter_items
from sandbox.slack.blockkit.schema import child_pointer

PlacedBlock = tuple[Mapping[str, Any], str]

_CHILD_FIELDS = {"container": "child_blocks", "carousel": "elements", "plan": "tasks"}


def iter_blocks(blocks: Sequence[Mapping[str, Any]], at: str) -> Iterator[PlacedBlock]:
    """Yield the blocks and the blocks nested in them, each with its pointer."""
    for index, block in enumerate(blocks):
        pointer = child_pointer(at, index)
        yield block, pointer
        if nest := _CHILD_FIELDS.get(block["type"]):
            yield from iter_blocks(block.get(nest, ()), child_pointer(pointer, nest))


def iter_elements(places: Iterable[PlacedBlock]) -> Iterator[PlacedBlock]:
    """Yield the elements of valid blocks, each with its pointer."""
    for block, at in places:
        if block["type"] == "actions":
            yield from iter_items(block, at, "elements")
        for name in ("element", "accessory"):
            if name in block:
                yield block[name], child_pointer(at, name)
