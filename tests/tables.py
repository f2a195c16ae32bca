"""A SQLite file as a bot leaves it at its first start, to be copied: making all tables takes a third of a start."""

import asyncio
import multiprocessing
from pathlib import Path

from bot.store.database import open_database
from bot.workflow_engine import WorkflowEngine

_FORKS = multiprocessing.get_context("forkserver")


def make_tables(file: Path) -> None:
    """Make the bot's tables and its engine's, in a process of their own: an engine is there once per process."""
    process = _FORKS.Process(target=_make, args=(f"sqlite+aiosqlite:///{file}",))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the tables could not be made (exit status {process.exitcode})")
    # As a bot leaves it.
    file.chmod(0o600)


def _make(url: str) -> None:
    asyncio.run(_make_both(url))


async def _make_both(url: str) -> None:
    database = open_database(url)
    await database.migrate()
    await database.close()
    engine = WorkflowEngine(url, "template")
    await engine.launch()
    await engine.close(0)
