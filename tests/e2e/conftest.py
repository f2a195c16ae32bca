"""The real bot as its own process, between the local Slack and the local CertCentral."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.certcentral.behavior_options import EmailArrayLimit
from sandbox.slack import Channel, Form, SimulatedUser, Slack
from sandbox.slack.workspace.manifest import Manifest
from tests.e2e.helpers import free_port, looking_into
from tests.forked_bot import ForkedBot
from tests.postgresql import Databases, Server
from tests.tables import make_tables

MANIFEST = Path(__file__).parents[2] / "manifest.yml"


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as slack:
        Manifest.read(MANIFEST).install(slack)
        yield slack


@pytest.fixture
async def certcentral() -> AsyncIterator[CertCentral]:
    async with CertCentral() as certcentral:
        yield certcentral


@pytest.fixture
def email_array_limited_by(request: pytest.FixtureRequest, certcentral: CertCentral) -> EmailArrayLimit:
    """Set what limits the recipients of a domain resend; parametrize it with `UNDER_BOTH_LIMITS`."""
    certcentral.options.email_array_limited_by = request.param
    return certcentral.options.email_array_limited_by


@pytest.fixture
def ana(slack: Slack) -> SimulatedUser:
    """An engineer who may resend."""
    return slack.add_person("ana")


@pytest.fixture
def pki(slack: Slack) -> Channel:
    return slack.add_channel("pki")


@pytest.fixture
def ops(slack: Slack) -> Channel:
    """A channel of alerts."""
    return slack.add_channel("ops")


@pytest.fixture
async def server(postgresql: Databases) -> AsyncIterator[Server]:
    """The database server itself; it runs again at the end."""
    if postgresql.server is None:
        pytest.skip("The server that TEST_DATABASE_URL names is not ours to stop.")
    yield postgresql.server
    postgresql.server.thaw()
    await asyncio.to_thread(postgresql.server.start)


@pytest.fixture(scope="session")
def file_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy."""
    file = tmp_path_factory.mktemp("template") / "bot.db"
    make_tables(file)
    return file


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of the bot's database: SQLite, unless a test is parametrized with `ON_BOTH`, or has `NO_TABLES`."""
    if (kind := getattr(request, "param", "sqlite")) == "no tables":
        return f"sqlite:///{tmp_path}/bot.db"
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("file_with_tables"), tmp_path / "bot.db")
        return f"sqlite:///{tmp_path}/bot.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def process(request: pytest.FixtureRequest) -> type[BotProcess]:
    """The kind of the bot's process: forked, unless a test is marked `AS_COMMAND`."""
    return getattr(request, "param", ForkedBot)


@pytest.fixture
async def make_bot(
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    database_url: str,
    tmp_path: Path,
    process: type[BotProcess],
) -> AsyncIterator[Callable[..., BotProcess]]:
    """Make bot processes that end with the test: by Socket Mode, or with "serve" by HTTP."""
    made: list[BotProcess] = []

    def create(command: str = "run", **settings: str) -> BotProcess:
        transport = {"SLACK_APP_TOKEN": slack.app_token}
        if command == "serve":
            transport = {"SLACK_SIGNING_SECRET": slack.signing_secret, "PORT": str(free_port())}
        bot = process(
            {
                "SLACK_BOT_TOKEN": slack.bot_token,
                **transport,
                "SLACK_API_URL": slack.api_url,
                "DIGICERT_API_KEY": certcentral.key,
                "DIGICERT_BASE_URL": certcentral.url,
                "DCV_ALLOWED_USERS": ana.id,
                # Ana alone asks for what a whole company does.
                "DCV_PERSON_LIMITS": "1000/1m",
                "DATABASE_URL": database_url,
                "LOG_FORMAT": "json",
                # A reply less in each thread.
                "DCV_EMAIL_END_NOTE": "false",
                **settings,
            },
            log=tmp_path / f"bot-{len(made)}.log",
            command=("dcv-resend", command),
        )
        made.append(bot)
        return bot

    yield create
    for bot in made:
        await bot.ensure_stopped()


@pytest.fixture
async def bot(make_bot: Callable[..., BotProcess], slack: Slack, pki: Channel) -> BotProcess:
    """A bot that is connected."""
    bot = make_bot()
    await bot.start()
    await slack.wait_for_connection(60)
    return bot


@pytest.fixture
def ask(slack: Slack, ana: SimulatedUser, pki: Channel) -> Callable[[str], Awaitable[Form]]:
    """Let Ana type the command, and hand over her form once DigiCert's answer is drawn in it."""

    async def ask(text: str) -> Form:
        before = {form.view_id for form in ana.open_forms}

        def drawn() -> Form | None:
            new = [form for form in ana.open_forms if form.view_id not in before]
            return next((form for form in new if not form.says("Looking up")), None)

        await ana.command("/dcv-resend", text, pki)
        return await slack.wait_for(drawn, f"the form for {text!r}", 20.0)

    return ask


@pytest.fixture
def ledger(database_url: str) -> Callable[[], list[dict[str, Any]]]:
    """Read what stands in the bot's ledger now, the oldest row first."""

    def rows() -> list[dict[str, Any]]:
        with looking_into(database_url) as connection:
            found = connection.execute(sa.text("SELECT * FROM ledger ORDER BY seq")).mappings().all()
        return [{**row, "detail": json.loads(row["detail"])} for row in found]

    return rows
