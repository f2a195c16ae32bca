"""Channels of alerts: what waits is offered in the alert's thread, once; everything else is met with silence."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import drops, stalls
from sandbox.slack import Channel, Message, Person, Slack
from tests.e2e.kit import ON_BOTH, Rows, is_chained, kinds, start_again

OFFER = "waits for e-mail validation"
SUMMARY = "are the most for one channel"
BUTTONS = ["Resend DCV email", "Not now"]
ATTACHED = [{"title": "DCV pending", "fields": [{"title": "Domain", "value": "shop.example.com", "short": True}]}]

SeesOffer = Callable[[Message], Awaitable[Message]]


@pytest.fixture
def ops(slack: Slack) -> Channel:
    """A channel of alerts."""
    return slack.add_channel("ops")


@pytest.fixture
def bot(make_bot: Callable[..., BotProcess], ops: Channel) -> BotProcess:
    """A bot that offers in #ops; `running` starts it."""
    return make_bot(DCV_ALERT_CHANNELS=ops.id)


@pytest.fixture
async def running(bot: BotProcess, slack: Slack) -> BotProcess:
    await bot.start()
    await slack.connected(60)
    return bot


@pytest.fixture
def sees_offer(slack: Slack, ops: Channel) -> SeesOffer:
    """Wait for the offer in the thread of an alert."""

    async def sees(alert: Message) -> Message:
        return await slack.sees_message(alert.channel, OFFER, thread=alert)

    return sees


def offers(channel: Channel) -> list[Message]:
    """Every offer that stands in a channel."""
    return [message for message in channel.messages if message.content.says(OFFER)]


async def test_an_alert_gets_an_offer_that_opens_the_form_whose_result_goes_to_its_thread(
    running: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: Person,
    ops: Channel,
    sees_offer: SeesOffer,
    ledger: Rows,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])

    alert = slack.alert(ops, "monitoring", attachments=ATTACHED, classic=True)
    offer = await sees_offer(alert)
    assert offer.text.startswith("Order 700001 (shop.example.com) waits for e-mail validation since ")
    assert offer.text.endswith("Resend the mail?")
    assert offer.buttons == BUTTONS
    assert certcentral.resends == []
    await ana.click(offer, "Resend DCV email")
    form = await ana.sees_form("700001 · shop.example.com")
    await form.submit()
    root = await slack.sees_message(ops, "Sent*: DigiCert accepted the resend for order 700001", thread=alert)
    await slack.sees_message(ops, "Recipients:", thread=alert)

    assert root.thread_ts == alert.ts
    assert [message for message in ops.messages if not message.is_reply] == [alert]
    assert len(certcentral.resends) == 1
    assert kinds(ledger(), 700001) == ["sending", "sent"]
    assert is_chained(ledger())
    assert slack.problems == []
