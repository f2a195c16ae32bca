"""The buttons of a card: who may press them, and what a resend from a card becomes."""

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import drops
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import cards, put, resend, see_details, sees_end

ORDER = 700001


async def test_resend_anyway_needs_a_reason_and_becomes_a_new_card_in_the_thread_of_the_old_one(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.one.com"])
    certcentral.faults.plan(put(ORDER), drops(effect=True))
    await resend(ana, ORDER, pki)
    old = await sees_end(slack, pki, ORDER)
    offered = old.buttons

    await ana.click(old, "Resend anyway…")
    form = await ana.sees_form("give a reason")
    form.fill("Reason", "nothing came")
    result = await form.submit()
    await slack.wait_for(lambda: "Resent by" in old.text, "the old card to lead to the new one", 20.0)
    _, new = cards(pki, ORDER)

    menu = ["Ask someone to approve…", "Where did the email go?", "Details", "Stop tracking"]
    assert offered == ["Check now", "Resend anyway…", "Open in CertCentral", *menu]
    assert result.closed
    assert new.thread_ts == old.ts
    assert old.text.startswith(f"⚠️ shop.one.com · resent. Resent by <@{ana.id}>")
    assert old.buttons == []
    assert new.text.startswith("📨 ")
    assert pki.messages == [old, new]
    assert len(certcentral.resends) == 2
    assert slack.problems == []


async def test_the_buttons_ask_the_policy_and_survive_a_restart(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.one.com"])
    labels = ["Check now", "Ask someone to approve…", "Where did the email go?", "Details", "Stop tracking"]
    labels.append("Resend to another address…")
    others = [slack.add_person("ben"), slack.add_person("gus", guest=True), slack.add_person("sam", team_id="T0OTHER")]
    await resend(ana, ORDER, pki)
    card = await sees_end(slack, pki, ORDER)
    await bot.stop()
    await bot.start()
    await slack.wait_for_connection()

    for other in others:
        for number, label in enumerate(labels, start=1):
            await other.click(card, label)
            await slack.wait_for(lambda who=other, most=number: len(who.ephemerals) >= most, "a refusal", 30.0)
    details = await see_details(ana, card)

    assert [other.open_forms for other in others] == [[], [], []]
    assert len(certcentral.resends) == 1
    assert details.says("admin@one.com (approves shop.one.com)")
