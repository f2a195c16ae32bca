"""The global shortcut: search from anywhere; the result is a direct message. Who may not resend learns that alone."""

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack

SHORTCUT = "dcv_resend_global"


async def test_an_order_is_found_and_resent_from_anywhere_and_the_result_is_a_direct_message(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])

    await ana.shortcut(SHORTCUT)
    form = await ana.sees_form("Type an order number or domain")
    options = await form.search("s")
    await form.choose(options[0], action_id="target")
    form = await ana.sees_form("Recipient for shop.example.com")
    says_where = form.says("I'll message you directly.")
    await form.submit()
    await certcentral.wait_for_call("PUT", "/order/certificate/700001/resend-emails")
    await ana.gets_direct_message("700001")

    assert says_where
    assert pki.messages == []
    assert slack.problems == []


async def test_who_may_not_resend_gets_no_form_and_nothing_is_read(
    bot: BotProcess, slack: Slack, certcentral: CertCentral
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    # Slack offers the shortcuts of an app only to people of its own workspace.
    said = {
        slack.add_person("bob"): "You can't resend DCV emails.",
        slack.add_person("guest", guest=True): "Guests can't resend DCV emails.",
    }
    before = len(certcentral.calls)

    for person, words in said.items():
        await person.shortcut(SHORTCUT)
        await person.gets_direct_message(words)

    assert [person.open_forms for person in said] == [[], []]
    assert len(certcentral.calls) == before
    assert slack.problems == []
