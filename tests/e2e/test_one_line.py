"""One line without a form: the same checks, the same gate, sent at once."""

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import SENT, see_details


async def test_a_line_is_sent_at_once_in_its_language_with_its_reason(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.example.com", "www.example.com"])
    line = "700001 to <mailto:hostmaster@example.com|hostmaster@example.com> in German because new mailbox"

    delivery = await ana.command("/dcv-resend", line, pki)
    root = await slack.sees_message(pki, containing=SENT)
    details = await see_details(ana, root)

    assert delivery.acked
    assert [call.body for call in certcentral.resends] == [
        {
            "domain_approval_emails": [
                {"domain": name, "email": "hostmaster@example.com", "email_domain": "example.com"}
                for name in ("shop.example.com", "www.example.com")
            ],
            "locale": "de",
        }
    ]
    assert details.says("German")
    assert details.says("new mailbox")
    assert len(ana.open_forms) == 1
    assert ana.ephemerals == []
    assert slack.problems == []


async def test_addresses_serve_the_domains_that_allow_them(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_domain(1, "one.com")
    certcentral.add_domain(2, "two.com")
    certcentral.add_order(700002, ["one.com", "two.com"], product="ov")

    await ana.command("/dcv-resend", "700002 to admin@one.com to admin@two.com to postmaster@two.com", pki)
    await slack.sees_message(pki, containing=SENT)

    assert [(call.path, call.body["email_array"]) for call in certcentral.resends] == [
        ("/domain/1/dcv/emails", ["admin@one.com"]),
        ("/domain/2/dcv/emails", ["admin@two.com", "postmaster@two.com"]),
    ]


async def test_a_line_that_leaves_a_name_over_or_an_address_unused_sends_nothing(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700003, ["shop.one.com", "two.com"])

    await ana.command("/dcv-resend", "700003 to admin@one.com to bob@corp.example", pki)
    whisper = await ana.receives("Nothing was sent")

    assert "bob@corp.example can't approve this order. Add a recipient for two.com." in whisper.text
    assert "shop.one.com" not in whisper.text
    assert certcentral.resends == []
    assert pki.messages == []


async def test_a_line_meets_the_same_nothing_to_do_choice_and_cooldown_as_the_form(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.one.com"])
    certcentral.add_order(700004, ["issued.com"], status="issued")
    certcentral.add_order(700005, ["two.com"])
    certcentral.add_order(700006, ["two.com"])

    await ana.command("/dcv-resend", "700004 to admin@issued.com", pki)
    issued = await ana.receives("has been issued")
    await ana.command("/dcv-resend", "two.com to admin@two.com", pki)
    choice = await ana.receives("two.com is on 2 pending orders")
    await ana.command("/dcv-resend", "700001 to admin@one.com", pki)
    await slack.sees_message(pki, containing="Order 700001 · ")
    await ana.command("/dcv-resend", "700001 to admin@one.com", pki)
    cooled = await ana.receives("To resend before")
    await ana.command("/dcv-resend", "700001 to admin@one.com because it was lost", pki)
    await slack.changes.wait_for(lambda: len(certcentral.resends) == 2, what="the second PUT")

    assert "Open in CertCentral" in issued.visible_text
    assert "700005" in choice.text
    assert "700006" in choice.text
    assert f"<@{ana.id}>" in cooled.text
    assert "thread" in cooled.text
    assert slack.problems == []


async def test_a_line_of_somebody_who_is_not_allowed_reaches_nobody(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.one.com"])
    ben = slack.add_person("ben")
    before = len(certcentral.calls)

    await ben.command("/dcv-resend", "700001 to admin@one.com because I want to", pki)
    await ben.receives("You can't resend")

    assert len(certcentral.calls) == before
    assert pki.messages == []


async def test_a_line_that_slack_delivers_twice_is_sent_once(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.one.com"])

    slack.duplicate_next = True
    delivery = await ana.command("/dcv-resend", "700001 to admin@one.com", pki)
    await slack.sees_message(pki, containing=SENT)
    await delivery.redeliver()
    await ana.command("/dcv-resend", "help", pki)
    await ana.receives("What you can type")

    assert len(certcentral.resends) == 1
    assert len([message for message in pki.messages if not message.is_reply]) == 1
