"""Many with one decision: a pasted list, its preview, the run, and its result."""

from collections.abc import Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from tests.e2e.helpers import Rows, start_again

FIRST = 700001


@pytest.fixture
async def bot(make_bot: Callable[..., BotProcess], slack: Slack) -> BotProcess:
    """A bot that checks only when it is asked to."""
    bot = make_bot(DCV_FOLLOW_UPS="12h")
    await bot.start()
    await slack.wait_for_connection()
    return bot


def add_orders(certcentral: CertCentral, count: int) -> list[int]:
    """Add pending DV orders with one name each."""
    orders = list(range(FIRST, FIRST + count))
    for order_id in orders:
        certcentral.add_order(order_id, [f"shop{order_id}.example.com"])
    return orders


async def opens_form(person: SimulatedUser, channel: Channel, text: str = "") -> Form:
    await person.command("/dcv-resend", f"bulk {text}".strip(), channel)
    return await person.sees_form("Resend many")


async def previews(person: SimulatedUser, channel: Channel, text: str, reason: str = "new mailbox") -> Message:
    """Submit the form, and wait for the card with its buttons."""
    form = await opens_form(person, channel, text)
    form.fill("Reason", reason)
    before = {message.ts for message in channel.messages}
    result = await form.submit()
    assert result.closed, result.error_texts

    def find() -> Message | None:
        new = [message for message in channel.messages if message.ts not in before and not message.is_reply]
        return next((message for message in new if message.buttons), None)

    return await person.slack.wait_for(find, "the preview", 30.0)


async def test_a_pasted_list_is_previewed_sent_once_each_and_counted(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    orders = add_orders(certcentral, 6)
    listed = " ".join([*map(str, orders), "999999", "shop700001.example.com"])

    card = await previews(ana, pki, listed)
    shown, rows = card.text, await slack.sees_message(pki, "shop700006.example.com", thread=card)
    whispered = await ana.receives("not found or aren't covered")
    await ana.click(card, "Send 6")
    await slack.wait_for(lambda: card.content.says("6 of 6 · 6 sent"), "the result", 60.0)

    assert "6 emails to 1 mailbox for 6 domains" in shown
    assert "1 not found or not covered" in shown
    assert "999999" in whispered.text + str(whispered.content.all_blocks)
    assert "999999" not in shown + str(rows.content.all_blocks)
    assert sorted(call.name for call in certcentral.resends) == [
        f"PUT /order/certificate/{order_id}/resend-emails" for order_id in orders
    ]
    assert [row["kind"] for row in ledger()].count("sent") == 6
    assert slack.problems == []


@pytest.fixture
def ben(slack: Slack) -> SimulatedUser:
    """A colleague who may approve."""
    return slack.add_person("ben")


@pytest.fixture
async def slow_bot(
    make_bot: Callable[..., BotProcess], slack: Slack, ana: SimulatedUser, ben: SimulatedUser
) -> BotProcess:
    """A bot that makes a few calls in a second, and needs a second person above three targets."""
    settings = {"DCV_FOLLOW_UPS": "12h", "DIGICERT_LIMITS": "8/1s", "DCV_BULK_APPROVE_OVER": "3"}
    bot = make_bot(DCV_ALLOWED_USERS=f"{ana.id},{ben.id}", **settings)
    await bot.start()
    await slack.wait_for_connection()
    return bot


async def test_another_person_approves_and_a_stopped_run_continues_with_what_is_left(
    slow_bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    ben: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    orders = add_orders(certcentral, 14)
    card = await previews(ana, pki, " ".join(map(str, orders)))
    await ana.click(card, "Ask for approval")
    asked = await ben.is_notified("asks for approval of 14 emails")
    await slack.wait_for(lambda: "Approve" in card.buttons, "the buttons for the approval", 20.0)
    await ana.click(card, "Approve")
    await ana.receives("someone else must decide")
    before = len(certcentral.resends)

    await ben.click(card, "Approve")
    await slack.wait_for(lambda: len(certcentral.resends) > 2, "the first emails", 30.0)
    await ben.click(card, "Stop")
    await slack.wait_for(lambda: any(label.startswith("Continue") for label in card.buttons), "the stop", 30.0)
    stopped = len(certcentral.resends)
    label = next(label for label in card.buttons if label.startswith("Continue"))
    await ana.click(card, label)
    await slack.wait_for(lambda: card.content.says("14 of 14 · 14 sent"), "the result", 60.0)

    assert asked.text.endswith(f"Who can: <@{ben.id}>.")
    assert before == 0
    assert 2 < stopped < 14
    assert sorted(call.name for call in certcentral.resends) == sorted(
        f"PUT /order/certificate/{order_id}/resend-emails" for order_id in orders
    )
    assert [row["kind"] for row in ledger() if row["kind"] in ("planned", "approved", "plan_started")] == [
        "planned",
        "approved",
        "plan_started",
        "plan_started",
    ]
    assert slack.problems == []


async def test_a_killed_run_continues_and_sends_nothing_twice(
    slow_bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ben: SimulatedUser, pki: Channel
) -> None:
    orders = add_orders(certcentral, 12)
    card = await previews(ana, pki, " ".join(map(str, orders)))
    await ana.click(card, "Ask for approval")
    await slack.wait_for(lambda: "Approve" in card.buttons, "the buttons for the approval", 20.0)
    await ben.click(card, "Approve")

    await slack.wait_for(lambda: len(certcentral.resends) > 2, "the first emails", 30.0)
    await slow_bot.kill()
    await start_again(slow_bot, slack)
    await slack.wait_for(lambda: card.content.says("12 of 12"), "the result", 60.0)

    names = [call.name for call in certcentral.resends]
    assert len(names) == len(set(names)) >= 11
