"""*Where did the email go?*: in time with a dead name server, by the command and from the card."""

import time
from collections.abc import AsyncIterator, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.dns import LocalDns, ServerFault
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import resend, sees_end

ORDER = 700001
NAME = "shop.example.com"
HEAD = "Where did the email go?"


@pytest.fixture
async def dns() -> AsyncIterator[LocalDns]:
    async with LocalDns() as dns:
        dns.add_zone("example.com")
        for domain in ("example.com", NAME):
            dns.publish(domain, "MX", "10 example-com.mail.protection.outlook.com.")
        dns.add_zone("outlook.com")
        dns.publish("example-com.mail.protection.outlook.com", "A", "40.92.0.1")
        yield dns


@pytest.fixture
async def bot(make_bot: Callable[..., BotProcess], slack: Slack, certcentral: CertCentral, dns: LocalDns) -> BotProcess:
    certcentral.add_order(ORDER, [NAME], name_scope="fqdn")
    certcentral.add_txt_contact(NAME, "pki@corp.example")
    certcentral.set_permitted_emails(NAME, [f"admin@{NAME}", f"hostmaster@{NAME}"])
    bot = make_bot(DCV_FOLLOW_UPS="12h", **dns.settings)
    await bot.start()
    await slack.wait_for_connection()
    return bot


async def test_the_command_answers_in_time_with_a_dead_name_server(
    bot: BotProcess, slack: Slack, dns: LocalDns, ana: SimulatedUser, pki: Channel
) -> None:
    dns.fail(1, ServerFault.UNREACHABLE)
    began = time.monotonic()

    await ana.command("/dcv-resend", f"where {ORDER}", pki)
    answer = await ana.receives(HEAD)

    assert time.monotonic() - began < 3.0
    assert answer.content.says(f"admin@{NAME}")
    assert answer.content.says("at Microsoft 365")
    assert answer.content.says("Microsoft 365 quarantine")
    assert answer.content.says("your CertCentral setting leaves this address out")
    assert slack.problems == []


async def test_the_card_leads_to_it_and_its_buttons_obey_the_cooldown(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    await resend(ana, ORDER, pki)
    card = await sees_end(slack, pki, ORDER)

    await ana.click(card, HEAD)
    answer = await ana.receives(HEAD)

    assert answer.content.says("emailed ")
    resend_to = next(label for label in answer.buttons if label.startswith("Resend to"))
    assert answer.buttons == [resend_to, "Ask someone to approve…"]
    await ana.click(answer, "Ask someone to approve…")
    await ana.sees_form("Person")
    await ana.click(answer, resend_to, confirmed=True)
    await ana.receives("Nothing was sent.")
    assert len(certcentral.resends) == 1


async def test_who_may_not_resend_is_refused_and_no_name_server_is_asked(
    bot: BotProcess, slack: Slack, dns: LocalDns, pki: Channel
) -> None:
    ben = slack.add_person("ben")

    await ben.command("/dcv-resend", f"where {ORDER}", pki)
    await ben.receives("You can't resend")

    assert dns.asked == []
    assert dns.resolver.asked == []


async def test_a_validation_counts_for_the_only_mailbox_that_was_emailed(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    await resend(ana, ORDER, pki)
    card = await sees_end(slack, pki, ORDER)
    certcentral.approve(certcentral.outbox[0])
    await ana.click(card, "Check now")
    await slack.wait_for(lambda: card.content.says("validated"), "the card to be done", 20.0)
    certcentral.add_order(ORDER + 1, [NAME], name_scope="fqdn")

    await ana.command("/dcv-resend", f"where {ORDER + 1}", pki)
    answer = await ana.receives(f"Order {ORDER + 1}")

    assert answer.content.says(f"{certcentral.outbox[0].recipient} · not emailed by me")
    assert answer.content.says("validated after the last email to it, in about 1 min")
