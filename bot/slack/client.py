"""The client of Slack's Web API, the identity of the bot, and the SDK's errors sorted into "later" and "never"."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.tracing import TraceRequestEndParams
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.clock import OnDate
from bot.errors import SlackRejected, SlackUnavailable
from bot.settings import proxy_for
from bot.timings import PRODUCTION, Timings

LONGEST_WAIT = 3600.0
# The code of an answer that has none.
UNKNOWN = "unknown_error"
RETRYABLE = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
# Errors that a retry does not fix. The last three mean that the workspace, or the app in it, is gone.
TOKEN_IS_BAD = frozenset(
    {
        "invalid_auth",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_authed",
        "not_allowed_token_type",
        "app_uninstalled",
        "team_disabled",
        "user_removed_from_team",
    }
)
# An app-level token has one purpose: without connections:write it is none.
APP_TOKEN_IS_BAD = TOKEN_IS_BAD | {"missing_scope"}


class Redirected(aiohttp.ClientError):
    """A redirect. The bot does not follow it: another server would get the token."""


async def refuse_redirects(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Raise Redirected for every 3xx status. A middleware for every session that talks to Slack."""
    response = await send(request)
    if 300 <= response.status < 400:
        response.close()
        raise Redirected(f"Slack answered with a redirect (HTTP {response.status}), which is never followed.")
    return response


class Client(AsyncWebClient):
    """The SDK's client, with the result of its last call: whether Slack answered and accepted the token.

    `token_rejected` is set when Slack refuses the bot token, which may be an error of Slack.
    """

    accepted = False
    last_call_at = float("-inf")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.token_rejected = asyncio.Event()

    async def api_call(self, api_method: str, **options: Any) -> AsyncSlackResponse:
        """Call a method as the SDK does, and record if Slack accepted the token."""
        try:
            answer = await super().api_call(api_method, **options)
        except SlackApiError as error:
            if "token" not in (options.get("params") or {}):  # a token in the params is the app-level token
                self._record_error(error)
            raise
        except Exception:
            self._record_answer(accepted=False)
            raise
        self._record_answer(accepted=True)
        return answer

    def _record_error(self, error: SlackApiError) -> None:
        is_silent, is_bad = _status(error) >= 500, error_code(error) in TOKEN_IS_BAD
        if is_bad and not is_silent:
            self.token_rejected.set()
        self._record_answer(accepted=not (is_silent or is_bad))

    def _record_answer(self, *, accepted: bool) -> None:
        self.accepted, self.last_call_at = accepted, asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of the bot in Slack, by `auth.test`.

    `scopes` are those granted to its token, empty if Slack does not say. `name` and `team` are only for display: they
    may change, and may be empty.
    """

    bot_id: str
    bot_user_id: str
    team_id: str
    enterprise_id: str | None
    scopes: frozenset[str]
    name: str = ""
    team: str = ""

    @property
    def home(self) -> frozenset[str]:
        """The team ids of colleagues' accounts: the workspace, and on Enterprise Grid the organization."""
        return frozenset(filter(None, (self.team_id, self.enterprise_id)))


@asynccontextmanager
async def open_client(
    token: str, base_url: str, on_date: OnDate | None = None, timings: Timings = PRODUCTION
) -> AsyncIterator[Client]:
    """Open a Web API client with persistent connections and without the SDK's retries, which could post twice.

    `on_date` is called with the Date header of every answer, as soon as it arrives.
    """
    timeout = aiohttp.ClientTimeout(total=timings.slack_timeout, connect=timings.slack_timeout / 2)
    traces = [_dates_to(on_date)] if on_date else []
    middlewares = [refuse_redirects]
    async with aiohttp.ClientSession(timeout=timeout, trace_configs=traces, middlewares=middlewares) as session:
        client = Client(token=token, base_url=base_url, session=session, retry_handlers=[])
        client.proxy = proxy_for(base_url)  # the SDK reads HTTPS_PROXY but not NO_PROXY
        yield client


def _dates_to(on_date: OnDate) -> aiohttp.TraceConfig:
    async def report_date(_: object, __: object, ended: TraceRequestEndParams) -> None:
        on_date(ended.response.headers.get("Date", ""))

    traces = aiohttp.TraceConfig()
    traces.on_request_end.append(report_date)
    return traces


async def identify(client: Client) -> Identity:
    """Ask Slack who the token belongs to. Raises SlackRejected if the token is not accepted."""
    async with mapped_errors():
        answer = await client.auth_test()
    if not answer.get("user_id") or not answer.get("team_id"):
        raise SlackUnavailable("Slack answered without telling who the bot is.")
    scopes = str(answer.headers.get("x-oauth-scopes") or answer.headers.get("X-OAuth-Scopes") or "")
    return Identity(
        bot_id=answer.get("bot_id") or "",
        bot_user_id=answer["user_id"],
        team_id=answer["team_id"],
        enterprise_id=answer.get("enterprise_id"),
        scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
        name=str(answer.get("user") or ""),
        team=str(answer.get("team") or ""),
    )


async def accepted(client: Client, seconds: float, ttl: float = PRODUCTION.slack_health_ttl) -> bool:
    """Return True if Slack accepted the token in the last `ttl` seconds, or does so now within `seconds`."""
    if not client.accepted or asyncio.get_running_loop().time() - client.last_call_at > ttl:
        try:
            async with asyncio.timeout(seconds), mapped_errors():
                await client.auth_test()
        except (SlackRejected, SlackUnavailable):
            pass
        except TimeoutError:
            return False
    return client.accepted


async def open_socket_url(client: Client, app_token: str) -> str:
    """Return the address of a WebSocket, by `apps.connections.open`. It is a secret, and works once and soon."""
    async with mapped_errors():
        answer = await client.apps_connections_open(app_token=app_token)
    if not answer.get("url"):
        raise SlackUnavailable("Slack answered without an address.")
    return str(answer["url"])


@asynccontextmanager
async def mapped_errors() -> AsyncIterator[None]:
    """Turn the SDK's errors into SlackUnavailable (may work later) or SlackRejected (will not)."""
    try:
        yield
    except SlackApiError as error:
        code = error_code(error)
        if code in RETRYABLE or _status(error) >= 500 or _status(error) == 429:
            raise SlackUnavailable(f"Slack asks us to wait ({code}).", _retry_after(error)) from error
        raise SlackRejected(code) from error
    except Redirected as error:
        raise SlackUnavailable(str(error)) from error
    except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError, ValueError, AttributeError) as error:
        # The SDK raises AttributeError for a text/plain answer.
        raise SlackUnavailable(f"Slack did not answer ({_reason(error)}).") from error


def error_code(error: SlackApiError) -> str:
    """Return Slack's error code, UNKNOWN if the answer has none."""
    data = getattr(error.response, "data", None)
    return str(data.get("error", UNKNOWN)) if isinstance(data, dict) else UNKNOWN


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} can't be resolved"
        case TimeoutError():
            return "no answer in time"
        case _:
            return type(error).__name__


def _status(error: SlackApiError) -> int:
    # The SDK attaches its own response, or that of aiohttp if the body was not JSON.
    return int(getattr(error.response, "status_code", None) or getattr(error.response, "status", None) or 0)


def _retry_after(error: SlackApiError) -> float:
    """Return the seconds in Retry-After, at most LONGEST_WAIT; 0 if Slack names none."""
    headers = getattr(error.response, "headers", None) or {}
    value = next((str(value) for name, value in headers.items() if name.lower() == "retry-after"), "")
    return min(float(value), LONGEST_WAIT) if value.isascii() and value.isdecimal() else 0.0
