"""A database that goes away while a bot starts: the bot waits, as one that runs, and can be stopped meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.database_link import DatabaseLink
from tests.e2e.helpers import resend, sees_end, tells

pytestmark = pytest.mark.fault("S138")

ORDER = 700001
# What the bot asks of its database in each part of a start, one after another.
PARTS = {
    "migrations": b"alembic_version",
    "membership": b"INSERT INTO leases",
    "engine": b"dbos_migrations",
    "requests": b"reported_at IS NULL",
}


@pytest.fixture
async def link(request: pytest.FixtureRequest, postgresql_url: str) -> AsyncIterator[DatabaseLink]:
    async with DatabaseLink(postgresql_url, is_cut_at=PARTS[request.param]) as link:
        yield link


@pytest.mark.parametrize("link", PARTS, indirect=True)
async def test_a_start_waits_for_a_database_that_goes_away_in_any_part_of_it(
    link: DatabaseLink,
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    bot = make_bot(DATABASE_URL=link.url)

    await bot.start()
    async with asyncio.timeout(30.0):
        await link.cut.wait()
    with pytest.raises(TimeoutError):
        await bot.wait_for_exit(1.5)
    link.restore()
    await slack.wait_for_connection(30)
    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)

    assert tells(root) == "sent"
    assert "Traceback" not in bot.log
    assert "exception" not in bot.log
    assert await bot.stop() == 0
    await bot.ensure_stopped()


@pytest.mark.parametrize("link", ["requests"], indirect=True)
async def test_a_start_that_waits_for_its_database_can_be_stopped(
    link: DatabaseLink, make_bot: Callable[..., BotProcess]
) -> None:
    bot = make_bot(DATABASE_URL=link.url)
    await bot.start()
    async with asyncio.timeout(30.0):
        await link.cut.wait()
    await asyncio.sleep(1.0)

    assert await bot.stop() == 0
    assert "exception" not in bot.log
