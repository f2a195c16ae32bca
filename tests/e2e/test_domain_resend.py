"""The other door: OV and EV orders and prevalidated domains are mailed domain by domain, each with its name scope."""

from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.certcentral.behavior_options import EmailArrayLimit
from sandbox.faults import answers, drops
from sandbox.slack import Channel, Form, FormIncomplete, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, SENT, UNDER_BOTH_LIMITS, show_more

Ask = Callable[[str], Awaitable[Form]]


def puts(certcentral: CertCentral) -> list[tuple[str, object]]:
    """The resends as they arrived: path and body."""
    return [(call.path, call.body) for call in certcentral.resends]


def to_admin(name_scope: str, *mailboxes_at: str) -> dict[str, object]:
    """The body that asks for one email to admin@ the scope, or to admin@ these domains."""
    emails = [f"admin@{domain}" for domain in mailboxes_at or (name_scope,)]
    return {"name_scope": name_scope, "email_array": emails, "locale": "en"}


@ON_BOTH
async def test_a_prevalidated_domain_is_mailed_by_its_id_with_its_own_name_as_scope(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    certcentral.add_domain(1234, "example.com")

    form = await ask("example.com")
    labels = form.labels
    await form.submit()
    root = await slack.sees_message(pki, containing=SENT)

    assert labels == ["Order or domain", "Recipients for example.com", "Reason"]
    assert puts(certcentral) == [("/domain/1234/dcv/emails", to_admin("example.com"))]
    assert [(mail.scope, mail.recipient) for mail in certcentral.outbox] == [("example.com", "admin@example.com")]
    assert "Domain example.com · requested by " in root.visible_text
    assert slack.problems == []


async def test_a_typed_subdomain_is_the_scope_only_if_it_was_picked(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    certcentral.add_domain(1234, "example.com")
    certcentral.add_order(700001, ["shop.example.com"], product="ov")

    as_drawn = await ask("shop.example.com")
    await show_more(as_drawn)
    begins = as_drawn.selected(action_id="scope")
    await as_drawn.submit()
    await slack.sees_message(pki, containing=SENT)
    picked = await ask("shop.example.com")
    picked.fill("Reason", "only the shop")
    await show_more(picked)
    await picked.choose("shop.example.com and its subdomains", action_id="scope")
    both = await ana.sees_form("Recipients for shop.example.com")
    kept = picked.typed("Reason")
    hint = both.says("DigiCert may email only some of these.")
    await picked.submit()
    root = await slack.sees_message(pki, containing="📨 shop.example.com")

    assert begins == ["example.com and its subdomains"]
    assert kept == "only the shop"
    assert hint
    assert puts(certcentral) == [
        ("/domain/1234/dcv/emails", to_admin("example.com")),
        ("/domain/1234/dcv/emails", to_admin("shop.example.com", "shop.example.com", "example.com")),
    ]
    assert "Email sent to one or both of admin@shop.example.com and admin@example.com" in root.visible_text
    assert slack.problems == []


@UNDER_BOTH_LIMITS
@pytest.mark.fault("H1")
async def test_an_email_for_another_scope_reaches_only_the_chosen_mailboxes(
    email_array_limited_by: str,
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
) -> None:
    certcentral.add_domain(1234, "example.org")
    certcentral.add_order(700002, ["pay.example.org"], product="ov", name_scope="fqdn")

    form = await ask("700002")
    await form.submit()
    await slack.sees_message(pki, containing=SENT)
    for address in ("admin@example.org", "admin@pay.example.org"):
        await ana.command("/dcv-resend", f"700002 to {address} because the first one got lost", pki)
        await ana.receives("otherwise DigiCert may email others")

    [(_, body)] = puts(certcentral)
    chosen = set(body["email_array"])  # type: ignore[index]
    reached_limit = {mail.recipient for mail in certcentral.outbox}
    assert chosen == {"admin@example.org", "admin@pay.example.org"}
    assert reached_limit
    assert reached_limit <= chosen
    assert slack.problems == []


@pytest.mark.fault("M6")
async def test_names_that_were_made_up_do_not_get_round_the_cooldown(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    certcentral.add_domain(1234, "example.com")

    await ana.command("/dcv-resend", "made-up-1.example.com to admin@example.com", pki)
    await slack.sees_message(pki, containing=SENT)
    await ana.command("/dcv-resend", "made-up-2.example.com to admin@example.com", pki)
    await ana.receives("To resend before")
    form = await ask("made-up-3.example.com")

    assert form.says("No pending order has made-up-3.example.com. This email validates example.com")
    assert puts(certcentral) == [("/domain/1234/dcv/emails", to_admin("example.com"))]


@pytest.mark.fault("M6")
async def test_one_mailbox_of_a_domain_rests_for_all_its_scopes(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_domain(1234, "example.com")
    for number, name in enumerate(("a.example.com", "b.example.com")):
        certcentral.add_order(700001 + number, [name], product="ov", name_scope="fqdn")

    await ana.command("/dcv-resend", "700001 to admin@example.com admin@a.example.com", pki)
    await slack.sees_message(pki, containing=SENT)
    await ana.command("/dcv-resend", "700002 to admin@example.com admin@b.example.com", pki)
    await ana.receives("To resend before")
    await ana.command("/dcv-resend", "700002 to postmaster@example.com admin@b.example.com", pki)
    await slack.sees_message(pki, containing="📨 b.example.com")

    assert len(puts(certcentral)) == 2
    assert slack.problems == []


async def test_ov_and_ev_orders_are_mailed_for_the_scope_digicert_reports_and_never_for_a_wildcard(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    certcentral.add_domain(1234, "example.com")
    certcentral.add_domain(1235, "example.org")
    certcentral.add_domain(1236, "example.net")
    certcentral.add_order(700001, ["www.example.com"], product="ov")
    certcentral.add_order(700002, ["pay.example.org"], product="ev", name_scope="fqdn")
    certcentral.add_order(700003, ["*.example.net"], product="ov", name_scope="fqdn")

    for order_id, scope in {"700001": "example.com", "700002": "pay.example.org", "700003": "example.net"}.items():
        await (await ask(order_id)).submit()
        await slack.sees_message(pki, containing=f"📨 {scope}")

    assert puts(certcentral) == [
        ("/domain/1234/dcv/emails", to_admin("example.com")),
        ("/domain/1235/dcv/emails", to_admin("pay.example.org", "pay.example.org", "example.org")),
        ("/domain/1236/dcv/emails", to_admin("example.net")),
    ]
    assert slack.problems == []


async def test_three_waiting_domains_are_three_calls_under_one_message_each_with_its_own_outcome(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    names = {1234: "example.com", 1235: "example.org", 1236: "example.net"}
    for domain_id, name in names.items():
        certcentral.add_domain(domain_id, name)
    certcentral.add_order(700001, list(names.values()), product="ov")
    refusal = {"errors": [{"code": "domain_locked", "message": "The domain is locked."}]}
    certcentral.faults.plan("PUT /domain/1235/dcv/emails", answers(400, refusal))
    certcentral.faults.plan("PUT /domain/1236/dcv/emails", drops(effect=True))

    await (await ask("700001")).submit()
    root = await slack.sees_message(pki, containing="may or may not have been sent for 1 of 3")

    assert puts(certcentral) == [
        (f"/domain/{domain_id}/dcv/emails", to_admin(name)) for domain_id, name in names.items()
    ]
    assert [message for message in pki.messages if not message.is_reply] == [root]
    assert root.text.startswith("⚠️ example.com + 2 · ")
    assert "example.com: waiting for approval (admin@example.com)" in root.text
    assert "example.org: no email was sent. DigiCert's reason: “The domain is locked.”" in root.text
    assert "example.net: may or may not have been sent to admin@example.net." in root.text
    assert slack.problems == []


async def test_of_twelve_waiting_domains_ten_are_mailed_and_the_others_are_named(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    names = [f"corp{number}.example" for number in range(12)]
    certcentral.add_order(700001, names, product="ov")

    form = await ask("700001")
    remark = form.says("You can resend for 10 domains at a time. Still pending: corp10.example and corp11")
    await form.submit()
    root = await slack.sees_message(pki, containing=SENT)

    assert remark
    assert [body for _, body in puts(certcentral)] == [to_admin(name) for name in names[:10]]
    assert len({path for path, _ in puts(certcentral)}) == 10
    assert "+ 5 more" in root.visible_text
    assert slack.problems == []


async def test_domains_that_no_mail_validates_are_left_out_and_named_however_many(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    by_dns = [f"dns{number}.example" for number in range(120)]
    for number, name in enumerate(by_dns):
        certcentral.add_domain(2000 + number, name, method="dns-txt-token")
    certcentral.add_domain(1234, "mail.example")
    certcentral.add_domain(1235, "mute.example")
    certcentral.set_permitted_emails("mute.example", [])
    certcentral.add_order(700001, ["mail.example", *by_dns, "mute.example"], product="ov")

    form = await ask("700001")
    text, labels = form.text, form.labels
    await form.submit()
    await slack.sees_message(pki, containing=SENT)

    assert labels == ["Order or domain", "Recipients for mail.example", "Reason"]
    assert "Not included: dns0.example, dns1.example" in text
    assert "dns9.example and 110 more (uses DNS validation (TXT))" in text
    assert "Not included: mute.example (DigiCert allows no recipient)" in text
    assert puts(certcentral) == [("/domain/1234/dcv/emails", to_admin("mail.example"))]
    assert slack.problems == []


@UNDER_BOTH_LIMITS
async def test_a_domain_takes_any_number_of_recipients_but_never_none(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    pki: Channel,
    ask: Ask,
    email_array_limited_by: EmailArrayLimit,
) -> None:
    chosen = ["webmaster@example.com", "pki@corp.example"]
    certcentral.add_domain(1234, "example.com", txt_contacts=["pki@corp.example"])
    certcentral.set_permitted_emails("example.com", ["webmaster@example.com", "admin@example.com", "pki@corp.example"])

    form = await ask("example.com")
    begins = form.selected("Recipients for example.com")
    await form.choose(None, label="Recipients for example.com")
    with pytest.raises(FormIncomplete, match=r"Recipients for example\.com"):
        await form.submit()
    assert certcentral.resends == []

    await form.choose(chosen, label="Recipients for example.com")
    await form.submit()
    await slack.sees_message(pki, containing=SENT)
    again = await ask("example.com")

    assert begins == ["pki@corp.example"]
    assert puts(certcentral) == [
        ("/domain/1234/dcv/emails", {"name_scope": "example.com", "email_array": chosen, "locale": "en"})
    ]
    assert [mail.recipient for mail in certcentral.outbox] == chosen
    assert sorted(again.selected("Recipients for example.com")) == sorted(chosen)
    assert slack.problems == []


async def test_the_allowed_addresses_of_a_domain_are_read_once_as_the_account_prefers_them(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    certcentral.add_domain(1234, "example.com")
    certcentral.add_domain(1235, "example.org")
    certcentral.add_order(700001, ["www.example.com", "shop.example.com", "example.org"], product="ov")

    for wanted in ("700001", "example.com", "700001"):
        form = await ask(wanted)
    await form.submit()
    await slack.sees_message(pki, containing=SENT)

    calls = [call for call in certcentral.calls if call.matches("GET", "/domain/*/dcv/emails")]
    assert Counter(call.path for call in calls) == {"/domain/1234/dcv/emails": 1, "/domain/1235/dcv/emails": 1}
    assert all(call.query == {"consider_dcv_email_preferences": "true"} for call in calls)
