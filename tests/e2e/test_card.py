"""The card of a request: one message that is edited, with one set of live buttons, from the resend to the end."""

from collections.abc import Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Message, SimulatedUser, Slack
from tests.e2e.helpers import SENT, resend

ORDER = 700001
CHECKS = "1s,2s,3s,4s,5s,6s,8s,10s,15s,20s,30s,60s"
Begin = Callable[..., Awaitable[BotProcess]]


@pytest.fixture
def begin(make_bot: Callable[..., BotProcess], slack: Slack, pki: Channel) -> Begin:
    """Start a bot that checks every second or so."""

    async def begin(follow_ups: str = CHECKS, **settings: str) -> BotProcess:
        bot = make_bot(DCV_FOLLOW_UPS=follow_ups, **settings)
        await bot.start()
        await slack.wait_for_connection(60)
        return bot

    return begin


def with_buttons(channel: Channel) -> list[Message]:
    """The messages whose buttons act on a request. A link needs none of them."""
    return [message for message in channel.messages if set(message.buttons) - {"Open in CertCentral"}]


async def test_from_the_resend_to_the_validation_it_is_one_card_with_one_set_of_buttons(
    begin: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    await begin(DCV_NUDGES="2s,4s", DCV_EMAIL_END_NOTE="true")
    certcentral.add_order(ORDER, ["a.one.com", "b.two.com"])

    await resend(ana, ORDER, pki)
    card = await slack.sees_message(pki, SENT)
    first = await slack.sees_message(pki, "Still not approved after", thread=card)
    await slack.wait_for(lambda: with_buttons(pki) == [first], "the first reminder to have the buttons", 20.0)
    mentions = f"<@{ana.id}>" in first.text
    second = await slack.wait_for(lambda: (pki.thread(card.ts)[2:] or [None])[0], "the second reminder", 20.0)
    await slack.wait_for(lambda: with_buttons(pki) == [second], "the second reminder to have the buttons", 20.0)
    for mail in certcentral.outbox:
        certcentral.approve(mail)
    await slack.wait_for(lambda: card.text.startswith("✅"), "the card to say that it is done", 20.0)
    await slack.sees_message(pki, "were validated", thread=card)
    await slack.wait_for(lambda: not with_buttons(pki), "the buttons to go", 20.0)

    assert card.text.startswith("✅ a.one.com + 1 · validated, certificate issued.")
    assert card.buttons == ["Open in CertCentral"]
    assert mentions
    assert len(pki.messages) <= 6
    assert slack.problems == []
