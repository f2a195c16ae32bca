"""`kill -9` at any moment: after the next start there is one true ending, and never a second PUT."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import (
    ON_BOTH,
    Rows,
    is_chained,
    kinds,
    open_form,
    put,
    resend,
    roots,
    sees_end,
    start_again,
    tells,
)

ORDER = 700001
BUSY = {"errors": [{"code": "request_limit", "message": "Too many requests."}]}
CALLS_OF_A_RESEND = 5
# Of many at once: Slack is asked once for all of them who the person is, and what the channel is.
CALLS_OF_EACH = 4


@dataclass
class CrashScenario:
    """A bot that is killed now and then, and what must hold of every resend all the same."""

    bot: BotProcess
    slack: Slack
    certcentral: CertCentral
    pki: Channel
    ledger: Rows

    @property
    def calls(self) -> int:
        """Count the bot's calls that arrived at Slack or DigiCert."""
        return len(self.slack.api_calls) + len(self.certcentral.calls)

    def add_order(self, order_id: int) -> None:
        """Let an order wait."""
        self.certcentral.add_order(order_id, [f"n{order_id}.example.com"])

    def called(self, method: str) -> int:
        """Count the calls of one of Slack's methods."""
        return sum(call.method == method for call in self.slack.api_calls)

    async def arrives(self, number: int) -> None:
        """Wait for so many calls in all."""
        async with asyncio.timeout(20.0):
            while self.calls < number:  # noqa: ASYNC110 - two servers share no event
                await asyncio.sleep(0)

    async def crash(self, gone: asyncio.Event | None = None) -> None:
        """Kill the bot, let go of the call that was held, and start it again."""
        await self.bot.kill()
        if gone is not None:
            gone.set()
        self.slack.faults.clear()
        self.certcentral.faults.clear()
        await start_again(self.bot, self.slack)

    async def ends(self, order_id: int = ORDER) -> str | None:
        """Wait for the end of a resend, and return which it is."""
        await sees_end(self.slack, self.pki, order_id)
        self.check(order_id)
        return tells(roots(self.pki, order_id)[0])

    def check(self, order_id: int) -> None:
        """One root message with one detail, at most one PUT, its row before it, and the ending that was written."""
        [root] = roots(self.pki, order_id)
        rows = self.ledger()
        puts = [call for call in self.certcentral.resends if call.name == put(order_id)]
        begun = [row["at"] for row in rows if row["kind"] == "sending" and f"order {order_id}" in str(row["detail"])]
        assert self.pki.thread(root.ts) == []
        assert kinds(rows, order_id) == ["sending", tells(root)]
        assert len(puts) <= 1
        assert all(datetime.fromisoformat(begun[0]) < call.at for call in puts)
        assert tells(root) != "sent" or [call.status for call in puts] == [204]
        assert is_chained(rows)


@pytest.fixture
def story(bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ledger: Rows) -> CrashScenario:
    certcentral.add_order(ORDER, ["shop.example.com"])
    return CrashScenario(bot, slack, certcentral, pki, ledger)


def _deserved(story: CrashScenario, order_id: int) -> str:
    """Return the true result of a resend whose bot was just killed: unknown only if its PUT may have arrived."""
    return "unknown" if kinds(story.ledger(), order_id) == ["sending"] else "sent"


async def test_killed_right_after_the_ack_it_sends_once(story: CrashScenario, ana: SimulatedUser) -> None:
    submitted = await resend(ana, ORDER, story.pki)
    await story.bot.kill()
    deserved = _deserved(story, ORDER)
    await start_again(story.bot, story.slack)

    assert submitted.closed
    assert await story.ends() == deserved


async def test_killed_while_it_announces_it_sends_once_and_finds_its_root_message_again(
    story: CrashScenario, ana: SimulatedUser
) -> None:
    gone = asyncio.Event()
    story.slack.faults.plan("chat.postMessage", stalls(hold=gone))

    await resend(ana, ORDER, story.pki)
    await story.slack.wait_for(lambda: story.called("chat.postMessage"), "the announcement", 20.0)
    before = story.certcentral.resends[:]
    await story.crash(gone)

    assert before == []
    assert await story.ends() == "sent"


@ON_BOTH
async def test_killed_during_the_put_it_does_not_know_and_does_not_repeat(
    story: CrashScenario, ana: SimulatedUser
) -> None:
    gone = asyncio.Event()
    story.certcentral.faults.plan(put(), stalls(hold=gone))

    await resend(ana, ORDER, story.pki)
    await story.certcentral.wait_for_call("PUT", "/order/*")
    await story.crash(gone)

    assert await story.ends() == "unknown"
    assert roots(story.pki)[0].content.says("may or may not have been sent")
    assert len(story.certcentral.outbox) == 1


async def test_killed_while_it_reports_it_says_the_same_in_the_same_place(
    story: CrashScenario, ana: SimulatedUser
) -> None:
    method = "chat.update"
    answer, gone = asyncio.Event(), asyncio.Event()
    story.certcentral.faults.plan(put(), stalls(hold=answer))
    await resend(ana, ORDER, story.pki)
    await story.certcentral.wait_for_call("PUT", "/order/*")
    before = story.called(method)

    story.slack.faults.plan(method, stalls(hold=gone))
    answer.set()
    await story.slack.wait_for(lambda: story.called(method) > before, method, 20.0)
    await story.crash(gone)

    assert await story.ends() == "sent"


async def test_killed_while_it_waits_for_a_busy_digicert_it_waits_on_and_sends_once(
    story: CrashScenario, ana: SimulatedUser
) -> None:
    story.certcentral.faults.plan(put(), answers(429, BUSY, {"Retry-After": "3"}))

    await resend(ana, ORDER, story.pki)
    await story.slack.sees_message(story.pki, "Waiting for DigiCert")
    await story.crash()
    root = await sees_end(story.slack, story.pki, ORDER)

    first, second = story.certcentral.resends
    assert second.monotonic - first.monotonic >= 3.0
    assert roots(story.pki) == [root]
    assert kinds(story.ledger(), ORDER) == ["sending", "turned_away", "sending", "sent"]
    assert len(story.certcentral.outbox) == 1


async def test_killed_after_its_end_was_reported_it_says_nothing_more(story: CrashScenario, ana: SimulatedUser) -> None:
    await resend(ana, ORDER, story.pki)
    await story.ends()
    before = [message.ts for message in story.pki.messages]

    await story.crash()
    story.add_order(ORDER + 1)
    await resend(ana, ORDER + 1, story.pki)
    await story.ends(ORDER + 1)

    about_it = [message.ts for message in story.pki.messages if f"order {ORDER} " in message.visible_text]
    assert [message.ts for message in story.pki.messages][: len(before)] == before
    assert set(about_it) <= set(before)
    assert await story.ends() == "sent"


async def test_killed_at_any_call_it_ends_once_and_truly(story: CrashScenario, ana: SimulatedUser) -> None:
    """The n-th call after a submit, of Slack or of DigiCert, arrives but never takes effect: then the kill comes."""
    for number in range(1, CALLS_OF_A_RESEND + 1):
        story.add_order(ORDER + number)
        form = await open_form(ana, ORDER + number, story.pki)
        before, gone = story.calls, asyncio.Event()

        submitting = asyncio.create_task(form.submit())
        await story.arrives(before + number - 1)
        story.slack.faults.plan("*.*", Fault(lost=True, hold=gone))
        story.certcentral.faults.plan("*", Fault(lost=True, hold=gone))
        await story.arrives(before + number)
        await story.bot.kill()
        deserved = _deserved(story, ORDER + number)
        gone.set()
        story.slack.faults.clear()
        story.certcentral.faults.clear()
        await start_again(story.bot, story.slack)

        assert (await submitting).closed
        assert (number, await story.ends(ORDER + number)) == (number, deserved)


async def test_killed_at_any_moment_with_many_under_way_each_ends_once_and_truly(
    story: CrashScenario, ana: SimulatedUser
) -> None:
    chance = random.Random(1)  # noqa: S311 - moments, no secret
    story.slack.ack_seconds = 1.0
    for first in (ORDER + 1, ORDER + 5, ORDER + 9):
        some = range(first, first + 4)
        for order_id in some:
            story.add_order(order_id)
        forms = [await open_form(ana, order_id, story.pki) for order_id in some]
        calls = story.calls

        submitting = [asyncio.create_task(form.submit()) for form in forms]
        await story.arrives(calls + chance.randrange(len(some) * CALLS_OF_EACH))
        await story.bot.kill()
        deserved = {order_id: _deserved(story, order_id) for order_id in some}
        await start_again(story.bot, story.slack)
        results = await asyncio.gather(*submitting)
        accepted = [row["detail"]["subject"] for row in story.ledger() if row["kind"] == "accepted"]

        for order_id, result in zip(some, results, strict=True):
            if f"order {order_id}" in accepted:
                assert await story.ends(order_id) == deserved[order_id]
            else:
                assert not result.acked

    for message in roots(story.pki):
        story.check(int(message.text.partition("Order ")[2][:6]))
