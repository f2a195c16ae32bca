"""Several bots on one PostgreSQL: killed, frozen or stopped, none of them loses work, and nothing is done twice."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest
import sqlalchemy as sa

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.certcentral.limits import Limit
from sandbox.faults import answers, stalls
from sandbox.slack import ApiCall, Channel, SimulatedUser, Slack
from tests.e2e.helpers import (
    Rows,
    is_chained,
    kinds,
    locked,
    looking_into,
    open_form,
    put,
    puts,
    resend,
    roots,
    sees_end,
    tells,
)
from tests.postgresql import Server

ORDER = 700001
NAMES = ("one", "two")
OFFER = "is waiting for email approval"
# What is promised after a kill or a freeze.
TAKEN_OVER_SECONDS = 30.0
AWAY_SECONDS = 12.0
LEASE_SECONDS = 10.0

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
        await slack.wait_for(lambda: slack.sockets == len(bots), f"{len(bots)} sockets", 60.0)
        return bots

    return begin


async def who(bots: Sequence[BotProcess], says: str) -> BotProcess:
    """The instance in whose log this stands; the only one."""
    async with asyncio.timeout(30.0):
        while not (found := [bot for bot in bots if says in bot.log]):  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.05)
    assert len(found) == 1
    return found[0]


async def owner_of_the_request(bots: Sequence[BotProcess]) -> BotProcess:
    return await who(bots, '"event": "accepted"')


async def leader(bots: Sequence[BotProcess]) -> BotProcess:
    return await who(bots, "does the background work now")


async def is_back(bot: BotProcess) -> None:
    """Wait until one that was frozen has noticed that the others took it for dead."""
    await who([bot], "it is back")


def asks_who(slack: Slack) -> list[ApiCall]:
    """The questions of the bot about a person."""
    return [call for call in slack.api_calls if call.method == "users.info"]


async def waits_for_the_ledger(database_url: str) -> None:
    """Wait until an instance tries to write into the locked ledger."""
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ledger_head'::regclass")
    async with asyncio.timeout(10.0):
        while True:
            with looking_into(database_url) as connection:
                if connection.scalar(waiting):
                    return
            await asyncio.sleep(0.01)


def freeze(bot: BotProcess) -> None:
    os.kill(bot.pid, signal.SIGSTOP)


def thaw(bot: BotProcess) -> None:
    os.kill(bot.pid, signal.SIGCONT)


async def test_the_work_of_a_killed_instance_goes_on_elsewhere(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan(put(ORDER), stalls(hold=asyncio.Event()))
    bots = await begin()
    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")
    owner = await owner_of_the_request(bots)

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


async def test_a_call_under_way_outlives_a_database_that_is_away_for_longer_than_a_lease(
    begin: Begin, server: Server, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    """All leases expire meanwhile; the first instance that is back must not take the other one for gone."""
    answer = asyncio.Event()
    certcentral.faults.plan(put(ORDER), stalls(hold=answer))
    bots = await begin()
    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")

    await asyncio.to_thread(server.stop)
    await asyncio.sleep(AWAY_SECONDS)
    await asyncio.to_thread(server.start)
    await asyncio.sleep(LEASE_SECONDS / 2)
    answer.set()
    root = await sees_end(slack, pki, ORDER, 40.0)

    assert tells(root) == "sent"
    assert kinds(ledger(), ORDER) == ["sending", "sent"]
    assert puts(certcentral, ORDER) == 1
    assert not any("is back" in bot.log or "sent no heartbeat" in bot.log for bot in bots)


async def test_an_instance_that_restarts_under_its_name_goes_on_after_one_lease_time(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan(put(ORDER), stalls(hold=asyncio.Event()))
    [bot] = await begin("one")
    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")

    await bot.kill()
    await bot.start()
    began = time.monotonic()
    root = await sees_end(slack, pki, ORDER)

    assert tells(root) == "unknown"
    assert time.monotonic() - began < 20.0
    assert puts(certcentral, ORDER) == 1


async def test_a_second_process_of_the_same_name_is_refused_with_the_mend(begin: Begin, bot_twin: BotProcess) -> None:
    [first] = await begin("one")

    await bot_twin.start()
    status = await bot_twin.wait_for_exit(30.0)

    assert status == 2
    assert "another process named one is using" in bot_twin.log
    assert "give each instance its own name" in bot_twin.log
    assert await first.stop() == 0


@pytest.fixture
def bot_twin(make_bot: Callable[..., BotProcess]) -> BotProcess:
    """Another process with the name of the first."""
    return make_bot(DCV_INSTANCE="one", LOG_FORMAT="text")


async def test_what_a_stopped_instance_leaves_unfinished_goes_on_within_seconds(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan(put(ORDER), answers(429, {"errors": []}, {"Retry-After": "8"}))
    bots = await begin()
    await resend(ana, ORDER, pki)
    await slack.sees_message(pki, "Waiting for DigiCert")
    owner = await owner_of_the_request(bots)

    began = time.monotonic()
    status = await owner.stop()
    took = time.monotonic() - began
    root = await sees_end(slack, pki, ORDER)

    assert (status, took < 10.0) == (0, True)
    assert tells(root) == "sent"
    assert time.monotonic() - began < 14.0
    assert kinds(ledger(), ORDER) == ["sending", "turned_away", "sending", "sent"]


async def test_a_frozen_owner_that_wakes_up_right_before_its_call_does_not_make_it(
    begin: Begin,
    database_url: str,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    """It is frozen as it writes the row before its call; meanwhile the other one makes the call."""
    bots = await begin(DIGICERT_LIMITS="1/2s")
    await resend(ana, ORDER, pki)
    owner = await owner_of_the_request(bots)
    answer = asyncio.Event()
    slack.faults.plan("users.info", stalls(hold=answer))
    asked = len(asks_who(slack))
    await slack.wait_for(lambda: len(asks_who(slack)) > asked, "the question who asked", 20.0)

    with locked(database_url):
        answer.set()
        await waits_for_the_ledger(database_url)
        freeze(owner)
    before = puts(certcentral, ORDER)
    root = await sees_end(slack, pki, ORDER, 40.0)
    thaw(owner)
    await who([owner], "another process carries out this call")
    await is_back(owner)
    await slack.wait_for_events()

    assert before == 0
    assert tells(root) == "sent"
    assert kinds(ledger(), ORDER) == ["sending", "sent"]
    assert puts(certcentral, ORDER) == 1
    assert (len(roots(pki)), pki.thread(root.ts)) == (1, [])
    assert tells(roots(pki)[0]) == "sent"
    assert is_chained(ledger())


async def test_a_put_whose_owner_is_frozen_is_unknown_and_stays_so_when_its_answer_is_read(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(ORDER), stalls(hold=answer))
    bots = await begin()
    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")
    owner = await owner_of_the_request(bots)

    freeze(owner)
    answer.set()
    frozen_at = time.monotonic()
    root = await sees_end(slack, pki, ORDER, 40.0)
    took = time.monotonic() - frozen_at
    thaw(owner)
    await is_back(owner)
    await slack.wait_for_events()

    assert tells(root) == "unknown"
    assert took < TAKEN_OVER_SECONDS
    assert kinds(ledger(), ORDER) == ["sending", "unknown"]
    assert (puts(certcentral, ORDER), len(roots(pki)), pki.thread(root.ts)) == (1, 1, [])
    assert tells(roots(pki)[0]) == "unknown"
    assert await owner.stop() == 0


async def test_a_frozen_leader_is_replaced_and_does_no_harm_when_it_wakes_up(
    begin: Begin, slack: Slack, certcentral: CertCentral, ops: Channel
) -> None:
    """It is frozen while it asks DigiCert what an alert is about; the other one makes the offer."""
    bots = await begin(DCV_ALERT_CHANNELS=ops.id)
    first = await leader(bots)
    answer = asyncio.Event()
    certcentral.faults.plan("GET /order/certificate", stalls(hold=answer))

    alert = slack.post_alert(ops, "monitoring", text="shop.example.com waits for its validation")
    await certcentral.wait_for_call("GET", "/order/certificate")
    freeze(first)
    answer.set()
    frozen_at = time.monotonic()
    await slack.sees_message(ops, OFFER, thread=alert, timeout=40.0)
    took = time.monotonic() - frozen_at
    thaw(first)
    await is_back(first)
    await slack.wait_for_events()

    assert took < TAKEN_OVER_SECONDS
    assert [message.content.says(OFFER) for message in ops.thread(alert.ts)] == [True]
    assert slack.problems == []


async def test_a_killed_leader_is_replaced_within_seconds_and_checks_are_reported_once(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    bots = await begin(DCV_FOLLOW_UPS="3s,6s,9s,12s,30s")
    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)
    first = await leader(bots)

    await first.kill()
    killed_at = time.monotonic()
    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "was validated", thread=root, timeout=40.0)
    took = time.monotonic() - killed_at
    await slack.wait_for_events()

    assert took < TAKEN_OVER_SECONDS
    assert [message.content.says("validated") for message in pki.thread(root.ts)] == [True]
    assert puts(certcentral, ORDER) == 1


async def test_what_is_asked_of_one_instance_is_known_to_the_other_and_a_double_submit_is_one_call(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    """Commands, searches and submits reach whichever instance Slack chooses: by turns, for many orders."""
    orders = range(ORDER, ORDER + 6)
    for order_id in orders[1:]:
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
    bots = await begin()

    for order_id in orders:
        form = await open_form(ana, order_id, pki)
        slack.duplicate_next = True
        await asyncio.gather(form.submit(), form.submit())
    ended = [tells(await sees_end(slack, pki, order_id)) for order_id in orders]

    assert ended == ["sent"] * len(orders)
    assert [puts(certcentral, order_id) for order_id in orders] == [1] * len(orders)
    assert [len(roots(pki, order_id)) for order_id in orders] == [1] * len(orders)
    assert all('"event": "accepted"' in bot.log for bot in bots)
    assert is_chained(ledger())
    assert slack.problems == []


async def test_all_instances_respect_the_limits_together(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    """CertCentral rejects a call that is too much, and there is none.

    It measures half of the bots' span, so that a call may arrive late on a busy machine. Without shared limits two bots
    would send twice as many at once.
    """
    orders = range(ORDER + 1, ORDER + 9)
    for order_id in orders:
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
    bots = await begin(DIGICERT_LIMITS="6/3s")
    # Each start checks its key before it shares limits with the others.
    await asyncio.sleep(1.5)
    certcentral.limits = (Limit(6, 1.5),)
    came_before = len(certcentral.calls)

    await asyncio.gather(*(ana.command("/dcv-status", str(order_id), pki) for order_id in orders for _ in range(3)))
    await slack.wait_for(lambda: len(certcentral.calls) > came_before + 20, "their reads", 40.0)
    await slack.wait_for_events()

    assert [call.status for call in certcentral.calls if call.status == 429] == []
    assert len(bots) == 2


async def test_instances_that_are_replaced_one_by_one_lose_no_command(
    begin: Begin,
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    orders = range(ORDER + 1, ORDER + 13)
    for order_id in orders:
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
    bots = await begin()
    deliveries, replaced = [], asyncio.Event()

    async def ask() -> int:
        for order_id in orders:
            text = f"{order_id} to admin@example.com"
            deliveries.append(await ana.command("/dcv-resend", text, pki))
            await asyncio.sleep(0.7)
            if replaced.is_set():
                return order_id
        return orders[-1]

    asking = asyncio.create_task(ask())
    statuses = []
    for number, bot in enumerate(bots):
        new = make_bot(DCV_INSTANCE=f"new-{number}")
        await new.start()
        await slack.wait_for(lambda: slack.sockets == 3, "the new one", 60.0)
        statuses.append(await bot.stop())
    replaced.set()
    asked = range(orders[0], await asking + 1)
    ended = [tells(await sees_end(slack, pki, order_id, 40.0)) for order_id in asked]

    assert statuses == [0, 0]
    assert ended == ["sent"] * len(asked)
    assert [puts(certcentral, order_id) for order_id in asked] == [1] * len(asked)
    assert [len(roots(pki, order_id)) for order_id in asked] == [1] * len(asked)
    assert is_chained(ledger())
    assert slack.problems == []
