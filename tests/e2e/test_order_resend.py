"""The main way: a pending DV order, from the command to the outcome in the thread."""

from collections import Counter
from collections.abc import Awaitable, Callable

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.certcentral.call_log import RecordedCall
from sandbox.slack import Channel, Form, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, SENT, see_details, sees_end, show_more

Ask = Callable[[str], Awaitable[Form]]


def read_calls(certcentral: CertCentral) -> list[RecordedCall]:
    """The calls that asked who is allowed."""
    return [call for call in certcentral.calls if call.matches("GET", "/domain/*/dcv/emails")]


def reads(certcentral: CertCentral) -> Counter[str]:
    """Count the reads of each name's allowed addresses."""
    return Counter(call.path.split("/")[2] for call in read_calls(certcentral))


def offered(form: Form, label: str) -> list[str]:
    """The texts of the options of a select."""
    element = next(block["element"] for block in form.blocks if block.get("label", {}).get("text") == label)
    return [option["text"]["text"] for option in element["options"]]


@ON_BOTH
async def test_an_order_is_resent_from_command_to_thread(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])

    await ana.command("/dcv-resend", "700001", pki)
    form = await ana.sees_form("Recipient for shop.example.com")
    result = await form.submit()
    await slack.sees_message(pki, containing=SENT)

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


async def test_each_waiting_name_is_mailed_at_the_address_chosen_for_it(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    names = ["shop.example.com", "done.example.de", "www.example.org", "example.net"]
    certcentral.add_order(700001, names, validated=["done.example.de"])

    form = await ask("700001")
    labels = form.labels
    await form.choose("webmaster@shop.example.com", label="Recipient for shop.example.com")
    await form.choose("postmaster@example.net", label="Recipient for example.net")
    await show_more(form)
    await form.choose("German", label="Email language")
    await form.submit()
    await slack.sees_message(pki, containing=SENT)

    recipients = [f"Recipient for {name}" for name in names if name != "done.example.de"]
    assert labels == ["Order or domain", *recipients, "Reason"]
    assert [call.body for call in certcentral.resends] == [
        {
            "domain_approval_emails": [
                {"domain": "shop.example.com", "email": "webmaster@shop.example.com"},
                {"domain": "www.example.org", "email": "admin@example.org", "email_domain": "example.org"},
                {"domain": "example.net", "email": "postmaster@example.net"},
            ],
            "locale": "de",
        }
    ]
    assert slack.problems == []


async def test_a_wildcard_is_mailed_for_the_name_below_its_star(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    certcentral.add_order(700001, ["*.example.com", "example.com"], status="reissue_pending")
    certcentral.add_order(700002, ["*.shop.example.org"], name_scope="fqdn")

    for order_id in ("700001", "700002"):
        await (await ask(order_id)).submit()
        await sees_end(slack, pki, int(order_id))

    assert [call.body["domain_approval_emails"] for call in certcentral.resends] == [
        [{"domain": "example.com", "email": "admin@example.com"}],
        [{"domain": "shop.example.org", "email": "admin@shop.example.org"}],
    ]
    assert [mail.scope for mail in certcentral.outbox] == ["example.com", "shop.example.org"]
    assert slack.problems == []


async def test_the_last_used_address_is_preselected_else_a_dns_txt_contact_else_admin(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    certcentral.add_txt_contact("example.com", "pki@corp.example")
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["www.example.org"])

    without_txt = await ask("700002")
    first = await ask("700001")
    begins = [
        *first.selected("Recipient for shop.example.com"),
        *without_txt.selected("Recipient for www.example.org"),
    ]
    await first.choose("hostmaster@example.com", label="Recipient for shop.example.com")
    await first.submit()
    await slack.sees_message(pki, containing=SENT)
    again = await ask("700001")

    assert begins == ["pki@corp.example", "admin@example.org"]
    assert again.selected("Recipient for shop.example.com") == ["hostmaster@example.com"]
    assert slack.problems == []


async def test_allowed_addresses_are_read_once_per_scope_as_the_account_prefers_them_and_remembered(
    bot: BotProcess, certcentral: CertCentral, ask: Ask
) -> None:
    certcentral.add_order(700001, ["a.example.com", "b.example.com", "www.example.org"])
    certcentral.add_order(700002, ["a.example.com"])
    certcentral.set_permitted_emails("example.com", ["postmaster@example.com"])

    form = await ask("700001")
    for order_id in ("700001", "700002"):
        await ask(order_id)

    assert reads(certcentral) == {
        "example.com": 1,
        "example.org": 1,
        "a.example.com": 1,
        "b.example.com": 1,
        "www.example.org": 1,
    }
    assert all(call.query == {"consider_dcv_email_preferences": "true"} for call in read_calls(certcentral))
    assert "postmaster@example.com" in offered(form, "Recipient for b.example.com")
    assert "admin@example.com" not in offered(form, "Recipient for b.example.com")


async def test_a_form_costs_twenty_reads_at_most(bot: BotProcess, certcentral: CertCentral, ask: Ask) -> None:
    deep = [f"a.b.c.deep{number}.com" for number in range(8)]
    certcentral.add_order(700001, deep, name_scope="fqdn")
    certcentral.add_order(700002, [f"many{number}.example" for number in range(30)])

    counts = []
    for order_id in ("700001", "700002"):
        await ask(order_id)
        counts.append(sum(reads(certcentral).values()))

    assert counts == [20, 40]
    assert set(deep) < set(reads(certcentral))


async def test_more_than_eight_names_share_a_mailbox_at_each_name_s_own_scope(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    names = [f"{label}.example.{top}" for top in ("com", "org", "net") for label in ("a", "b", "c")]
    certcentral.add_order(700001, names)
    certcentral.set_permitted_emails("example.org", ["postmaster@example.org", "webmaster@example.org"])

    form = await ask("700001")
    mailboxes, labels = offered(form, "Recipients for 9 domains"), form.labels
    await form.choose("postmaster@", label="Recipients for 9 domains")
    await form.submit()
    await slack.sees_message(pki, containing=SENT)

    assert mailboxes == ["webmaster@ at each domain (9 domains)", "postmaster@ at each domain (9 domains)"]
    assert labels == ["Order or domain", "Recipients for 9 domains", "Reason"]
    assert [call.body["domain_approval_emails"] for call in certcentral.resends] == [
        [{"domain": name, "email": f"postmaster@{name[2:]}", "email_domain": name[2:]} for name in names]
    ]
    assert slack.problems == []


async def test_an_order_with_250_long_names_is_one_call_and_fits_into_slack(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    names = [f"{'host' * 15}{number:03}.{'zone' * 15}{number:03}.com" for number in range(250)]
    certcentral.add_order(700001, names, name_scope="fqdn")

    form = await ask("700001")
    remark = form.says("I couldn't check the addresses for 230 domains")
    result = await form.submit()
    root = await slack.sees_message(pki, containing=SENT)
    details = await see_details(ana, root)

    assert remark
    assert result.closed
    assert [call.body["domain_approval_emails"] for call in certcentral.resends] == [
        [{"domain": name, "email": f"admin@{name}"} for name in names]
    ]
    assert len(certcentral.outbox) == 250
    assert root.content.blocks
    assert details.says("Next (page 1 of 13)")
    assert slack.problems == []
