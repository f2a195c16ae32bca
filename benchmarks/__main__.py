"""Measurements of the bot, a bare Bolt app, and the page, with the local Slack and the local CertCentral.

`python -m benchmarks submits bursts` runs these measurements only. Each measurement imports its own subject, so that an
older bot that lacks it can still be measured in everything else.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from benchmarks.helpers import BARE, BOT, DATABASE, cpu_seconds, memory, row, running, spread
from sandbox.certcentral import CertCentral
from sandbox.faults import stalls
from sandbox.slack import Channel, SimulatedUser, Slack

STARTS = 5
SUBMITS = 40
COMMANDS = 20
REST_SECONDS = 5.0
READINGS = 20
ALERTS = 500
RULES = 500
ENOUGH_SECONDS = 5.0
ALERT = (
    "Order 700001: DCV of `shop.example.com` and *.api.example.com has waited since 10:00, "
    "see https://grafana.example.net/d/abc?from=1764000000 or ask ana@example.com\n"
)


async def time_to_connected(
    slack: Slack, certcentral: CertCentral, ana: SimulatedUser, command: Sequence[str], **more: str
) -> list[float]:
    """Return the seconds from the start of the process to its open socket."""
    found = []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with running(slack, certcentral, [ana], command, **more):
            found.append(time.perf_counter() - began)
    return found


def _says_sent(channel: Channel, name: str) -> bool:
    """Return True if a message says that the email for this name was sent, in the words of this or of older code."""
    words = ("Email sent to", "DigiCert accepted the resend")
    return any(
        message.content.says(name) and any(map(message.content.says, words)) for message in reversed(channel.messages)
    )


async def submit_to_put(slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel) -> list[float]:
    """Return the seconds from pressing Resend to the PUT's arrival at CertCentral, each for a different order."""
    found = []
    for number in range(SUBMITS):
        order = certcentral.add_order(800000 + number, [f"n{number}.example.com"])
        await ana.command("/dcv-resend", str(order.id), pki)
        form = await ana.sees_form(f"admin@n{number}.example.com")
        began = time.perf_counter()
        submitted = asyncio.create_task(form.submit())
        await certcentral.wait_for_call("PUT", f"/order/certificate/{order.id}/resend-emails")
        found.append(time.perf_counter() - began)
        await submitted
        is_sent = partial(_says_sent, pki, f"n{number}.example.com")
        await slack.wait_for(is_sent, f"the result of order {order.id}", 20)
    return found


async def command_acks(ana: SimulatedUser, pki: Channel) -> list[float]:
    """Return the seconds until a command is acked, as seen by Slack."""
    return [(await ana.command("/dcv-resend", "700001", pki)).after for _ in range(COMMANDS)]


async def answers_in_a_flood(
    slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ops: Channel
) -> list[float]:
    """Return the seconds from a command to its filled form, while 500 alerts arrive at once for different orders."""
    for number in range(ALERTS):
        certcentral.add_order(700000 + number, [f"a{number}.example.com"])
    for number in range(ALERTS):
        slack.post_alert(ops, "monitoring", f"Order {700000 + number} waits for validation")
    found = []
    for number in range(COMMANDS):
        began = time.perf_counter()
        await ana.command("/dcv-resend", str(700000 + number), pki)
        form = await ana.sees_form(f"admin@a{number}.example.com")
        found.append(time.perf_counter() - began)
        await form.close()
    await slack.sees_message(ops, containing=f"{ALERTS - 10} more alerts", timeout=120)
    return found


def candidate_readings() -> list[float]:
    """Return the seconds to find the targets in a message of 40,000 characters, Slack's maximum."""
    from bot.parsing.mentions import find_mentions

    message = {"text": (ALERT * 300)[:40_000]}
    found = []
    for _ in range(READINGS):
        began = time.perf_counter()
        find_mentions(message)
        found.append(time.perf_counter() - began)
    return found


def policy_readings() -> list[float]:
    """Return the seconds to report the mistake in a policy file of 500 rules: one `[[rules]]`."""
    from bot.errors import ConfigurationError
    from bot.policy.rule_file import read_policy

    rule = '[[rule]]\nname = "r{0}"\ndeny = ["resend"]\nnames = ["n{0}.example.com", "*.n{0}.example.com"]\n'
    rules = [rule.format(number) for number in range(RULES)]
    rules[RULES // 2] = rules[RULES // 2].replace("[[rule]]", "[[rules]]")
    found: list[float] = []
    while len(found) < READINGS and sum(found) < ENOUGH_SECONDS:
        began = time.perf_counter()
        with contextlib.suppress(ConfigurationError):
            read_policy("".join(rules).encode(), "policy.toml")
        found.append(time.perf_counter() - began)
    return found


async def policies() -> None:
    """Measure the time to find a mistake in a large policy file."""
    row(f"mistake in a policy file of {RULES} rules", spread(policy_readings()), "aim: under 1 s")


async def readers() -> None:
    """Measure the text parsers on their own."""
    from benchmarks.hostile_texts import hostile_texts

    row("candidates in a 40,000-character message", spread(candidate_readings()), "aim: under 50 ms")
    slowest = hostile_texts()
    for what, (seconds, _), aim in (
        ("slowest of many hostile texts of 40,000 characters", slowest.text, 100),
        ("slowest of as many messages of 50 blocks of 3,000", slowest.blocks, 100),
        ("slowest of as many commands of 3,000 characters", slowest.command, 50),
    ):
        row(what, f"{seconds * 1000:.0f} ms", f"aim: under {aim} ms")
    row("twice a hostile text, in times of the text", f"{slowest.ratio[0]:.1f}", "aim: at most 2.5")


async def searches() -> None:
    """Measure the cost of one keystroke in a large account with many rules."""
    from benchmarks.searches import search_seconds

    what = "processor time of a search, 10,000 orders and 500 rules"
    row(what, spread(search_seconds()), "aim: under 100 ms")


async def page() -> None:
    """Measure the page of the sandbox."""
    from benchmarks.page_updates import page_updates

    seconds = await page_updates()
    figure = spread(seconds) if seconds else "no Chromium or Chrome here"
    row("edit of a message to its picture on the page, among 1,000", figure, "aim: under 100 ms")


async def starts() -> None:
    """Measure the start of the bot and of a bare Bolt app."""
    async with Slack() as slack, CertCentral() as certcentral:
        ana, pki = slack.add_person("ana"), slack.add_channel("pki")
        row("first start to connected, bot", spread(await time_to_connected(slack, certcentral, ana, BOT)))
        with tempfile.TemporaryDirectory(prefix="dcv-resend-bench-") as folder:
            settings = {"DATABASE_URL": f"sqlite:///{folder}/{DATABASE}"}
            async with running(slack, certcentral, [ana], BOT, **settings):
                pass
            later = await time_to_connected(slack, certcentral, ana, BOT, **settings)
            row("later start to connected, bot", spread(later), "aim: under 4 times the bare app")
        row("start to connected, bare Bolt app", spread(await time_to_connected(slack, certcentral, ana, BARE)))
        async with running(slack, certcentral, [ana], BARE) as bare:
            row("ack of a command, bare Bolt app", spread(await command_acks(ana, pki)))
            await asyncio.sleep(REST_SECONDS)
            row("memory at rest, bare Bolt app", f"{memory(bare.pid):.0f} MB")


async def flood() -> None:
    """Measure the effect of five hundred alerts on people."""
    async with Slack() as slack, CertCentral() as certcentral:
        certcentral.limits = ()
        ana, pki, ops = slack.add_person("ana"), slack.add_channel("pki"), slack.add_channel("ops")
        async with running(slack, certcentral, [ana], BOT, DCV_ALERT_CHANNELS=ops.id):
            found = await answers_in_a_flood(slack, certcentral, ana, pki, ops)
        row(f"filled form while {ALERTS} alerts arrive", spread(found), "aim: under 3 s")


async def submits() -> None:
    """Measure a resend from submit to PUT, and acks while DigiCert does not answer."""
    async with Slack() as slack, CertCentral() as certcentral:
        certcentral.limits = ()
        ana, pki = slack.add_person("ana"), slack.add_channel("pki")
        async with running(slack, certcentral, [ana], BOT) as bot:
            used = cpu_seconds(bot.pid)
            found = await submit_to_put(slack, certcentral, ana, pki)
            row("submit to PUT at CertCentral", spread(found), "aim: under 60 ms")
            used = cpu_seconds(bot.pid) - used
            row("processor time from command to outcome", f"{used / SUBMITS * 1000:.0f} ms", "on a quiet machine")
            await asyncio.sleep(REST_SECONDS)
            row("memory at rest, after these submits", f"{memory(bot.pid):.0f} MB", "aim: under 150 MB")
            certcentral.faults.plan("*", stalls(60.0), times=None)
            acks = spread(await command_acks(ana, pki))
            row("ack of a command while DigiCert stalls for 60 s", acks, "aim: under 100 ms")


async def bursts() -> None:
    """Measure acks while everything is slow at once."""
    from benchmarks.burst import acks_of_bursts

    await acks_of_bursts()


async def hours() -> None:
    """Measure memory and table sizes over eight hours."""
    from benchmarks.eight_hours import eight_hours

    await eight_hours()


async def where() -> None:
    """Measure the answer to *Where did the email go?*."""
    from benchmarks.mail_trace import time_to_answer

    await time_to_answer()


async def expiring() -> None:
    """Measure the digest, Home and the command for domains that end soon, in a large account."""
    from benchmarks.expiring import expiring_seconds

    await expiring_seconds()


MEASUREMENTS: Mapping[str, Callable[[], Awaitable[None]]] = {
    each.__name__: each
    for each in (readers, policies, searches, page, starts, flood, submits, where, expiring, bursts, hours)
}


async def main(names: Sequence[str]) -> int:
    """Run the named measurements one after another. A failed one is printed, and the others still run."""
    if unknown := set(names) - MEASUREMENTS.keys():
        sys.exit(f"There is no {', '.join(sorted(unknown))}; choose of {', '.join(MEASUREMENTS)}.")
    failed = 0
    for name in names or MEASUREMENTS:
        try:
            await MEASUREMENTS[name]()
        except Exception:
            traceback.print_exc()
            failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
