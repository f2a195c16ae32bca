"""Background work beside the transport: alert offers, follow-ups, recovery of lost starts, and cleanup."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.errors import BotError
from bot.services.lookup.account import WARM_UP_SECONDS
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
EXPIRY_SECONDS = 60.0

Work = Coroutine[Any, Any, None]


@contextlib.asynccontextmanager
async def running(services: Services, *more: Work) -> AsyncIterator[None]:
    """Run the background work for as long as the context lasts.

    The leader's work runs only while this process is the leader. `more` runs on every instance.
    """
    leading = _while_leading(services.leadership, lambda: _of_the_leader(services))
    async with _at_once([leading, _regularly(REFUSAL_SECONDS, services.denial_log.settle), *more]):
        yield


async def warm_up(services: Services, delay: float) -> None:
    """List the account after `delay` seconds and then regularly, so that each search can be answered at once.

    Each instance has its own copy.
    """
    await asyncio.sleep(delay)
    await _regularly(WARM_UP_SECONDS, services.account.warm_up, at_once=True)


def _of_the_leader(services: Services) -> list[Work]:
    """Return new coroutines for the work that only one instance may do at a time."""
    cleanups = (
        services.resend.clean_up,
        services.follow_up_worker.clean_up,
        services.offer_worker.clean_up,
        services.approval_asks.clean_up,
        services.digest_worker.clean_up,
    )
    return [
        services.offer_worker.run(),
        services.follow_up_worker.run(),
        services.digest_worker.run(),
        _regularly(POLL_SECONDS, services.status_poller.poll, at_once=True),
        _regularly(RECOVERY_SECONDS, services.workflow_recovery.run_once, at_once=True),
        _regularly(SWEEP_SECONDS, services.resend.start_pending),
        _regularly(SWEEP_SECONDS, services.bulk_previews.start_pending),
        _regularly(SWEEP_SECONDS, services.bulk_runner.start_pending),
        _regularly(EXPIRY_SECONDS, services.bulk_runner.expire),
        _regularly(SHARING_SECONDS, services.offer_worker.withdraw),
        _regularly(SHARING_SECONDS, services.resend_asks.withdraw),
        *(_regularly(RETAIN_SECONDS, clean_up) for clean_up in cleanups),
        _regularly(RETAIN_SECONDS, services.head_log.log_head, at_once=True),
    ]


async def _while_leading(leadership: Leadership, work: Callable[[], list[Work]]) -> None:
    """Start the work whenever this process becomes the leader, and cancel it when it loses the lead."""
    while True:
        await leadership.held.wait()
        async with _at_once(work()):
            await leadership.lost.wait()
        log.info("another instance may do the background work now")


@contextlib.asynccontextmanager
async def _at_once(work: list[Work]) -> AsyncIterator[None]:
    # No task group: one background task that fails must not cancel the others.
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
            log.warning("background work is delayed", work=work.__name__, error=str(error))
        except Exception:
            log.exception("background work failed", work=work.__name__)
        await asyncio.sleep(seconds)
