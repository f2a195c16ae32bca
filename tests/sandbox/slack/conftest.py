"""A local Slack, a bare Web API client of the app, and a small real Bolt app."""

from collections.abc import AsyncIterator, Callable

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Channel, SimulatedUser, Slack
from tests.sandbox.slack.helpers import Puppet


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as slack:
        yield slack


@pytest.fixture
def api(slack: Slack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest.fixture
def ana(slack: Slack) -> SimulatedUser:
    return slack.add_person("ana")


@pytest.fixture
def pki(slack: Slack) -> Channel:
    return slack.add_channel("pki")


@pytest.fixture
def app(slack: Slack, api: AsyncWebClient) -> AsyncApp:
    """Return a Bolt app without listeners. Tests add theirs before it connects."""
    return AsyncApp(client=api, signing_secret=slack.signing_secret)


@pytest.fixture
async def handler(app: AsyncApp, slack: Slack) -> AsyncIterator[AsyncSocketModeHandler]:
    """Return the app's socket handler. Open it with connect_async()."""
    handler = AsyncSocketModeHandler(app, slack.app_token, ping_interval=1)
    yield handler
    await handler.close_async()


@pytest.fixture
async def bot(handler: AsyncSocketModeHandler, slack: Slack, app: AsyncApp) -> AsyncApp:
    """Return the connected app."""
    await handler.connect_async()
    await slack.wait_for_connection()
    return app


@pytest.fixture
async def puppet(slack: Slack) -> AsyncIterator[Puppet]:
    """Return an app that acks everything, unless its `answer` is replaced."""
    async with Puppet(slack) as puppet:
        yield puppet


@pytest.fixture
def said(puppet: Puppet) -> Callable[[object], None]:
    """Return a function that sets the app's answer to every interaction."""

    def set_answer(payload: object) -> None:
        puppet.answer = lambda envelope: payload

    return set_answer
