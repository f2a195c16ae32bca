"""`dcv-resend bulk …`: the export of a plan, with or without a running bot."""

import sys

from bot import logs
from bot.errors import StoreUnavailable
from bot.services.bulk.export import ExportFormat
from bot.services.bulk.export import export as export_plan
from bot.settings import DatabaseSettings


async def export(plan_id: str, format_: ExportFormat) -> int:
    """Write the rows of a plan to standard output. Return 0, 1 if there is no such plan, 2 without the database."""
    logs.disable()
    url = DatabaseSettings.load().database_url.get_secret_value()
    try:
        lines = await export_plan(url, plan_id, format_)
    except StoreUnavailable:
        print("The database didn't respond. Try again in a moment.", file=sys.stderr)  # noqa: T201 - an answer
        return 2
    if lines is None:
        print("There is no plan with this ID.", file=sys.stderr)  # noqa: T201 - the answer of a command
        return 1
    sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())
    return 0
