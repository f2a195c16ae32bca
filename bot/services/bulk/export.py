"""The export of a plan as CSV or JSON lines: one row for each item, with the ledger's row of its outcome."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Literal

from bot.store.bulk_plans import BulkPlans, ItemRecord
from bot.store.database import open_database
from bot.store.schema import format_timestamp

COLUMNS = ("target", "domains", "recipients", "outcome", "reason", "time", "row", "hash")
# A spreadsheet would run a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@")

ExportFormat = Literal["csv", "jsonl"]


async def export(url: str, plan_id: str, format_: ExportFormat) -> list[str] | None:
    """Return the lines of an export; None if there is no such plan. Changes nothing.

    Raises StoreUnavailable if the database does not answer.
    """
    database = open_database(url, "export", connections=1)
    try:
        plans = BulkPlans(database)
        if await plans.get(plan_id) is None:
            return None
        records = await plans.records(plan_id)
    finally:
        await database.close()
    return list(_csv(records) if format_ == "csv" else _json_lines(records))


def _csv(records: list[ItemRecord]) -> Iterator[str]:
    for cells in (list(COLUMNS), *([_cell(value) for value in _values(each).values()] for each in records)):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(cells)
        yield line.getvalue()


def _json_lines(records: list[ItemRecord]) -> Iterator[str]:
    for each in records:
        yield json.dumps(_values(each), ensure_ascii=False)


def _values(record: ItemRecord) -> dict[str, object]:
    item = record.item
    return {
        "target": item.key,
        "domains": list(item.names),
        "recipients": list(item.recipients),
        "outcome": item.outcome.value if item.outcome else "",
        "reason": item.words,
        "time": format_timestamp(item.ended_at) if item.ended_at else "",
        "row": record.row,
        "hash": record.hash,
    }


def _cell(value: object) -> str:
    """Return a value as a cell of a spreadsheet: a list with spaces between, and quoted if it looks like a formula."""
    text = " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    text = "".join(char if char.isprintable() else " " for char in text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
