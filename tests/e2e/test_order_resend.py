"""The main way: a pending DV order, from the command to the outcome in the thread."""

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Person, Slack


async def test_an_order_is_resent_from_command_to_thread(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])

    await ana.command("/dcv-resend", "700001", pki)
    form = await ana.sees_form("Recipients for shop.example.com")
    result = await form.submit()
    root = await slack.sees_message(pki, containing="Sent")
    detail = await slack.sees_message(pki, containing="What now", thread=root)

    assert result.closed
    assert [call.body for call in certcentral.resends] == [
        {
            "domain_approval_emails": [
                {"domain": "shop.example.com", "email": "admin@example.com", "email_domain": "example.com"}
            ],
            "locale": "en",
        }
    ]
    assert slack.problems == []
