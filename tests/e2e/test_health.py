"""`/healthz`, `/readyz` and `/metrics`: their answers are current, and contain no names."""

import asyncio
import json
import time
from collections.abc import Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops, stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, answers_with, asks, free_port, put, resend, sees_end, serving
from tests.forked_bot import SHORT
from tests.postgresql import Server

ORDER = 700001
ALL_WELL = {"ready": True, "slack": True, "database": True, "engine": True, "digicert": True}
# A second, and what a busy machine adds; what is silent here is silent for 30.
PROBE_TAKES = 5.0
# A yes of Slack's or DigiCert's counts for a while, and a busy machine adds to it.
TURNS_WITHIN = SHORT.slack_health_ttl + 10.0
MakeBot = Callable[..., BotProcess]


@pytest.fixture(autouse=True)
def orders(certcentral: CertCentral) -> None:
    """Pending orders."""
    for number, name in enumerate(("shop.example.com", "pay.example.com", "www.example.com")):
        certcentral.add_order(ORDER + number, [name])


@pytest.fixture
async def bot(make_bot: MakeBot, slack: Slack) -> BotProcess:
    """A bot that serves over HTTP."""
    bot = make_bot("serve")
    slack.request_url = f"http://127.0.0.1:{bot.settings['PORT']}/slack/events"
    await bot.start()
    await serving(bot)
    return bot


async def ready(bot: BotProcess) -> dict[str, bool]:
    """Return the answer of /readyz within a probe's timeout, and check that its status agrees."""
    began = time.monotonic()
    status, body = await asks(bot, "/readyz")
    states: dict[str, bool] = json.loads(body)
    assert time.monotonic() - began < PROBE_TAKES
    assert status == (200 if states["ready"] else 503)
    return states


async def becomes(bot: BotProcess, **wanted: bool) -> dict[str, bool]:
    """Wait until /readyz says all well but for this."""
    async with asyncio.timeout(TURNS_WITHIN):
        while (states := await ready(bot)) != ALL_WELL | wanted:  # noqa: ASYNC110 - a server tells nobody what changed
            await asyncio.sleep(0.1)
    return states


@ON_BOTH
async def test_a_bot_that_serves_is_ready_and_cheap_to_ask(
    bot: BotProcess, slack: Slack, certcentral: CertCentral
) -> None:
    await becomes(bot)
    before = len(slack.api_calls), len(certcentral.calls)

    began = time.monotonic()
    states = [await asyncio.gather(*(ready(bot) for _ in range(20))) for _ in range(5)]
    took = time.monotonic() - began
    status, body = await asks(bot, "/healthz")

    assert all(each == ALL_WELL for together in states for each in together)
    assert (status, body) == (200, "alive\n")
    asked = len(slack.api_calls) - before[0], len(certcentral.calls) - before[1]
    assert max(asked) <= 1 + took // min(SHORT.slack_health_ttl, SHORT.digicert_health_ttl)


@pytest.mark.parametrize("trouble", [answers(500, "oops"), drops(effect=False), stalls(30.0)])
async def test_a_slack_that_does_not_answer_makes_it_unready(bot: BotProcess, slack: Slack, trouble: Fault) -> None:
    slack.faults.plan("*", trouble, times=None)

    await becomes(bot, ready=False, slack=False)
    slack.faults.clear()
    await becomes(bot)

    assert (await asks(bot, "/healthz"))[0] == 200


async def test_a_call_that_is_turned_away_tells_that_slack_is_there(bot: BotProcess, slack: Slack) -> None:
    busy = answers(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "1"})
    slack.faults.plan("auth.test", busy, times=None)
    before = len(slack.api_calls)

    states = []
    async with asyncio.timeout(TURNS_WITHIN):
        while len(slack.api_calls) == before:
            states.append(await ready(bot))
            await asyncio.sleep(0.1)

    assert [each for each in (*states, await ready(bot)) if not each["slack"]] == []


@pytest.mark.parametrize("trouble", [answers(503, "<html>"), drops(effect=False), stalls(60.0)])
async def test_a_digicert_that_is_away_is_reported_and_does_not_make_it_unready(
    bot: BotProcess, certcentral: CertCentral, trouble: Fault
) -> None:
    certcentral.faults.plan("*", trouble, times=None)

    states = await becomes(bot, digicert=False)
    certcentral.faults.clear()
    await becomes(bot)

    assert states["ready"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_database_that_is_away_makes_it_unready_until_it_is_back(bot: BotProcess, server: Server) -> None:
    await becomes(bot)

    await asyncio.to_thread(server.stop)
    unavailable = await becomes(bot, ready=False, database=False, engine=False)
    alive, _ = await asks(bot, "/healthz")
    _, counted = await asks(bot, "/metrics")
    await asyncio.to_thread(server.start)
    await becomes(bot)

    assert alive == 200
    assert "dcv_requests_open NaN" in counted
    assert not unavailable["ready"]
    assert "Traceback" not in bot.log


async def test_beside_socket_mode_ready_means_connected(make_bot: MakeBot, slack: Slack) -> None:
    bot = make_bot(PORT=str(free_port()))
    slack.faults.plan("socket", answers(500), times=None)
    await bot.start()

    alone = await answers_with(bot, "/healthz", 200)
    unconnected = (await asks(bot, "/readyz"))[0]
    slack.faults.clear()
    await slack.wait_for_connection(60.0)
    await serving(bot)
    slack.faults.plan("socket", answers(500), times=None)
    slack.drop_sockets()
    await answers_with(bot, "/readyz", 503, TURNS_WITHIN)
    states = await ready(bot)

    assert (alone, unconnected) == ("alive\n", 503)
    assert (states["slack"], states["database"], states["engine"]) == (False, True, True)
    assert (await asks(bot, "/slack/events"))[0] == 404


async def test_without_a_port_nothing_listens_beside_socket_mode(make_bot: MakeBot, slack: Slack) -> None:
    bot = make_bot()
    await bot.start()
    await slack.wait_for_connection(60.0)

    assert '"event": "listening"' not in bot.log


async def test_while_it_waits_for_slack_it_lives_and_is_not_ready(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral
) -> None:
    slack.faults.plan("auth.test", stalls(30.0))
    bot = make_bot("serve")
    slack.request_url = f"http://127.0.0.1:{bot.settings['PORT']}/slack/events"
    await bot.start()

    await answers_with(bot, "/healthz", 200)
    states = await ready(bot)
    early = await slack.deliver("interactive", {"type": "block_actions"}, "an early click")

    assert set(states.values()) == {False}
    assert (early.acked, early.failure) == (False, "http_error")
    assert (await asks(bot, "/metrics"))[0] == 200


async def test_what_happened_is_counted_and_what_waits_is_shown(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    ben = slack.add_person("ben")
    hold = asyncio.Event()
    certcentral.faults.plan(put(ORDER + 1), answers(400, {"errors": [{"code": "no", "message": "No."}]}))
    certcentral.faults.plan(put(ORDER + 2), stalls(hold=hold))

    await resend(ana, ORDER, pki)
    await sees_end(slack, pki, ORDER)
    await resend(ana, ORDER + 1, pki)
    await sees_end(slack, pki, ORDER + 1)
    await ana.command("/dcv-resend", f"{ORDER} to admin@shop.example.com", pki)
    await ana.receives("was sent")
    await ben.command("/dcv-resend", str(ORDER), pki)
    await ben.receives("You can't")
    await resend(ana, ORDER + 2, pki)
    await certcentral.wait_for_call("PUT", f"/order/certificate/{ORDER + 2}/*")
    _, text = await asks(bot, "/metrics")
    hold.set()
    await sees_end(slack, pki, ORDER + 2)

    counted = values(text)
    put_204 = 'endpoint="PUT /order/certificate/{order}/resend-emails",status="204"'
    assert {name: counted[name] for name in COUNTED} == COUNTED
    assert counted['dcv_slack_ack_seconds_count{kind="command"}'] == 5
    assert counted['dcv_slack_ack_seconds_count{kind="view_submission"}'] == 3
    assert counted[f"dcv_digicert_call_seconds_count{{{put_204}}}"] == 1
    named = (str(ORDER), "example.com", ana.id, pki.id, slack.team_id, slack.signing_secret, slack.bot_token)
    assert not [word for word in (*named, certcentral.key) if word in text]


COUNTED = {
    'dcv_calls_total{outcome="sent"}': 1,
    'dcv_calls_total{outcome="refused"}': 1,
    'dcv_calls_total{outcome="not_sent"}': 0,
    'dcv_calls_total{outcome="unknown"}': 0,
    'dcv_refusals_total{kind="denied"}': 1,
    'dcv_refusals_total{kind="cooled_down"}': 1,
    "dcv_requests_open": 1,
    "dcv_alerts_unread": 0,
    "dcv_followings_open": 1,
    "dcv_followings_due": 0,
}


def values(text: str) -> dict[str, float]:
    """Prometheus' text format, by sample."""
    samples = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}
