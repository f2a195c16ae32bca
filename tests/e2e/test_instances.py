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
from tests.e2e.kit import Rows, is_chained, kinds, open_form, put, puts, resend, roots, sees_end, tells

ORDER = 700001
NAMES = ("one", "two")
OFFER = "waits for e-mail validation"
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


@pytest.fixture
def ops(slack: Slack) -> Channel:
    """A channel of alerts."""
    return slack.add_channel("ops")


async def who(slack: Slack, bots: Sequence[BotProcess], says: str) -> BotProcess:
    """The instance in whose log this stands; the only one."""
    found = await slack.wait(lambda: [bot for bot in bots if says in bot.log], f"{says!r} in a log", 30.0)
    assert len(found) == 1
    return found[0]


async def leader(slack: Slack, bots: Sequence[BotProcess]) -> BotProcess:
    return await who(slack, bots, "does the work in background now")


def other(bots: Sequence[BotProcess], bot: BotProcess) -> BotProcess:
    return next(each for each in bots if each is not bot)


def asked_again(slack: Slack) -> bool:
    """Whether Slack was asked about the person once more after the form was submitted, and has not answered."""
    return slack.api_calls[-1].method == "users.info"


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


async def test_a_frozen_owner_that_wakes_up_calls_and_says_nothing_twice(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel, ledger: Rows
) -> None:
    """It is frozen while Slack holds back who asked, right before the call; the other one makes it instead."""
    bots = await begin()
    form = await open_form(ana, ORDER, pki)
    answer = asyncio.Event()
    slack.faults.plan("users.info", stalls(hold=answer))

    await form.submit()
    owner = await who(slack, bots, '"event": "accepted"')
    await slack.wait(lambda: asked_again(slack), "the question who asked", 20.0)
    freeze(owner)
    answer.set()
    root = await sees_end(slack, pki, ORDER, 40.0)
    thaw(owner)
    await slack.wait(lambda: "it is back" in owner.log, "the one that was frozen", 30.0)
    await slack.settle()

    assert tells(root) == "sent"
    assert kinds(ledger(), ORDER) == ["sending", "sent"]
    assert puts(certcentral, ORDER) == 1
    assert (len(roots(pki)), len(pki.thread(root.ts))) == (1, 1)
    assert tells(roots(pki)[0]) == "sent"
    assert is_chained(ledger())


async def test_a_put_whose_owner_is_frozen_is_unknown_and_stays_so_when_its_answer_is_read(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel, ledger: Rows
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(ORDER), stalls(hold=answer))
    bots = await begin()
    await resend(ana, ORDER, pki)
    await certcentral.call_arrives("PUT", "/order/*")
    owner = await who(slack, bots, '"event": "accepted"')

    freeze(owner)
    answer.set()
    frozen_at = time.monotonic()
    root = await sees_end(slack, pki, ORDER, 40.0)
    took = time.monotonic() - frozen_at
    thaw(owner)
    await slack.wait(lambda: "it is back" in owner.log, "the one that was frozen", 30.0)
    await slack.settle()

    assert tells(root) == "unknown"
    assert took < TAKEN_OVER_SECONDS
    assert kinds(ledger(), ORDER) == ["sending", "unknown"]
    assert (puts(certcentral, ORDER), len(roots(pki)), len(pki.thread(root.ts))) == (1, 1, 1)
    assert tells(roots(pki)[0]) == "unknown"
    assert await owner.stop() == 0


async def test_a_frozen_leader_is_replaced_and_does_no_harm_when_it_wakes_up(
    begin: Begin, slack: Slack, certcentral: CertCentral, ops: Channel
) -> None:
    """It is frozen while it asks DigiCert what an alert is about; the other one makes the offer."""
    bots = await begin(DCV_ALERT_CHANNELS=ops.id)
    first = await leader(slack, bots)
    answer = asyncio.Event()
    certcentral.faults.plan("GET /order/certificate", stalls(hold=answer))

    alert = slack.alert(ops, "monitoring", text="shop.example.com waits for its validation")
    await certcentral.call_arrives("GET", "/order/certificate")
    freeze(first)
    answer.set()
    frozen_at = time.monotonic()
    await slack.sees_message(ops, OFFER, thread=alert, timeout=40.0)
    took = time.monotonic() - frozen_at
    thaw(first)
    await slack.wait(lambda: "it is back" in first.log, "the one that was frozen", 30.0)
    await slack.settle()

    assert took < TAKEN_OVER_SECONDS
    assert [message.content.says(OFFER) for message in ops.thread(alert.ts)] == [True]
    assert slack.problems == []


async def test_a_killed_leader_is_replaced_within_seconds_and_looks_are_told_once(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel
) -> None:
    bots = await begin(DCV_FOLLOW_UPS="3s,6s,9s,12s,30s")
    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)
    first = await leader(slack, bots)

    await first.kill()
    killed_at = time.monotonic()
    certcentral.approve(ORDER)
    await slack.sees_message(pki, "seen validated", thread=root, timeout=40.0)
    took = time.monotonic() - killed_at
    await slack.settle()

    assert took < TAKEN_OVER_SECONDS
    assert [message.content.says("validated") for message in pki.thread(root.ts)] == [False, True]
    assert puts(certcentral, ORDER) == 1
