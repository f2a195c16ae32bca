"""The schemas of the two blocks with rows and cells."""

# https://docs.slack.dev/reference/block-kit/blocks/table-block
# https://docs.slack.dev/reference/block-kit/blocks/data-table-block

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.slack.blockkit.objects import IDENTIFIER
from sandbox.slack.blockkit.rich_text import RICH_TEXT
from sandbox.slack.blockkit.schema import (
    ObjectSchema,
    TaggedUnion,
    Violation,
    boolean,
    integer,
    list_of,
    number,
    one_of,
    string,
)

TABLES = frozenset({"table", "data_table"})

_RAW_TEXT = ObjectSchema("raw_text", required={"text": string()})
_RAW_NUMBER = ObjectSchema("raw_number", required={"value": number, "text": string()})
_ROW = list_of(TaggedUnion(_RAW_TEXT, _RAW_NUMBER, RICH_TEXT), 20)
_COLUMN = ObjectSchema(optional={"align": one_of("left", "center", "right"), "is_wrapped": boolean})


def _plain_header(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
    for index, cell in enumerate(value["rows"][0]):
        if cell["type"] == "rich_text":
            yield Violation(f"{at}/rows/0/{index}/type", "A header cell cannot be rich_text.")


def _equal_row_lengths(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
    width = len(value["rows"][0])
    for index, row in enumerate(value["rows"]):
        if len(row) != width:
            yield Violation(f"{at}/rows/{index}", f"This row has {len(row)} cells, the first one {width}.")


def count_table_characters(block: Mapping[str, Any]) -> int:
    """Return the number of characters in the cells of a table, as they are shown."""
    return sum(_count_shown(cell) for row in block["rows"] for cell in row)


def _count_shown(node: Any) -> int:
    if isinstance(node, list | tuple):
        return sum(map(_count_shown, node))
    if not isinstance(node, Mapping):
        return 0
    shown = node.get("text") or node.get("fallback") or node.get("url")
    return len(shown) if isinstance(shown, str) else _count_shown(list(node.values()))


# Newer copies of the documentation allow 201 rows with the header, older ones 101: see BlockKitLimits.
TABLE = ObjectSchema(
    "table",
    required={"rows": list_of(_ROW, 100)},
    optional={"block_id": IDENTIFIER, "column_settings": list_of(_COLUMN, 20, least=0)},
)
DATA_TABLE = ObjectSchema(
    "data_table",
    required={"caption": string(), "rows": list_of(_ROW, 201, least=2)},
    optional={"block_id": IDENTIFIER, "page_size": integer(1, 100), "row_header_column_index": integer(0)},
    rules=(_plain_header, _equal_row_lengths),
)
