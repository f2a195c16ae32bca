"""The limits of Block Kit on which copies of Slack's documentation differ, and those that depend on the app."""

# https://docs.slack.dev/reference/block-kit/blocks/data-table-block
# https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
# https://docs.slack.dev/reference/block-kit/composition-objects/option-object

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from sandbox.slack.blockkit.placed_blocks import PlacedBlock, iter_elements
from sandbox.slack.blockkit.rules import iter_items
from sandbox.slack.blockkit.schema import Violation, child_pointer
from sandbox.slack.blockkit.table_blocks import TABLES, count_table_characters

CHART = "data_visualization"
MAX_CHARTS = 2
BOXES = frozenset({"radio_buttons", "checkboxes"})


@dataclass(frozen=True)
class BlockKitLimits:
    """The limits of one workspace. A default holds in every copy of the documentation.

    Slack rolls out new blocks by workspace, so `accepts_data_tables` and `accepts_charts` may be False. `accepts_files`
    is whether the app may read files.

    `data_table_rows` counts the header: 101 in May 2026, 201 since August. `table_characters` was 10,000, then 20,000,
    for a table and for all tables of a message. A second table was rejected at first; `tables` None means no limit.
    Whether cells count towards the characters of a message is not known: `cells_count`.

    `box_value`, for an option of radio buttons or checkboxes, is 75 in older copies, 150 in newer ones. A chart has 6
    or 12 `chart_series`.
    """

    accepts_data_tables: bool = True
    accepts_charts: bool = True
    accepts_files: bool = True
    data_table_rows: int = 101
    table_characters: int = 10_000
    tables: int | None = 1
    cells_count: bool = True
    box_value: int = 75
    chart_series: int = 6


STRICTEST = BlockKitLimits()


def find_excess(places: Sequence[PlacedBlock], limits: BlockKitLimits) -> Iterator[Violation]:
    """Yield the violations of valid blocks that are due to the limits of the workspace."""
    yield from _find_refused(places, limits)
    yield from _find_large_tables(places, limits)
    yield from _find_large_charts(places, limits)
    yield from _find_long_values(places, limits)


def find_extra_tables(places: Sequence[PlacedBlock], limits: BlockKitLimits) -> Iterator[Violation]:
    """Yield a violation for every table after the last one that is allowed."""
    if limits.tables is not None:
        tables = [pointer for block, pointer in places if block["type"] in TABLES]
        said = f"A message can hold {limits.tables} table at most."
        yield from (Violation(pointer, said) for pointer in tables[limits.tables :])


def _find_refused(places: Sequence[PlacedBlock], limits: BlockKitLimits) -> Iterator[Violation]:
    refused = {"data_table": not limits.accepts_data_tables, CHART: not limits.accepts_charts}
    for block, at in places:
        if refused.get(block["type"]):
            yield Violation(child_pointer(at, "type"), f"The block {block['type']} is not supported.")
        if block.get("element", {}).get("type") == "file_input" and not limits.accepts_files:
            yield Violation(child_pointer(at, "element"), "A file_input needs the scope files:read.")


def _find_large_tables(places: Sequence[PlacedBlock], limits: BlockKitLimits) -> Iterator[Violation]:
    total = 0
    for block, at in places:
        if block["type"] not in TABLES:
            continue
        total += count_table_characters(block)
        if total > limits.table_characters:
            yield Violation(
                child_pointer(at, "rows"), f"Tables can have {limits.table_characters:,} characters at most."
            )
        if block["type"] == "data_table" and len(block["rows"]) > limits.data_table_rows:
            yield Violation(child_pointer(at, "rows"), f"A data table can have {limits.data_table_rows} rows at most.")


def _find_large_charts(places: Sequence[PlacedBlock], limits: BlockKitLimits) -> Iterator[Violation]:
    charts = [(block["chart"], child_pointer(at, "chart")) for block, at in places if block["type"] == CHART]
    for _, at in charts[MAX_CHARTS:]:
        yield Violation(at, f"A message can hold {MAX_CHARTS} charts at most.")
    for chart, at in charts:
        name = "segments" if "segments" in chart else "series"
        if len(chart[name]) > limits.chart_series:
            yield Violation(child_pointer(at, name), f"This chart can have {limits.chart_series} of these at most.")


def _find_long_values(places: Sequence[PlacedBlock], limits: BlockKitLimits) -> Iterator[Violation]:
    for element, at in iter_elements(places):
        if element["type"] not in BOXES:
            continue
        chosen = [(element["initial_option"], f"{at}/initial_option")] if "initial_option" in element else []
        for option, pointer in chain(
            iter_items(element, at, "options"), iter_items(element, at, "initial_options"), chosen
        ):
            if len(option["value"]) > limits.box_value:
                said = f"The value of such an option can have {limits.box_value} characters at most."
                yield Violation(child_pointer(pointer, "value"), said)
