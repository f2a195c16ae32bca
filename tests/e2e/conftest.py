"""The real bot as its own process, between the local Slack and the local CertCentral."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Person, Slack


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as slack:
        yield slack


@pytest.fixture
async def certcentral() -> AsyncIterator[CertCentral]:
    async with CertCentral() as certcentral:
        yield certcentral


@pytest.fixture
def ana(slack: Slack) -> Person:
    """An engineer who may resend."""
    return slack.add_person("ana")


@pytest.fixture
def pki(slack: Slack) -> Channel:
    return slack.add_channel("pki")


@pytest.fixture
async def make_bot(
    slack: Slack, certcentral: CertCentral, ana: Person, tmp_path: Path
) -> AsyncIterator[Callable[..., BotProcess]]:
    """Make bot processes that end with the test."""
    made: list[BotProcess] = []

    def make(**settings: str) -> BotProcess:
        bot = BotProcess(
            {
                "SLACK_BOT_TOKEN": slack.bot_token,
                "SLACK_APP_TOKEN": slack.app_token,
                "SLACK_API_URL": slack.api_url,
                "DIGICERT_API_KEY": certcentral.key,
                "DIGICERT_BASE_URL": certcentral.url,
                "DCV_ALLOWED_USERS": ana.id,
                "DATABASE_URL": f"sqlite:///{tmp_path}/bot.db",
                "LOG_FORMAT": "json",
                **settings,
            },
            log=tmp_path / f"bot-{len(made)}.log",
        )
        made.append(bot)
        return bot

    yield make
    for bot in made:
        await bot.end()


@pytest.fixture
async def bot(make_bot: Callable[..., BotProcess], slack: Slack, pki: Channel) -> BotProcess:
    """A bot that is connected."""
    bot = make_bot()
    await bot.start()
    await slack.connected()
    return bot
