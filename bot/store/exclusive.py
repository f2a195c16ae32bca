"""Who may run on a database: one bot on a SQLite file, and on PostgreSQL any number, each under a name of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from bot.errors import CannotStart
from bot.store import postgresql
from bot.store.db import only_one_process, sqlite_file
from bot.store.instances import BEAT_SECONDS, Instance
from bot.store.presence import Alone, Presence


def describe(url: str) -> str:
    """The database of a URL as a log may name it: a file, or host and name without user and password."""
    return str(sqlite_file(url) or postgresql.where(sa.make_url(url)))


@asynccontextmanager
async def present(
    url: str, name: str, stop: asyncio.Event, beat_seconds: float = BEAT_SECONDS
) -> AsyncIterator[Presence]:
    """Have a place on a database while the bot runs; CannotStart where it is taken. It ends with the process.

    On SQLite a lock on a file beside it, which nothing can take away. On PostgreSQL the name, held by a session of its
    own; a session that is lost is made again for as long as the server is away. Only where another process took the
    name meanwhile, `stop` is set, and CannotStart is raised at the end. For the moments in which two may run under one
    name, the ledger's unique rows keep every call at one.
    """
    if file := sqlite_file(url):
        with only_one_process(file):
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
