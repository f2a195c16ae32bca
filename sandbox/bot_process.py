"""The bot as a separate process that can be started, stopped and killed."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

STOPPING_SECONDS = 15.0
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "COVERAGE_PROCESS_START",
)


class ProcessHandle(Protocol):
    """The part of asyncio's subprocess interface that BotProcess uses."""

    @property
    def pid(self) -> int:
        """Return the process id."""

    @property
    def returncode(self) -> int | None:
        """Return the exit status, or None while the process runs."""

    async def wait(self) -> int:
        """Wait for the process to end and return its exit status."""

    def send_signal(self, signal: int) -> None:
        """Send a signal to the process."""


class BotProcess:
    """A command that can be run several times in a row with the same settings and one log file."""

    def __init__(self, settings: Mapping[str, str], log: Path, command: Sequence[str] = ("dcv-resend", "run")) -> None:
        self.settings = dict(settings)
        self.log_file = log
        self._command = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
        self._process: ProcessHandle | None = None

    @property
    def log(self) -> str:
        """Return everything written to the log so far."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    @property
    def pid(self) -> int:
        """Return the id of the running process. Raises LookupError if the bot does not run."""
        if self._process is None:
            raise LookupError("the bot does not run")
        return self._process.pid

    async def start(self) -> None:
        """Start the process. It does not wait for a connection to Slack."""
        # Only a few variables are inherited, so that the developer's own settings cannot change a test.
        inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._process = await self._begin({**inherited, **self.settings})

    async def _begin(self, environment: Mapping[str, str]) -> ProcessHandle:
        with self.log_file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self._command,
                env=environment,
                cwd=self.log_file.parent,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def wait_for_exit(self, seconds: float = STOPPING_SECONDS) -> int:
        """Wait for the process to end and return its exit status. Raises TimeoutError after `seconds`."""
        if self._process is None:
            raise LookupError("the bot does not run")
        status = await asyncio.wait_for(self._process.wait(), seconds)
        self._process = None
        return status

    async def stop(self) -> int:
        """Send SIGTERM, as a platform does, and return the exit status."""
        self._signal(signal.SIGTERM)
        return await self.wait_for_exit()

    async def kill(self) -> None:
        """Send SIGKILL, which leaves the process no time to clean up."""
        self._signal(signal.SIGKILL)
        await self.wait_for_exit()

    async def ensure_stopped(self) -> None:
        """Kill the process if it still runs."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise LookupError("the bot does not run")
        self._process.send_signal(number)
