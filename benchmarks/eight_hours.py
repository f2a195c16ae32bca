"""Eight hours of mixed use on a leaping clock, to check that memory stays flat and tables stay bounded."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from benchmarks.fast_bot import LEAP
from benchmarks.helpers import PYTHON, database_of, is_idle, memory, row, running
from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Message, Slack

FAST = (PYTHON, "-m", "benchmarks.fast_bot")
HOURS, QUARTERS = 8, 4
MINUTES = HOURS * 60
FIRST_ORDER = 900001
# If the bot is idle in this many consecutive samples, it has finished the work that was due.
IDLE_SAMPLES, SAMPLE_SECONDS = 4, 0.01
APPROVED_AFTER = 15
KEPT = {
    "ledger": "kept, until `ledger prune`",
    "ledger_search_keys": "kept, until `ledger prune`",
    "requests": "kept, until `ledger prune`",
    "posts": "those of requests until `ledger prune`, of offers two days",
    "follow_ups": "kept, 30 days after the last of DCV_FOLLOW_UPS",
    "last_recipients": "one for each name, until `ledger prune`",
    "forms": "kept for a day",
    "alerts": "kept for two hours",
    "offers": "kept for two days",
    "offer_targets": "kept for a day",
    "cooldowns": "kept for an hour after the cooldown",
    "workflow_status": "kept for an hour after the end",
    "workflow_input": "kept for an hour after the end",
    "workflow_output": "kept for an hour after the end",
    "operation_outputs": "kept for an hour after the end",
}


class Shift:
    """Eight hours of use, with one action of a person in each minute."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._slack = Slack(clock=lambda: time.time() + self._ahead.total_seconds())
        self._certcentral = CertCentral(now=lambda: datetime.now(UTC) + self._ahead)
        self._certcentral.limits = ()
        self._ana, self._eve = self._slack.add_person("ana"), self._slack.add_person("eve")
        self._pki, self._ops = self._slack.add_channel("pki"), self._slack.add_channel("ops")
        self._orders = 0
        self._sent: list[tuple[int, Message]] = []
        self._acts: tuple[Callable[[], Awaitable[object]], ...] = (
            self._resend,
            self._is_refused,
            self._alerts,
            self._asks_again,
            self._resend,
            self._looks,
            self._checks,
            self._looks_back,
        )

    async def last(self) -> None:
        """Print the memory and the rows after each quarter."""
        async with self._slack, self._certcentral:
            settings = {"DCV_ALERT_CHANNELS": self._ops.id}
            async with running(self._slack, self._certcentral, [self._ana], FAST, **settings) as bot:
                used, rows = await self._quarters(bot)
        figures = " ".join(f"{each:.0f}" for each in used)
        row(f"memory after each quarter of {HOURS} hours", f"{figures} MB", "aim: flat")
        for table in sorted(rows[-1], key=lambda table: (table not in KEPT, table)):
            counts = [each.get(table, 0) for each in rows]
            if table in KEPT or max(counts) > 1:
                row(f"rows of {table}", " ".join(map(str, counts)), KEPT.get(table, ""))
        row("requests, and messages in Slack", f"{len(self._sent)}, {self._said()}")
        for problem in sorted(set(self._slack.problems)):
            row("what people saw fail", problem[:60])

    async def _quarters(self, bot: BotProcess) -> tuple[list[float], list[dict[str, int]]]:
        used, rows = [], []
        for minute in range(MINUTES):
            await self._acts[minute % len(self._acts)]()
            self._approve()
            await self._leap(bot)
            if (minute + 1) % (MINUTES // QUARTERS) == 0:
                used.append(memory(bot.pid))
                rows.append(count_rows(bot))
        return used, rows

    async def _leap(self, bot: BotProcess) -> None:
        """Leap once the bot is idle: a leap would expire the timeouts of work in progress."""
        idle, before = 0, -1
        while idle < IDLE_SAMPLES:
            await asyncio.sleep(SAMPLE_SECONDS)
            calls = len(self._slack.api_calls) + len(self._certcentral.calls)
            idle, before = (idle + 1 if calls == before and is_idle(bot.pid) else 0), calls
        self._ahead += LEAP
        os.kill(bot.pid, signal.SIGUSR1)

    def _order(self) -> int:
        self._orders += 1
        number = FIRST_ORDER + self._orders
        self._certcentral.add_order(number, [f"n{number}.example.com", f"m{number}.example.com"])
        return number

    def _approve(self) -> None:
        """Approve the mails of a quarter of an hour ago, except every fifth one, which stays open."""
        before = datetime.now(UTC) + self._ahead - timedelta(minutes=APPROVED_AFTER)
        for mail in self._certcentral.outbox:
            if not mail.approved and mail.sent_at < before and (mail.order_id or 0) % 5:
                self._certcentral.approve(mail)

    async def _resend(self) -> None:
        number = self._order()
        await self._ana.command("/dcv-resend", str(number), self._pki)
        form = await self._ana.sees_form(f"Recipient for n{number}.example.com")
        await form.submit()
        self._sent.append((number, await self._slack.sees_message(self._pki, containing=f"Order {number} · ")))

    async def _asks_again(self) -> None:
        number, _ = self._sent[-1]
        line = f"{number} to admin@n{number}.example.com to admin@m{number}.example.com"
        await self._ana.command("/dcv-resend", line, self._pki)

    async def _is_refused(self) -> None:
        await self._eve.command("/dcv-resend", "", self._pki)

    async def _alerts(self) -> None:
        number = self._order()
        self._slack.post_alert(self._ops, "monitoring", f"Order {number} waits for validation")

    async def _looks(self) -> None:
        await self._ana.command("/dcv-status", "", self._pki)

    async def _checks(self) -> None:
        _, card = self._sent[-1]
        if "Check now" in card.buttons:
            await self._ana.click(card, "Check now")

    async def _looks_back(self) -> None:
        await self._ana.command("/dcv-resend", "history", self._pki)

    def _said(self) -> int:
        return sum(len(channel.messages) for channel in (self._pki, self._ops))


def count_rows(bot: BotProcess) -> dict[str, int]:
    """Count the rows of each table, including the workflow engine's."""
    with closing(sqlite3.connect(f"file:{database_of(bot)}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608 - names from the database


async def eight_hours() -> None:
    """Print memory and table sizes over eight hours of mixed use."""
    await Shift().last()
