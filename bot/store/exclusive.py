"""Who may run on a database: one bot on a SQLite file, and on PostgreSQL any number, each under a name of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa
import structlog

from bot.errors import CannotStart
from bot.store import postgresql
from bot.store.database_file import SameFile, only_one_process, sqlite_file
from bot.store.instances import BEAT_SECONDS, Instance
from bot.store.presence import Alone, Presence

log = structlog.get_logger(__name__)

IN_PLACE_SECONDS = 1.0


def describe(url: str) -> str:
    """The database of a URL as a log may name it: a file, or host and name without user and password."""
    return str(sqlite_file(url) or postgresql.where(sa.make_url(url)))


@asynccontextmanager
async def present(
    url: str, name: str, stop: asyncio.Event, beat_seconds: float = BEAT_SECONDS
) -> AsyncIterator[Presence]:
    """Have a place on a database while the bot runs; CannotStart where it is taken. It ends with the process.

    On SQLite locks of the file, which nothing can take away; if the file is moved or replaced, `stop` is set, and
    CannotStart is raised at the end. On PostgreSQL the name, held by a session of its own; a session that is lost is
    made again for as long as the server is away. Only where another process took the name meanwhile, `stop` is set, and
    CannotStart is raised at the end. For the moments in which two may run under one name, the ledger's unique rows keep
    every call at one.
    """
    if file := sqlite_file(url):
        async with _held(file, stop):
            yield Alone()
        return
    instance = Instance(url, name, describe(url), beat_seconds)
    try:
        await instance.take_name()
        keeping = asyncio.create_task(instance.keep(stop))
        try:
            yield instance
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    finally:
        await instance.close()
    if instance.taken_over:
        mend = "Give each instance a name of its own."
        raise CannotStart([f"DCV_INSTANCE: another process called {name} took over, so this one stopped. {mend}"])


@asynccontextmanager
async def _held(file: Path, stop: asyncio.Event) -> AsyncIterator[None]:
    """Hold a SQLite file, and stop the bot if the file is moved: its connections would write to different files."""
    with only_one_process(file) as held:
        watching = asyncio.create_task(_until_moved(held, stop))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    if not watching.cancelled():
        mend = "Put it back, or start the bot on the new one."
        raise CannotStart([f"DATABASE_URL: {file} was moved or replaced while the bot ran, so it stopped. {mend}"])


async def _until_moved(held: SameFile, stop: asyncio.Event) -> None:
    while held.is_in_place():  # noqa: ASYNC110 - a file system tells nobody
        await asyncio.sleep(IN_PLACE_SECONDS)
    log.critical("the database file was moved or replaced; stopping", file=str(held.path))
    stop.set()
