"""What runs beside the front doors: alerts, following, what was accepted and whose start was lost, and letting go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.errors import BotError
from bot.services.operations.workflow_recovery import SWEEP_SECONDS
from bot.store.cluster.membership import Leadership
from bot.wiring import Services
from handlers.server.shutdown import TIDY_SECONDS, cancel_tasks

log = structlog.get_logger(__name__)

RECOVERY_SECONDS = 2.0
RETAIN_SECONDS = 3600.0
POLL_SECONDS = 60.0
SHARING_SECONDS = 60.0
REFUSAL_SECONDS = 60.0

Work = Coroutine[Any, Any, None]


@contextlib.asynccontextmanager
async def running(services: Services, *more: Work) -> AsyncIterator[None]:
    """All of it while this process leads, and `more` in any case, for as long as the context lasts."""
    leading = _while_leading(services.leadership, lambda: _of_the_leader(services))
    async with _at_once([leading, _regularly(REFUSAL_SECONDS, services.denial_log.settle), *more]):
        yield


def _of_the_leader(services: Services) -> list[Work]:
    """What only one instance does at a time."""
    tidied = (services.resend.clean_up, services.follow_up_worker.clean_up, services.offer_worker.clean_up)
    return [
        services.offer_worker.run(),
        services.follow_up_worker.run(),
        _regularly(POLL_SECONDS, services.status_poller.poll, at_once=True),
        _regularly(RECOVERY_SECONDS, services.workflow_recovery.run_once, at_once=True),
        _regularly(SWEEP_SECONDS, services.resend.start_pending),
        _regularly(SHARING_SECONDS, services.offer_worker.withdraw),
        *(_regularly(RETAIN_SECONDS, tidy) for tidy in tidied),
        _regularly(RETAIN_SECONDS, services.head_log.log_head, at_once=True),
    ]


async def _while_leading(leadership: Leadership, work: Callable[[], list[Work]]) -> None:
    """Begin all work anew whenever this process comes to lead, and end it when it does no longer."""
    while True:
        await leadership.held.wait()
        async with _at_once(work()):
            await leadership.lost.wait()
        log.info("another instance may do the work in background now")


@contextlib.asynccontextmanager
async def _at_once(work: list[Work]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        await cancel_tasks(tasks, TIDY_SECONDS)


async def _regularly(seconds: float, work: Callable[[], Awaitable[None]], *, at_once: bool = False) -> None:
    await asyncio.sleep(0.0 if at_once else seconds)
    while True:
        try:
            await work()
        except BotError as error:
            log.warning("regular work must wait", work=work.__name__, error=str(error))
        except Exception:
            log.exception("regular work failed", work=work.__name__)
        await asyncio.sleep(seconds)
