"""One tap on a status row: one confirmed email, exactly as the dialog said, and else the form."""

from collections.abc import Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Message, SimulatedUser, Slack
from tests.e2e.helpers import Rows, kinds, puts, sees_end

ORDER, EMAIL = 700001, "admin@shop.example.com"
LABEL = "Resend to admin@shop…ample.com"


Start = Callable[..., Awaitable[BotProcess]]


@pytest.fixture
def start(make_bot: Callable[..., BotProcess], slack: Slack, certcentral: CertCentral) -> Start:
    """Start a bot beside an order with one name."""

    async def start(**settings: str) -> BotProcess:
        certcentral.add_order(ORDER, ["shop.example.com"])
        bot = make_bot(**settings)
        await bot.start()
        await slack.wait_for_connection(60)
        return bot

    return start


async def status(person: SimulatedUser, channel: Channel) -> Message:
    """Return the answer to `/dcv-status`."""
    before = len(person.ephemerals)
    await person.command("/dcv-status", "", channel)
    return await person.slack.wait_for(
        lambda: next((each for each in person.ephemerals[before:] if each.content.says(str(ORDER))), None),
        "the status",
        20.0,
    )


async def emailed(slack: Slack, ana: SimulatedUser, channel: Channel) -> None:
    """Send one email by the command, and wait for its end."""
    await ana.command("/dcv-resend", f"{ORDER} to {EMAIL}", channel)
    await sees_end(slack, channel, ORDER)


async def test_one_tap_sends_exactly_what_its_dialog_said(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    await start(DCV_COOLDOWN="1s")
    await emailed(slack, ana, pki)
    rows = await status(ana, pki)

    while puts(certcentral, ORDER) == 1:
        # Within the cooldown of a second, the form opens instead.
        await ana.click(rows, LABEL, confirmed=True)
        await slack.wait_for(lambda: puts(certcentral, ORDER) == 2 or ana.open_forms, "an email or the form", 20.0)
        for form in ana.open_forms:
            await form.close()

    dialog = ana.confirmation(rows, LABEL)
    assert dialog.text == f"Send one DCV email to {EMAIL}? Approving validates shop.example.com."
    assert (dialog.confirm, dialog.deny) == ("Send", "Cancel")
    assert [mail.recipient for mail in certcentral.outbox] == [EMAIL, EMAIL]
    assert kinds(ledger(), ORDER)[:3] == ["sending", "sent", "sending"]
    assert slack.problems == []


async def test_within_the_cooldown_and_after_a_change_the_form_opens_and_nothing_is_sent(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    await start()
    await emailed(slack, ana, pki)
    rows = await status(ana, pki)

    await ana.click(rows, LABEL, confirmed=True)
    warned = await ana.sees_form("To resend it before")
    await warned.close()
    certcentral.orders[ORDER].dns_names.append("www.example.org")
    await ana.click(rows, LABEL, confirmed=True)
    await ana.sees_form("Recipient for www.example.org")

    assert puts(certcentral, ORDER) == 1
    assert slack.problems == []


async def test_a_viewer_gets_no_button_and_a_borrowed_press_sends_nothing(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    bob, guest = slack.add_person("bob"), slack.add_person("guest", guest=True)
    await start()
    await emailed(slack, ana, pki)
    rows = await status(ana, pki)

    for person, words in ((bob, "You can't resend"), (guest, "Guests can't resend")):
        await person.command("/dcv-status", "", pki)
        # Nobody else sees the ephemeral message. This is a forged press.
        await person.click(rows, LABEL, confirmed=True)
        await slack.wait_for(
            lambda person=person, words=words: any(each.text.startswith(words) for each in person.ephemerals),
            f"the refusal of {person.name}",
            20.0,
        )

    assert [person.open_forms for person in (bob, guest)] == [[], []]
    assert all(LABEL not in each.buttons for person in (bob, guest) for each in person.ephemerals)
    assert puts(certcentral, ORDER) == 1


async def test_in_an_alert_channel_there_is_no_such_button(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ops: Channel
) -> None:
    await start(DCV_ALERT_CHANNELS=ops.id)
    await emailed(slack, ana, pki)

    here, there = await status(ana, pki), await status(ana, ops)

    assert LABEL in here.buttons
    assert LABEL not in there.buttons


async def test_a_press_where_the_bot_is_not_is_answered_there_and_the_result_is_a_direct_message(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser
) -> None:
    far = slack.add_channel("far", member=False, private=True)
    await start()

    await ana.command("/dcv-resend", str(ORDER), far)
    form = await ana.sees_form("Recipient for shop.example.com")
    says = form.says("so I'll message you directly. To get results here: `/invite @DCV Resend`.")
    await form.submit()
    answer = await ana.receives("Resending the DCV email for order 700001.")
    await ana.gets_direct_message("700001")

    await certcentral.wait_for_call("PUT", f"/order/certificate/{ORDER}/resend-emails")
    assert says
    assert answer.channel is far
    assert far.messages == []
    assert slack.problems == []
