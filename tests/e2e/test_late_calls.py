"""A call that is late is not made: its instance was frozen, or cut off from the database, and others ended the call."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.database_link import DatabaseLink
from tests.e2e.helpers import Rows, cards, kinds, puts, resend, sees_end, sends, tells

ORDER = 700001
# What the transaction holds that writes the row before a call.
SENDING_ROW = b"sending"
# By then a process that is free again has made its call, if it makes it at all.
LATE_SECONDS = 8.0


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    return postgresql_url


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    """Something that waits."""
    certcentral.add_order(ORDER, ["shop.example.com"])


@pytest.fixture
async def owner(
    make_bot: Callable[..., BotProcess], postgresql_url: str, slack: Slack
) -> AsyncIterator[tuple[BotProcess, DatabaseLink]]:
    """The instance that takes the request; its database falls silent as soon as the row before the call is written."""
    async with DatabaseLink(postgresql_url, SENDING_ROW) as link:
        bot = make_bot(DCV_INSTANCE="owner", DATABASE_URL=link.url)
        await bot.start()
        await slack.wait_for_connection(60)
        yield bot, link
        await bot.ensure_stopped()


@pytest.fixture
async def other(owner: object, make_bot: Callable[..., BotProcess]) -> BotProcess:
    """Another instance, which is not yet there as the request arrives."""
    return make_bot(DCV_INSTANCE="other")


async def ends_elsewhere(other: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel) -> None:
    """Let the other instance end the call, and press *Resend anyway…* there."""
    root = await sees_end(slack, pki, ORDER, 60.0)
    assert tells(root) == "unknown"
    before = {form.view_id for form in ana.open_forms}
    await ana.click(root, "Resend anyway…")

    def drawn() -> bool:
        return any(sends(form) and form.view_id not in before for form in ana.open_forms)

    await slack.wait_for(drawn, "the form of the next resend", 20.0)
    form = next(form for form in ana.open_forms if sends(form) and form.view_id not in before)
    form.fill("Reason", "no email came")
    await form.submit()
    await slack.wait_for(lambda: "sent" in map(tells, cards(pki, ORDER)), "the second outcome", 30.0)


async def is_not_made_late(owner: BotProcess, certcentral: CertCentral) -> None:
    """Wait until the process has noticed that its call has ended, or has made it."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LATE_SECONDS
    while loop.time() < until and puts(certcentral, ORDER) == 1 and "has ended it" not in owner.log:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    assert puts(certcentral, ORDER) == 1


@pytest.mark.fault("M4")
async def test_a_process_cut_off_with_its_row_makes_no_call_after_others_ended_it(
    owner: tuple[BotProcess, DatabaseLink],
    other: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    """The answer to the COMMIT of its row is lost, and with it the database for twenty seconds."""
    bot, link = owner
    await resend(ana, ORDER, pki)
    async with asyncio.timeout(20.0):
        await link.unreachable.wait()

    await other.start()
    await ends_elsewhere(other, slack, ana, pki)
    link.speak()
    await is_not_made_late(bot, certcentral)
    await slack.wait_for_events()

    assert kinds(ledger(), ORDER) == ["sending", "unknown", "sending", "sent"]
    assert puts(certcentral, ORDER) == 1


@pytest.mark.fault("M4")
async def test_a_process_frozen_between_its_row_and_its_call_makes_no_call_after_others_ended_it(
    owner: tuple[BotProcess, DatabaseLink],
    other: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    """It wakes up with the answer to its COMMIT already there."""
    bot, link = owner
    await resend(ana, ORDER, pki)
    async with asyncio.timeout(20.0):
        await link.unreachable.wait()

    os.kill(bot.pid, signal.SIGSTOP)
    link.speak()
    await other.start()
    await ends_elsewhere(other, slack, ana, pki)
    os.kill(bot.pid, signal.SIGCONT)
    await is_not_made_late(bot, certcentral)
    await slack.wait_for_events()

    assert kinds(ledger(), ORDER) == ["sending", "unknown", "sending", "sent"]
    assert puts(certcentral, ORDER) == 1


async def test_a_process_that_the_others_took_for_dead_sends_in_the_end_what_they_did_not_end(
    owner: tuple[BotProcess, DatabaseLink],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    """No other instance is there, so its own row is still open once the database answers."""
    _, link = owner
    await resend(ana, ORDER, pki)
    async with asyncio.timeout(20.0):
        await link.unreachable.wait()

    # Longer than the transaction has.
    await asyncio.sleep(3.0)
    link.speak()
    root = await sees_end(slack, pki, ORDER, 60.0)

    assert tells(root) == "sent"
    assert puts(certcentral, ORDER) == 1
