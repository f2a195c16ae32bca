"""How a stop ends in time: bounds that add up to less than the ten seconds after which a platform kills.
from handlers.transport.transport import ACK_SECONDS

Slack, DigiCert and the database may all be silent. Answers and the door share ACK_SECONDS, the engine and the row of an
instance have bounds of their own, and whatever still holds the process after LAST_SECONDS is left behind, as at a power
cut: what was accepted goes on elsewhere, or at the next start.
"""

import asyncio
import os
import threading
from collections.abc import Iterable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

# What the door has at least, even where an answer took all of that.
DOOR_SECONDS = 0.5
TIDY_SECONDS = 0.25
LAST_SECONDS = 9.0


async def cancel_tasks(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> None:
    """Cancel, and once more where that takes longer than `seconds`; what is not over then is left to the loop's end.

    At the first time a driver still asks its server to cancel, which takes long where that is silent.
    """
    left = set(tasks)
    for patience in (seconds, TIDY_SECONDS):
        for task in left:
            task.cancel()
        if left:
            _, left = await asyncio.wait(left, timeout=patience)


def force_exit() -> None:
    """From now on the process has LAST_SECONDS, whatever it still waits for then; its exit status is 0."""
    timer = threading.Timer(LAST_SECONDS, _exit)
    timer.daemon = True
    timer.start()


def _exit() -> None:
    log.warning("the stop took too long; what is unfinished goes on later")
    os._exit(0)
