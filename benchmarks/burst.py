"""Measurement of acks while everything is slow at once: many people, a stalled CertCentral and a busy database."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from benchmarks.helpers import BARE, BOT, database_of, row, running, tail
from sandbox.certcentral import CertCentral
from sandbox.faults import stalls
from sandbox.slack import Channel, Delivery, Form, SimulatedUser, Slack

PEOPLE = 50
BURSTS = 3
STALL_SECONDS = 60.0
FIRST_ORDER = 700001


async def acks_of_bursts() -> None:
    """Print the ack times of fifty simultaneous commands, for a bare Bolt app and the bot, and of 25 forms.

    Every second person has no permission, so the bot also writes denials into its ledger.
    """
    async with Slack() as slack, CertCentral() as certcentral:
        certcentral.limits = ()
        pki, people = slack.add_channel("pki"), [slack.add_person(f"person{number}") for number in range(PEOPLE)]
        allowed = people[::2]
        async with running(slack, certcentral, allowed, BARE) as bare:
            _print_acks("commands at once, bare Bolt app", await _commands(people, pki, database_of(bare)))
        async with running(slack, certcentral, allowed, BOT) as bot:
            filled = [await _filled(certcentral, person, pki, number) for number, person in enumerate(allowed)]
            certcentral.faults.plan("*", stalls(STALL_SECONDS), times=None)
            _print_acks("commands at once, bot, all slow", await _commands(people, pki, database_of(bot)))
            async with _busy(database_of(bot)):
                submitted = await asyncio.gather(*(form.submit() for form in filled))
            _print_acks("submits at once, bot, all slow", [each.delivery for each in submitted])
            accepted = sum(each.closed for each in submitted)
            row("of these submits", f"{accepted} accepted", f"{len(filled) - accepted} told to try again")


def _print_acks(what: str, found: Sequence[Delivery]) -> None:
    acked = f"{sum(delivery.acked for delivery in found)} of {len(found)} acked within 3 s"
    row(f"ack of {what}", tail([delivery.after for delivery in found]), acked)


async def _filled(certcentral: CertCentral, person: SimulatedUser, pki: Channel, number: int) -> Form:
    order = certcentral.add_order(FIRST_ORDER + number, [f"b{number}.example.com"])
    await person.command("/dcv-resend", str(order.id), pki)
    return await person.sees_form(f"admin@b{number}.example.com")


async def _commands(people: Sequence[SimulatedUser], pki: Channel, database: Path) -> list[Delivery]:
    """Send BURSTS bursts one after another. The first one meets cold caches."""
    found = []
    async with _busy(database):
        for _ in range(BURSTS):
            found += await asyncio.gather(*(person.command("/dcv-resend", "700001", pki) for person in people))
    return found


@contextlib.asynccontextmanager
async def _busy(database: Path) -> AsyncIterator[None]:
    """Run a process that repeatedly holds the write lock. For the bare app, the file is otherwise unused."""
    command = (sys.executable, "-m", "benchmarks.busy_database", str(database))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        if process.stdout:
            await process.stdout.readline()
        yield
    finally:
        process.kill()
        await process.wait()
