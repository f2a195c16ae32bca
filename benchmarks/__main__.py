"""Measures the bot, a bare Bolt app beside it, and the page, with the local Slack and the local CertCentral."""

import asyncio
import time
from collections.abc import Sequence

from benchmarks.burst import acks_of_bursts
from benchmarks.eight_hours import eight_hours
from benchmarks.hostile_texts import hostile_texts
from benchmarks.kit import BARE, BOT, cpu_seconds, memory, row, running, spread
from benchmarks.page_updates import page_updates
from bot.candidates import read_candidates
from sandbox.certcentral import CertCentral
from sandbox.faults import stalls
from sandbox.slack import Channel, Person, Slack

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


async def time_to_connected(slack: Slack, certcentral: CertCentral, ana: Person, command: Sequence[str]) -> list[float]:
    """Seconds from the start of the process to its open socket."""
    found = []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with running(slack, certcentral, [ana], command):
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


async def main() -> None:
    """Everything, one after another."""
    row("candidates in a 40,000-character message", spread(candidate_readings()), "aim: under 50 ms")
    slowest = hostile_texts()
    for what, (seconds, _), aim in (
        ("slowest of many hostile texts of 40,000 characters", slowest.text, 100),
        ("slowest of as many messages of 50 blocks of 3,000", slowest.blocks, 100),
        ("slowest of as many commands of 3,000 characters", slowest.command, 50),
    ):
        row(what, f"{seconds * 1000:.0f} ms", f"aim: under {aim} ms")
    row("twice a hostile text, in times of the text", f"{slowest.ratio[0]:.1f}", "aim: at most 2.5")
    seen = await page_updates()
    figure = spread(seen) if seen else "no Chromium or Chrome here"
    row("edit of a message to its picture on the page, among 1,000", figure, "aim: under 100 ms")
    async with Slack() as slack, CertCentral() as certcentral:
        certcentral.limits = ()
        ana, pki = slack.add_person("ana"), slack.add_channel("pki")
        for name, command in (("bot", BOT), ("bare Bolt app", BARE)):
            row(f"start to connected, {name}", spread(await time_to_connected(slack, certcentral, ana, command)))
        async with running(slack, certcentral, [ana], BARE) as bare:
            row("ack of a command, bare Bolt app", spread(await command_acks(ana, pki)))
            await asyncio.sleep(REST_SECONDS)
            row("memory at rest, bare Bolt app", f"{memory(bare.pid):.0f} MB")
        ops = slack.add_channel("ops")
        async with running(slack, certcentral, [ana], BOT, DCV_ALERT_CHANNELS=ops.id):
            row(
                f"filled form while {ALERTS} alerts arrive",
                spread(await answers_in_a_flood(slack, certcentral, ana, pki, ops)),
                "aim: under 3 s",
            )
        async with running(slack, certcentral, [ana], BOT) as bot:
            used = cpu_seconds(bot.pid)
            row(
                "submit to PUT at CertCentral",
                spread(await submit_to_put(slack, certcentral, ana, pki)),
                "aim: under 60 ms",
            )
            used = cpu_seconds(bot.pid) - used
            row("processor time from command to outcome", f"{used / SUBMITS * 1000:.0f} ms", "on a quiet machine")
            await asyncio.sleep(REST_SECONDS)
            row("memory at rest, after these submits", f"{memory(bot.pid):.0f} MB", "aim: under 150 MB")
            certcentral.faults.plan("*", stalls(60.0), times=None)
            row(
                "ack of a command while DigiCert stalls for 60 s",
                spread(await command_acks(ana, pki)),
                "aim: under 100 ms",
            )
    await acks_of_bursts()
    await eight_hours()


asyncio.run(main())
