"""The limits that differ between copies of Slack's documentation: both sides of each, with and without its switch."""

from typing import Any

import pytest

from sandbox.slack.blockkit.block_kit_validator import check_message, check_view
from sandbox.slack.blockkit.limits import BlockKitLimits

Json = dict[str, Any]


def plain(text: str = "Hello") -> Json:
    return {"type": "plain_text", "text": text}


def cell(text: str = "a") -> Json:
    return {"type": "raw_text", "text": text}


def rich(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text, "style": {"bold": True}}]}
    return {"type": "rich_text", "elements": [section]}


def data_table(*cells: Json, rows: int = 2) -> Json:
    return {"type": "data_table", "caption": "Domains", "rows": [[cell()]] * (rows - len(cells)) + [[c] for c in cells]}


def chart(series: int = 1) -> Json:
    segments = [{"label": str(number), "value": 1} for number in range(series)]
    return {"type": "data_visualization", "title": "Domains", "chart": {"type": "pie", "segments": segments}}


def boxes(kind: str, length: int, **more: Json) -> Json:
    options = [{"text": plain(), "value": "x" * length}]
    return {"type": "actions", "elements": [{"type": kind, "options": options, **more}]}


def section(length: int = 3_000) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * length}}


FILE = {"type": "input", "label": plain(), "element": {"type": "file_input", "action_id": "csv"}}
TABLE = {"type": "table", "rows": [[cell("x" * 5_001)]]}
CHOSEN = {"text": plain(), "value": "x" * 76}

# last accepted blocks, first rejected ones, the error in a message, the pointer, and the switch that accepts them
CASES: dict[str, tuple[list[Json], list[Json], str, str, Json]] = {
    "rows of a data table": (
        [data_table(rows=101)],
        [data_table(rows=102)],
        "invalid_blocks",
        "/blocks/0/rows",
        {"data_table_rows": 201},
    ),
    "characters of a data table": (
        [data_table(cell("x" * 9_999))],
        [data_table(cell("x" * 10_000))],
        "invalid_blocks",
        "/blocks/0/rows",
        {"table_characters": 20_000},
    ),
    "characters of rich text in a data table": (
        [data_table(rich("x" * 9_999))],
        [data_table(rich("x" * 10_000))],
        "invalid_blocks",
        "/blocks/0/rows",
        {"table_characters": 20_000},
    ),
    "characters of a table": (
        [{**TABLE, "rows": [[cell("x" * 10_000)]]}],
        [{**TABLE, "rows": [[cell("x" * 5_000), cell("x" * 5_001)]]}],
        "invalid_blocks",
        "/blocks/0/rows",
        {"table_characters": 10_001},
    ),
    "two tables": (
        [data_table()],
        [data_table(), data_table()],
        "invalid_attachments",
        "/blocks/1",
        {"tables": 2},
    ),
    "cells beside text": (
        [data_table(cell("x" * 9_000)), section(), section(1_000)],
        [data_table(cell("x" * 9_000)), section(), section(1_200)],
        "msg_blocks_too_long",
        "/blocks",
        {"cells_count": False},
    ),
    "a chart with many segments": (
        [chart(6)],
        [chart(7)],
        "invalid_blocks",
        "/blocks/0/chart/segments",
        {"chart_series": 12},
    ),
    "the value of a radio button": (
        [boxes("radio_buttons", 75)],
        [boxes("radio_buttons", 76)],
        "invalid_blocks",
        "/blocks/0/elements/0/options/0/value",
        {"box_value": 150},
    ),
    "the value of a checkbox": (
        [boxes("checkboxes", 75)],
        [boxes("checkboxes", 76)],
        "invalid_blocks",
        "/blocks/0/elements/0/options/0/value",
        {"box_value": 150},
    ),
}
WITHOUT_SWITCH: dict[str, tuple[list[Json], list[Json], str]] = {
    "three charts": ([chart()] * 2, [chart()] * 3, "/blocks/2/chart"),
    "an option of a select": (
        [boxes("static_select", 150)],
        [boxes("static_select", 151)],
        "/blocks/0/elements/0/options/0/value",
    ),
}


def problems(blocks: list[Json], **switches: Any) -> list[tuple[str, str]]:
    found = check_message({"text": "Hello", "blocks": blocks}, limits=BlockKitLimits(**switches))
    return [(problem.error, problem.pointer) for problem in found]


@pytest.mark.parametrize("name", CASES)
def test_a_limit_holds_until_its_switch_is_on(name: str) -> None:
    last, first, error, pointer, switch = CASES[name]

    assert problems(last) == []
    assert problems(first)[0] == (error, pointer)
    if name != "characters of rich text in a data table":
        assert len(problems(first)) == 1
    # Nothing else may be in the way, such as the characters of the whole message.
    assert problems(first, **switch) == []


@pytest.mark.parametrize("name", WITHOUT_SWITCH)
def test_a_limit_holds(name: str) -> None:
    last, first, pointer = WITHOUT_SWITCH[name]

    assert problems(last) == []
    assert problems(first) == [("invalid_blocks", pointer)]


def test_an_initial_option_has_the_limit_of_its_options() -> None:
    found = problems([boxes("radio_buttons", 76, initial_option=CHOSEN)])

    assert [pointer.rsplit("/", 2)[1] for _, pointer in found] == ["0", "initial_option"]


@pytest.mark.parametrize(
    ("block", "switch", "pointer"),
    [
        (data_table(), "accepts_data_tables", "/blocks/0/type"),
        (chart(), "accepts_charts", "/blocks/0/type"),
        (FILE, "accepts_files", "/blocks/0/element"),
    ],
)
def test_slack_may_not_support_it_here(block: Json, switch: str, pointer: str) -> None:
    assert problems([block]) == []

    assert problems([block], **{switch: False}) == [("invalid_blocks", pointer)]


@pytest.mark.parametrize(
    ("blocks", "switches", "pointer"),
    [
        ([data_table()], {"accepts_data_tables": False}, "/blocks/0/type"),
        ([data_table(rows=102)], {}, "/blocks/0/rows"),
        ([data_table(), data_table()], {}, "/blocks/1"),
        ([FILE], {"accepts_files": False}, "/blocks/0/element"),
        ([boxes("checkboxes", 76)], {}, "/blocks/0/elements/0/options/0/value"),
    ],
)
def test_a_view_has_the_same_limits_and_another_error(blocks: list[Json], switches: Json, pointer: str) -> None:
    [problem] = check_view({"type": "home", "blocks": blocks}, limits=BlockKitLimits(**switches))

    assert (problem.error, problem.pointer) == ("invalid_arguments", pointer)
