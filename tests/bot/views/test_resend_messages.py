"""The card of a request: Slack accepts any content, the headline answers if it is done, and the buttons can help."""

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.models import (
    Actor,
    Call,
    CallResult,
    Destination,
    DomainTarget,
    FollowUp,
    FollowUpState,
    LedgerEvent,
    NameState,
    OrderTarget,
    Recipient,
    ResendRequest,
)
from bot.views import request_details, resend_messages
from bot.views.resend_messages import GONE, CardFacts, Successor
from tests.quick import examples

# Shrinking a request or plan needs minutes and adds little: a failure names the flaw by itself.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)

SENT, REFUSED, NOT_SENT, UNKNOWN = (
    LedgerEvent.SENT,
    LedgerEvent.REFUSED,
    LedgerEvent.NOT_SENT,
    LedgerEvent.UNKNOWN,
)
NAMES = ("a.example", "b.example", "c.example")
CONSOLE = "https://ca.example/secure"
OPEN = "Open in CertCentral"
ASK, TRACE = "Ask someone to approve…", "Where did the email go?"
TRACKED = ["Resend to another address…", OPEN, "Check now", ASK, TRACE, "Details", "Stop tracking"]


@pytest.fixture
def order(now):
    """Return an order with three names, each with its own recipient."""
    call = Call(OrderTarget(700001), tuple(Recipient(name, f"admin@{name}") for name in NAMES))
    return ResendRequest(
        id="r1",
        actor=Actor("U0ANA", "T0HOME"),
        destination=Destination("C0PKI"),
        subject="order 700001",
        calls=(call,),
        locale="de",
        reason="new mailbox",
        at=now,
        key="order:700001",
    )


@pytest.fixture
def domains(order):
    """Return an order whose names are three calls."""
    calls = tuple(
        Call(DomainTarget(number, name), (Recipient(name, f"admin@{name}"),)) for number, name in enumerate(NAMES)
    )
    return dataclasses.replace(order, calls=calls)


@pytest.fixture
def follow_up(now):
    def create(*validated, state=FollowUpState.FOLLOWING, word="", call_no=0, **values):
        seen_at = now + timedelta(minutes=2)
        return FollowUp(
            "r1", call_no, "order:700001", now, state, word, validated=validated, **{"observed_at": seen_at, **values}
        )

    return create


def facts(request, outcomes, *follow_ups, words="", **more):
    outcomes = outcomes if isinstance(outcomes, list) else [outcomes] * len(request.calls)
    results = {number: CallResult(outcome, words, request.at) for number, outcome in enumerate(outcomes)}
    return CardFacts(request, results, follow_ups, **{"console_url": CONSOLE, **more})


def shown(message):
    """Return the visible text of the blocks."""
    return str(message.payload()["blocks"])


def buttons(message):
    """Return the labels of the buttons and of the entries of the menu."""
    elements = [
        each for block in message.payload()["blocks"] if block["type"] == "actions" for each in block["elements"]
    ]
    return [option["text"]["text"] for each in elements for option in each.get("options", [each])]


def draw_facts(data, foreign, request):
    """Draw the facts of a request in any state."""
    results = data.draw(foreign.results(request))
    states = st.sampled_from(list(FollowUpState))
    follow_ups = [
        FollowUp(
            "r1",
            number,
            "t",
            data.draw(foreign.moment),
            data.draw(states),
            data.draw(foreign.text),
            validated=call.names[: data.draw(st.integers(0, 2))],
            observed_at=data.draw(st.one_of(st.none(), foreign.moment)),
            due_at=data.draw(st.one_of(st.none(), foreign.moment)),
        )
        for number, call in enumerate(request.calls)
        if results[number].outcome in (SENT, UNKNOWN)
    ]
    successor = Successor(
        "U0BOB", data.draw(st.sampled_from([None, "https://slack.test/p1"])), data.draw(st.booleans())
    )
    return CardFacts(
        request,
        results,
        follow_ups,
        successors={each.word: successor for each in follow_ups},
        resent=data.draw(st.one_of(st.none(), st.just(successor))),
        has_buttons=data.draw(st.booleans()),
        can_resume=data.draw(st.booleans()),
        console_url=CONSOLE,
    )


@settings(max_examples=examples(30), deadline=None, phases=UNSHRUNK)
@given(data=st.data())
def test_slack_accepts_every_message_and_modal_of_a_request(foreign, slack, data):
    request = data.draw(foreign.request())
    some = data.draw(foreign.results(request, least=0))
    any_facts = draw_facts(data, foreign, request)

    messages = [
        resend_messages.in_progress(request),
        resend_messages.waiting(request, some, data.draw(foreign.moment), data.draw(st.booleans())),
        resend_messages.progress(request, some),
        resend_messages.result(any_facts),
    ]
    detour = data.draw(st.one_of(st.sampled_from(["shared_channel", "not_in_channel"]), foreign.text))
    messages += [resend_messages.as_direct_message(message, detour, detour) for message in messages]

    assert all(slack.takes_message(message) for message in messages)
    assert slack.takes_view(request_details.details(any_facts, data.draw(st.integers(-1, 99)), email_end_note=True))
    assert slack.takes_view(request_details.stop_tracking(request, request.calls[0].names))


@settings(max_examples=examples(20), deadline=None, phases=UNSHRUNK)
@given(data=st.data())
def test_only_what_is_validated_as_a_whole_is_called_done(foreign, data):
    request = data.draw(foreign.request())
    any_facts = draw_facts(data, foreign, request)

    text = resend_messages.result(any_facts).payload()["text"]

    names = [(name, number) for number, call in enumerate(request.calls) for name in call.names]
    rows = {each.call_no: each for each in any_facts.follow_ups}
    done = all(
        (row := rows.get(number)) and (row.state is FollowUpState.VALIDATED or name in row.validated)
        for name, number in names
    )
    assert text.startswith("✅") is done


@pytest.mark.parametrize("outcome", [SENT, REFUSED, NOT_SENT, UNKNOWN])
@pytest.mark.parametrize("count", [1, 250])
def test_ten_calls_at_their_longest_fit_into_one_message(slack, order, outcome, count):
    longest = ".".join(["ä" * 20] * 8).encode("idna").decode()
    recipients = tuple(Recipient(f"n{number}.{longest}", f"{'x' * 64}@n{number}.{longest}") for number in range(count))
    calls = tuple(Call(OrderTarget(10**17 + number), recipients) for number in range(10))
    request = dataclasses.replace(order, calls=calls, reason="<&>" * 100, subject=f"domain {longest}")

    message = resend_messages.result(facts(request, outcome, words="<why> " * 2000))

    assert slack.takes_message(message)
    assert message.text[0] == {SENT: "📨", UNKNOWN: "⚠"}.get(outcome, "⛔")


def test_a_request_on_its_way_names_what_and_who(order):
    message = resend_messages.in_progress(order)

    assert message.text.startswith("⏳ Resending DCV email for a.example + 2…. Order 700001 · requested by <@U0ANA> ")


def test_a_request_that_a_colleague_asked_for_names_both(order):
    message = resend_messages.in_progress(dataclasses.replace(order, requested_by="U0BOB"))

    assert "requested by <@U0BOB>, sent by <@U0ANA> <!date^" in message.text


@pytest.mark.parametrize(
    ("busy", "done", "said"),
    [
        (True, 0, "⏳ Waiting for DigiCert. DigiCert is limiting requests. No email has been sent yet."),
        (False, 1, "⏳ Not sent yet. DigiCert cannot be reached. 1 of 3 done."),
    ],
)
def test_waiting_says_why_and_until_when(domains, busy, done, said):
    results = {number: CallResult(SENT, "", domains.at) for number in range(done)}

    message = resend_messages.waiting(domains, results, domains.at, busy)

    assert message.text.startswith(f"{said} Next try: <!date^")


def test_progress_counts_the_calls_that_are_done(domains):
    message = resend_messages.progress(domains, {0: CallResult(SENT, "", domains.at)})

    assert message.text.startswith("⏳ Sending: 1 of 3 done. Order 700001")


@pytest.mark.parametrize(
    ("outcome", "words", "state", "line"),
    [
        (
            SENT,
            "",
            "📨 a.example + 2 · waiting for approval",
            "Email sent to admin@a.example, admin@b.example and admin@",
        ),
        (
            REFUSED,
            "No <such> order.",
            "⛔ a.example + 2 · no email was sent",
            "DigiCert's reason: “No &lt;such&gt; order.”",
        ),
        (
            REFUSED,
            "DigiCert gave no reason (HTTP 400).",
            "⛔ a.example + 2 · no email was sent",
            "DigiCert rejected the request. DigiCert gave no reason.",
        ),
        (REFUSED, "", "⛔ a.example + 2 · no email was sent", "DigiCert rejected the request."),
        (
            NOT_SENT,
            "DigiCert cannot be reached.",
            "⛔ a.example + 2 · no email was sent",
            "DigiCert cannot be reached.",
        ),
        (
            UNKNOWN,
            "DigiCert timed out.",
            "⚠️ a.example + 2 · may or may not have been sent",
            "DigiCert timed out. I won't retry by myself, to avoid a second email.",
        ),
    ],
)
def test_the_outcome_of_one_call_is_its_headline_and_its_reason(order, outcome, words, state, line):
    message = resend_messages.result(facts(order, outcome, words=words))

    assert message.text.startswith(f"{state}. {line}")
    assert shown(message).count("📨") + shown(message).count("⏳") == (outcome is SENT)
    assert "Order 700001 · requested by <@U0ANA> " in message.text


@pytest.mark.parametrize(
    ("row", "state", "about"),
    [
        ({}, "📨 a.example + 2 · waiting for approval", "checked <!date^"),
        ({"validated": NAMES[:1]}, "📨 a.example + 2 · 1 of 3 validated", "• a.example: validated"),
        ({"state": "validated"}, "✅ a.example + 2 · validated", "a.example, b.example and c.example"),
        ({"state": "validated", "word": "issued"}, "✅ a.example + 2 · validated, certificate issued", "validated"),
        ({"state": "ended", "word": "canceled"}, "⛔ a.example + 2 · order canceled", "tracking ended"),
        (
            {"state": "ended", "word": "issued", "validated": NAMES[:1]},
            "📨 a.example + 2 · certificate issued",
            "ended",
        ),
        ({"state": "ended", "word": GONE}, "⛔ a.example + 2 · no longer in CertCentral", "tracking ended"),
        ({"state": "stopped", "word": "U0BOB"}, "📨 a.example + 2 · waiting for", "tracking stopped by <@U0BOB>"),
        ({"state": "stopped", "word": "is_archived"}, "📨 a.example + 2 · waiting for approval", "tracking ended"),
        ({"state": "finished"}, "📨 a.example + 2 · waiting for approval", "tracking ended"),
        (
            {"state": "superseded", "word": "r2"},
            "📨 a.example + 2 · resent",
            "Resent by <@U0BOB> (<https://slack.test/r2|open>)",
        ),
        ({"state": "superseded", "word": "r3"}, "📨 a.example + 2 · resent. Resent", "Order 700001"),
    ],
)
def test_the_headline_follows_what_is_known_since_then(order, follow_up, row, state, about):
    validated = row.pop("validated", ())
    values = {**row, "state": FollowUpState(row.get("state", "following"))}
    newer = {"r2": Successor("U0BOB", "https://slack.test/r2")}

    message = resend_messages.result(facts(order, SENT, follow_up(*validated, **values), successors=newer))

    assert message.text.startswith(state)
    assert about in message.text


def test_an_unconfirmed_resend_that_was_validated_says_both(order, follow_up):
    message = resend_messages.result(facts(order, UNKNOWN, follow_up(state=FollowUpState.VALIDATED)))

    assert message.text.startswith("✅ ")
    assert "The resend itself was unconfirmed." in message.text


def test_each_of_several_domains_has_its_line_and_the_worst_comes_first(domains, follow_up):
    message = resend_messages.result(facts(domains, [SENT, UNKNOWN, REFUSED], follow_up(), words="Locked."))

    assert message.text.startswith(
        "⚠️ a.example + 2 · may or may not have been sent for 1 of 3. "
        "• c.example: no email was sent. DigiCert's reason: “Locked.” "
        "• b.example: may or may not have been sent to admin@b.example. Locked. "
        "• a.example: waiting for approval (admin@a.example)"
    )


def test_of_many_names_five_are_listed(order, follow_up):
    call = Call(OrderTarget(1), tuple(Recipient(f"n{number}.example", "a@example") for number in range(250)))
    request = dataclasses.replace(order, calls=(call,))

    message = resend_messages.result(facts(request, SENT, follow_up("n249.example")))

    assert "+ 245 more" in message.text
    assert shown(message).count("waiting for approval (") == 5


@pytest.mark.parametrize(
    ("outcome", "row", "more", "labels"),
    [
        (SENT, {}, {}, TRACKED),
        (SENT, {"state": "validated"}, {}, [OPEN]),
        (SENT, {"state": "ended", "word": "canceled"}, {}, [OPEN]),
        (SENT, {"state": "superseded", "word": "r2"}, {}, []),
        (SENT, {"state": "finished"}, {}, ["Resend to another address…", OPEN, "Check now", ASK, TRACE, "Details"]),
        (
            SENT,
            {"state": "stopped", "word": "U0BOB"},
            {"can_resume": True},
            ["Resume tracking", "Resend to another address…", OPEN, "Check now", ASK, TRACE, "Details"],
        ),
        (SENT, {}, {"has_buttons": False}, []),
        (SENT, {"state": "validated"}, {"has_buttons": False}, [OPEN]),
        (UNKNOWN, {}, {}, ["Check now", "Resend anyway…", OPEN, ASK, TRACE, "Details", "Stop tracking"]),
        (REFUSED, None, {}, ["Choose another recipient…", OPEN, "Details"]),
        (NOT_SENT, None, {}, ["Try again", OPEN, "Details"]),
        (NOT_SENT, None, {"resent": Successor("U0BOB")}, []),
        (SENT, {}, {"resent": Successor("U0BOB", is_sent=False)}, TRACKED),
    ],
)
def test_a_button_is_shown_only_if_it_can_help(order, follow_up, outcome, row, more, labels):
    rows = [] if row is None else [follow_up(**{**row, "state": FollowUpState(row.get("state", "following"))})]

    assert buttons(resend_messages.result(facts(order, outcome, *rows, **more))) == labels


@pytest.mark.parametrize(("is_sent", "said"), [(True, "Resent by <@U0BOB>"), (False, "Tried again by <@U0BOB>")])
def test_a_card_whose_request_failed_names_the_next_attempt(order, is_sent, said):
    message = resend_messages.result(facts(order, REFUSED, words="Locked.", resent=Successor("U0BOB", None, is_sent)))

    assert message.text.startswith(f"⛔ a.example + 2 · no email was sent. DigiCert's reason: “Locked.” {said}")


def test_what_was_sent_beside_a_failed_call_that_was_retried_is_tracked_on(domains, follow_up):
    card = facts(domains, [SENT, NOT_SENT, REFUSED], follow_up(), resent=Successor("U0BOB"))

    assert buttons(resend_messages.result(card)) == TRACKED


def test_try_again_asks_first_for_exactly_what_was_not_sent(domains):
    card = facts(domains, [SENT, NOT_SENT, NOT_SENT])

    [dialog] = [
        each["confirm"]["text"]["text"]
        for block in resend_messages.result(card).payload()["blocks"]
        for each in block.get("elements", ())
        if "confirm" in each
    ]
    assert dialog == "Send 2 DCV emails to admin@b.example and admin@c.example?"


def test_check_now_answers_with_what_still_needs_approval_first(now):
    states = [NameState("a.example", False, "validated"), NameState("b.example", True, "waiting for approval")]

    message = resend_messages.checked(states, now)

    assert message.text.startswith(
        "1 of 2 domains still need approval. • b.example: waiting for approval • a.example: validated Checked <!date^"
    )


def test_a_direct_message_says_why(order):
    sent = resend_messages.result(facts(order, SENT))

    shared, strange = (
        resend_messages.as_direct_message(sent, detour, "C0PKI") for detour in ("shared_channel", "<!channel>")
    )
    elsewhere = resend_messages.as_direct_message(sent, "is_archived", "<!channel>")

    reason = "Only you can see this because <#C0PKI> is shared with another organization."
    assert shared.text == f"{sent.text} {reason}"
    assert elsewhere.text.endswith(" because that conversation is archived.")
    assert len(shared.blocks) == len(sent.blocks) + 1
    assert "channel>" not in strange.text


def test_the_details_show_everything_that_left_the_card(order, follow_up):
    view = str(request_details.details(facts(order, SENT, follow_up()), email_end_note=True))

    for said in (
        "<@U0ANA>",
        "German",
        "new mailbox",
        "admin@b.example (approves b.example)",
        "*Order 700001* · sent <!date^",
        "Tracking: checked <!date^",
        "DigiCert doesn't report delivery",
        "March 15, 2028",
        "Request r1",
    ):
        assert said in view


def test_the_details_of_many_recipients_have_pages(order):
    recipients = tuple(Recipient(f"n{number}.example", f"a@n{number}.example") for number in range(60))
    request = dataclasses.replace(order, calls=(Call(OrderTarget(1), recipients),), reason=None)

    first, last = (request_details.details(facts(request, SENT), page) for page in (0, 99))

    assert [name in str(first) for name in ("a@n0.", "a@n18.", "a@n19.", "Previous", "page 1 of 4", "Reason")] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]
    assert [name in str(last) for name in ("a@n59.", "Previous", "Next")] == [True, True, False]


def test_a_reason_makes_no_mention_and_no_code(order):
    request = dataclasses.replace(order, reason="<!channel> `rm` <@U1>\nsee <https://evil.example|here>")

    view = request_details.details(facts(request, SENT))

    assert "&lt;!channel&gt; rm &lt;@U1&gt; see &lt;https://evil.example|here&gt;" in str(view)
