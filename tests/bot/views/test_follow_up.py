"""What is told while a request is followed: the text alone tells it, and Slack takes it whatever the names are."""

import dataclasses
from datetime import timedelta

import pytest

from bot.models import (
    Actor,
    Call,
    DomainTarget,
    Ending,
    Following,
    FollowState,
    LedgerEvent,
    News,
    OrderTarget,
    Place,
    Recipient,
    ResendRequest,
)
from bot.views import follow_up as views
from bot.views import resend_messages

NAMES = ("a.example", "b.example", "c.example")


@pytest.fixture
def request_(now):
    call = Call(OrderTarget(700001), tuple(Recipient(name, f"admin@{name}") for name in NAMES))
    return ResendRequest("r1", Actor("U0ANA", "T0HOME"), Place("C0PKI"), "order 700001", (call,), "en", None, now)


@pytest.fixture
def endings(now):
    return {0: Ending(LedgerEvent.SENT, "", now)}


@pytest.fixture
def following(now):
    def make(*validated, state=FollowState.FOLLOWING, word="", seen=True, call_no=0):
        seen_at = now + timedelta(minutes=2) if seen else None
        return Following("r1", call_no, "order:700001", now, state, word, validated=validated, seen_at=seen_at)

    return make


def told(request, endings, *followings, links=()):
    return resend_messages.ended(request, endings, views.standing(request, endings, followings, dict(links)))


def buttons(message):
    blocks = message.payload()["blocks"]
    return [each["text"]["text"] for block in blocks if block["type"] == "actions" for each in block["elements"]]


def test_before_the_first_look_nothing_is_said_but_it_can_be_stopped(request_, endings, following):
    message = told(request_, endings, following(seen=False))

    assert "wait" not in message.text
    assert buttons(message) == ["Stop following"]


def test_what_is_not_followed_stands_as_it_was(request_, endings):
    assert told(request_, endings) == resend_messages.ended(request_, endings)


def test_while_names_wait_the_outcome_comes_first(request_, endings, following):
    message = told(request_, endings, following("a.example"))

    assert message.text.startswith("*Sent*")
    assert "2 of 3 names still wait, checked <!date^" in message.text
    assert buttons(message) == ["Stop following"]


@pytest.mark.parametrize(
    ("state", "word", "validated", "words"),
    [
        (FollowState.VALIDATED, "", NAMES, "*Validated*: all 3 names, seen <!date^"),
        (FollowState.VALIDATED, "issued", NAMES, "Order 700001 is issued."),
        (FollowState.ENDED, "canceled", (), "*Order 700001 is canceled*; it is not followed any longer."),
        (FollowState.ENDED, "issued", (), "*Order 700001 is issued*"),
        (FollowState.ENDED, views.GONE, (), "*DigiCert does not know this any longer (order 700001)*"),
        (FollowState.STOPPED, "U0BOB", ("a.example",), "<@U0BOB> stopped following it."),
        (FollowState.STOPPED, "is_archived", (), "The bot does not look any longer"),
        (FollowState.FINISHED, "", ("a.example",), "2 of 3 names still wait, checked <!date^"),
        (FollowState.TAKEN_OVER, "r2", (), "followed by <https://slack.test/r2|a newer request>."),
        (FollowState.TAKEN_OVER, "r3", (), "followed by a newer request."),
    ],
)
def test_what_is_over_is_told_first_and_without_a_button(request_, endings, following, state, word, validated, words):
    message = told(
        request_, endings, following(*validated, state=state, word=word), links={"r2": "https://slack.test/r2"}
    )

    assert words in message.text.partition("*Sent*")[0]
    assert "*Sent*" in message.text
    assert buttons(message) == []


def test_only_what_was_seen_validated_is_called_so(request_, endings, following):
    message = told(request_, endings, following("a.example", state=FollowState.ENDED, word="issued"))

    assert "Validated" not in message.text


def test_in_doubt_whether_the_mail_was_sent_both_is_said(request_, now, following):
    endings = {0: Ending(LedgerEvent.UNKNOWN, "The answer was lost.", now)}

    message = told(request_, endings, following(*NAMES, state=FollowState.VALIDATED))

    assert "although nobody knows whether this mail was sent" in message.text
    assert "*Unknown*" in message.text


def test_domains_that_went_different_ways_are_each_told(request_, now, following):
    calls = tuple(
        Call(DomainTarget(number, name), (Recipient(name, f"admin@{name}"),)) for number, name in enumerate(NAMES)
    )
    request = dataclasses.replace(request_, calls=calls)
    endings = {number: Ending(LedgerEvent.SENT, "", now) for number in range(3)}
    three = (
        following("a.example", state=FollowState.VALIDATED),
        following(call_no=1),
        following(call_no=2, state=FollowState.TAKEN_OVER, word="r2"),
    )

    message = told(request, endings, *three)

    assert "2 of 3 names still wait" in message.text
    assert "followed by a newer request" in message.text
    assert buttons(message) == ["Stop following"]


@pytest.mark.parametrize(
    ("news", "validated", "words"),
    [
        ({}, (), None),
        ({"fresh": ("a.example",)}, ("a.example",), "a.example: seen validated at"),
        ({"fresh": ("a.example",)}, ("a.example",), "2 of 3 names still wait."),
        ({"again": ("a.example",)}, (), "a.example: seen waiting again at"),
        ({"fresh": NAMES, "state": FollowState.VALIDATED}, NAMES, "No name waits any longer."),
        ({"fresh": NAMES, "state": FollowState.VALIDATED, "word": "issued"}, NAMES, "Order 700001 is issued."),
        ({"state": FollowState.ENDED, "word": "<x>"}, (), "Order 700001 is &lt;x&gt;, seen at"),
        ({"silent": True}, (), "The bot keeps asking."),
        ({"silent": True, "state": FollowState.FINISHED}, (), "DigiCert has not answered since"),
        (
            {"state": FollowState.FINISHED},
            (),
            "That was the last check: a.example, b.example and c.example still",
        ),
    ],
)
def test_a_look_tells_what_changed(request_, following, now, news, validated, words):
    values = {"at": now, "state": FollowState.FOLLOWING, **news}
    row = following(*validated, state=values["state"], word=values.get("word", ""))

    message = views.changed(request_, [row], request_.calls[0], News(**values))

    assert (message is None) == (words is None)
    assert message is None or words in message.text


def test_a_nudge_names_who_waits_what_helps_and_three_ways_on(request_, following, now):
    message = views.nudge(request_, [following("a.example")], now + timedelta(hours=8))

    assert message.text.startswith("Still open after 8 hours: b.example and c.example.")
    for hint in ("mailbox exist", "no-reply@digitalcertvalidation.com", "another recipient", "DNS record"):
        assert hint in message.text
    assert buttons(message) == ["Check now", "Send again", "Stop following"]


def test_the_last_check_leaves_what_can_still_be_done(request_, following, now):
    news = News(now, FollowState.FINISHED)

    message = views.changed(request_, [following(state=FollowState.FINISHED)], request_.calls[0], news)

    assert buttons(message) == ["Check now", "Send again"]


def test_slack_takes_every_message_with_many_long_names(request_, endings, following, now):
    names = tuple(f"{'x' * 60}.{'y' * 60}{number}.example" for number in range(250))
    call = Call(OrderTarget(1), tuple(Recipient(name, f"admin@{name}") for name in names))
    request = dataclasses.replace(request_, calls=(call,))
    row = following(*names[:100])
    news = News(now, FollowState.FINISHED, fresh=names[:100], again=names[100:])

    for message in (
        told(request, endings, row),
        views.changed(request, [row], call, news),
        views.nudge(request, [row], now),
        views.stopped(request, [row], News(now, FollowState.STOPPED, "U0ANA")),
        views.taken_over(request, [following(state=FollowState.TAKEN_OVER, word="r2")], "r2", None),
    ):
        payload = message.payload()
        assert len(payload["text"]) <= 4000
        assert all(len(block.get("text", {}).get("text", "")) <= 3000 for block in payload["blocks"])


def test_the_end_of_validation_by_mail_is_a_quiet_line_that_can_be_turned_off(request_, endings):
    with_note = str(resend_messages.detail(request_, endings, email_end_note=True).payload())

    assert "2028-03-15" in with_note
    assert "Move to validation by a DNS record before then: the page email-validation-ends.md" in with_note
    assert "2028" not in str(resend_messages.detail(request_, endings).payload())
