"""The two blocks made of rows and cells."""

# https://docs.slack.dev/reference/block-kit/blocks/table-block
# https://docs.slack.dev/reference/block-kit/blocks/data-table-block

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.slack.blockkit.objects import IDENTIFIER
from sandbox.slack.blockkit.rich_text import RICH_TEXT
from sandbox.slack.blockkit.schema import Choice, Flaw, Shape, flag, many, number, string, whole, word

TABLES = frozenset({"table", "data_table"})

_RAW_TEXT = Shape("raw_text", required={"text": string()})
_RAW_NUMBER = Shape("raw_number", required={"value": number, "text": string()})
_ROW = many(Choice(_RAW_TEXT, _RAW_NUMBER, RICH_TEXT), 20)
_COLUMN = Shape(optional={"align": word("left", "center", "right"), "is_wrapped": flag})


def _plain_header(value: Mapping[str, Any], at: str) -> Iterator[Flaw]:
    for index, cell in enumerate(value["rows"][0]):
        if cell["type"] == "rich_text":
            yield Flaw(f"{at}/rows/0/{index}/type", "A header cell cannot be rich_text.")


def _even_rows(value: Mapping[str, Any], at: str) -> Iterator[Flaw]:
    width = len(value["rows"][0])
    for index, row in enumerate(value["rows"]):
        if len(row) != width:
            yield Flaw(f"{at}/rows/{index}", f"This row has {len(row)} cells, the first one {width}.")


TABLE = Shape(
    "table",
    required={"rows": many(_ROW, 100)},
    optional={"block_id": IDENTIFIER, "column_settings": many(_COLUMN, 20, least=0)},
)
DATA_TABLE = Shape(
    "data_table",
    required={"caption": string(), "rows": many(_ROW, 101, least=2)},
    optional={"block_id": IDENTIFIER, "page_size": whole(1, 100), "row_header_column_index": whole(0)},
    rules=(_plain_header, _even_rows),
)
