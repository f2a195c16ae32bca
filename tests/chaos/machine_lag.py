"""Measurement of scheduling lag: two timers at 20 Hz record how late each tick was."""

import asyncio
import multiprocessing
import time
from pathlib import Path
from typing import Self

_FORKS = multiprocessing.get_context("forkserver")
TICK_SECONDS = 0.05
# A little work for each tick, since a process that only sleeps is woken before those that work.
WORK_SECONDS = 0.002


class LagMeter:
    """Two timers: one in this process's event loop, and one in a process that has nothing else to do."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ticks: list[tuple[float, float]] = []

    async def __aenter__(self) -> Self:
        """Start both timers."""
        self._process = _FORKS.Process(target=_tick, args=(self._file,), daemon=True)
        await asyncio.to_thread(self._process.start)
        self._task = asyncio.create_task(self._tick_here())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop both timers."""
        self._task.cancel()
        self._process.kill()
        await asyncio.to_thread(self._process.join)

    def lag(self, since: float, until: float) -> float:
        """Return the seconds of lag of both timers together between two times of the monotonic clock."""
        whole = self._file.read_text().rpartition("\n")[0] if self._file.exists() else ""
        there = [tuple(map(float, line.split())) for line in whole.splitlines()]
        return sum(max(0.0, min(at, until) - max(due, since)) for due, at in [*self._ticks, *there])

    async def _tick_here(self) -> None:
        while True:
            due = time.monotonic() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self._ticks.append((due, time.monotonic()))


def _tick(file: Path) -> None:
    """Write the due time and the actual time of each tick, until the parent process has ended."""
    parent = multiprocessing.parent_process()
    with file.open("w", buffering=1) as ticks:
        while parent is not None and parent.is_alive():
            due = time.monotonic() + TICK_SECONDS + WORK_SECONDS
            parent.join(TICK_SECONDS)
            worked = time.thread_time() + WORK_SECONDS
            while time.thread_time() < worked:
                pass
            ticks.write(f"{due} {time.monotonic()}\n")
