"""A channel that becomes shared with another organization: what the bot said there is withdrawn, the rest is direct."""

import asyncio
from collections.abc import Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers, stalls
from sandbox.slack import Channel, Message, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, open_form, put, puts, resend, roots, sees_end, start_again, tells

pytestmark = pytest.mark.fault("M9")

ORDER = 700001
NEUTRAL = "I withdrew this message"
MakeBot = Callable[..., BotProcess]


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])


async def hidden(slack: Slack, channel: Channel) -> list[Message]:
    """Wait until nothing in a channel reveals anything, and return the bot's messages there."""

    def mine() -> list[Message] | None:
        of_bot = [message for message in channel.messages if message.by.bot_id == slack.bot.bot_id]
        return of_bot if all(message.content.says(NEUTRAL) for message in of_bot) else None

    return await slack.wait_for(mine, f"only neutral lines in #{channel.name}", 30.0)


def reveals(message: Message) -> bool:
    words = ("example.com", str(ORDER), "Sent", "<@U")
    return bool(message.buttons) or any(message.content.says(word) or word in message.text for word in words)


@ON_BOTH
async def test_an_outcome_after_the_channel_became_shared_is_direct_and_the_message_there_is_neutral(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    form = await open_form(ana, ORDER, pki)
    certcentral.faults.plan(put(), answers(429, "", {"Retry-After": "3"}))
    await form.submit()
    await slack.sees_message(pki, "Waiting for DigiCert")

    await bot.kill()
    pki.invited_teams = ("T0PARTNER",)
    await start_again(bot, slack)
    root = await sees_end(slack, slack.dm(ana), ORDER)
    [left] = await hidden(slack, pki)

    assert tells(root) == "sent"
    assert root.content.says("is shared with another organization")
    assert not reveals(left)
    assert [content.says(NEUTRAL) for content in left.history].count(True) == 0
    assert puts(certcentral, ORDER) == 2


async def test_what_follows_a_request_moves_with_it_and_stays_direct_when_the_sharing_ends(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    bot = make_bot(DCV_FOLLOW_UPS="1s,2s,3s,4s,5s,6s,8s,10s,15s,20s,30s,60s")
    await bot.start()
    await slack.wait_for_connection(60)
    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)
    old = Buttons(root)
    await bot.stop()
    pki.ext_shared = True
    await start_again(bot, slack)

    here = await hidden(slack, pki)
    moved = await slack.sees_message(slack.dm(ana), "checked", timeout=30.0)
    await bot.stop()
    pki.ext_shared = False
    certcentral.approve(certcentral.outbox[0])
    await start_again(bot, slack)
    await slack.sees_message(slack.dm(ana), "was validated", thread=moved, timeout=30.0)
    await old.press(ana, "Check now")
    await ana.receives("Nothing is waiting for approval")

    assert here == [root]
    assert not any(reveals(message) for message in pki.messages)
    assert len(roots(slack.dm(ana), ORDER)) == 1
    assert slack.problems == []


async def test_an_edit_waits_while_slack_cannot_say_if_the_channel_is_shared(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(), stalls(hold=answer))
    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")
    [root] = roots(pki)
    shown = root.text
    await bot.kill()
    answer.set()
    before = _count(slack, "conversations.info")
    slack.faults.plan("conversations.info", answers(429, {"ok": False, "error": "ratelimited"}))
    slack.faults.plan("conversations.info", answers(200, {"ok": True, "channel": {}}))

    await start_again(bot, slack)
    await slack.wait_for(lambda: _count(slack, "conversations.info") >= before + 2, "questions about the channel", 30.0)
    meanwhile = root.text
    await sees_end(slack, pki, ORDER)

    assert meanwhile == shown
    assert tells(root) == "unknown"
    assert roots(pki) == [root]


async def test_offers_in_a_channel_that_became_shared_go_and_their_old_buttons_answer(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ops: Channel
) -> None:
    bot = make_bot(DCV_ALERT_CHANNELS=ops.id)
    await bot.start()
    await slack.wait_for_connection(60)
    eve = slack.add_person("eve", team_id="T0PARTNER", stranger=True)
    alert = slack.post_alert(ops, "monitoring", f"Order {ORDER} waits")
    offer = await slack.sees_message(ops, "is waiting for email approval", thread=alert)
    old = Buttons(offer)
    await bot.stop()
    ops.ext_shared = True
    await start_again(bot, slack)

    await old.press(ana, "Not now")
    await ana.receives("no longer make suggestions in this channel")
    await hidden(slack, ops)
    edits = _count(slack, "chat.update")
    await old.press(eve, f"Resend {ORDER}…")
    await eve.receives("Only members of this workspace")
    await old.press(ana, "Not now")
    await slack.wait_for(lambda: len(ana.ephemerals) == 2, "a second answer", 20.0)
    await old.press(ana, f"Resend {ORDER}…")
    form = await ana.sees_form(f"{ORDER} · shop.example.com")
    await form.submit()
    root = await sees_end(slack, slack.dm(ana), ORDER)

    assert tells(root) == "sent"
    assert not reveals(offer)
    assert not any("example.com" in whisper.text for whisper in eve.ephemerals)
    assert offer.content.says(NEUTRAL)
    assert [message for message in ops.messages if message is not alert] == [offer]
    assert edits == 1
    assert slack.problems == []


class Buttons:
    """The buttons of a message as they were: a client may show them for a while after they are gone."""

    def __init__(self, message: Message) -> None:
        self._message, self._content = message, message.content

    async def press(self, person: SimulatedUser, label: str) -> None:
        now, self._message.content = self._message.content, self._content
        try:
            pressing = asyncio.create_task(person.click(self._message, label))
            await asyncio.sleep(0)
        finally:
            self._message.content = now
        await pressing


def _count(slack: Slack, method: str) -> int:
    return sum(call.method == method for call in slack.api_calls)
