"""The replies in the thread of a card: the text alone is complete, and Slack accepts it with any names."""

import dataclasses
from datetime import timedelta

import pytest

from bot.models import (
    Actor,
    Call,
    CallResult,
    Destination,
    FollowUp,
    FollowUpState,
    LedgerEvent,
    OrderTarget,
    Recipient,
    ResendRequest,
    StatusUpdate,
)
from bot.views import follow_up as views
from bot.views.resend_messages import GONE, CardFacts, Successor

NAMES = ("a.example", "b.example", "c.example")


@pytest.fixture
def request_(now):
    call = Call(OrderTarget(700001), tuple(Recipient(name, f"admin@{name}") for name in NAMES))
    return ResendRequest("r1", Actor("U0ANA", "T0HOME"), Destination("C0PKI"), "order 700001", (call,), "en", None, now)


def facts(request, *follow_ups, outcome=LedgerEvent.SENT):
    return CardFacts(request, {0: CallResult(outcome, "", request.at)}, follow_ups, console_url="https://ca.example")


def tracked(request, *validated, **values):
    return FollowUp("r1", 0, "order:700001", request.at, validated=validated, **values)


def buttons(message):
    elements = [
        each for block in message.payload()["blocks"] if block["type"] == "actions" for each in block["elements"]
    ]
    return [option["text"]["text"] for each in elements for option in each.get("options", [each])]


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({}, None),
        ({"newly_validated": NAMES[:1]}, "✅ a.example was validated (<!date^"),
        ({"newly_validated": NAMES}, "✅ a.example, b.example and c.example were validated (<!date^"),
        (
            {"newly_validated": NAMES, "state": "validated", "word": "issued"},
            "The certificate for order 700001 has been issued.",
        ),
        ({"reopened": NAMES[:1]}, "⚠️ a.example needs approval again (<!date^"),
        ({"state": "ended", "word": "canceled"}, "⛔ Order 700001 was canceled. Tracking ended."),
        ({"state": "ended", "word": "<x>"}, "⛔ Order 700001 was &lt;x&gt;."),
        ({"state": "ended", "word": GONE}, "⛔ Order 700001 no longer exists in CertCentral. Tracking ended."),
        ({"unreachable": True}, "I'll keep trying."),
        ({"unreachable": True, "state": "finished"}, "⚠️ No response from DigiCert since <!date^"),
        ({"state": "finished"}, None),
    ],
)
def test_a_check_reports_what_changed(request_, now, update, words):
    values = {"at": now, **update, "state": FollowUpState(update.get("state", "following"))}

    message = views.changed(request_, {0: StatusUpdate(**values)})

    assert (message is None) == (words is None)
    assert message is None or words in message.text


def test_what_one_check_found_about_several_calls_is_one_reply(request_, now):
    request = dataclasses.replace(request_, calls=request_.calls * 2)
    updates = {
        number: StatusUpdate(now, FollowUpState.VALIDATED, newly_validated=(name,), word="issued")
        for number, name in enumerate(NAMES[:2])
    }

    message = views.changed(request, updates)

    assert message.text.startswith("✅ a.example and b.example were validated (")
    assert message.text.count("has been issued") == 1


@pytest.mark.parametrize(
    ("nudges", "outcome", "first"),
    [
        (1, LedgerEvent.SENT, "1. Check that someone reads admin@a.example, admin@b.example and admin@c.example."),
        (
            1,
            LedgerEvent.UNKNOWN,
            "1. Ask admin@a.example, admin@b.example and admin@c.example whether the email arrived.",
        ),
        (2, LedgerEvent.SENT, "1. Resend to another address."),
    ],
)
def test_a_reminder_mentions_the_requester_and_says_what_to_try(request_, nudges, outcome, first):
    row = tracked(request_, "a.example", nudges=nudges)

    message = views.reminder(facts(request_, row, outcome=outcome), request_.at, request_.at + timedelta(hours=8))

    assert message.text.startswith(
        "⏳ <@U0ANA> Still not approved after 8 h: 2 domains b.example and c.example Try this: "
    )
    assert first in message.text
    assert "no-reply@digitalcertvalidation.com" in message.text
    assert "Stop tracking" in buttons(message)


def test_a_reminder_about_one_name_has_it_in_its_headline(request_):
    message = views.reminder(facts(request_, tracked(request_, *NAMES[:2])), request_.at, request_.at)

    assert message.text.startswith("⏳ <@U0ANA> Still not approved after 1 s: c.example Try this: 1. ")


def test_the_last_check_says_that_tracking_ended_and_what_can_still_be_done(request_):
    row = tracked(request_, state=FollowUpState.FINISHED)

    message = views.reminder(facts(request_, row), request_.at, request_.at + timedelta(days=3), is_last=True)

    assert message.text.startswith("⏳ <@U0ANA> I stopped checking after 3 days. Still not approved: 3 domains")
    menu = ["Check now", "Ask someone to approve…", "Where did the email go?", "Details"]
    assert buttons(message) == ["Resend to another address…", "Open in CertCentral", *menu]


def test_a_reminder_that_is_over_has_no_buttons(request_):
    message = views.reminder_over(request_.at, request_.at + timedelta(minutes=30))

    assert message.text == "⏳ Still not approved after 30 min"
    assert buttons(message) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (259_200, "3 days")],
)
def test_a_length_of_time_is_short(now, seconds, words):
    assert views.elapsed(now, now + timedelta(seconds=seconds)) == words


def test_slack_accepts_every_message_with_many_long_names(request_, slack, now):
    names = tuple(f"{'x' * 60}.{'y' * 60}{number}.example" for number in range(250))
    call = Call(OrderTarget(1), tuple(Recipient(name, f"admin@{name}") for name in names))
    request = dataclasses.replace(request_, calls=(call,))
    update = StatusUpdate(now, FollowUpState.ENDED, "canceled", newly_validated=names[:100], reopened=names[100:])

    for message in (
        views.changed(request, {0: update}),
        views.reminder(facts(request, tracked(request, *names[:100])), now, now),
        views.resent_elsewhere(Successor("U0BOB", "https://slack.test/p1")),
    ):
        assert slack.takes_message(message)


def test_the_end_of_email_validation_has_its_date_and_a_way_on():
    assert views.email_ends().text.startswith("Email validation ends on March 15, 2028. <https://docs.digicert.com/")


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (FollowUpState.VALIDATED, "all domains are validated"),
        (FollowUpState.STOPPED, "someone stopped it"),
        (None, "it isn't being tracked"),
    ],
)
def test_why_it_is_over_is_said(request_, state, why):
    assert views.why_over([tracked(request_, state=state)] if state else []) == why
