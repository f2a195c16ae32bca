"""How a stop ends in time, whatever it waits for."""

import asyncio
import subprocess
import sys
import time

import pytest

from handlers.server.shutdown import cancel_tasks

HELD_UP = """
import threading
from handlers.server import shutdown
shutdown.LAST_SECONDS = 0.2
shutdown.force_exit()
threading.Event().wait()
"""


async def test_what_does_not_heed_the_first_cancelling_is_cancelled_again() -> None:
    cancelled = []

    async def work() -> None:
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(asyncio.get_running_loop().time())

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel_tasks([task], 0.2)

    assert task.done()
    assert cancelled[1] - cancelled[0] >= 0.2


async def test_what_heeds_no_cancelling_holds_up_nobody() -> None:
    free = asyncio.Event()

    async def work() -> None:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    began = time.monotonic()
    await cancel_tasks([task], 0.1)
    took = time.monotonic() - began
    free.set()
    await task

    assert took < 5.0


@pytest.mark.process
async def test_a_process_that_is_held_up_leaves_all_the_same() -> None:
    held_up = await asyncio.create_subprocess_exec(sys.executable, "-c", HELD_UP, stdout=subprocess.PIPE)
    out, _ = await asyncio.wait_for(held_up.communicate(), 20.0)

    assert held_up.returncode == 0
    assert b"the stop took too long" in out
