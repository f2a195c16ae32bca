"""The durable engine: runs a flow once per id and resumes it at its unfinished step after any crash.

The only module that knows DBOS Transact. What a flow does is given to it by `bot.wiring`.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID

from bot.clock import ends_within
from bot.errors import ConfigurationError
from bot.store import postgresql
from bot.store.database import startup_errors
from bot.store.database_file import pinned

VERSION = "1"
# Far less than a second of the database's time, so that nobody in Slack waits for it.
_AT_ONCE = 100
# DBOS sleeps a second before it looks whether anything runs, and needs a moment beyond the patience to end its threads.
_LEAST_SECONDS = 2.0
_DESTROY_SECONDS = 0.25
_NEVER = ("DBOS__CLOUD", "DBOS__CONDUCTOR_KEY")

Flow = Callable[["Steps", str], Awaitable[None]]


class Steps:
    """What a flow may do: run a step whose result is kept, and sleep durably."""

    async def run(self, name: str, step: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Run `step` once and remember its JSON result; after a crash in the middle it is run again."""
        return await DBOS.run_step_async({"name": name}, step, *args)

    async def sleep(self, seconds: float) -> None:
        """Sleep; after a restart only what is left of it."""
        await DBOS.sleep_async(seconds)


class WorkflowEngine:
    """One per process; define every flow, then `launch`, then `start` flows by id."""

    def __init__(self, database_url: str, instance: str) -> None:
        if any(os.environ.get(name) for name in _NEVER):
            raise ConfigurationError(
                [f"{_NEVER[0]}, {_NEVER[1]}: unset them; this bot never hands its work to a cloud service."]
            )
        logger = logging.getLogger("dbos")
        logger.addHandler(logging.NullHandler())
        logger.addFilter(_is_news)
        self._engine = _sqlite_engine(database_url) if database_url.startswith("sqlite") else _engine(database_url)
        self._flows: dict[str, Callable[[str], Awaitable[None]]] = {}
        self._runs = False
        DBOS(config=self._config(instance))

    def define(self, name: str, flow: Flow) -> None:
        """Register a flow under a name that never changes; a changed flow gets a new name."""

        async def run(flow_id: str) -> None:
            await flow(Steps(), flow_id)

        self._flows[name] = DBOS.workflow(name=name, max_recovery_attempts=None)(run)

    async def launch(self) -> None:
        """Begin, and resume what a former process left unfinished; call it inside the running loop.

        ConfigurationError where the database cannot be used.
        """
        with startup_errors():
            DBOS.launch()
        self._runs = True

    async def start(self, name: str, flow_id: str) -> None:
        """Make sure that this flow runs: once per id, however often it is started.

        Never call it while a transaction of ours is open on the same SQLite file.
        """
        with SetWorkflowID(flow_id):
            await DBOS.start_workflow_async(self._flows[name], flow_id)  # type: ignore[arg-type]

    async def pending_executors(self) -> set[str]:
        """Under which names flows were begun that have not come to their end."""
        pending = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return {flow.executor_id for flow in pending if flow.executor_id}

    async def recover(self, gone: Collection[str]) -> None:
        """Let whoever is there go on with the flows of owners that are gone; safe to repeat, by several at once.

        Each flow is handed on only while it still belongs to one of them. DBOS's public `resume_workflows` does not
        look at that: called late, it would take a flow from a process that carries it out already.
        """
        await asyncio.to_thread(DBOS._recover_pending_workflows, list(gone))  # noqa: SLF001 - see above

    async def purge(self, before: datetime) -> None:
        """Forget flows that finished before, some at a time; one that is started again by its id would run anew."""
        finished = before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        while flows := await DBOS.list_workflows_async(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=finished,
            limit=_AT_ONCE,
            load_input=False,
            load_output=False,
        ):
            await DBOS.delete_workflows_async([flow.workflow_id for flow in flows])

    async def is_healthy(self) -> bool:
        """Whether it runs and its tables can be read; one that waits for its database says so within half a minute."""
        return self._runs and await asyncio.to_thread(self._reads)

    def _reads(self) -> bool:
        try:
            with self._engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    async def close(self, patience: int) -> None:
        """Wait up to `patience` seconds for running steps, then stop; what is unfinished resumes at the next start.

        Where the database is silent DBOS itself would wait for much longer: then it is left behind, in a daemon thread.
        DBOS ends the loop's thread pool with its own, so the loop is given another one.
        """
        self._runs = False
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def destroy() -> None:
            DBOS.destroy(workflow_completion_timeout_sec=patience, destroy_registry=True)
            with suppress(RuntimeError):
                # The loop is closed where nobody waited any longer.
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=destroy, name="engine-close", daemon=True).start()
        await ends_within(max(patience, _LEAST_SECONDS) + _DESTROY_SECONDS, done.wait())
        self._engine.dispose()
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))

    def _config(self, instance: str) -> DBOSConfig:
        return {
            "name": "dcv-resend",
            "application_version": VERSION,
            "executor_id": instance,
            "max_executor_threads": 24,
            # Its warnings tell of what is meant: a flow found again, a task cancelled at a stop.
            "log_level": "ERROR",
            "serializer": DBOSPortableJSONSerializer(),
            "system_database_engine": self._engine,
        }


def _is_news(record: logging.LogRecord) -> bool:
    """Not what stops a launch: it is raised too, and told to the operator without a traceback."""
    return record.msg != "DBOS failed to launch:"


def _engine(url: str) -> sa.Engine:
    """DBOS's own defaults, with less connections, and with an end to waiting for a server that has vanished."""
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=8,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        connect_args=postgresql.connect_args("engine"),
    )
    postgresql.mark_disconnects(engine)
    postgresql.configure_sessions(engine, {"idle_in_transaction_session_timeout": "60s"})
    return engine


def _sqlite_engine(url: str) -> sa.Engine:
    engine = sa.create_engine(pinned(url).set(drivername="sqlite"), pool_size=10, max_overflow=0, pool_timeout=30)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    if connection.execute("select unixepoch('subsec')").fetchone()[0] is None:
        # SQLite before 3.42 does not know 'subsec'; DBOS needs it on Python 3.12 and newer.
        connection.create_function("unixepoch", -1, lambda *_: time.time())
