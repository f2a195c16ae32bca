"""Databases as a bot leaves them at its first start, to be copied: making all tables takes as long as most stories."""

import asyncio
import multiprocessing

from bot.engine import Engine
from bot.store.db import open_database

_FORKS = multiprocessing.get_context("forkserver")


def make_tables(url: str) -> None:
    """Make the bot's tables and its engine's, in a process of their own: an engine is there once per process."""
    driver = url.replace("postgresql:", "postgresql+psycopg:", 1).replace("sqlite:", "sqlite+aiosqlite:", 1)
    process = _FORKS.Process(target=_make, args=(driver,))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the tables could not be made (exit status {process.exitcode})")


def _make(url: str) -> None:
    asyncio.run(_make_both(url))


async def _make_both(url: str) -> None:
    database = open_database(url)
    await database.migrate()
    await database.close()
    engine = Engine(url, "template")
    await engine.launch()
    await engine.close(0)
