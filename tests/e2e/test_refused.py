"""Refused, but not stuck: who can do it instead, and one click that asks them, for members of this workspace alone."""

import json
from collections.abc import Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import Rows

ORDER, MISSING = 700001, 799999
ASK, REVIEW = "Ask them to resend", "Review and resend…"
QUESTION = f"asks to resend the DCV email for *{ORDER}*."


@pytest.fixture
def ben(slack: Slack) -> SimulatedUser:
    """A member who may not resend."""
    return slack.add_person("ben")


@pytest.fixture
def help_channel(slack: Slack) -> Channel:
    return slack.add_channel("dcv-help")


@pytest.fixture
async def bot(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    help_channel: Channel,
) -> BotProcess:
    """A bot for Ana and a user group, and an order that is pending."""
    certcentral.add_order(ORDER, ["shop.example.com"], name_scope="fqdn")
    group = slack.add_usergroup("pki-team", [ana])
    bot = make_bot(DCV_ALLOWED_USERS=ana.id, DCV_ALLOWED_USERGROUPS=group.id, DCV_CONTACT=help_channel.id)
    await bot.start()
    await slack.wait_for_connection()
    return bot


@pytest.mark.parametrize("line", ["{}", "{} to admin@shop.example.com"])
async def test_a_refusal_says_who_can_whether_the_order_exists_or_not(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    ben: SimulatedUser,
    pki: Channel,
    help_channel: Channel,
    line: str,
) -> None:
    read = len(certcentral.calls)
    texts = []
    for order_id in (ORDER, MISSING):
        await ben.command("/dcv-resend", line.format(order_id), pki)
        refusal = await ben.receives(f"You can't resend for {order_id}.")
        texts.append(refusal.text.replace(str(order_id), "…"))

    (group,) = slack.usergroups.values()
    assert texts[0] == texts[1]
    assert texts[0].endswith(f" <!subteam^{group.id}> and <@{ana.id}> can. For access, ask <#{help_channel.id}>.")
    assert (certcentral.calls[read:], slack.problems) == ([], [])


async def test_a_refused_member_asks_and_a_colleague_sends(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    ben: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    await ben.command("/dcv-resend", str(ORDER), pki)
    await ben.click(await ben.receives("You can't resend"), ASK)
    question = await slack.sees_message(pki, containing=QUESTION)
    await ben.receives("I asked")
    whispers = list(ben.ephemerals)
    await ben.click(question, REVIEW)
    await ben.receives("You can't resend")
    await ana.click(question, REVIEW)
    form = await ana.sees_form("shop.example.com")
    await form.submit()
    asked = question.text
    await slack.wait_for(lambda: f"Resent by <@{ana.id}>" in question.text, "the question to be answered", 20.0)

    (group,) = slack.usergroups.values()
    assert asked.startswith(f"<!subteam^{group.id}> and <@{ana.id}>: <@{ben.id}> asks")
    assert REVIEW not in question.visible_text
    assert len(whispers) == 1
    assert question in ana.notifications
    accepted = next(row for row in ledger() if row["kind"] == "accepted")
    assert (accepted["user_id"], accepted["detail"]["requested_by"]) == (ana.id, ben.id)
    assert slack.problems == []


async def test_asking_is_limited_and_stays_out_of_shared_channels(
    bot: BotProcess, slack: Slack, ben: SimulatedUser, pki: Channel
) -> None:
    partner = slack.add_channel("partner", ext_shared=True)

    for channel, answer in [(pki, "I asked")] * 3 + [(pki, "enough requests"), (partner, "shared with another")]:
        await ben.command("/dcv-resend", str(ORDER), channel)
        refusal = await ben.receives("You can't resend")
        await ben.click(refusal, ASK)
        # The answer replaces the refusal.
        await slack.wait_for(lambda: refusal.content.says(answer), answer, 20.0)  # noqa: B023 - waited for at once

    assert (len(pki.messages), len(partner.messages)) == (3, 0)
    assert len(ben.ephemerals) == 5
    assert slack.problems == []


async def test_guests_and_strangers_learn_only_that_members_can(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    people = [slack.add_person("gil", guest=True), slack.add_person("stu", stranger=True)]

    shown = []
    for person in people:
        await person.command("/dcv-resend", str(ORDER), pki)
        shown.append(await person.receives("resend DCV emails"))

    assert all(ana.id not in message.visible_text and "subteam" not in message.visible_text for message in shown)
    assert ASK not in json.dumps([message.content.all_blocks for message in shown])
    assert slack.problems == []


async def test_a_command_has_one_ephemeral_message_at_most(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    async def clicked(line: str, answer: str, button: str) -> None:
        await ana.command("/dcv-resend", line, pki)
        await ana.click(await ana.receives(answer), button)

    await clicked("help", "What you can type", "Open the form")
    await (await ana.sees_form()).close()
    await clicked("wyh", "Did you mean `why`?", "/dcv-resend why")
    await ana.receives("permissions in")
    certcentral.faults.plan(f"GET /order/certificate/{ORDER}", answers(503), times=None)
    await ana.command("/dcv-resend", f"{ORDER} to admin@shop.example.com", pki)
    failed = await ana.receives("DigiCert")
    certcentral.faults.clear()
    await ana.click(failed, "Try again")
    await slack.wait_for(lambda: certcentral.resends, "a resend", 20.0)
    await clicked(f"{ORDER} to admin@shop.example.com", "resent this", "Resend anyway…")
    await (await ana.sees_form("shop.example.com")).close()
    await clicked(f"{ORDER} to admin@wrong.example", "Nothing was sent", "Choose recipients…")
    await ana.sees_form("shop.example.com")

    await slack.wait_for(lambda: len(ana.ephemerals) <= 1 or None, "one ephemeral message", 20.0)
    assert [message.content.says("permissions in") for message in ana.ephemerals] == [True]
    assert slack.problems == []


async def test_help_shows_what_the_person_may_do(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, ben: SimulatedUser, pki: Channel
) -> None:
    for person in (ana, ben):
        await person.command("/dcv-resend", "help", pki)
    full, little = [await person.receives("What you can type") for person in (ana, ben)]

    assert "/dcv-status" in full.visible_text
    assert "Open the form" in full.visible_text
    assert "/dcv-resend why" in little.visible_text
    assert "/dcv-status" not in little.visible_text
    assert slack.problems == []
