"""The bot as a process that is forked from one which has imported everything: that takes longer than most stories.

It is a process of its own all the same, with its settings, folder, signals and exit status; only what Python reads at
its own start is that of the test session. Stories about that, and about imports, want `BotProcess` itself.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sandbox.bot_process import BotProcess, ProcessHandle

_FORKS = multiprocessing.get_context("forkserver")
# What is imported only once it is needed, by the bot and by its libraries. A test checks that all of these exist:
# the server of forks ignores a name that does not, and each bot would import it anew.
PRELOADED = (
    "handlers.cli.main",
    "handlers.cli.check",
    "handlers.cli.ledger",
    "handlers.cli.policy",
    "handlers.server.serve",
    "handlers.transport.http",
    "handlers.transport.socket_mode",
    "aiosqlite",
    "alembic.command",
    "alembic.config",
    "alembic.script",
    "anyio._backends._asyncio",
    "dbos._sys_db_postgres",
    "dbos._sys_db_sqlite",
    "h11",
    "httpcore",
    "slack_bolt.listener_matcher.async_builtins",
)
_FORKS.set_forkserver_preload([*PRELOADED, "pytest"])

# Not a tenth of everything: on a busy machine a bot that is only slow must not be taken for a silent one.
_SHORT: dict[str, Any] = {
    "ping_interval": 1.5,
    "handshake_timeout": 1.0,
    "close_timeout": 0.5,
    "address_timeout": 1.0,
    "token_recheck_delay": 0.2,
    "stable_after": 0.2,
    "reconnect_delays": (0.2, 0.4),
    "drain": 0.3,
    "start_retry_delay": 0.5,
    "digicert_check_timeout": 1.0,
    "digicert_retry_delay": 1.0,
    "slack_health_ttl": 1.0,
    "digicert_health_ttl": 1.0,
    "slack_timeout": 3.0,
    # A story counts the reads of its own people. Stories of the command itself begin with a listing.
    "warm_up_delay": 3600.0,
    "digest_first_read": 3600.0,
    "digest_round": 0.5,
    "digest_retry": 0.5,
    "announce_timeout": 1.5,
    # A story has its edits of a minute within seconds.
    "edit_window": 1.0,
    "offer_retry_delay": 1.0,
    "offer_refresh": 0.5,
    "empty_history_delay": 0.05,
    "busy_delays": (1.0, 6.0),
    "unreachable_delays": (0.5, 1.0),
    "permission_delays": (0.2, 2.0),
}
try:
    from bot.timings import Timings
except ImportError:
    # Older code cannot be asked to hurry; `tests.red` runs these tests on it.
    SHORT: Any = SimpleNamespace(**_SHORT)
    ARGUMENTS: dict[str, Any] = {}
else:
    SHORT = Timings(**_SHORT)
    ARGUMENTS = {"timings": SHORT}
"""How long the bot of the tests waits: less long than that of production. `ARGUMENTS` makes it so."""


def _command() -> None:
    from handlers.cli.main import main

    main(**ARGUMENTS)


class ForkedBot(BotProcess):
    """`dcv-resend …` in a process that has its modules already."""

    main = staticmethod(_command)

    async def _begin(self, environment: Mapping[str, str]) -> ProcessHandle:
        arguments = (self.main, self._command[1:], dict(environment), self.log_file)
        process = _FORKS.Process(target=_become_the_bot, args=arguments, daemon=True)
        await asyncio.to_thread(process.start)
        return _Fork(process)


class _Fork:
    """A forked process, as asyncio has processes."""

    def __init__(self, process: multiprocessing.context.ForkServerProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    async def wait(self) -> int:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        return int(self._process.exitcode or 0)

    def send_signal(self, signal: int) -> None:
        os.kill(self.pid, signal)


def _become_the_bot(main: Callable[[], None], words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(log.parent)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(written, stream.fileno())
    sys.argv = ["dcv-resend", *words]
    main()
