"""The form: opened by the command, filled in, redrawn, and its text if nothing can be resent."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers, drops, stalls
from sandbox.slack import ApiCall, Channel, Form, SimulatedUser, Slack
from tests.e2e.helpers import SENT, see_details, sends, show_more

Ask = Callable[[str], Awaitable[Form]]

UNUSABLE = [
    "two words",
    "admin@example.com",
    "192.0.2.1",
    "localhost",
    "#000",
    "shop.*.example.com",
    "<@U0123ABCD|ana>",
    "🔥.example.com",
]
# Each needs an answer that the bot does not remember yet: the listing comes first.
AWAY = [
    ("GET /domain", answers(429, {"errors": []}, {"Retry-After": "60"}), "limiting requests"),
    (
        "GET /order/certificate/*",
        answers(502, {"errors": [{"code": "x", "message": "Bad gateway"}]}),
        "DigiCert had an internal error",
    ),
    ("GET /order/certificate/*", answers(403, "<html><body>Unsuccessful.</body></html>"), "without a reason"),
    ("GET /domain/*/dcv/emails", answers(200, "<html><body>Wait</body></html>"), "doesn't match its documentation"),
    ("GET /domain/*/dcv/emails", drops(effect=False), "connection dropped"),
    ("GET /order/certificate/*", answers(200, {"status": "pending"}), "doesn't match its documentation"),
    ("GET /order/certificate/*", answers(200, [{"id": "700001"}]), "doesn't match its documentation"),
    ("GET /order/certificate/*", answers(400, {"errors": {"code": "odd", "message": "An odd one."}}), "An odd one."),
]


def levels(bot: BotProcess) -> set[str]:
    """The levels of all that was logged."""
    return {json.loads(line)["level"] for line in bot.log.splitlines()}


def calls_of(slack: Slack, method: str) -> list[ApiCall]:
    """The answered calls of one method of Slack's."""
    return [call for call in slack.api_calls if call.method == method and call.answer is not None]


async def choose(form: Form, text: str) -> None:
    """Type into the select and choose the first that is found."""
    options = await form.search(text)
    await form.choose(options[0], action_id="target")


async def test_the_command_alone_opens_a_form_with_nothing_but_the_select(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    form = await ask("")

    assert form.title == "Resend DCV email"
    assert form.says("Order or domain")
    assert (form.labels, sends(form)) == (["Order or domain"], False)
    assert [call.name for call in certcentral.calls] == ["GET /user/me"]
    assert slack.problems == []


async def test_an_order_or_a_name_fills_the_form_in_however_it_was_typed_or_copied(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["xn--mnchen-3ya.de"])
    shop, munich = "700001 · shop.example.com", "700002 · münchen.de (xn--mnchen-3ya.de)"
    typed = {
        "700001": shop,
        "#700001": shop,
        "SHOP.Example.COM": shop,
        "shop.example.com.": shop,
        "*.shop.example.com": shop,
        "https://shop.example.com/cart?item=1": shop,
        "<http://shop.example.com|shop.example.com>": shop,
        "münchen.de": munich,
        "MÜNCHEN.de": munich,
        "xn--mnchen-3ya.de": munich,
    }

    filled = {}
    for text in typed:
        form = await ask(text)
        filled[text] = form.selected(action_id="target")[0]
        assert sends(form)
        await form.close()

    assert filled == typed
    assert slack.problems == []


@pytest.mark.fault("K1")
@pytest.mark.fault("K7")
@pytest.mark.fault("K9")
@pytest.mark.fault("K14")
async def test_an_order_fills_the_form_in_however_it_was_pasted(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    certcentral.add_order(1700001, ["shop.example.com"])
    pasted = [
        "<https://www.digicert.com/secure/orders/1700001|www.digicert.com/secure/orders/1700001>",
        "#<tel:1700001|1700001>.",
        "1,700,001",
        "Order 1700001 (<http://shop.example.com|shop.example.com>)",
        "1700001 · shop.example.com",
    ]

    for text in pasted:
        form = await ask(text)
        assert form.selected(action_id="target") == ["1700001 · shop.example.com"], text
        await form.close()

    assert slack.problems == []


@pytest.mark.fault("M2")
async def test_a_command_that_is_too_long_is_answered_by_a_sentence(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    for command in ("/dcv-resend", "/dcv-status"):
        await ana.command(command, "700001 to " + "<mailto:" * 5000, pki)
        whisper = await ana.receives("has at most 3,000 characters")
        assert "Nothing was sent" in whisper.visible_text
        ana.ephemerals.clear()

    assert [call.name for call in certcentral.calls] == ["GET /user/me"]
    assert slack.problems == []


async def test_help_is_whispered_with_examples_and_opens_nothing(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    await ana.command("/dcv-resend", "help", pki)
    whisper = await ana.receives("What you can type")

    assert "/dcv-resend 700001" in whisper.visible_text
    assert pki.messages == []
    assert calls_of(slack, "views.open") == []
    assert slack.problems == []


async def test_anything_else_is_answered_by_a_whispered_sentence_with_an_example(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    for number, text in enumerate(UNUSABLE, start=1):
        await ana.command("/dcv-resend", text, pki)
        await slack.wait_for(lambda heard=number: len(ana.ephemerals) == heard, f"a whisper about {text!r}", 5.0)

    assert all("such as 700001 or shop.example.com" in whisper.visible_text for whisper in ana.ephemerals)
    assert pki.messages == []
    assert calls_of(slack, "views.open") == []
    assert [call.name for call in certcentral.calls] == ["GET /user/me"]
    assert slack.problems == []


async def test_the_form_is_there_before_digicert_is_asked_and_filled_in_afterwards(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.faults.plan("GET /order/certificate/700001", stalls(hold=(hold := asyncio.Event())))

    command = await ana.command("/dcv-resend", "700001", pki)
    asked = await certcentral.wait_for_call("GET", "/order/certificate/700001")
    waiting = await ana.sees_form("Looking up order 700001")
    hold.set()
    drawn = await ana.sees_form("Recipient for shop.example.com")

    assert command.acked
    assert command.after < 1.0
    assert calls_of(slack, "views.open")[0].at <= asked.at.timestamp()
    assert drawn.view_id == waiting.view_id
    assert len(calls_of(slack, "views.open")) == 1
    assert slack.problems == []


async def test_a_form_that_was_closed_meanwhile_is_no_error(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.faults.plan("GET /order/certificate/700001", stalls(hold=(hold := asyncio.Event())))
    await ana.command("/dcv-resend", "700001", pki)
    form = await ana.sees_form("Looking up")

    await form.close()
    hold.set()
    await slack.wait_for(lambda: calls_of(slack, "views.update"), "the answer for a form that is gone", 10.0)
    await ana.command("/dcv-resend", "help", pki)
    await ana.receives("What you can type")

    assert calls_of(slack, "views.update")[0].error == "not_found"
    assert len(ana.ephemerals) == 1
    assert levels(bot).isdisjoint({"error", "critical"})


async def test_choosing_another_order_or_domain_draws_its_recipients_and_sends_for_it_alone(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["www.example.org"])
    certcentral.add_domain(1234, "example.net")
    form = await ask("700001")
    labels = [form.labels[1:-1]]

    for other, name in {"1234": "example.net", "700002": "www.example.org"}.items():
        await choose(form, other)
        await ana.sees_form(f" for {name}")
        labels.append(form.labels[1:-1])
    await form.submit()
    await slack.sees_message(pki, containing=SENT)

    assert labels == [
        ["Recipient for shop.example.com"],
        ["Recipients for example.net"],
        ["Recipient for www.example.org"],
    ]
    assert [call.path for call in certcentral.resends] == ["/order/certificate/700002/resend-emails"]
    assert slack.problems == []


async def test_reason_and_language_stay_when_another_order_is_chosen(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["www.example.org"])
    form = await ask("700001")
    form.fill("Reason", "the mailbox is new")
    await show_more(form)
    await form.choose("German", label="Email language")

    await choose(form, "700002")
    await ana.sees_form("Recipient for www.example.org")
    kept = form.typed("Reason"), form.selected("Email language")
    await form.submit()
    root = await slack.sees_message(pki, containing=SENT)
    details = await see_details(ana, root)

    assert kept == ("the mailbox is new", ["German"])
    assert [call.body["locale"] for call in certcentral.resends] == ["de"]
    assert details.says("German")
    assert details.says("the mailbox is new")


async def test_a_slow_first_choice_does_not_overwrite_a_later_quick_one(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["www.example.org"])
    certcentral.faults.plan("GET /order/certificate/700001", stalls(hold=(hold := asyncio.Event())))
    form = await ask("")
    await form.search("example")

    await form.choose("shop.example.com", action_id="target")
    await certcentral.wait_for_call("GET", "/order/certificate/700001")
    await form.choose("www.example.org", action_id="target")
    await ana.sees_form("Recipient for www.example.org")
    hold.set()
    await slack.wait_for(
        lambda: [call for call in calls_of(slack, "views.update") if call.error],
        "the slow drawing to be turned away",
        10.0,
    )

    assert [call.error for call in calls_of(slack, "views.update") if call.error] == ["hash_conflict"]
    assert form.labels == ["Order or domain", "Recipient for www.example.org", "Reason"]
    assert ana.ephemerals == []


async def test_where_nothing_can_be_resent_the_form_says_why_and_what_to_do_instead(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ask: Ask
) -> None:
    expected = put_in_place_what_cannot_be_resent(certcentral)
    certcentral.add_order(700009, ["www.example.org"])
    certcentral.add_domain(1238, "gone.example")

    for typed, (why, instead) in expected.items():
        form = await ask(typed)

        assert why in form.text
        assert instead in form.text
        assert (form.labels, sends(form)) == (["Order or domain"], False), typed
        await form.close()

    form = await ask("nowhere.test")
    await form.search("gone.example")
    del certcentral.domains[1238]
    await form.choose("gone.example", action_id="target")
    assert not sends(await ana.sees_form("No domain 1238 in this CertCentral account"))

    await choose(form, "700009")
    assert sends(await ana.sees_form("Recipient for www.example.org"))
    assert certcentral.resends == []
    assert slack.problems == []


def put_in_place_what_cannot_be_resent(certcentral: CertCentral) -> dict[str, tuple[str, str]]:
    """Fill the account; what to type, and two parts of what is said then."""
    certcentral.add_order(700001, ["issued.example.com"], status="issued")
    certcentral.add_order(700002, ["canceled.example.com"], status="canceled")
    certcentral.add_order(700003, ["rejected.example.com"], status="rejected")
    certcentral.add_order(700004, ["revoked.example.com"], status="revoked")
    certcentral.add_order(700005, ["approve.example.com"], status="needs_approval")
    certcentral.add_order(700006, ["done.example.com"], validated=["done.example.com"])
    certcentral.add_order(700007, ["dns.example.com"], method="dns-txt-token")
    certcentral.add_order(700008, ["file.example.com"], method="http-token")
    certcentral.add_domain(1234, "valid.example", pending=False)
    certcentral.add_domain(1235, "cname.example", method="dns-cname-token")
    certcentral.add_domain(1236, "asleep.example", active=False)
    certcentral.add_domain(1237, "mute.example")
    certcentral.set_permitted_emails("mute.example", [])
    reissue, destination = "reissue or renew the order in CertCentral", "place a new order in CertCentral"
    return {
        "700001": ("Order 700001 (issued.example.com) has been issued", reissue),
        "issued.example.com": ("Order 700001 (issued.example.com) has been issued", reissue),
        "700002": ("Order 700002 (canceled.example.com) was canceled", destination),
        "700003": ("Order 700003 (rejected.example.com) was rejected", "See the reason"),
        "700004": ("Order 700004 (revoked.example.com) was revoked", reissue),
        "700005": ("needs approval in your organization first", "Ask a CertCentral administrator"),
        "700006": ("All domains on order 700006 (done.example.com) are validated", "needs nothing from you"),
        "700007": ("uses DNS validation (TXT), so there is no email to resend", "switch the order to email"),
        "700008": ("uses file validation (HTTP), so there is no email to resend", "switch the order to email"),
        "valid.example": ("valid.example is already validated until", "No email is needed."),
        "cname.example": ("uses DNS validation (CNAME), so there is no email to resend", "switch the order to email"),
        "www.asleep.example": ("asleep.example is inactive", "Activate it in CertCentral"),
        "mute.example": ("DigiCert offers no email address for mute.example", "email preferences"),
        "799999": ("No order 799999 in this CertCentral account", "Check the number"),
        "nowhere.test": ("No order or domain found for nowhere.test", "Check the spelling"),
    }


async def test_when_digicert_is_away_the_form_says_so_and_another_try_works(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ask: Ask
) -> None:
    for number in range(len(AWAY)):
        certcentral.add_order(700000 + number, [f"shop{number}.com"])

    for number, (call, fault, words) in enumerate(AWAY):
        certcentral.faults.plan(call, fault, times=None)
        form = await ask(f"shop{number}.com")

        assert words in form.text
        assert form.says("Order or domain")
        assert (form.labels, sends(form)) == (["Order or domain"], False)

        certcentral.faults.clear()
        await (form.click("Try again") if number % 2 else choose(form, f"shop{number}.com"))
        await ana.sees_form(f"Recipient for shop{number}.com")
        await form.close()

    assert certcentral.resends == []
    assert ana.ephemerals == []
    assert slack.problems == []


async def test_the_scope_and_the_button_follow_the_chosen_recipients(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_domain(1234, "example.org")
    order, domain = await ask("700001"), await ask("example.org")
    begins = order.says("Approving validates shop.example.com, possibly all of example.com."), domain.submit_text

    await order.choose("admin@shop.example.com", label="Recipient for shop.example.com")
    await slack.wait_for(lambda: order.says("Approving validates shop.example.com."), "the other scope", 10.0)
    await domain.choose(["admin@example.org", "webmaster@example.org"], label="Recipients for example.org")
    await slack.wait_for(lambda: domain.submit_text == "Send 2 emails", "the other number", 10.0)

    assert begins == (True, "Send 1 email")
    assert domain.says("Approving validates example.org and everything below it.")
    assert order.selected("Recipient for shop.example.com") == ["admin@shop.example.com"]
    assert slack.problems == []
