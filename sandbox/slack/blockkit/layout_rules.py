"""Rules over a list of blocks whose blocks are valid one by one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sandbox.slack.blockkit.blocks import BLOCKS, Surface
from sandbox.slack.blockkit.placed_blocks import PlacedBlock, iter_blocks, iter_elements
from sandbox.slack.blockkit.rules import find_repeated
from sandbox.slack.blockkit.schema import Validator, Violation, list_of
from sandbox.slack.blockkit.table_blocks import TABLES, count_table_characters


def block_list(surface: Surface, most: int, least: int = 0) -> Validator:
    """Return a validator for a list of blocks on `surface`. Each block_id may be used once."""
    each = list_of(BLOCKS[surface], most, least)

    def check(value: Any, at: str) -> Iterator[Violation]:
        violations = list(each(value, at))
        # The ids can be compared only if every block is valid.
        yield from violations or find_repeated(iter_blocks(value, at), "block_id")

    return check


def find_extra_focus(places: Iterable[PlacedBlock]) -> Iterator[Violation]:
    """Yield a violation for every element with `focus_on_load` after the first one."""
    focused = [pointer for element, pointer in iter_elements(places) if element.get("focus_on_load")]
    return (Violation(f"{pointer}/focus_on_load", "Only one element can have the focus.") for pointer in focused[1:])


def count_markdown(places: Iterable[PlacedBlock]) -> int:
    """Return the number of characters in all markdown blocks."""
    return sum(len(block["text"]) for block, _ in places if block["type"] == "markdown")


def count_characters(blocks: Sequence[Mapping[str, Any]], *, cells_count: bool = False) -> int:
    """Return the number of characters in all strings. Of tables, only what cells show counts, if `cells_count`."""
    total, remaining = 0, list[Any](blocks)
    while remaining:
        value = remaining.pop()
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, Mapping) and value.get("type") in TABLES:
            total += count_table_characters(value) if cells_count else 0
        elif isinstance(value, Mapping):
            remaining.extend(value.values())
        elif isinstance(value, list | tuple):
            remaining.extend(value)
    return total
