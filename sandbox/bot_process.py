"""The bot as a process of its own, whichever command runs it: started, stopped, killed."""

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
    """A process, as asyncio has them."""

    @property
    def pid(self) -> int:
        """Its id."""

    @property
    def returncode(self) -> int | None:
        """Its exit status; None while it runs."""

    async def wait(self) -> int:
        """Wait for its exit status."""

    def send_signal(self, signal: int) -> None:
        """Send it a signal."""


class BotProcess:
    """One run after another of the same command with the same settings, writing to one log."""

    def __init__(self, settings: Mapping[str, str], log: Path, command: Sequence[str] = ("dcv-resend", "run")) -> None:
        self.settings = dict(settings)
        self.log_file = log
        self._command = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
        self._process: ProcessHandle | None = None

    @property
    def log(self) -> str:
        """What was written so far."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    @property
    def pid(self) -> int:
        """The process that runs now."""
        if self._process is None:
            raise LookupError("the bot does not run")
        return self._process.pid

    async def start(self) -> None:
        """Start it; whether it connects is for the local Slack to see."""
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
        """Wait until it ended, and return its exit status; TimeoutError after `seconds`."""
        if self._process is None:
            raise LookupError("the bot does not run")
        status = await asyncio.wait_for(self._process.wait(), seconds)
        self._process = None
        return status

    async def stop(self) -> int:
        """End it as a platform does, with SIGTERM."""
        self._signal(signal.SIGTERM)
        return await self.wait_for_exit()

    async def kill(self) -> None:
        """End it as a power cut does."""
        self._signal(signal.SIGKILL)
        await self.wait_for_exit()

    async def ensure_stopped(self) -> None:
        """Leave nothing running, whatever state it is in."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise LookupError("the bot does not run")
        self._process.send_signal(number)
