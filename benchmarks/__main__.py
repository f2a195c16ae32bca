"""Measures the bot, a bare Bolt app beside it, and the page, with the local Slack and the local CertCentral."""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from benchmarks.page_updates import page_updates
from bot.candidates import read_candidates
from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import stalls
from sandbox.slack import Channel, Person, Slack

BOT = ("dcv-resend", "run")
BARE = (Path(sys.executable).name, "-m", "benchmarks.bare_app")
STARTS = 5
SUBMITS = 40
COMMANDS = 20
REST_SECONDS = 5.0
READINGS = 20
ALERTS = 500
ALERT = (
    "Order 700001: DCV of `shop.example.com` and *.api.example.com has waited since 10:00, "
    "see https://grafana.example.net/d/abc?from=1764000000 or ask ana@example.com\n"
)


def row(what: str, figure: str, aim: str = "") -> None:
    """Print one result."""
    print(f"{what:<58} {figure:>24}  {aim}")  # noqa: T201 - a benchmark talks


@contextlib.asynccontextmanager
async def running(
    slack: Slack, certcentral: CertCentral, ana: Person, command: Sequence[str], **more: str
) -> AsyncIterator[BotProcess]:
    """One process, connected; `more` are settings."""
    with tempfile.TemporaryDirectory(prefix="dcv-resend-bench-") as folder:
        settings = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "DIGICERT_API_KEY": certcentral.key,
            "DIGICERT_BASE_URL": certcentral.url,
            "DIGICERT_LIMITS": "1000/1s",
            "DCV_ALLOWED_USERS": ana.id,
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(Path(__file__).parent.parent),
            **more,
        }
        process = BotProcess(settings, Path(folder) / "bench.log", command)
        await process.start()
        try:
            await slack.connected(30)
            yield process
        finally:
            await process.end()
            await slack.changes.until(lambda: slack.sockets == 0, what="the socket to close")


async def time_to_connected(slack: Slack, certcentral: CertCentral, ana: Person, command: Sequence[str]) -> list[float]:
    """Seconds from the start of the process to its open socket."""
    found = []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with running(slack, certcentral, ana, command):
            found.append(time.perf_counter() - began)
    return found


async def submit_to_put(slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel) -> list[float]:
    """Seconds from pressing Resend to the PUT arriving at CertCentral, each on an order of its own."""
    found = []
    for number in range(SUBMITS):
        order = certcentral.add_order(800000 + number, [f"n{number}.example.com"])
        await ana.command("/dcv-resend", str(order.id), pki)
        form = await ana.sees_form(f"n{number}.example.com")
        began = time.perf_counter()
        submitted = asyncio.create_task(form.submit())
        await certcentral.call_arrives("PUT", f"/order/certificate/{order.id}/resend-emails")
        found.append(time.perf_counter() - began)
        await submitted
        await slack.sees_message(pki, containing=f"Sent*: DigiCert accepted the resend for order {order.id}")
    return found


async def command_acks(ana: Person, pki: Channel) -> list[float]:
    """Seconds until a command is acked, as Slack sees it."""
    return [(await ana.command("/dcv-resend", "700001", pki)).after for _ in range(COMMANDS)]


async def answers_in_a_flood(
    slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel, ops: Channel
) -> list[float]:
    """Seconds until a command has its filled form, while 500 alerts arrive at once, each for an order of its own."""
    for number in range(ALERTS):
        certcentral.add_order(700000 + number, [f"a{number}.example.com"])
    for number in range(ALERTS):
        slack.alert(ops, "monitoring", f"Order {700000 + number} waits for validation")
    found = []
    for number in range(COMMANDS):
        began = time.perf_counter()
        await ana.command("/dcv-resend", str(700000 + number), pki)
        form = await ana.sees_form(f"Recipients for a{number}.example.com")
        found.append(time.perf_counter() - began)
        await form.close()
    await slack.sees_message(ops, containing=f"{ALERTS - 10} more alerts name", timeout=120)
    return found


def candidate_readings() -> list[float]:
    """Seconds to read what a message of 40,000 characters names, as many as Slack takes."""
    message = {"text": (ALERT * 300)[:40_000]}
    found = []
    for _ in range(READINGS):
        began = time.perf_counter()
        read_candidates(message)
        found.append(time.perf_counter() - began)
    return found


def memory(pid: int) -> float:
    """Resident memory of a process, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def spread(seconds: Sequence[float]) -> str:
    """Median and worst, in milliseconds."""
    return f"{statistics.median(seconds) * 1000:.0f} ms (worst {max(seconds) * 1000:.0f} ms)"


async def main() -> None:
    """Everything, one after another."""
    row("candidates in a 40,000-character message", spread(candidate_readings()), "aim: under 50 ms")
    seen = await page_updates()
    figure = spread(seen) if seen else "no Chromium or Chrome here"
    row("edit of a message to its picture on the page, among 1,000", figure, "aim: under 100 ms")
    async with Slack() as slack, CertCentral() as certcentral:
        certcentral.limits = ()
        ana, pki = slack.add_person("ana"), slack.add_channel("pki")
        for name, command in (("bot", BOT), ("bare Bolt app", BARE)):
            row(f"start to connected, {name}", spread(await time_to_connected(slack, certcentral, ana, command)))
        async with running(slack, certcentral, ana, BARE) as bare:
            row("ack of a command, bare Bolt app", spread(await command_acks(ana, pki)))
            await asyncio.sleep(REST_SECONDS)
            row("memory at rest, bare Bolt app", f"{memory(bare.pid):.0f} MB")
        ops = slack.add_channel("ops")
        async with running(slack, certcentral, ana, BOT, DCV_ALERT_CHANNELS=ops.id):
            row(
                f"filled form while {ALERTS} alerts arrive",
                spread(await answers_in_a_flood(slack, certcentral, ana, pki, ops)),
                "aim: under 3 s",
            )
        async with running(slack, certcentral, ana, BOT) as bot:
            row(
                "submit to PUT at CertCentral",
                spread(await submit_to_put(slack, certcentral, ana, pki)),
                "aim: under 60 ms",
            )
            await asyncio.sleep(REST_SECONDS)
            row("memory at rest, after these submits", f"{memory(bot.pid):.0f} MB", "aim: under 150 MB")
            certcentral.faults.plan("*", stalls(60.0), times=None)
            row(
                "ack of a command while DigiCert stalls for 60 s",
                spread(await command_acks(ana, pki)),
                "aim: under 100 ms",
            )


asyncio.run(main())
