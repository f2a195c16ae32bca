"""*Check now* and *Send again* below an open end."""

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import drops
from sandbox.slack import Channel, Message, SimulatedUser, Slack
from tests.e2e.helpers import put, resend


async def _detail(slack: Slack, pki: Channel, containing: str) -> Message:
    root = await slack.sees_message(pki, containing=containing)
    return await slack.sees_message(pki, containing="What now", thread=root)


async def test_check_now_tells_in_the_thread_what_digicert_says_and_edits_it_the_next_time(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.one.com", "two.com"])
    await resend(ana, 700001, pki)
    detail = await _detail(slack, pki, "Sent")

    await ana.click(detail, "Check now")
    check = await slack.sees_message(pki, containing="2 of 2 names still wait")
    certcentral.approve(certcentral.outbox[0])
    await ana.click(detail, "Check now")
    await slack.sees_message(pki, containing="1 of 2 names still wait")
    certcentral.approve(certcentral.outbox[1])
    await ana.click(detail, "Check now")
    await slack.sees_message(pki, containing="No name waits any longer")

    assert check.thread_ts == detail.thread_ts
    assert "its order is issued" in check.text
    assert len(slack.thread(pki, detail.thread_ts)) == 2
    assert len(certcentral.resends) == 1
    assert slack.problems == []


async def test_send_again_opens_the_form_with_what_happened_and_a_required_reason(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.one.com"])
    certcentral.faults.plan(put(700001), drops(effect=True))
    await resend(ana, 700001, pki)
    detail = await _detail(slack, pki, "may have been sent")

    await ana.click(detail, "Send again")
    form = await ana.sees_form("Recipient for shop.one.com")
    form_text = form.text
    form.fill("Reason", "nothing came")
    result = await form.submit()
    root = await slack.sees_message(pki, containing="Sent")

    assert detail.buttons == ["Check now", "Send again"]
    assert "may have been sent" in form_text
    assert "say why" in form_text
    assert result.closed
    assert root.thread_ts != detail.thread_ts
    assert len(certcentral.resends) == 2
    assert slack.problems == []


async def test_the_buttons_ask_the_policy_and_survive_a_restart(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.one.com"])
    ben = slack.add_person("ben")
    await resend(ana, 700001, pki)
    detail = await _detail(slack, pki, "Sent")
    await bot.stop()
    await bot.start()
    await slack.wait_for_connection()
    before = len(certcentral.resends)

    await ben.click(detail, "Check now")
    await ben.receives("You can't")
    await ben.click(detail, "Send again")
    await slack.wait_for(lambda: len(ben.ephemerals) >= 2, "the second refusal", 30.0)
    await ana.click(detail, "Check now")
    await slack.sees_message(pki, containing="The name still waits")

    assert ben.open_forms == []
    assert len(certcentral.resends) == before
