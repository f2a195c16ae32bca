"""What DigiCert really answers: domains that lapsed, orders that wait for something else, odd rows, odd words."""

import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.views.validity import day_in_words
from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral, order_serializers
from sandbox.certcentral.account import Account
from sandbox.certcentral.models import Domain
from sandbox.faults import answers
from sandbox.slack import Channel, Form, SimulatedUser, Slack
from tests.e2e.helpers import SENT, put, sees_end, sends

Ask = Callable[[str], Awaitable[Form]]

LISTS = "GET /order/certificate"


def rows(certcentral: CertCentral, **odd: dict[str, Any]) -> dict[str, Any]:
    """The answer of the order list, with changes to the rows of some orders, as `o700001={...}`."""
    shown = [order_serializers.serialize_row(certcentral, order) for order in certcentral.orders.values()]
    return {"orders": [row | odd.get(f"o{row['id']}", {}) for row in shown], "page": {"total": len(shown)}}


def warnings(bot: BotProcess) -> Iterator[dict[str, Any]]:
    """Return the bot's log lines about unexpected answers."""
    lines = (json.loads(line) for line in bot.log.splitlines())
    return (line for line in lines if line["event"].startswith("DigiCert's list has entries"))


async def status(person: SimulatedUser, channel: Channel, about: str, containing: str) -> str:
    """Return the answer of `/dcv-status`."""
    await person.command("/dcv-status", about, channel)
    return (await person.receives(containing)).visible_text


@pytest.mark.fault("F1")
async def test_a_domain_that_lapsed_or_was_never_submitted_says_what_to_do_and_is_never_called_valid(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    now = certcentral.now()
    certcentral.add_domain(1, "lapsed.example", pending=False, validated_until=now - timedelta(days=40))
    certcentral.add_domain(2, "added.example", submitted=False)
    certcentral.add_domain(3, "valid.example", pending=False, validated_until=now + timedelta(days=40))
    lapsed_on, valid_until = (day_in_words(now.date() + timedelta(days=days)) for days in (-40, 40))

    forms = {name: await ask(name) for name in ("lapsed.example", "added.example", "valid.example")}
    options = {each["text"]: each["description"] for each in await forms["valid.example"].search("")}
    shown = await status(ana, pki, "lapsed.example", "Domain lapsed.example")

    assert f"The validation of lapsed.example expired on {lapsed_on}." in forms["lapsed.example"].text
    assert "added.example was never validated" in forms["added.example"].text
    assert f"valid.example is already validated until {valid_until} (" in forms["valid.example"].text
    for name in ("lapsed.example", "added.example"):
        assert "Revalidate…" in forms[name].buttons
        assert "is already validated" not in forms[name].text
        assert not sends(forms[name])
    # DigiCert's list does not show that this one was never submitted. The others cannot be helped by an email.
    assert options == {"Domain · added.example · select to see its status": "2"}
    assert "is already validated" not in shown
    assert f"expired on {lapsed_on}" in shown
    assert slack.problems == []


@pytest.mark.parametrize(
    ("becomes", "shown"),
    [
        pytest.param("lapsed", "no longer submitted for validation", marks=pytest.mark.fault("F1")),
        ("validated", "validated"),
    ],
)
async def test_a_followed_domain_is_done_only_if_it_is_valid(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
    becomes: str,
    shown: str,
) -> None:
    await make_bot(DCV_FOLLOW_UPS="2s,1h", DCV_NUDGES="none").start()
    await slack.wait_for_connection(60)
    now = certcentral.now()
    domain = certcentral.add_domain(1, "example.com", validated_until=now - timedelta(days=1))
    await (await ask("example.com")).submit()
    root = await slack.sees_message(pki, containing=SENT)

    settle(certcentral, domain, becomes, now)

    ends = ("example.com · validated", "no longer submitted for validation")
    await slack.wait_for(lambda: any(end in root.visible_text for end in ends), "how it ended", 20.0)
    assert ("example.com · validated" in root.visible_text) is (becomes == "validated")
    assert shown in root.visible_text
    assert root.buttons == ["Open in CertCentral"]
    assert slack.problems == []


def settle(account: Account, domain: Domain, becomes: str, now: datetime) -> None:
    """End the wait for a domain: its mail is approved, or its submission ends without that."""
    if becomes == "validated":
        account.approve(account.outbox[0])
    else:
        domain.pending = False
    account.changes.notify_all()


@pytest.mark.fault("F2")
async def test_a_never_validated_domain_that_waits_is_the_first_among_hundreds_that_are_valid(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    created = certcentral.now() - timedelta(days=300)
    for number in range(1, 151):
        certcentral.add_domain(number, f"valid{number}.example", pending=False, created=created)
    certcentral.add_domain(999, "waits.example")
    again = certcentral.now() + timedelta(days=3)
    certcentral.add_domain(998, "again.example", validated_until=again, created=created)
    form = await ask("")

    options = await form.search("")

    # The one that was submitted again waits since then, soon after its last approval.
    assert [option["description"] for option in options] == ["998", "999"]
    assert [" · ".join(option["text"].split(" · ")[:2]) for option in options] == [
        "Domain · again.example",
        "Domain · waits.example",
    ]
    asked = next(call for call in certcentral.calls if call.name == "GET /domain")
    assert asked.query["include_validation"] == asked.query["filters[include_validation_reuse_status]"] == "true"
    assert slack.problems == []


@pytest.mark.fault("F3")
async def test_one_odd_order_does_not_hide_the_account(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    odd = {"certificate": {"dns_names": {"x": {}}}}
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["odd.example.com"])
    certcentral.faults.plan(LISTS, answers(200, rows(certcentral, o700002=odd)), times=None)

    shown = await status(ana, pki, "", "1 pending order")
    form = await ask("shop.example.com")
    missing = await ask("odd.example.com")

    assert "1 order couldn't be read." in shown
    assert "700001" in shown
    assert sends(form)
    assert "No order or domain found for odd.example.com" in missing.text
    assert "1 order couldn't be read." in missing.text
    assert [line["unreadable"] for line in warnings(bot)][:1] == [1]
    assert slack.problems == []


@pytest.mark.fault("F3")
async def test_one_odd_domain_address_or_name_does_not_hide_the_others(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com", "www.example.org"])
    entry = {"name_scope": "example.com", "status": "pending", "method": "email", "dns_names": ["shop.example.com"]}
    validation = {"order_status": "pending", "dns_name_validations": [entry, {"status": "approved"}, None]}
    certcentral.faults.plan("GET /order/certificate/700001/validation", answers(200, validation), times=None)
    domains = {"domains": [{"id": None, "name": "odd.example"}, {"id": 5, "name": None}]}
    certcentral.faults.plan("GET /domain", answers(200, domains), times=None)
    emails = {"name_scope": "example.com", "base_emails": [None, "admin@example.com"], "dns_txt_emails": [7]}
    certcentral.faults.plan("GET /domain/*/dcv/emails", answers(200, emails), times=None)

    form = await ask("700001")
    shown = await status(ana, pki, "700001", "Order 700001")
    page = await status(ana, pki, "", "1 pending order")

    assert form.labels[1] == "Recipient for shop.example.com"
    assert form.says("2 more entries that I couldn't read")
    assert "2 more entries that I couldn't read" in shown
    assert "validated" not in shown
    assert "2 domains couldn't be read." in page
    assert slack.problems == []


def rules(ana: SimulatedUser, tmp_path: Path, *names: str, deny: str = "") -> dict[str, str]:
    """The settings for a policy that lets Ana resend for these names, or for all, and may deny something else."""
    allowed = f"names = {json.dumps(list(names))}\n" if names else ""
    allow = f'[[rule]]\nname = "pki"\nallow = ["resend", "status"]\nusers = ["{ana.id}"]\n{allowed}'
    path = tmp_path / "policy.toml"
    path.write_text(allow + (f'[[rule]]\nname = "frozen"\ndeny = ["resend"]\nnames = [{deny}]\n' if deny else ""))
    return {"DCV_ALLOWED_USERS": "", "DCV_POLICY_FILE": str(path)}


@pytest.mark.fault("F3")
@pytest.mark.parametrize("odd", [{"certificate": "odd"}, {"id": None}], ids=str)
async def test_a_denied_order_that_cannot_be_read_still_denies(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    tmp_path: Path,
    odd: dict[str, Any],
) -> None:
    await make_bot(**rules(ana, tmp_path, deny="700002")).start()
    await slack.wait_for_connection(60)
    certcentral.add_domain(1, "example.com")
    certcentral.add_order(700002, ["pay.example.com"], product="ov")
    certcentral.faults.plan(LISTS, answers(200, rows(certcentral, o700002=odd)), times=None)

    await ana.command("/dcv-resend", "example.com to admin@example.com", pki)
    await ana.receives("DigiCert lists an order that the bot cannot read, and a rule may be about it.")

    assert certcentral.resends == []
    assert slack.problems == []


@pytest.mark.fault("K3")
async def test_what_an_order_still_needs_names_nothing_that_a_person_may_not_see(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
    tmp_path: Path,
) -> None:
    await make_bot(**rules(ana, tmp_path, "shop.example.com")).start()
    await slack.wait_for_connection(60)
    names = ["shop.example.com", "secret.example.org"]
    certcentral.add_order(
        700001, names, product="ov", validated=names, organization="Secret Ltd", organization_pending=True
    )

    form = await ask("700001")
    shown = await status(ana, pki, "700001", "Order 700001")

    for text in (form.text, shown):
        assert "DigiCert hasn't validated the organization yet" in text
        assert "secret" not in text.lower()
    assert slack.problems == []


@pytest.mark.fault("F4")
async def test_orders_for_other_certificates_are_not_listed_but_explained(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700102, [], product="client", common_name="Ana Example")

    page = await status(ana, pki, "", "1 pending order")
    form = await ask("700102")
    shown = await status(ana, pki, "700102", "Order 700102")
    options = await form.search("")

    assert "700102" not in page
    assert "ana example" not in page.lower()
    for text in (form.text, shown):
        assert "Order 700102 is a client certificate order, which has no DCV emails." in text
    assert "ana example" not in form.text + shown
    assert [option["description"] for option in options] == ["700001 · GeoTrust DV SSL"]
    assert slack.problems == []


@pytest.mark.fault("K3")
async def test_an_order_whose_names_are_all_validated_says_who_must_act_and_leads_to_the_order(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
) -> None:
    await make_bot(DIGICERT_CONSOLE_URL="https://certs.example.com/secure/").start()
    await slack.wait_for_connection(60)
    certcentral.add_order(700101, ["ev.example.org"], product="ev", validated=["ev.example.org"], contact_pending=True)

    form = await ask("700101")
    shown = await status(ana, pki, "700101", "Order 700101")

    for text in (form.text, shown):
        assert "All domains on order 700101 (ev.example.org) are validated." in text
        assert "a verified contact of the organization approves it" in text
        assert "Open in CertCentral" in text
        assert "goes on by itself" not in text
    blocks = json.dumps([message.content.all_blocks for message in ana.ephemerals])
    assert "https://certs.example.com/secure/orders/700101" in blocks
    assert not sends(form)
    assert slack.problems == []


@pytest.mark.fault("F6")
async def test_an_order_for_a_wildcard_alone_is_found_by_name(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    certcentral.add_order(700001, ["*.wild.example"], status="issued")

    texts = [(await ask(name)).text for name in ("*.wild.example", "wild.example", "shop.wild.example")]
    shown = await status(ana, pki, "wild.example", "Order 700001")

    assert ["has been issued" in text for text in (*texts, shown)] == [True] * 4, texts
    assert slack.problems == []


@pytest.mark.fault("F7")
async def test_a_pending_reissue_is_dated_by_its_request_and_not_listed_last(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    now = certcentral.now()
    for number in range(2, 14):
        certcentral.add_order(700000 + number, [f"n{number}.example.com"], created=now - timedelta(hours=number))
    certcentral.add_order(
        700001,
        ["again.example.com"],
        status="reissue_pending",
        created=now - timedelta(days=90),
        reissue_requested=now - timedelta(days=2),
    )

    page = await status(ana, pki, "", "13 pending orders")
    shown = await status(ana, pki, "700001", "reissue pending")
    options = await (await ask("")).search("")

    assert "700001 · again.example.com · pending 2 days" in page.replace("*", "")
    assert "reissue pending 2 days" in shown
    assert options[0]["text"].startswith("Order · again.example.com")
    assert "90 days" not in page + shown
    assert slack.problems == []


@pytest.mark.fault("F8")
async def test_one_refused_list_of_recipients_does_not_end_the_plan_for_the_other_names(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    refusal = {"errors": [{"code": "domain_locked", "message": "The domain is locked."}]}
    for number, name in enumerate(("a.example", "b.example"), start=1):
        certcentral.add_domain(number, name)
        certcentral.add_order(700000 + number, [f"shop.{name}"])
    certcentral.add_order(700003, ["a.example", "b.example"], product="ov")
    certcentral.faults.plan("GET /domain/1/dcv/emails", answers(403, refusal), times=None)
    certcentral.faults.plan("GET /domain/*a.example/dcv/emails", answers(400, refusal), times=None)

    ov, dv = await ask("700003"), await ask("700001")

    assert ov.labels[1] == "Recipients for b.example"
    assert ov.says("Not included: a.example (The domain is locked).")
    assert dv.labels[1] == "Recipient for shop.a.example"
    assert dv.says("so usual mailboxes are offered: The domain is locked.")
    assert sends(ov)
    assert sends(dv)
    assert slack.problems == []


@pytest.mark.fault("F9")
async def test_a_method_is_shown_in_words(bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask) -> None:
    certcentral.add_domain(1, "file.example", method="DNS-TXT-Token")

    text = (await ask("file.example")).text

    assert "file.example uses DNS validation (TXT), so there is no email to resend" in text
    assert slack.problems == []


@pytest.mark.fault("F11")
async def test_digicerts_words_are_kept_in_whatever_shape_they_come(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.faults.plan(put(700001), answers(400, {"errors": {"order": ["The order is locked."]}}))

    await (await ask("700001")).submit()
    root = await sees_end(slack, pki, 700001)

    assert "DigiCert's reason: “The order is locked.”" in root.visible_text
    assert len(certcentral.resends) == 1
    assert slack.problems == []
