"""A clock that is set back while the bot runs makes nothing younger than it is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Form, Slack
from tests.e2e.turned_clock import TurnedClockBot

MakeBot = Callable[..., BotProcess]
PageLinks = Callable[[int, int], None]
Ask = Callable[[str], Awaitable[Form]]


@pytest.fixture
def turn(tmp_path: Path) -> PageLinks:
    """Turn the clock by so many seconds, while so many truly passed."""

    def turn(seconds: int, passed: int) -> None:
        (tmp_path / "clocks").write_text(f"{seconds} {passed}")

    turn(0, 0)
    return turn


@pytest.fixture
async def bot(
    make_bot: MakeBot, slack: Slack, pki: Channel, turn: PageLinks, tmp_path: Path
) -> AsyncIterator[BotProcess]:
    command = ("dcv-resend", "run", str(tmp_path / "clocks"))
    bot = TurnedClockBot(make_bot().settings, tmp_path / "turned.log", command)
    await bot.start()
    await slack.wait_for_connection(60.0)
    yield bot
    await bot.ensure_stopped()


@pytest.mark.fault("L5")
async def test_addresses_read_before_the_clock_was_set_back_are_read_again(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask, turn: PageLinks
) -> None:
    certcentral.add_domain(1234, "example.com")
    form = await ask("example.com")
    certcentral.set_permitted_emails("example.com", ["pki@example.com"])

    turn(-3600, 61)
    await form.submit()
    card = await slack.sees_message(pki, containing="DigiCert no longer allows admin@example.com")

    assert card.text.startswith("⛔ ")
    assert certcentral.resends == []
    assert certcentral.outbox == []
