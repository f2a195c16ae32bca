"""HTTP mode: Slack posts signed requests to one URL. Unsigned requests are rejected before their body is parsed."""

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
# A view may hold 250,000 characters, each of which may take three bytes in a form-encoded body.
MOST_BYTES = 1 << 20
READ_SECONDS = 3.0
STOP_SECONDS = 2.0

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
# Keys that mark a form-encoded body of Slack's: an interaction, a slash command, or a check of our certificate.
_KINDS = ("payload", "command", "ssl_check")


class HttpMode:
    """The transport that receives Slack's requests at `PATH`.

    Before and after the app serves, requests get a 503, so that Slack may retry them.
    """

    def __init__(
        self, settings: HttpModeSettings, metrics: Metrics, clock: Clock = utc_now, timings: Timings = PRODUCTION
    ) -> None:
        self._timings = timings
        self._rejections = Rejections(metrics)
        self._signatures = Signatures(settings.slack_signing_secret.get_secret_value(), clock)
        self._steady = steady_clock(clock)
        self._replays = ReplayCache(self._steady)
        self._app: AsyncApp | None = None
        self._open = 0
        self._idle = asyncio.Event()

    @property
    def routes(self) -> list[web.RouteDef]:
        """Return the route of Slack's requests for the bot's HTTP server."""
        return [web.post(PATH, self.handle)]

    @property
    def drain_seconds(self) -> float:
        """Return the seconds for which requests still arrive at a stop, until load balancers see it is not ready."""
        return self._timings.drain

    @property
    def is_open(self) -> bool:
        """Return True while Slack's requests are handled."""
        return self._app is not None

    async def check(self, _: Client) -> None:
        """Do nothing: the signing secret can only be verified when Slack sends a request."""

    async def serve(self, app: AsyncApp, _: Client) -> None:
        """Dispatch requests to the app until cancelled, then wait up to STOP_SECONDS for those in progress."""
        self._app = app
        log.info("serving Slack", path=PATH)
        try:
            await asyncio.Event().wait()
        finally:
            self._app = None
            await self._wait_until_idle()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Reject requests that Slack did not sign within WINDOW, and dispatch each other one to the app once."""
        try:
            _check_kind(request)
            signature_headers = self._signatures.read(request.headers)
            body = await _read(request)
            self._signatures.check(signature_headers, body)
            payload = read_payload(request.content_type, body)
        except RequestRejected as error:
            return self._rejections.respond(error)
        self._open += 1
        self._idle.clear()
        try:
            with request.app[CONNECTIONS].answering_slack(request):
                # A timestamp may be up to WINDOW ahead of our clock, and stays valid until WINDOW after itself.
                return await self._replays.run_once(
                    signature_headers.signature, self._steady() + 2 * WINDOW, lambda: self._answer(payload)
                )
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()

    async def _answer(self, payload: dict[str, Any]) -> web.StreamResponse:
        if self._app is None:
            log.warning("a payload arrived while the bot was starting or stopping")
            return web.Response(status=FAILED)
        try:
            # Dispatched like a Socket Mode payload: Bolt's body parser loses a command whose text contains "payload".
            response = await self._app.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))
            return await to_aiohttp_response(response)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # The payload is malformed, and Bolt raised in its own parsing code.
            log.warning("a payload could not be read", error=type(error).__name__)
            return web.Response()

    async def _wait_until_idle(self) -> None:
        if self._open and not await ends_within(STOP_SECONDS, self._idle.wait()):
            log.warning("stopping while Slack is waiting for answers", open=self._open)


def _check_kind(request: web.Request) -> None:
    """Check type, encoding and length by the headers alone. Raises RequestRejected for what Slack never sends."""
    if request.content_type not in {_FORM, _JSON} or request.headers.get("Content-Encoding", "identity") != "identity":
        raise RequestRejected(415, "content_type")
    if (request.content_length or 0) > MOST_BYTES:
        raise RequestRejected(413, "size")


async def _read(request: web.Request) -> bytes:
    """Return the raw body. Raises RequestRejected if it is longer than MOST_BYTES, too slow, or broken."""
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
        # aiohttp raises RuntimeError when the connection has been lost.
        raise RequestRejected(400, "body") from None
    return bytes(body)


def read_payload(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the payload in the shape of Socket Mode. Raises RequestRejected (400) if it cannot be parsed."""
    try:
        text = body.decode("utf-8")
        if content_type == _JSON:
            return _object(json.loads(text))
        # "strict" also rejects a percent-encoded sequence that is not valid UTF-8.
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
