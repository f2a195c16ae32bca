"""Tables: Slack's block with pages and sorting, as a plain dict, and the same rows as text if Slack rejects it.

Slack's Python SDK has no class for the block, and a modal shows no table.
Source: Slack, "Data table block".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block

from bot.views.blocks import SECTION_TEXT, context, escape, sanitize, section, truncate, truncate_middle

DATA_TABLE = "data_table"
# Copies of Slack's page differ. These limits hold in all of them; the number of rows is without the header.
MOST_ROWS = 100
MOST_CHARACTERS = 9000
PAGE_SIZE = 10
_MOST_COLUMNS = 20
_EMPTY = "\N{EN DASH}"
_LONGEST_CELL = 255


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with foreign text, shown literally. A column of which each cell has a `value` is sorted by it."""

    text: str
    value: int | None = None


Row = Sequence[Cell | str]


class RawBlock(Block):
    """A block as a plain dict, for those that the SDK does not know, and for stored ones."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        super().__init__(type=str(content["type"]), block_id=content.get("block_id"))
        self._content = dict(content)

    def to_dict(self, *_: Any) -> dict[str, Any]:
        """Return the block as Slack's API takes it."""
        return dict(self._content)


class DataTable(RawBlock):
    """A data table. The rows that exceed Slack's limits are left out: `left_out` counts them."""

    def __init__(
        self,
        caption: str,
        header: Sequence[str],
        rows: Sequence[Row],
        *,
        page_size: int = PAGE_SIZE,
        block_id: str | None = None,
    ) -> None:
        """Build the table. Raises ValueError if it has no row, or rows of different lengths."""
        if not rows or not 0 < len(header) <= _MOST_COLUMNS or any(len(row) != len(header) for row in rows):
            raise ValueError("A table needs rows, and each of them as many cells as the header.")
        head = [_cell(Cell(title)) for title in header]
        shown = _fitting([[_cell(cell) for cell in row] for row in rows], len(caption) + _characters(head))
        self.left_out = len(rows) - len(shown)
        content = {"type": DATA_TABLE, "caption": sanitize(caption), "page_size": page_size, "rows": [head, *shown]}
        super().__init__({**content, "block_id": block_id} if block_id else content)


def has_table(blocks: Iterable[Mapping[str, Any]]) -> bool:
    """Return True if one of the blocks is a data table."""
    return any(block.get("type") == DATA_TABLE for block in blocks)


def without_tables(blocks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the blocks with each data table as paragraphs, one line for each row, for a Slack that has no tables."""
    found: list[dict[str, Any]] = []
    for block in blocks:
        found += _paragraphs(block) if block.get("type") == DATA_TABLE else [dict(block)]
    return found


def _cell(cell: Cell | str) -> dict[str, Any]:
    of = Cell(cell) if isinstance(cell, str) else cell
    text = truncate_middle(sanitize(of.text).strip(), _LONGEST_CELL) or _EMPTY
    if of.value is None:
        return {"type": "raw_text", "text": text}
    return {"type": "raw_number", "value": of.value, "text": text}


def _characters(row: Iterable[Mapping[str, Any]]) -> int:
    return sum(len(cell["text"]) for cell in row)


def _fitting(rows: list[list[dict[str, Any]]], used: int) -> list[list[dict[str, Any]]]:
    """Return the first rows that fit, but at least one."""
    shown: list[list[dict[str, Any]]] = []
    for row in rows[:MOST_ROWS]:
        used += _characters(row)
        if shown and used > MOST_CHARACTERS:
            break
        shown.append(row)
    return shown


def _paragraphs(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a caption with the column titles, and the rows as lines, at most MOST_CHARACTERS in all."""
    head, *rows = table["rows"]
    paragraphs: list[str] = []
    left, shown = MOST_CHARACTERS, 0
    for row in rows:
        line = _line(row)
        left -= len(line) + 1
        if left < 0:
            break
        shown += 1
        if paragraphs and len(paragraphs[-1]) + len(line) < SECTION_TEXT:
            paragraphs[-1] += f"\n{line}"
        else:
            paragraphs.append(line)
    titles = " · ".join(escape(cell["text"]) for cell in head)
    more = [context(f"+ {len(rows) - shown} more")] if shown < len(rows) else []
    blocks = [section(f"*{escape(table['caption'])}*"), context(titles), *map(section, paragraphs), *more]
    return [block.to_dict() for block in blocks]


def _line(row: Sequence[Mapping[str, Any]]) -> str:
    first, *rest = (escape(cell["text"]) for cell in row)
    return truncate(" · ".join([f"*{first}*", *rest]), SECTION_TEXT)
