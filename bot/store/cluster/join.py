"""Admission to a database: one bot on a SQLite file, any number on PostgreSQL, each under a name of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa
import structlog

from bot.errors import ConfigurationError
from bot.store import postgresql
from bot.store.cluster.leases import LEASE_SECONDS
from bot.store.cluster.membership import ClusterMember, Membership, SingleInstance
from bot.store.database import open_database
from bot.store.database_file import SameFile, only_one_process, sqlite_file
from bot.store.retry import until_begun

log = structlog.get_logger(__name__)

IN_PLACE_SECONDS = 1.0
# Long enough for a server that restarts together with the bot. A wrong address soon ends the start.
FIRST_SECONDS = 5.0


def describe(url: str) -> str:
    """Return the database of a URL as a log may show it: a file, or host and name without user and password."""
    return str(sqlite_file(url) or postgresql.where(sa.make_url(url)))


@asynccontextmanager
async def join_cluster(
    url: str, name: str, stop: asyncio.Event, lease_seconds: float = LEASE_SECONDS
) -> AsyncIterator[Membership]:
    """Open the membership of this process. Call its `join` once the tables exist.

    On SQLite it locks the file. If the file is moved or replaced, it sets `stop` and raises ConfigurationError at the
    end. On PostgreSQL it does the same if another process takes the name, which needs an expired lease. Raises
    ConfigurationError if the file is in use, or if there is no server for FIRST_SECONDS.
    """
    if file := sqlite_file(url):
        async with _locked(file, stop):
            yield SingleInstance()
        return
    # Not the connections of the store: a renewal must not wait for them. One for the loop, and one for locks.
    database = open_database(url, "leases", connections=2)
    try:
        await until_begun(database.connect, FIRST_SECONDS)
        member = ClusterMember(database, describe(url), name, stop, lease_seconds)
        yield member
    finally:
        await database.close()
    if member.was_replaced:
        mend = "Give each instance its own name."
        raise ConfigurationError([f"DCV_INSTANCE: another process named {name} took over, so this one stopped. {mend}"])


@asynccontextmanager
async def _locked(file: Path, stop: asyncio.Event) -> AsyncIterator[None]:
    """Lock a SQLite file, and stop the bot if the file is moved: its connections would write to different files.

    Raises ConfigurationError if another bot has the lock, and at the end if the file was moved.
    """
    with only_one_process(file) as held:
        watching = asyncio.create_task(_until_moved(held, stop))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    if not watching.cancelled():
        mend = "Put it back, or start the bot with the new file."
        raise ConfigurationError(
            [f"DATABASE_URL: {file} was moved or replaced while the bot ran, so it stopped. {mend}"]
        )


async def _until_moved(held: SameFile, stop: asyncio.Event) -> None:
    while held.is_in_place():  # noqa: ASYNC110 - a file system sends no event
        await asyncio.sleep(IN_PLACE_SECONDS)
    log.critical("the database file was moved or replaced; stopping", file=str(held.path))
    stop.set()
