"""Messages of a follow-up: the text alone is complete, and Slack accepts it with any names."""

import dataclasses
from datetime import timedelta

import pytest

from bot.models import (
    Actor,
    Call,
    CallResult,
    Destination,
    DomainTarget,
    FollowUp,
    FollowUpState,
    LedgerEvent,
    OrderTarget,
    Recipient,
    ResendRequest,
    StatusUpdate,
)
from bot.views import follow_up as views
from bot.views import resend_messages

NAMES = ("a.example", "b.example", "c.example")


@pytest.fixture
def request_(now):
    call = Call(OrderTarget(700001), tuple(Recipient(name, f"admin@{name}") for name in NAMES))
    return ResendRequest("r1", Actor("U0ANA", "T0HOME"), Destination("C0PKI"), "order 700001", (call,), "en", None, now)


@pytest.fixture
def results(now):
    return {0: CallResult(LedgerEvent.SENT, "", now)}


@pytest.fixture
def follow_up(now):
    def create(*validated, state=FollowUpState.FOLLOWING, word="", observation=True, call_no=0):
        seen_at = now + timedelta(minutes=2) if observation else None
        return FollowUp("r1", call_no, "order:700001", now, state, word, validated=validated, observed_at=seen_at)

    return create


def render(request, results, *follow_ups, links=()):
    return resend_messages.result(request, results, views.status(request, results, follow_ups, dict(links)))


def buttons(message):
    blocks = message.payload()["blocks"]
    return [each["text"]["text"] for block in blocks if block["type"] == "actions" for each in block["elements"]]


def test_before_the_first_check_nothing_is_said_but_it_can_be_stopped(request_, results, follow_up):
    message = render(request_, results, follow_up(observation=False))

    assert "wait" not in message.text
    assert buttons(message) == ["Stop following"]


def test_a_target_without_a_follow_up_is_unchanged(request_, results):
    assert render(request_, results) == resend_messages.result(request_, results)


def test_while_names_wait_the_outcome_comes_first(request_, results, follow_up):
    message = render(request_, results, follow_up("a.example"))

    assert message.text.startswith("*Sent*")
    assert "2 of 3 names still wait, checked <!date^" in message.text
    assert buttons(message) == ["Stop following"]


@pytest.mark.parametrize(
    ("state", "word", "validated", "words"),
    [
        (FollowUpState.VALIDATED, "", NAMES, "*Validated*: all 3 names, seen <!date^"),
        (FollowUpState.VALIDATED, "issued", NAMES, "Order 700001 is issued."),
        (FollowUpState.ENDED, "canceled", (), "*Order 700001 is canceled*; it is not followed any longer."),
        (FollowUpState.ENDED, "issued", (), "*Order 700001 is issued*"),
        (FollowUpState.ENDED, views.GONE, (), "*DigiCert does not know this any longer (order 700001)*"),
        (FollowUpState.STOPPED, "U0BOB", ("a.example",), "<@U0BOB> stopped following it."),
        (FollowUpState.STOPPED, "is_archived", (), "The bot does not look any longer"),
        (FollowUpState.FINISHED, "", ("a.example",), "2 of 3 names still wait, checked <!date^"),
        (FollowUpState.SUPERSEDED, "r2", (), "followed by <https://slack.test/r2|a newer request>."),
        (FollowUpState.SUPERSEDED, "r3", (), "followed by a newer request."),
    ],
)
def test_a_closed_target_is_shown_first_and_without_a_button(
    request_, results, follow_up, state, word, validated, words
):
    message = render(
        request_, results, follow_up(*validated, state=state, word=word), links={"r2": "https://slack.test/r2"}
    )

    assert words in message.text.partition("*Sent*")[0]
    assert "*Sent*" in message.text
    assert buttons(message) == []


def test_only_what_was_seen_validated_is_called_so(request_, results, follow_up):
    message = render(request_, results, follow_up("a.example", state=FollowUpState.ENDED, word="issued"))

    assert "Validated" not in message.text


def test_in_doubt_whether_the_mail_was_sent_both_is_said(request_, now, follow_up):
    results = {0: CallResult(LedgerEvent.UNKNOWN, "The answer was lost.", now)}

    message = render(request_, results, follow_up(*NAMES, state=FollowUpState.VALIDATED))

    assert "although nobody knows whether this mail was sent" in message.text
    assert "*Unknown*" in message.text


def test_domains_with_different_outcomes_are_each_shown(request_, now, follow_up):
    calls = tuple(
        Call(DomainTarget(number, name), (Recipient(name, f"admin@{name}"),)) for number, name in enumerate(NAMES)
    )
    request = dataclasses.replace(request_, calls=calls)
    results = {number: CallResult(LedgerEvent.SENT, "", now) for number in range(3)}
    three = (
        follow_up("a.example", state=FollowUpState.VALIDATED),
        follow_up(call_no=1),
        follow_up(call_no=2, state=FollowUpState.SUPERSEDED, word="r2"),
    )

    message = render(request, results, *three)

    assert "2 of 3 names still wait" in message.text
    assert "followed by a newer request" in message.text
    assert buttons(message) == ["Stop following"]


@pytest.mark.parametrize(
    ("update", "validated", "words"),
    [
        ({}, (), None),
        ({"newly_validated": ("a.example",)}, ("a.example",), "a.example: seen validated at"),
        ({"newly_validated": ("a.example",)}, ("a.example",), "2 of 3 names still wait."),
        ({"reopened": ("a.example",)}, (), "a.example: seen waiting again at"),
        ({"newly_validated": NAMES, "state": FollowUpState.VALIDATED}, NAMES, "No name waits any longer."),
        (
            {"newly_validated": NAMES, "state": FollowUpState.VALIDATED, "word": "issued"},
            NAMES,
            "Order 700001 is issued.",
        ),
        ({"state": FollowUpState.ENDED, "word": "<x>"}, (), "Order 700001 is &lt;x&gt;, seen at"),
        ({"unreachable": True}, (), "The bot keeps asking."),
        ({"unreachable": True, "state": FollowUpState.FINISHED}, (), "DigiCert has not answered since"),
        (
            {"state": FollowUpState.FINISHED},
            (),
            "That was the last check: a.example, b.example and c.example still",
        ),
    ],
)
def test_a_check_reports_what_changed(request_, follow_up, now, update, validated, words):
    values = {"at": now, "state": FollowUpState.FOLLOWING, **update}
    row = follow_up(*validated, state=values["state"], word=values.get("word", ""))

    message = views.changed(request_, [row], request_.calls[0], StatusUpdate(**values))

    assert (message is None) == (words is None)
    assert message is None or words in message.text


def test_a_reminder_names_the_waiting_names_the_remedy_and_three_next_steps(request_, follow_up, now):
    message = views.nudge(request_, [follow_up("a.example")], now + timedelta(hours=8))

    assert message.text.startswith("Still open after 8 hours: b.example and c.example.")
    for hint in ("mailbox exist", "no-reply@digitalcertvalidation.com", "another recipient", "DNS record"):
        assert hint in message.text
    assert buttons(message) == ["Check now", "Send again", "Stop following"]


def test_the_last_check_shows_what_can_still_be_done(request_, follow_up, now):
    update = StatusUpdate(now, FollowUpState.FINISHED)

    message = views.changed(request_, [follow_up(state=FollowUpState.FINISHED)], request_.calls[0], update)

    assert buttons(message) == ["Check now", "Send again"]


def test_slack_accepts_every_message_with_many_long_names(request_, results, follow_up, now):
    names = tuple(f"{'x' * 60}.{'y' * 60}{number}.example" for number in range(250))
    call = Call(OrderTarget(1), tuple(Recipient(name, f"admin@{name}") for name in names))
    request = dataclasses.replace(request_, calls=(call,))
    row = follow_up(*names[:100])
    update = StatusUpdate(now, FollowUpState.FINISHED, newly_validated=names[:100], reopened=names[100:])

    for message in (
        render(request, results, row),
        views.changed(request, [row], call, update),
        views.nudge(request, [row], now),
        views.stopped(request, [row], StatusUpdate(now, FollowUpState.STOPPED, "U0ANA")),
        views.superseded(request, [follow_up(state=FollowUpState.SUPERSEDED, word="r2")], "r2", None),
    ):
        payload = message.payload()
        assert len(payload["text"]) <= 4000
        assert all(len(block.get("text", {}).get("text", "")) <= 3000 for block in payload["blocks"])


def test_the_end_of_validation_by_mail_is_a_quiet_line_that_can_be_turned_off(request_, results):
    with_note = str(resend_messages.detail(request_, results, email_end_note=True).payload())

    assert "2028-03-15" in with_note
    assert "Move to validation by a DNS record before then: the page email-validation-ends.md" in with_note
    assert "2028" not in str(resend_messages.detail(request_, results).payload())
