"""A PostgreSQL that is reached over a network: by TLS or not at all, whichever part of the bot connects."""

import re
from collections.abc import Callable, Iterator

import psycopg
import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import free_port, resend, sees_end, tells
from tests.postgresql import Databases, Missing, Server, own_server

ORDER = 700001
# This machine for the resolver, and some host to whoever reads addresses: the tests listen on the loopback alone.
ELSEWHERE = "127.1"
MakeBot = Callable[..., BotProcess]


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[Server, int]]:
    """A server of this module's own that listens on a port, with TLS."""
    try:
        with own_server() as server:
            port = free_port()
            server.stop()
            server.options = f"-h 127.0.0.1 -p {port} {server.add_certificate()}"
            server.start()
            yield server, port
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def with_tls(listening: tuple[Server, int]) -> Iterator[str]:
    """The address of an empty database whose server speaks TLS, by a host that is not known to be this one."""
    server, port = listening
    with Databases(server.url.set(port=port)).create() as url:
        yield f"postgresql://bot@{ELSEWHERE}:{port}/{url.rpartition('/')[2].partition('?')[0]}"


@pytest.fixture
def without_tls(listening: tuple[Server, int], with_tls: str) -> Iterator[str]:
    """The same, while the server speaks no TLS."""
    server, _ = listening
    before = server.options
    server.stop()
    server.options = re.sub("-c ssl=on.*", "", before)
    server.start()
    yield with_tls
    server.stop()
    server.options = before
    server.start()


@pytest.mark.fault("L8")
async def test_every_session_of_the_bot_is_encrypted(
    with_tls: str, make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    bot = make_bot(DATABASE_URL=with_tls, PGSSLMODE="disable")
    await bot.start()
    await slack.wait_for_connection(60.0)
    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)

    with psycopg.connect(with_tls) as connection:
        found = connection.execute(
            "SELECT application_name, ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    await bot.stop()

    assert tells(root) == "sent"
    assert {name for name, _ in found} == {"dcv-resend store", "dcv-resend engine", "dcv-resend leases"}
    assert all(is_encrypted for _, is_encrypted in found)


@pytest.mark.fault("L8")
async def test_a_server_without_tls_is_not_spoken_to(without_tls: str, make_bot: MakeBot) -> None:
    bot = make_bot(DATABASE_URL=without_tls)

    await bot.start()
    status = await bot.wait_for_exit()

    assert status == 2
    last = bot.log.splitlines()[-1]
    assert last.startswith("DATABASE_URL: can't open the database (")
    assert last.endswith("but SSL was required). Turn on TLS at the server, or set DATABASE_TLS=off.")


@pytest.mark.fault("L8")
async def test_an_address_that_asks_for_no_tls_is_one_line(with_tls: str, make_bot: MakeBot) -> None:
    bot = make_bot(DATABASE_URL=f"{with_tls}?sslmode=disable")

    await bot.start()
    status = await bot.wait_for_exit()

    assert (status, bot.log.splitlines()) == (
        2,
        [
            (
                'DATABASE_URL has sslmode="disable", which may not encrypt. '
                "Use sslmode=require or verify-full, or set DATABASE_TLS=off."
            )
        ],
    )


async def test_on_this_machine_and_where_it_is_switched_off_the_bot_works_without(
    without_tls: str, make_bot: MakeBot, slack: Slack
) -> None:
    for settings in (
        {"DATABASE_URL": without_tls.replace(ELSEWHERE, "127.0.0.1")},
        {"DATABASE_URL": without_tls, "DATABASE_TLS": "off"},
    ):
        bot = make_bot(**settings)
        await bot.start()
        await slack.wait_for_connection(60.0)

        assert await bot.stop() == 0
        await slack.wait_for(lambda: slack.sockets == 0, "the socket to close", 20.0)


@pytest.mark.fault("L8")
async def test_a_check_warns_of_a_database_that_is_reached_in_clear(without_tls: str, make_bot: MakeBot) -> None:
    settings = make_bot(DATABASE_URL=without_tls, DATABASE_TLS="off").settings
    check = make_bot("check", **settings)

    await check.start()
    await check.wait_for_exit(30.0)

    warnings = [line for line in check.log.splitlines() if line.startswith("warning") and "TLS" in line]
    assert len(warnings) == 1
    assert "DATABASE_TLS is off, so rows and the password may cross the network unencrypted." in warnings[0]
