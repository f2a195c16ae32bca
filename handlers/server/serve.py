"""The serving process: startup checks, transport, and a shutdown that loses no accepted request."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from typing import Any, TypeVar

import structlog
from slack_bolt.async_app import AsyncApp

from bot.clock import Clock, steady_clock, utc_now
from bot.metrics import Metrics
from bot.services.authorization.policy_loader import read_rules
from bot.services.expiry.digest_loader import read_digests
from bot.services.operations.config_files import read_calendar
from bot.settings import Settings
from bot.slack.client import Client, open_client
from bot.store.cluster.join import describe, join_cluster
from bot.timings import PRODUCTION, Timings
from bot.wiring import Dependencies, Services, build, open_certcentral
from handlers.listeners.app import make_app
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.server.background import running, warm_up
from handlers.server.health import Health
from handlers.server.http_server import serve_http
from handlers.server.shutdown import DOOR_SECONDS, cancel_tasks, force_exit
from handlers.server.startup_checks import (
    check_start,
    wait_for_digicert,
    warn_of_alert_channels,
    watch_bot_token,
)
from handlers.transport.transport import ACK_SECONDS, Transport

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


async def run(
    settings: Settings,
    transport: Transport,
    metrics: Metrics,
    clock: Clock = utc_now,
    steady: Clock | None = None,
    timings: Timings = PRODUCTION,
) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigurationError with one line per problem if a setting is wrong."""
    if settings.dcv_policy_file:
        await asyncio.to_thread(read_rules, settings.dcv_policy_file)
    if settings.dcv_validity_file:
        await asyncio.to_thread(read_calendar, settings.dcv_validity_file)
    if settings.dcv_digest_file:
        await asyncio.to_thread(read_digests, settings.dcv_digest_file)
    stop = asyncio.Event()

    def begin_to_stop() -> None:
        # Armed first: whatever blocks later, the process ends before the platform kills it.
        force_exit()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, begin_to_stop)
    serving = asyncio.create_task(_serve(settings, transport, metrics, clock, steady, timings, stop))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await serving


async def _serve(
    settings: Settings,
    transport: Transport,
    metrics: Metrics,
    clock: Clock,
    steady: Clock | None,
    timings: Timings,
    stop: asyncio.Event,
) -> None:
    url = settings.database_url.get_secret_value()
    health = Health(metrics, timings)
    site = _site(settings, transport, health, metrics)
    async with join_cluster(url, settings.dcv_instance, stop) as membership, site:
        log.info("starting", database=describe(url))
        token = settings.slack_bot_token.get_secret_value()
        slack_client = open_client(token, settings.slack_api_url, timings=timings)
        digicert = open_certcentral(settings, on_call=metrics.observe_digicert_call)
        async with slack_client as slack, digicert as certcentral:
            checked = await _unless(stop, check_start(transport.check, slack, certcentral, timings))
            if checked is None:
                return
            parts = (settings, slack, certcentral, checked.identity, metrics, membership)
            serving = build(Dependencies(*parts, clock, steady or steady_clock(clock), timings))
            async with AsyncExitStack() as stack:
                services = await _unless(stop, stack.enter_async_context(serving))
                if services is None:
                    return
                boundary = ErrorBoundary(services.chat, settings.dcv_contact, settings.console_url)
                app = make_app(slack, checked.identity, services, boundary, metrics)
                asking = [] if checked.digicert_answers else [wait_for_digicert(certcentral, timings)]
                more = (warn_of_alert_channels(settings, slack), warm_up(services, timings.warm_up_delay))
                async with running(services, *asking, *more):
                    health.begin(lambda: _reached(transport, services), services.health_checks)
                    await _open(transport, app, slack, boundary, health, timings, stop)
    log.info("stopped")


def _site(
    settings: Settings, transport: Transport, health: Health, metrics: Metrics
) -> AbstractAsyncContextManager[None]:
    """Return the HTTP server, to be opened before the first check, or a null context if PORT is not set.

    Platforms expect an open port that reports "not ready" during a slow start.
    """
    if settings.port is None:
        return nullcontext()
    return serve_http(settings.host, settings.port, [*health.routes, *transport.routes], metrics)


async def _reached(transport: Transport, services: Services) -> bool:
    return transport.is_open and await services.health_checks.slack()


async def _open(
    transport: Transport,
    app: AsyncApp,
    slack: Client,
    boundary: ErrorBoundary,
    health: Health,
    timings: Timings,
    stop: asyncio.Event,
) -> None:
    """Serve until `stop` is set, then until all acknowledged requests are handled.

    Raises the error that ended serving before `stop`, if there was one.
    """
    refused = watch_bot_token(slack, timings)
    serving = [asyncio.create_task(transport.serve(app, slack)), asyncio.create_task(refused)]
    stopping = asyncio.create_task(stop.wait())
    over, _ = await asyncio.wait({*serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    health.end()
    log.info("stopping")
    loop = asyncio.get_running_loop()
    # If serving itself failed, no request can arrive any more, so there is nothing to drain.
    notice = transport.drain_seconds if stop.is_set() else 0.0
    until = loop.time() + ACK_SECONDS
    await asyncio.gather(asyncio.sleep(notice), boundary.idle(ACK_SECONDS))
    await cancel_tasks(serving, max(DOOR_SECONDS, until - loop.time()))
    if (left := until - loop.time()) > 0.0:
        # The transport may have accepted a request until it closed.
        await boundary.idle(left)
    await boundary.notify_shutdown()
    # An error that ended serving is the reason of the stop. One that appears during the stop must not hide its success.
    for task in serving:
        if error := _failure(task):
            if task in over:
                raise error
            log.warning("serving ended with an error while stopping", error=type(error).__name__)


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """Return the result of `work`, or None if `stop` is set first. `work` is cancelled then."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return None
