"""Time limits of a shutdown, which add up to less than the ten seconds after which a platform kills.

Slack, DigiCert and the database may all be unresponsive. Requests in progress and the transport share ACK_SECONDS of
`handlers.transport.transport`. The engine and the instance's row have limits of their own. After LAST_SECONDS the
process exits whatever it still waits for, as at a power cut: accepted work continues on another instance, or at the
next start.
"""

import asyncio
import os
import threading
from collections.abc import Iterable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

# The transport's minimum, even if a request in progress used up all of ACK_SECONDS.
DOOR_SECONDS = 0.5
TIDY_SECONDS = 0.25
LAST_SECONDS = 9.0


async def cancel_tasks(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> None:
    """Cancel the tasks, and again if they have not ended after `seconds`. Return even if some are still running.

    On the first cancellation a database driver asks its server to cancel the query, which may not answer.
    """
    pending = set(tasks)
    for timeout in (seconds, TIDY_SECONDS):
        for task in pending:
            task.cancel()
        if pending:
            _, pending = await asyncio.wait(pending, timeout=timeout)


def force_exit() -> None:
    """Schedule the end of the process after LAST_SECONDS, with exit status 0, whatever it still waits for."""
    timer = threading.Timer(LAST_SECONDS, _exit)
    timer.daemon = True
    timer.start()


def _exit() -> None:
    log.warning("the stop took too long; unfinished work continues at the next start")
    os._exit(0)
