"""The HTTP door: Slack calls us at one address, and what it did not sign is turned away before anything reads it."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

import structlog
from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.clock import Clock, ends_within, steady_clock, utc_now
from bot.metrics import Metrics
from bot.settings import HttpModeSettings
from bot.slack.client import Client
from bot.timings import PRODUCTION, Timings
from handlers.transport.connection_limits import CONNECTIONS
from handlers.transport.rejections import Rejections, RequestRejected
from handlers.transport.replay_cache import FAILED, ReplayCache
from handlers.transport.signatures import WINDOW, Signatures

log = structlog.get_logger(__name__)

PATH = "/slack/events"
# A form may hold 250,000 characters, each of which may take three in a form-encoded body.
MOST_BYTES = 1 << 20
READ_SECONDS = 3.0
STOP_SECONDS = 2.0

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
# What a form-encoded body of Slack's holds: an interaction, a command, or a look at our certificate.
_KINDS = ("payload", "command", "ssl_check")


class HttpMode:
    """Hears Slack at `PATH`; a request is answered while the app is there, and else it may come again."""

    def __init__(
        self, settings: HttpModeSettings, metrics: Metrics, clock: Clock = utc_now, timings: Timings = PRODUCTION
    ) -> None:
        self._timings = timings
        self._denial_log = Rejections(metrics)
        self._signatures = Signatures(settings.slack_signing_secret.get_secret_value(), clock)
        self._steady = steady_clock(clock)
        self._replays = ReplayCache(self._steady)
        self._app: AsyncApp | None = None
        self._open = 0
        self._idle = asyncio.Event()

    @property
    def routes(self) -> list[web.RouteDef]:
        """What the site serves for it."""
        return [web.post(PATH, self.handle)]

    @property
    def drain_seconds(self) -> float:
        """Requests arrive until whoever routes them has seen that the bot is not ready any more."""
        return self._timings.drain

    @property
    def is_open(self) -> bool:
        """Whether what Slack sends is answered."""
        return self._app is not None

    async def check(self, _: Client) -> None:
        """Nothing can be asked: whether the signing secret is right shows when Slack calls."""

    async def serve(self, app: AsyncApp, _: Client) -> None:
        """Let the app answer until this is cancelled, and then whoever is still waiting."""
        self._app = app
        log.info("serving Slack", path=PATH)
        try:
            await asyncio.Event().wait()
        finally:
            self._app = None
            await self._answered()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Turn away what Slack did not send just now, and let the app answer the rest, each once."""
        try:
            _check_kind(request)
            stamp = self._signatures.read(request.headers)
            body = await _read(request)
            self._signatures.check(stamp, body)
            payload = read_payload(request.content_type, body)
        except RequestRejected as error:
            return self._denial_log.respond(error)
        self._open += 1
        self._idle.clear()
        try:
            with request.app[CONNECTIONS].answering_slack(request):
                return await self._replays.run_once(
                    stamp.signature, self._steady() + 2 * WINDOW, lambda: self._answer(payload)
                )
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()

    async def _answer(self, payload: dict[str, Any]) -> web.StreamResponse:
        if self._app is None:
            log.warning("a payload came while the bot starts or stops")
            return web.Response(status=FAILED)
        try:
            # As Socket Mode hands it over: Bolt's own reading of a body loses a command that says "payload".
            response = await self._app.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))
            return await to_aiohttp_response(response)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # A part is not what Slack makes it, and Bolt failed in code of its own.
            log.warning("a payload was not understood", error=type(error).__name__)
            return web.Response()

    async def _answered(self) -> None:
        if self._open and not await ends_within(STOP_SECONDS, self._idle.wait()):
            log.warning("stopping while Slack waits for answers", open=self._open)


def _check_kind(request: web.Request) -> None:
    """Rejected for what Slack never sends, told by the headers alone."""
    if request.content_type not in {_FORM, _JSON} or request.headers.get("Content-Encoding", "identity") != "identity":
        raise RequestRejected(415, "content_type")
    if (request.content_length or 0) > MOST_BYTES:
        raise RequestRejected(413, "size")


async def _read(request: web.Request) -> bytes:
    """The body as it came; Rejected as soon as it is too long, or where it takes too long."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for part in request.content.iter_any():
                body += part
                if len(body) > MOST_BYTES:
                    raise RequestRejected(413, "size")
    except TimeoutError:
        raise RequestRejected(408, "slow") from None
    except (web.RequestPayloadError, ClientError, HttpProcessingError, OSError, RuntimeError):
        # RuntimeError is what aiohttp raises to whoever reads from a connection that is gone.
        raise RequestRejected(400, "body") from None
    return bytes(body)


def read_payload(content_type: str, body: bytes) -> dict[str, Any]:
    """The payload as Socket Mode would bring it; Rejected (400) where there is none that can be read."""
    try:
        text = body.decode("utf-8")
        if content_type == _JSON:
            return _object(json.loads(text))
        # Half of an escaped character is no text either.
        form = dict(parse_qsl(text, keep_blank_values=True, errors="strict"))
        if not any(kind in form for kind in _KINDS):
            raise RequestRejected(400, "body")
        return _object(json.loads(form["payload"])) if "payload" in form else form
    except (ValueError, RecursionError):
        raise RequestRejected(400, "body") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestRejected(400, "body")
    return value
