"""A PostgreSQL server that goes away and comes back: nothing is lost, and no false result is reported."""

import asyncio
import json
import time

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers, stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import Rows, is_chained, kinds, open_form, put, puts, resend, roots, sees_end, start_again, tells
from tests.postgresql import Server

ORDER = 700001
AWAY_SECONDS = 10.0


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    return postgresql_url


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    """Something that waits."""
    certcentral.add_order(ORDER, ["shop.example.com"])


def _problems(bot: BotProcess) -> list[str]:
    """Return the log's lines that are errors, or that contain the password."""
    lines = bot.log.splitlines()
    return [
        line for line in lines if json.loads(line)["level"] in {"error", "critical"} or "exception" in json.loads(line)
    ] + [line for line in lines if "made-up" in line]


async def test_a_put_that_outlives_a_restart_of_the_server_is_reported_as_sent(
    bot: BotProcess,
    server: Server,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(), stalls(hold=answer))
    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")

    await asyncio.to_thread(server.stop)
    await asyncio.sleep(AWAY_SECONDS)
    await asyncio.to_thread(server.start)
    answer.set()
    root = await sees_end(slack, pki, ORDER)

    assert tells(root) == "sent"
    assert (puts(certcentral, ORDER), len(roots(pki))) == (1, 1)
    assert kinds(ledger(), ORDER) == ["sending", "sent"]
    assert is_chained(ledger())
    assert "PostgreSQL at " in bot.log
    assert _problems(bot) == []
    assert slack.problems == []


async def test_while_the_server_is_away_people_are_notified_at_once_and_what_was_sent_is_reported_later(
    bot: BotProcess,
    server: Server,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    certcentral.add_order(ORDER + 1, ["next.example.com"])
    answer = asyncio.Event()
    certcentral.faults.plan(put(ORDER), stalls(hold=answer))
    form = await open_form(ana, ORDER + 1, pki)
    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")

    await asyncio.to_thread(server.stop)
    answer.set()
    refused = await form.submit()
    await ana.command("/dcv-resend", str(ORDER + 1), pki)
    await ana.receives("didn't respond")
    await asyncio.to_thread(server.start)
    first = await sees_end(slack, pki, ORDER)
    accepted = await form.submit()
    second = await sees_end(slack, pki, ORDER + 1)

    assert refused.after < 2.25
    assert [("Nothing was sent" in text, "Try again" in text) for text in refused.error_texts] == [(True, True)]
    assert accepted.closed
    assert [tells(root) for root in (first, second)] == ["sent", "sent"]
    assert [puts(certcentral, order_id) for order_id in (ORDER, ORDER + 1)] == [1, 1]
    assert is_chained(ledger())
    assert _problems(bot) == []
    assert slack.problems == []


async def test_many_who_submit_around_a_restart_of_the_server_get_one_put_each_and_a_true_end(
    bot: BotProcess,
    server: Server,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    orders = range(ORDER + 1, ORDER + 6)
    for order_id in orders:
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
    forms = [await open_form(ana, order_id, pki) for order_id in orders]

    submitting = [asyncio.create_task(form.submit()) for form in forms]
    await certcentral.wait_for_call("PUT", "/order/*")
    await asyncio.to_thread(server.stop)
    await asyncio.gather(*submitting)
    await asyncio.to_thread(server.start)
    for form in forms:
        if form.is_open:
            await form.submit()
    ended = [tells(await sees_end(slack, pki, order_id, 40.0)) for order_id in orders]

    assert ended == ["sent"] * len(orders)
    assert [puts(certcentral, order_id) for order_id in orders] == [1] * len(orders)
    assert [len(roots(pki, order_id)) for order_id in orders] == [1] * len(orders)
    assert is_chained(ledger())
    assert _problems(bot) == []
    assert slack.problems == []


async def test_a_bot_ends_in_time_while_the_server_is_away_and_goes_on_at_the_next_start(
    bot: BotProcess,
    server: Server,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    waits = ORDER + 1
    certcentral.add_order(waits, ["next.example.com"])
    answer = asyncio.Event()
    certcentral.faults.plan(put(ORDER), stalls(hold=answer))
    certcentral.faults.plan(put(waits), answers(429, {"errors": []}, {"Retry-After": "1"}))
    await resend(ana, ORDER, pki)
    await resend(ana, waits, pki)
    await slack.sees_message(pki, "Waiting for DigiCert")

    await asyncio.to_thread(server.stop)
    answer.set()
    await asyncio.sleep(3.0)  # the second one wants to go on, and the engine waits for the database
    began = time.monotonic()
    status = await bot.stop()
    took = time.monotonic() - began
    await asyncio.to_thread(server.start)
    await start_again(bot, slack)
    ended = [tells(await sees_end(slack, pki, order_id)) for order_id in (ORDER, waits)]

    assert (status, took < 10.0) == (0, True)
    assert ended == ["unknown", "sent"]
    assert kinds(ledger(), ORDER) == ["sending", "unknown"]
    assert kinds(ledger(), waits) == ["sending", "turned_away", "sending", "sent"]
    assert (puts(certcentral, ORDER), puts(certcentral, waits)) == (1, 2)
    assert slack.problems == []
