"""Slack takes the socket away in every way it can: the bot is back within ten seconds, and nothing accepted is lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops, stalls
from sandbox.slack import Channel, Delivery, SimulatedUser, Slack
from tests.e2e.helpers import put, puts, resend, sees_end, start_again, tells
from tests.forked_bot import SHORT
from tests.sandbox.slack.helpers import Puppet

ORDER = 700001
# So soon after the longest that a wait of the bot's may take: 1.5 pings, or a silent address and a delay.
BACK_WITHIN = 1.5 * SHORT.ping_interval + 4.0
STOPPED_WITHIN = 10.0
FOR_EVER = asyncio.Event()
OPEN = "apps.connections.open"


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    """Something that waits."""
    certcentral.add_order(ORDER, ["shop.example.com"])


@pytest.fixture
async def accepted(
    bot: BotProcess, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> AsyncIterator[asyncio.Event]:
    """A request whose call to DigiCert is under way until this is set, and whose result is reported at the end."""
    answer = asyncio.Event()
    certcentral.faults.plan(put(), stalls(hold=answer))
    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call(*put(ORDER).split())
    yield answer
    root = await sees_end(ana.slack, pki, ORDER)
    assert (tells(root), puts(certcentral, ORDER)) == ("sent", 1)
    assert pki.thread(root.ts) == []


async def _back(slack: Slack, ana: SimulatedUser, pki: Channel, since: float) -> None:
    """Type commands until one is acknowledged and answered, BACK_WITHIN seconds after `since` at the latest."""
    slack.ack_seconds = 1.0
    async with asyncio.timeout_at(since + BACK_WITHIN):
        while not (await ana.command("/dcv-resend", "help", pki)).acked:
            await slack.wait_for(lambda: slack.sockets, "a socket", BACK_WITHIN)
        await ana.receives("/dcv-resend")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _tries(slack: Slack) -> list[float]:
    return [call.at for call in slack.api_calls if call.method == OPEN]


@asynccontextmanager
async def _failing(slack: Slack, name: str, fault: Fault, tries: int = 3) -> AsyncIterator[None]:
    """Cut the socket off, and let `tries` tries to open another meet the fault."""
    before = len(_tries(slack))
    slack.faults.plan(name, fault, times=None)
    slack.drop_sockets()
    await slack.wait_for(lambda: len(_tries(slack)) >= before + tries, f"{tries} tries", 30.0)
    slack.faults.clear()
    yield


async def test_a_socket_that_stands_still_is_replaced(
    accepted: asyncio.Event, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    slack.freeze_sockets()
    since = _now()
    accepted.set()

    await _back(slack, ana, pki, since)


async def test_a_socket_without_pongs_is_replaced(
    accepted: asyncio.Event, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    mute = slack.socket_mode.sockets[0]

    slack.ignore_pings = True
    since = _now()
    await slack.wait_for(lambda: slack.sockets and mute not in slack.socket_mode.sockets, "another socket", BACK_WITHIN)
    slack.ignore_pings = False
    accepted.set()

    await _back(slack, ana, pki, since)


async def test_a_bot_is_back_where_all_of_slack_stood_still(
    accepted: asyncio.Event, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    before = len(_tries(slack))
    slack.faults.plan("*", stalls(hold=FOR_EVER), times=None)
    slack.freeze_sockets()
    accepted.set()
    await slack.wait_for(lambda: len(_tries(slack)) > before + 1, "two tries", 30.0)

    slack.faults.clear()

    await _back(slack, ana, pki, _now())


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "too_many_websockets", "link_disabled"])
async def test_a_slack_that_asks_for_another_socket_again_and_again_is_obeyed(
    accepted: asyncio.Event, slack: Slack, ana: SimulatedUser, pki: Channel, reason: str
) -> None:
    for _ in range(3):
        await asyncio.sleep(1.1 * SHORT.stable_after)
        old = list(slack.socket_mode.sockets)
        await slack.disconnect(reason)
        await _back(slack, ana, pki, _now())
        await slack.wait_for(
            lambda old=old: slack.sockets == 1 and old != slack.socket_mode.sockets, "one new socket", 5.0
        )
    accepted.set()

    assert len(_tries(slack)) <= 6


async def test_no_command_goes_unheard_where_slack_warns_before_it_takes_a_socket_away(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    async with _talking(ana, pki) as commands:
        for wanted in (10, 20, 30):
            old = slack.socket_mode.sockets[0]
            await slack.disconnect("warning")
            await slack.wait_for(lambda old=old: old not in slack.socket_mode.sockets, "the old socket to go", 10.0)
            await slack.wait_for(lambda wanted=wanted: len(commands) >= wanted, f"{wanted} commands", 10.0)

    assert [delivery for delivery in commands if not delivery.acked] == []
    assert slack.problems == []


@pytest.mark.parametrize(
    "fault",
    [answers(403), answers(503, "busy"), drops(effect=False), stalls(hold=FOR_EVER)],
    ids=["403", "503", "dropped", "hanging"],
)
async def test_a_bot_is_back_after_handshakes_that_fail(
    accepted: asyncio.Event, slack: Slack, ana: SimulatedUser, pki: Channel, fault: Fault
) -> None:
    async with _failing(slack, "socket", fault):
        since = _now()
        accepted.set()

    await _back(slack, ana, pki, since)


@pytest.mark.parametrize(
    "fault",
    [
        answers(503, "upstream connect error"),
        answers(200, "<html>Sign in to the hotel's network</html>"),
        answers(200, {"ok": False, "error": "internal_error"}),
        answers(200, {"ok": False, "error": "a_word_that_nobody_knows"}),
        drops(effect=True),
        stalls(hold=FOR_EVER),
    ],
    ids=["503", "html", "internal_error", "unknown", "lost", "hanging"],
)
async def test_a_bot_is_back_after_addresses_that_cannot_be_had(
    accepted: asyncio.Event, slack: Slack, ana: SimulatedUser, pki: Channel, fault: Fault
) -> None:
    async with _failing(slack, OPEN, fault):
        since = _now()
        accepted.set()

    await _back(slack, ana, pki, since)


async def test_a_slack_that_says_when_to_come_back_is_not_asked_before(
    accepted: asyncio.Event, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    slack.faults.plan(OPEN, answers(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "2"}))
    tries = len(_tries(slack))
    slack.drop_sockets()
    accepted.set()
    await slack.wait_for(lambda: len(_tries(slack)) == tries + 2, "the next try", 20.0)
    first, second = _tries(slack)[tries:]

    await _back(slack, ana, pki, _now())

    assert 2.0 <= second - first < 4.0


@pytest.mark.parametrize("kind", ["expired", "used"])
async def test_a_bot_asks_for_another_ticket_where_one_opens_nothing(
    accepted: asyncio.Event, slack: Slack, ana: SimulatedUser, pki: Channel, kind: str
) -> None:
    async with Puppet(slack) as other:
        used = other.url
    fresh = slack.web_api.open_socket_url
    before = len(_tries(slack))
    if kind == "expired":
        slack.ticket_seconds = -1.0
    else:
        slack.web_api.open_socket_url = lambda: used
    slack.drop_sockets()
    await slack.wait_for(lambda: len(_tries(slack)) >= before + 3, "three tries", 30.0)
    accepted.set()

    slack.ticket_seconds, slack.web_api.open_socket_url = 30.0, fresh

    await _back(slack, ana, pki, _now())


async def test_a_slack_that_is_down_is_not_hammered(bot: BotProcess, slack: Slack) -> None:
    before = len(_tries(slack))

    async with _failing(slack, OPEN, answers(503), tries=5):
        times = _tries(slack)[before:]

    gaps = [later - earlier for earlier, later in pairwise(times)]
    first, longest = SHORT.reconnect_delays
    assert all(first / 2 <= gap < longest + 1.5 for gap in gaps)
    assert min(gaps[1:]) >= longest / 2


async def test_a_slack_that_closes_every_socket_at_once_is_not_hammered(bot: BotProcess, slack: Slack) -> None:
    before = len(_tries(slack))
    slack.socket_mode.on_connect = slack.drop_sockets
    slack.drop_sockets()
    await slack.wait_for(lambda: len(_tries(slack)) >= before + 5, "five tries", 30.0)

    times = _tries(slack)[before:]

    first, longest = SHORT.reconnect_delays
    assert times[4] - times[0] >= first / 2 + longest


@pytest.mark.parametrize("code", ["token_revoked", "app_uninstalled", "missing_scope"])
async def test_an_app_token_that_is_refused_for_good_ends_the_bot_and_its_work_is_handed_over(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, code: str
) -> None:
    certcentral.faults.plan(put(), answers(429, {"errors": []}, {"Retry-After": "5"}))
    await resend(ana, ORDER, pki)
    await slack.sees_message(pki, "Waiting for DigiCert")

    slack.faults.plan(OPEN, answers(200, {"ok": False, "error": code}), times=None)
    slack.drop_sockets()
    status = await bot.wait_for_exit(BACK_WITHIN + STOPPED_WITHIN)
    problems = _problem_lines(bot)
    slack.faults.clear()
    await start_again(bot, slack)
    root = await sees_end(slack, pki, ORDER)

    assert status == 2
    assert [line.partition(" ")[0] for line in problems] == ["SLACK_APP_TOKEN:"]
    assert f"({code})" in problems[0]
    assert (tells(root), puts(certcentral, ORDER)) == ("sent", 2)


async def test_one_refusal_of_the_app_token_may_be_a_slip(
    accepted: asyncio.Event, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    slack.faults.plan(OPEN, answers(200, {"ok": False, "error": "invalid_auth"}))

    slack.drop_sockets()
    accepted.set()

    await _back(slack, ana, pki, _now())


async def test_a_bot_token_that_is_refused_for_good_ends_the_bot_and_one_slip_does_not(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    revoked = answers(200, {"ok": False, "error": "token_revoked"})
    slack.faults.plan("users.info", revoked)
    await ana.command("/dcv-resend", "", pki)
    await slack.wait_for(lambda: slack.api_calls[-1].method == "auth.test", "the bot to ask who it is", 10.0)
    await _back(slack, ana, pki, _now())

    slack.faults.plan("*", revoked, times=None)
    await ana.command("/dcv-resend", "", pki)
    status = await bot.wait_for_exit(STOPPED_WITHIN)

    assert status == 2
    assert [line.partition(" ")[0] for line in _problem_lines(bot)] == ["SLACK_BOT_TOKEN:"]


async def test_no_command_goes_unheard_while_one_of_two_bots_stops(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    socket, tries = slack.socket_mode.sockets[0], len(_tries(slack)) + 1
    slack.close_notice_seconds = 0.3
    async with Puppet(slack), _talking(ana, pki, every=0.07) as commands:
        await slack.wait_for(lambda: len(commands) > 10, "commands", 20.0)
        os.kill(bot.pid, signal.SIGTERM)
        await slack.wait_for(lambda: socket.ws.close_code is not None, "the parting", STOPPED_WITHIN)
        crossing = [ana.command("/dcv-resend", "help", pki) for _ in range(8)]
        slack.close_notice_seconds = 0.02
        commands += await asyncio.gather(*crossing)
        status = await bot.wait_for_exit(STOPPED_WITHIN)

    assert status == 0
    assert len(_tries(slack)) > tries
    assert [delivery for delivery in commands if not delivery.acked] == []
    assert slack.problems == []


async def test_a_bot_stops_in_time_where_slack_stands_still(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.faults.plan("*", stalls(0.5), times=None)
    await ana.command("/dcv-resend", str(ORDER), pki)
    slack.faults.plan("*", stalls(hold=FOR_EVER), times=None)
    slack.freeze_sockets()

    os.kill(bot.pid, signal.SIGTERM)
    status = await bot.wait_for_exit(STOPPED_WITHIN)

    assert status == 0


async def test_fifty_sockets_leak_nothing(bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel) -> None:
    async def replaced(times: int) -> None:
        for number in range(times):
            old = slack.socket_mode.sockets[0]
            if number % 2:
                slack.drop_sockets()
            else:
                await slack.disconnect("warning")
            await slack.wait_for(
                lambda old=old: slack.sockets == 1 and old not in slack.socket_mode.sockets, "a new one", 9.0
            )
            # Before that it would be a failure, after which the bot waits.
            await asyncio.sleep(1.1 * SHORT.stable_after)

    await replaced(5)
    before = _resources(bot.pid)
    await replaced(50)
    after = _resources(bot.pid)

    assert after[0] <= before[0] + 1
    assert after[1] <= before[1] * 1.05


@asynccontextmanager
async def _talking(ana: SimulatedUser, pki: Channel, every: float = 0.02) -> AsyncIterator[list[Delivery]]:
    """Let commands come in one after another, whether or not those before were answered; at the end all are over."""
    over: list[Delivery] = []
    result = asyncio.Event()

    async def talk() -> None:
        async with asyncio.TaskGroup() as group:
            while not result.is_set():
                group.create_task(one())
                await asyncio.sleep(every)

    async def one() -> None:
        over.append(await ana.command("/dcv-resend", "help", pki))
        ana.slack.changes.notify_all()

    talking = asyncio.create_task(talk())
    yield over
    result.set()
    await talking


def _problem_lines(bot: BotProcess) -> list[str]:
    """Return the lines for the operator. Every other line is a JSON line of the log."""
    return [line for line in bot.log.splitlines() if not line.startswith("{")]


def _resources(pid: int) -> tuple[int, int]:
    """Return the number of open sockets and the memory in kB, without files: the database opens some at will."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return sum("socket:" in link for link in _links(pid)), int(memory.split()[1])


def _links(pid: int) -> Iterator[str]:
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(file.readlink())
