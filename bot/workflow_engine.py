"""The workflow engine: runs a workflow once per id, and resumes it at its unfinished step after a crash.

The only module that uses DBOS Transact. `bot.wiring` defines the workflows.
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
# A batch takes the database far less than a second, so that no user in Slack waits for it.
_AT_ONCE = 100
# DBOS sleeps a second before it checks for running workflows, and needs more than its timeout to end its threads.
_LEAST_SECONDS = 2.0
_DESTROY_SECONDS = 0.25
_NEVER = ("DBOS__CLOUD", "DBOS__CONDUCTOR_KEY")

Flow = Callable[["Steps", str], Awaitable[None]]


class Steps:
    """The operations of a workflow: steps whose result is stored, and durable sleep."""

    async def run(self, name: str, step: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Run `step` once and store its JSON result. After a crash during the step it is run again."""
        return await DBOS.run_step_async({"name": name}, step, *args)

    async def sleep(self, seconds: float) -> None:
        """Sleep. After a restart only the remaining time counts."""
        await DBOS.sleep_async(seconds)


class WorkflowEngine:
    """The engine of one process. Define every workflow, then `launch`, then `start` workflows by id."""

    def __init__(self, database_url: str, instance: str) -> None:
        if any(os.environ.get(name) for name in _NEVER):
            raise ConfigurationError(
                [f"{_NEVER[0]}, {_NEVER[1]}: unset them. The bot never gives its work to a cloud service."]
            )
        logger = logging.getLogger("dbos")
        logger.addHandler(logging.NullHandler())
        logger.addFilter(_is_not_reported_elsewhere)
        self._engine = _sqlite_engine(database_url) if database_url.startswith("sqlite") else _engine(database_url)
        self._flows: dict[str, Callable[[str], Awaitable[None]]] = {}
        self._runs = False
        DBOS(config=self._config(instance))

    def define(self, name: str, flow: Flow) -> None:
        """Register a workflow under a name that never changes. A changed workflow needs a new name."""

        async def run(flow_id: str) -> None:
            await flow(Steps(), flow_id)

        self._flows[name] = DBOS.workflow(name=name, max_recovery_attempts=None)(run)

    async def launch(self) -> None:
        """Start, and resume the workflows that an earlier process did not finish. Call it inside the running loop.

        Raises ConfigurationError if the database cannot be used.
        """
        with startup_errors():
            DBOS.launch()
        self._runs = True

    async def start(self, name: str, flow_id: str) -> None:
        """Start a workflow. Safe to repeat: it runs once per id.

        Never call it inside `Database.write`: on SQLite it would wait for that lock.
        """
        with SetWorkflowID(flow_id):
            await DBOS.start_workflow_async(self._flows[name], flow_id)  # type: ignore[arg-type]

    async def pending_executors(self) -> set[str]:
        """Return the executors that have unfinished workflows."""
        pending = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return {flow.executor_id for flow in pending if flow.executor_id}

    async def recover(self, gone: Collection[str]) -> None:
        """Resume the workflows of executors that are gone. Safe to repeat, also by several processes at once.

        A workflow is resumed only if it still belongs to one of them. DBOS's public `resume_workflows` does not check
        that: called late, it would take a workflow from a process that is running it already.
        """
        await asyncio.to_thread(DBOS._recover_pending_workflows, list(gone))  # noqa: SLF001 - see above

    async def purge(self, before: datetime) -> None:
        """Delete the workflows that finished before a time, in batches. After that, the same id could run again."""
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
        """Return True if the engine runs and can read its tables. Takes up to 30 s while the database is down."""
        return self._runs and await asyncio.to_thread(self._reads)

    def _reads(self) -> bool:
        try:
            with self._engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    async def close(self, patience: int) -> None:
        """Wait up to `patience` seconds for running steps, then stop. Unfinished workflows resume at the next start.

        If the database is silent, DBOS itself would wait for much longer, so it stops in a daemon thread. DBOS also
        shuts down the loop's thread pool, so the loop gets a new one.
        """
        self._runs = False
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def destroy() -> None:
            DBOS.destroy(workflow_completion_timeout_sec=patience, destroy_registry=True)
            with suppress(RuntimeError):
                # The loop is closed already if the wait below has timed out.
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
            # Its warnings are about expected events: a workflow found again, a task cancelled at shutdown.
            "log_level": "ERROR",
            "serializer": DBOSPortableJSONSerializer(),
            "system_database_engine": self._engine,
        }


def _is_not_reported_elsewhere(record: logging.LogRecord) -> bool:
    """Return False for a failed launch: it is raised too, and the operator gets it without a traceback."""
    return record.msg != "DBOS failed to launch:"


def _engine(url: str) -> sa.Engine:
    """Return an engine with DBOS's own defaults, but fewer connections and a limit for a server that has vanished."""
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
