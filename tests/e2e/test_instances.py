"""Several bots on one PostgreSQL: killed, frozen or stopped, none of them loses work, and nothing is done twice."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers, stalls
from sandbox.slack import Channel, Person, Slack
from tests.e2e.kit import Rows, is_chained, kinds, put, puts, resend, roots, sees_end, tells

ORDER = 700001
NAMES = ("one", "two")
# What is promised after a kill or a freeze.
TAKEN_OVER_SECONDS = 30.0

Begin = Callable[..., Awaitable[list[BotProcess]]]


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    return postgresql_url


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    """Something that waits."""
    certcentral.add_order(ORDER, ["shop.example.com"])


@pytest.fixture
def begin(make_bot: Callable[..., BotProcess], slack: Slack) -> Begin:
    """Start an instance for each name, and wait until all of them are connected."""

    async def begin(*names: str, **settings: str) -> list[BotProcess]:
        bots = [make_bot(DCV_INSTANCE=name, **settings) for name in names or NAMES]
        await asyncio.gather(*(bot.start() for bot in bots))
        await slack.wait(lambda: slack.sockets == len(bots), f"{len(bots)} sockets", 60.0)
        return bots

    return begin


async def who(slack: Slack, bots: Sequence[BotProcess], says: str) -> BotProcess:
    """The instance in whose log this stands; the only one."""
    found = await slack.wait(lambda: [bot for bot in bots if says in bot.log], f"{says!r} in a log", 30.0)
    assert len(found) == 1
    return found[0]


async def leader(slack: Slack, bots: Sequence[BotProcess]) -> BotProcess:
    return await who(slack, bots, "does the work in background now")


def other(bots: Sequence[BotProcess], bot: BotProcess) -> BotProcess:
    return next(each for each in bots if each is not bot)


def freeze(bot: BotProcess) -> None:
    os.kill(bot.pid, signal.SIGSTOP)


def thaw(bot: BotProcess) -> None:
    os.kill(bot.pid, signal.SIGCONT)


async def test_the_work_of_a_killed_instance_goes_on_elsewhere(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan(put(ORDER), stalls(hold=asyncio.Event()))
    bots = await begin()
    await resend(ana, ORDER, pki)
    await certcentral.call_arrives("PUT", "/order/*")
    owner = await who(slack, bots, '"event": "accepted"')

    await owner.kill()
    killed_at = time.monotonic()
    root = await sees_end(slack, pki, ORDER, 40.0)
    took = time.monotonic() - killed_at

    assert tells(root) == "unknown"
    assert took < TAKEN_OVER_SECONDS
    assert kinds(ledger(), ORDER) == ["sending", "unknown"]
    assert (puts(certcentral, ORDER), len(roots(pki))) == (1, 1)
    assert is_chained(ledger())
    assert slack.problems == []


async def test_an_instance_that_restarts_under_its_name_goes_on_at_once(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan(put(ORDER), stalls(hold=asyncio.Event()))
    [bot] = await begin("one")
    await resend(ana, ORDER, pki)
    await certcentral.call_arrives("PUT", "/order/*")

    await bot.kill()
    await bot.start()
    began = time.monotonic()
    root = await sees_end(slack, pki, ORDER)

    assert tells(root) == "unknown"
    assert time.monotonic() - began < 12.0
    assert puts(certcentral, ORDER) == 1


async def test_a_second_process_of_the_same_name_is_refused_with_the_mend(begin: Begin, bot_twin: BotProcess) -> None:
    [first] = await begin("one")

    await bot_twin.start()
    status = await bot_twin.exits(20.0)

    assert status == 2
    assert "another process called one is running" in bot_twin.log
    assert "give each instance a name of its own" in bot_twin.log
    assert await first.stop() == 0


@pytest.fixture
def bot_twin(make_bot: Callable[..., BotProcess]) -> BotProcess:
    """Another process with the name of the first."""
    return make_bot(DCV_INSTANCE="one", LOG_FORMAT="text")


async def test_what_a_stopped_instance_leaves_unfinished_goes_on_within_seconds(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan(put(ORDER), answers(429, {"errors": []}, {"Retry-After": "8"}))
    bots = await begin()
    await resend(ana, ORDER, pki)
    await slack.sees_message(pki, "slow down (429)")
    owner = await who(slack, bots, '"event": "accepted"')

    began = time.monotonic()
    status = await owner.stop()
    took = time.monotonic() - began
    root = await sees_end(slack, pki, ORDER)

    assert (status, took < 10.0) == (0, True)
    assert tells(root) == "sent"
    assert time.monotonic() - began < 14.0
    assert kinds(ledger(), ORDER) == ["sending", "turned_away", "sending", "sent"]
