"""Ask someone to approve: a user who may resend asks a person or a channel, whose answer causes a check, no more."""

from collections.abc import Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from tests.e2e.helpers import Rows, resend, sees_end

ORDER = 700001
APPROVED, MISSING = "I approved it", "I can't find it"
LABEL = "Ask someone to approve…"
QUESTION = "Please open it and approve it."


@pytest.fixture
async def bot(make_bot: Callable[..., BotProcess], slack: Slack, certcentral: CertCentral) -> BotProcess:
    """A bot that checks only when it is asked to, and an order that is pending."""
    certcentral.add_order(ORDER, ["shop.example.com"])
    bot = make_bot(DCV_FOLLOW_UPS="12h")
    await bot.start()
    await slack.wait_for_connection()
    return bot


@pytest.fixture
async def card(bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel) -> Message:
    """The card of a resend of Ana's."""
    await resend(ana, ORDER, pki)
    return await sees_end(slack, pki, ORDER)


@pytest.fixture
def eve(slack: Slack) -> SimulatedUser:
    """The owner of the mailbox, who may not resend."""
    return slack.add_person("eve")


@pytest.fixture
def net(slack: Slack) -> Channel:
    """A channel that the bot is in."""
    return slack.add_channel("net")


async def opens_form(person: SimulatedUser, card: Message) -> Form:
    await person.click(card, LABEL)
    return await person.slack.wait_for(lambda: _ready(person), "the form that asks", 20.0)


def _ready(person: SimulatedUser) -> Form | None:
    return next((form for form in person.open_forms if form.submit_text == "Ask"), None)


async def test_the_owner_of_the_mailbox_is_asked_approves_and_the_card_changes(
    card: Message, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, eve: SimulatedUser, ledger: Rows
) -> None:
    form = await opens_form(ana, card)
    await form.choose(eve.id, label="Person")
    await form.submit()
    question = await eve.gets_direct_message(QUESTION)
    await ana.receives(f"I asked <@{eve.id}>")
    certcentral.approve(certcentral.outbox[0])
    await eve.click(question, APPROVED)
    await eve.receives("Thanks, checking")
    await slack.wait_for(lambda: card.content.says("alidated"), "the card to say it", 20.0)
    await eve.click(question, APPROVED)
    await eve.receives("I'm already checking")

    assert question.text.startswith(f"DigiCert sent an email to {certcentral.outbox[0].recipient} (")
    assert question.buttons == [APPROVED, MISSING]
    assert [(row["user_id"], row["detail"]["asked"]) for row in ledger() if row["kind"] == "asked"] == [
        (ana.id, eve.id)
    ]
    assert len(certcentral.resends) == 1
    assert slack.problems == []


async def test_a_channel_is_asked_and_only_its_full_members_answer(
    card: Message, slack: Slack, ana: SimulatedUser, eve: SimulatedUser, pki: Channel, net: Channel
) -> None:
    outsiders = [slack.add_person("gil", guest=True), slack.add_person("stu", stranger=True)]
    form = await opens_form(ana, card)
    await form.choose(net.id, label="Or a channel that I'm in")
    await form.submit()
    question = await slack.sees_message(net, QUESTION)

    for person in outsiders:
        for button in (APPROVED, MISSING):
            await person.click(question, button)
        await slack.wait_for(lambda who=person: len(who.ephemerals) == 2, f"answers to {person.name}", 20.0)
    silent = [message for message in pki.thread(card.ts) if message.content.says("can't find")]
    await eve.click(question, MISSING)
    await eve.receives("look in spam and quarantine")
    line = await slack.sees_message(pki, f"<@{eve.id}> can't find the email", thread=card)

    assert all("Only full members" in message.text for person in outsiders for message in person.ephemerals)
    assert silent == []
    assert line.text.startswith(f"<@{ana.id}>: ")
    assert slack.problems == []


async def test_who_may_not_resend_may_not_ask_and_shared_channels_and_guests_are_not_asked(
    card: Message, slack: Slack, ana: SimulatedUser, eve: SimulatedUser, net: Channel, ledger: Rows
) -> None:
    gil = slack.add_person("gil", guest=True)
    await eve.click(card, LABEL)
    await eve.receives("You can't resend")

    form = await opens_form(ana, card)
    await form.choose(net.id, label="Or a channel that I'm in")
    # The picker offers no shared channel, so it becomes one while the form is open.
    net.ext_shared = True
    by_channel = await form.submit()
    await form.choose(None, label="Or a channel that I'm in")
    await form.choose(gil.id, label="Person")
    by_guest = await form.submit()

    assert eve.open_forms == []
    assert by_channel.error_texts == ["That channel is shared with another organization. Choose another one."]
    assert by_guest.error_texts == ["Choose a full member of this workspace."]
    assert (gil.direct_messages, net.messages) == ([], [])
    assert "asked" not in [row["kind"] for row in ledger()]
    assert slack.problems == []
