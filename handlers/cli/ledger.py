"""`dcv-resend ledger …`: verify, export and prune the hash chain, with or without a running bot."""

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


async def verify(recorded_hash: str | None, echo: Echo) -> int:
    """Print if the chain is intact, and the row of `recorded_hash` if one is given.

    Return 0, or 1 if the chain is broken or the hash belongs to no row.
    """
    try:
        found = await ledger_audit.verify(_url(), recorded_hash)
    except ChainBroken as error:
        echo(str(error))
        return 1
    echo(found.sentence())
    if found.missing_file:
        echo(f"There is no file {found.missing_file}, so rows lost at the end can't be detected")
    if recorded_hash is None:
        return 0
    echo(found.recorded_hash_sentence(recorded_hash))
    return 0 if found.recorded_at is not None else 1


async def export(since: datetime | None, until: datetime | None) -> int:
    """Write the rows of the period to standard output. Return 0, or 1 if the chain is broken."""
    try:
        await ledger_audit.export(_url(), since, until, utc_now(), sys.stdout.buffer.write)
    except ChainBroken as error:
        print(error, file=sys.stderr)  # noqa: T201 - the answer of a command
        return 1
    return 0


async def prune(before: datetime, yes: bool, echo: Echo) -> int:
    """Print which rows may be removed, and remove them if `yes` is set.

    Return 0 on success, 1 if the chain is broken, 2 if rows remain. Safe to repeat after an interruption.
    """
    url = _url()
    try:
        plan = await ledger_pruning.plan(url, before, utc_now())
    except ChainBroken as error:
        echo(f"{error} Nothing was deleted.")
        return 1
    echo(plan.sentence())
    if plan.is_empty:
        return 0
    if not yes:
        echo("Nothing was deleted. Add --yes to delete these rows permanently.")
        return 2
    try:
        removed = await ledger_pruning.execute(url, plan)
    except StoreUnavailable:
        echo("The database didn't respond for a minute. Run the command again to delete the remaining rows.")
        return 2
    echo(f"Deleted {ledger_audit.in_rows(removed)}. The chain continues from row {plan.cut.through.seq + 1}.")
    return 0


def _url() -> str:
    logs.disable()
    return DatabaseSettings.load().database_url.get_secret_value()
