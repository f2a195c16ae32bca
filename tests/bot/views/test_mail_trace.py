"""*Where did the email go?*: one line for each mailbox, and buttons that can help."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.dns.mail_findings import MailFinding, MailSituation
from bot.dns.record_findings import Gap
from bot.models import Address, DomainTarget, OrderTarget, Plan, WaitingName
from bot.track_records import TrackRecord
from bot.views import mail_trace
from bot.views.mail_trace import MailboxLine, TracedTarget

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
AT = NOW - timedelta(hours=2)
SHOP, PKI = "shop.example.com", "pki@corp.example"
AT_MICROSOFT = MailFinding(MailSituation.FINE, ("shop.mail.protection.outlook.com",))
ELSEWHERE = MailFinding(MailSituation.FINE, ("mx.shop.example.com",))


def line(email, situation=MailSituation.FINE, at=None, mail=AT_MICROSOFT, contact=False, last=False, **record):
    return MailboxLine(email, contact, situation, at, mail, TrackRecord(email, **record), last)


@pytest.fixture
def plan():
    allowed = (Address(f"admin@{SHOP}", SHOP), Address(f"hostmaster@{SHOP}", SHOP))
    return Plan("order:700001", "700001", (WaitingName(SHOP, SHOP, OrderTarget(700001), True, allowed),))


def shown(plan, *lines, more=0, request="r1"):
    return mail_trace.report(TracedTarget(plan, more, request), lines, NOW)


def buttons(message):
    [actions] = [block for block in message.payload()["blocks"] if block["type"] == "actions"]
    return actions["elements"]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            line(f"hostmaster@{SHOP}", at=AT, validated=3, typical=timedelta(minutes=20)),
            "validated after the last 3 emails to it, in about 20 min",
        ),
        (line(f"admin@{SHOP}", at=AT, mail=ELSEWHERE, unanswered=5), "no validation followed the last 5 emails to it"),
        (
            line(PKI, MailSituation.FILTERED, contact=True),
            "(DNS contact) · *not emailed: your CertCentral setting leaves DNS contacts out*",
        ),
        (line(f"root@{SHOP}", MailSituation.NEVER_ALLOWED, AT), "*DigiCert doesn't allow this address*"),
        (line(PKI, at=AT, last=True, validated=3), "at Microsoft 365 · used last"),
        (line(f"admin@{SHOP}", MailSituation.OLD_LINK, AT), "the link in the email has expired after 30 days"),
        (
            line(f"admin@{SHOP}", mail=MailFinding(MailSituation.NOT_CHECKED, gap=Gap.OFF)),
            "not emailed by me · MX not checked: DNS checks are turned off",
        ),
        (line(f"admin@{SHOP}", mail=MailFinding(MailSituation.NULL_MX)), "accepts no email (null MX)"),
    ],
)
def test_a_line_says_what_is_known_about_a_mailbox(slack, plan, one, words):
    message = shown(plan, one)

    slack.takes_message(message)
    assert words in message.payload()["blocks"][1]["text"]["text"]


def test_figures_are_only_for_constructed_mailboxes(plan):
    message = shown(plan, line(PKI, at=AT, contact=True, validated=3, unanswered=4))

    assert "3 emails" not in message.text
    assert "4 emails" not in message.text


def test_the_answer_says_where_to_search_and_how_long_a_link_works(plan):
    message = shown(plan, line(f"admin@{SHOP}", at=AT), more=2)

    assert "Microsoft 365 quarantine: security.microsoft.com" in message.text
    assert "Allow the sender no-reply@digitalcertvalidation.com" in message.text
    assert "at most 30 days" in message.text
    assert "+ 2 more mailboxes" in message.text


def test_the_best_mailbox_gets_the_button_and_a_dead_one_never_does(plan):
    dead = line(f"webmaster@{SHOP}", mail=MailFinding(MailSituation.NO_MX), validated=9)
    proven = line(f"hostmaster@{SHOP}", at=AT, validated=3)

    resend, ask = buttons(shown(plan, line(f"admin@{SHOP}"), dead, proven, line(PKI, MailSituation.FILTERED)))

    assert resend["text"]["text"].startswith("Resend to hostm")
    assert resend["value"] == f"/dcv-resend 700001 to hostmaster@{SHOP}"
    assert "Send one DCV email to hostmaster@shop.example.com?" in resend["confirm"]["text"]["text"]
    assert (ask["text"]["text"], ask["value"]) == ("Ask someone to approve…", "ask_to_approve:r1")


@pytest.mark.parametrize("change", ["two names", "two lists", "no mailbox"])
def test_the_form_opens_if_one_email_is_not_enough(plan, change):
    [waiting] = plan.waiting
    other = WaitingName("b.example", "b.example", DomainTarget(1, "b.example"), True, waiting.allowed)
    plans = {
        "two names": replace(plan, waiting=(waiting, other)),
        "two lists": replace(plan, waiting=(replace(waiting, audiences=((f"admin@{SHOP}",), ("x@y.example",))),)),
        "no mailbox": plan,
    }
    lines = [] if change == "no mailbox" else [line(f"admin@{SHOP}")]

    [resend] = buttons(shown(plans[change], *lines, request=None))

    assert (resend["text"]["text"], resend["value"]) == ("Resend…", "order:700001")
