"""How late the machine is: two hearts that beat twenty times a second, and note how late each beat was."""

import asyncio
import multiprocessing
import time
from pathlib import Path
from typing import Self

_FORKS = multiprocessing.get_context("forkserver")
BEAT_SECONDS = 0.05
# A little work for each beat, since a process that only sleeps is woken before those that work.
WORK_SECONDS = 0.002


class Heartbeat:
    """One heart is in this process's event loop, the other one in a process of its own that has nothing else to do."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._beats: list[tuple[float, float]] = []

    async def __aenter__(self) -> Self:
        """Let both beat."""
        self._process = _FORKS.Process(target=_beat, args=(self._file,), daemon=True)
        await asyncio.to_thread(self._process.start)
        self._task = asyncio.create_task(self._beat_here())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop both."""
        self._task.cancel()
        self._process.kill()
        await asyncio.to_thread(self._process.join)

    def lag(self, since: float, until: float) -> float:
        """By how many seconds beats were late between two moments of the monotonic clock, of both hearts together."""
        whole = self._file.read_text().rpartition("\n")[0] if self._file.exists() else ""
        there = [tuple(map(float, line.split())) for line in whole.splitlines()]
        return sum(max(0.0, min(at, until) - max(due, since)) for due, at in [*self._beats, *there])

    async def _beat_here(self) -> None:
        while True:
            due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self._beats.append((due, time.monotonic()))


def _beat(file: Path) -> None:
    """Write when each beat was due and when it came, until the process that wants to know is gone."""
    parent = multiprocessing.parent_process()
    with file.open("w", buffering=1) as beats:
        while parent is not None and parent.is_alive():
            due = time.monotonic() + BEAT_SECONDS + WORK_SECONDS
            parent.join(BEAT_SECONDS)
            worked = time.thread_time() + WORK_SECONDS
            while time.thread_time() < worked:
                pass
            beats.write(f"{due} {time.monotonic()}\n")
