"""`dcv-resend run`: check what can be checked, connect by Socket Mode, and stop without losing anything."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog
from slack_bolt.async_app import AsyncApp

from bot.digicert.client import CertCentral
from bot.errors import BotError
from bot.services.rulebook import read_rules
from bot.settings import Settings, proxy_for
from bot.slack.client import Client, open_client
from bot.store.exclusive import describe, only_one_bot
from bot.wiring import Services, build, open_certcentral
from handlers.answering import Answering
from handlers.app import make_app
from handlers.checks import Checked, check_start, until_digicert_answers, warn_of_alert_channels
from handlers.envelopes import Envelopes

log = structlog.get_logger(__name__)

ACK_SECONDS = 3.0
SWEEP_SECONDS = 30.0
TIDY_SECONDS = 3600.0
POLL_SECONDS = 60.0
SILENT_SECONDS = 30.0

Result = TypeVar("Result")


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; CannotStart with one line per problem where a setting must be mended."""
    if settings.dcv_policy_file:
        read_rules(settings.dcv_policy_file)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.create_task(_serve(settings, stop))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await serving


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    url = settings.database_url.get_secret_value()
    async with only_one_bot(url, stop):
        log.info("starting", database=describe(url))
        slack_client = open_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
        async with slack_client as slack, open_certcentral(settings) as certcentral:
            checked = await _unless(stop, check_start(settings, slack, certcentral))
            if checked is None:
                return
            async with build(settings, slack, certcentral, checked.identity) as services:
                answering = Answering(services.chat)
                app = make_app(slack, checked.identity, services, answering)
                async with _swept(services, certcentral, checked), _connected(settings, slack, app, stop):
                    warning = asyncio.create_task(warn_of_alert_channels(settings, slack))
                    await stop.wait()
                    warning.cancel()
                    log.info("stopping")
                    await answering.idle(ACK_SECONDS)
    log.info("stopped")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """What `work` returns; None where `stop` is set before, and `work` is given up."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return None


@contextlib.asynccontextmanager
async def _connected(settings: Settings, slack: Client, app: AsyncApp, stop: asyncio.Event) -> AsyncIterator[None]:
    """A Socket Mode connection, kept alive by the SDK and watched by us."""
    handler = Envelopes(app, settings.slack_app_token.get_secret_value(), web_client=slack)
    handler.client.proxy = proxy_for(settings.slack_api_url)
    connecting = asyncio.create_task(_connect(handler, stop))
    try:
        yield
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await handler.close_async()  # type: ignore[no-untyped-call]


async def _connect(handler: Envelopes, stop: asyncio.Event) -> None:
    """Connect, then look every second: after SILENT_SECONDS without a connection, ask for a new address.

    The SDK alone would try the address it has for ever, although its ticket is used up.
    """
    first = asyncio.create_task(handler.connect_async())  # type: ignore[no-untyped-call]
    silent = 0.0
    was_connected = False
    try:
        while not stop.is_set():
            connected = await handler.client.is_connected()
            if connected != was_connected:
                log.info("connected to Slack" if connected else "connection to Slack lost")
            silent = 0.0 if connected else silent + 0.2
            if silent >= SILENT_SECONDS:
                silent = 0.0
                handler.client.wss_uri = None
            was_connected = connected
            await asyncio.sleep(0.2)
    finally:
        first.cancel()


@contextlib.asynccontextmanager
async def _swept(services: Services, certcentral: CertCentral, checked: Checked) -> AsyncIterator[None]:
    """Look at alerts, follow what was sent, start what was accepted and whose start was lost, let go of what is old.

    A DigiCert that did not answer at the start is asked until it does.
    """
    tidied = (services.resend.tidy, services.follower.tidy, services.offering.tidy)
    work: list[Coroutine[Any, Any, None]] = [
        services.offering.work(),
        services.follower.attend(),
        _regularly(POLL_SECONDS, services.polling.poll, at_once=True),
        _regularly(SWEEP_SECONDS, services.resend.begin_all),
        *(_regularly(TIDY_SECONDS, tidy) for tidy in tidied),
        _regularly(TIDY_SECONDS, services.head_log.tell, at_once=True),
        *([] if checked.digicert_answers else [until_digicert_answers(certcentral)]),
    ]
    sweeping = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in sweeping:
            task.cancel()
        await asyncio.gather(*sweeping, return_exceptions=True)


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
