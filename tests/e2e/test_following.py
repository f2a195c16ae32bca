"""Following: what becomes of a resend is told by itself, each change once, until nothing waits any longer."""

from collections.abc import Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Message, Person, Slack
from tests.e2e.kit import ON_BOTH, resend, roots, sees_end

ORDER = 700001
MakeBot = Callable[..., BotProcess]


@pytest.fixture
async def bot(make_bot: MakeBot, slack: Slack, pki: Channel) -> BotProcess:
    """A bot that looks every second, three times."""
    bot = make_bot(DCV_FOLLOW_UPS="1s,2s,3s")
    await bot.start()
    await slack.connected(60)
    return bot


def replies(pki: Channel, root: Message) -> list[str]:
    """What the bot said in a thread, after the detail."""
    return [message.text for message in pki.thread(root.ts)[1:]]


@ON_BOTH
async def test_a_validation_is_told_in_the_thread_and_the_root_message(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])

    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)
    followed = root.buttons
    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "shop.example.com: seen validated at", thread=root)

    assert followed == ["Stop following"]
    assert roots(pki) == [root]
    assert root.text.startswith("*Validated*: shop.example.com, seen ")
    assert "Sent" in root.text
    assert root.buttons == []
    assert len(replies(pki, root)) == 1
    assert slack.problems == []
