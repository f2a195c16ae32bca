"""Tables: what Slack accepts of them, and the same rows as text."""

import json

import pytest

from bot.views.blocks import Message
from bot.views.tables import MOST_CHARACTERS, MOST_ROWS, Cell, DataTable, has_table, without_tables

HEADER = ("Domain", "Ends", "Because", "Method", "Owner", "Last email")


def row(number, name="shop.example.com"):
    return (name, Cell("Dec 14, 2026", 20801 + number), "age", "email", "", "never")


def blocks_of(*tables):
    return json.loads(json.dumps(Message("12 domains", tables).payload()))["blocks"]


@pytest.mark.parametrize("count", [1, 2, MOST_ROWS, MOST_ROWS + 1, 2000])
@pytest.mark.parametrize(
    "name", ["a.example", "a" * 60 + ".example.com", ".".join(["b" * 60] * 4), "<!channel>", "\u202eevil"]
)
def test_slack_accepts_a_table_of_any_size_and_the_rest_is_counted(slack, count, name):
    table = DataTable("Domains that end soon", HEADER, [row(number, name) for number in range(count)])

    [block] = blocks_of(table)

    assert slack.takes_message(Message(f"{count} domains", (table,)))
    assert len(block["rows"]) - 1 + table.left_out == count
    assert sum(len(cell["text"]) for cells in block["rows"] for cell in cells) <= MOST_CHARACTERS


def test_a_number_sorts_and_empty_text_is_a_dash():
    [block] = blocks_of(DataTable("Domains", HEADER, [row(0)], page_size=25, block_id="digest-1"))

    assert block["rows"][1][1] == {"type": "raw_number", "value": 20801, "text": "Dec 14, 2026"}
    assert block["rows"][1][4] == {"type": "raw_text", "text": "\N{EN DASH}"}
    assert (block["page_size"], block["block_id"]) == (25, "digest-1")


@pytest.mark.parametrize("rows", [[], [("one",)], [row(0), ("one",)]])
def test_a_table_without_rows_or_with_uneven_ones_is_a_mistake(rows):
    with pytest.raises(ValueError, match="as many cells"):
        DataTable("Domains", HEADER, rows)


@pytest.mark.parametrize("name", ["shop.example.com", "<!channel>", "&" * 200, "*bold*"])
def test_as_text_each_row_is_a_line_and_foreign_text_stays_text(slack, name):
    table = DataTable("Domains", HEADER, [row(number, name) for number in range(MOST_ROWS)])

    text = without_tables(blocks_of(table))

    payload = {"text": "Domains", "blocks": text}
    assert slack.takes_payload(payload)
    assert not has_table(text)
    more = text[-1]["elements"][0]["text"] if text[-1]["type"] == "context" else "+ 0 more"
    assert json.dumps(text).count("Dec 14, 2026") + int(more.split()[1]) == MOST_ROWS - table.left_out
