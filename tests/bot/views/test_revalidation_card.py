"""The card of a revalidation: it claims what is known, and offers what can help."""

import pytest

from bot.models import Call, CallResult, CallStep, DomainTarget, LedgerEvent, Recipient
from bot.views import resend_messages
from bot.views.resend_messages import CardFacts, Successor

SENT, REFUSED, NOT_SENT, UNKNOWN = (
    LedgerEvent.SENT,
    LedgerEvent.REFUSED,
    LedgerEvent.NOT_SENT,
    LedgerEvent.UNKNOWN,
)
RECORD, CONTINUE, CONSOLE = "Show the DNS record", "Continue", "Open in CertCentral"


@pytest.fixture
def card(make_request):
    """Return a function that draws the card of a revalidation whose steps ended so. The others were not sent."""
    recipients = (Recipient("example.org", "admin@example.org"),)
    calls = tuple(Call(DomainTarget(1234, "example.org"), recipients, step=step) for step in CallStep)
    request = make_request(calls=calls, subject="domain example.org", revalidates=True, key="domain:1234")

    def draw(*outcomes, words="The domain is locked.", **facts):
        ended = [*outcomes, *[NOT_SENT] * (3 - len(outcomes))]
        results = {number: CallResult(outcome, words, request.at) for number, outcome in enumerate(ended)}
        return resend_messages.result(CardFacts(request, results, console_url="https://console.test", **facts))

    return draw


def labels(message):
    actions = [block for block in message.payload()["blocks"] if block["type"] == "actions"]
    return [each["text"]["text"] for block in actions for each in block["elements"] if each["type"] == "button"]


@pytest.mark.parametrize(
    ("outcomes", "head", "says", "buttons"),
    [
        ((REFUSED,), "⛔ *example.org · no email was sent*", ["“The domain is locked.”", "is active"], ["Try again"]),
        ((NOT_SENT,), "⛔ *example.org · no email was sent*", ["The domain is locked."], ["Try again"]),
        ((UNKNOWN,), "⚠️ *example.org · may or may not be submitted, no", ["I won't retry by myself."], [CONTINUE]),
        (
            (SENT, REFUSED),
            "⚠️ *example.org · submitted, no email was sent*",
            ["a DNS TXT record would validate it. No one was emailed.", "“The domain is locked.”"],
            [CONTINUE, RECORD],
        ),
        (
            (SENT, NOT_SENT),
            "⚠️ *example.org · submitted, no email was sent*",
            ["a DNS TXT record would validate it. No one was emailed."],
            [CONTINUE, RECORD],
        ),
        (
            (SENT, UNKNOWN),
            "⚠️ *example.org · submitted, stopped before the email*",
            ["I did not request the email.", "I won't retry by myself."],
            [CONTINUE, RECORD],
        ),
        (
            (SENT, SENT, NOT_SENT),
            "⚠️ *example.org · submitted, stopped before the email*",
            ["I did not request the email."],
            [CONTINUE],
        ),
        (
            (SENT, SENT, REFUSED),
            "⛔ *example.org · submitted, DigiCert refused the email*",
            ["“The domain is locked.”"],
            ["Choose another recipient…"],
        ),
        (
            (SENT, SENT, UNKNOWN),
            "⚠️ *example.org · may or may not have been sent*",
            ["Ask admin@example.org whether it arrived."],
            ["Check now", "Resend anyway…"],
        ),
        (
            (SENT, SENT, SENT),
            "📨 *example.org · waiting for approval*",
            ["Email sent to admin@"],
            ["Resend to another…"],
        ),
    ],
)
def test_each_stop_has_its_words_and_its_way_out(card, outcomes, head, says, buttons):
    message = card(*outcomes)

    shown = message.payload()["blocks"][0]["text"]["text"]
    assert shown.startswith(head)
    assert all(words in shown for words in says)
    assert [label.replace(" address…", "…") for label in labels(message)] == [*buttons, CONSOLE]
    assert "Revalidation of domain example.org · requested by" in message.text


def test_after_the_second_step_the_card_never_claims_that_no_one_was_emailed(card):
    # DigiCert may ignore `send_dcv_email_flag: false`.
    for outcomes in ((SENT, UNKNOWN), (SENT, SENT, NOT_SENT), (SENT, SENT, REFUSED)):
        assert "no email was sent" not in card(*outcomes).text
        assert "No one was emailed" not in card(*outcomes).text


def test_a_continued_revalidation_has_no_buttons_of_its_own(card):
    message = card(SENT, NOT_SENT, resent=Successor("U0BOB", "https://slack.test/r2"))

    assert "Continued by <@U0BOB> (<https://slack.test/r2|open>)" in message.text
    assert not {CONTINUE, RECORD} & set(labels(message))
