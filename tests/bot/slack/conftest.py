"""The bot's own client, connected to a local Slack."""

import pytest
import structlog

from bot.slack.chat import Chat
from bot.slack.client import open_client
from bot.slack.directory import Directory
from sandbox.slack import Slack


@pytest.fixture(autouse=True)
def logged():
    """Capture the logs. Nothing is printed."""
    with structlog.testing.capture_logs() as logged:
        yield logged


@pytest.fixture
def no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def slack(no_proxy):
    async with Slack() as slack:
        yield slack


@pytest.fixture
async def client(slack):
    async with open_client(slack.bot_token, slack.api_url) as client:
        yield client


@pytest.fixture
def chat(client):
    return Chat(client)


@pytest.fixture
def directory(client):
    return Directory(client)


@pytest.fixture
def ana(slack):
    return slack.add_person("ana")


@pytest.fixture
def pki(slack):
    return slack.add_channel("pki")


@pytest.fixture
def group(slack):
    return slack.add_usergroup("pki-team")


@pytest.fixture
def calls(slack):
    """Return a function that counts the calls of a method."""
    return lambda method: sum(call.method == method for call in slack.api_calls)
