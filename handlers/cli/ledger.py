"""`dcv-resend ledger …`: the chain checked, exported and cut off, beside a bot that runs or without one."""

import sys
from collections.abc import Callable
from datetime import datetime

from bot import logs
from bot.clock import utc_now
from bot.errors import StoreUnavailable
from bot.services.operations import ledger_audit, ledger_pruning
from bot.settings import DatabaseSettings
from bot.store.ledger.hash_chain import ChainBroken

Echo = Callable[[str], None]


async def verify(kept: str | None, tell: Echo) -> int:
    """Tell whether the chain holds, and where the hash stands that was kept; 1 where it does not."""
    try:
        found = await ledger_audit.verify(_url(), kept)
    except ChainBroken as error:
        tell(str(error))
        return 1
    tell(found.sentence())
    if found.missing_file:
        tell(f"There is no file {found.missing_file}: if rows were lost at the end, that does not show")
    if kept is None:
        return 0
    tell(found.recorded_hash_sentence(kept))
    return 0 if found.recorded_at is not None else 1


async def export(since: datetime | None, until: datetime | None) -> int:
    """Write the rows to standard output; 1 where one cannot be written."""
    try:
        await ledger_audit.export(_url(), since, until, utc_now(), sys.stdout.buffer.write)
    except ChainBroken as error:
        print(error, file=sys.stderr)  # noqa: T201 - the answer of a command
        return 1
    return 0


async def prune(before: datetime, yes: bool, tell: Echo) -> int:
    """Tell what may go, and with `yes` remove it; 1 where the chain does not hold, 2 where nothing or not all went."""
    url = _url()
    try:
        plan = await ledger_pruning.plan(url, before, utc_now())
    except ChainBroken as error:
        tell(f"{error} Nothing was removed.")
        return 1
    tell(plan.sentence())
    if plan.is_empty:
        return 0
    if not yes:
        tell("Nothing was removed: say --yes to remove them for good.")
        return 2
    try:
        removed = await ledger_pruning.execute(url, plan)
    except StoreUnavailable:
        tell("The database did not answer for a minute. The same command removes what is left.")
        return 2
    tell(f"{ledger_audit.in_rows(removed)} were removed; the chain goes on from row {plan.cut.through.seq + 1}.")
    return 0


def _url() -> str:
    logs.disable()
    return DatabaseSettings.load().database_url.get_secret_value()
