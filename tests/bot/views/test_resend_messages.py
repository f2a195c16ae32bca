"""Messages about a resend: Slack accepts any content, and the text alone states the outcome."""

import dataclasses

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.models import (
    Actor,
    Call,
    CallResult,
    Destination,
    DomainTarget,
    LedgerEvent,
    OrderTarget,
    Recipient,
    ResendRequest,
)
from bot.views import resend_messages
from tests.quick import examples

# Shrinking a request or plan needs minutes and adds little: a failure names the flaw by itself.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)

OUTCOMES = {
    LedgerEvent.SENT: "*Sent*",
    LedgerEvent.REFUSED: "*Refused*",
    LedgerEvent.NOT_SENT: "*Not sent*",
    LedgerEvent.UNKNOWN: "*Unknown*",
}
TALLIES = {
    LedgerEvent.SENT: "1 sent",
    LedgerEvent.REFUSED: "1 refused",
    LedgerEvent.NOT_SENT: "1 not sent",
    LedgerEvent.UNKNOWN: "1 unknown",
}


def shown(message):
    """Return the visible text of the blocks."""
    return str(message.payload()["blocks"])


@pytest.fixture
def order(now):
    recipients = (
        Recipient("shop.example.com", "admin@example.com", "example.com"),
        Recipient("xn--bcher-kva.example", "pki@xn--bcher-kva.example"),
    )
    return ResendRequest(
        id="r1",
        actor=Actor("U0ANA", "T0HOME"),
        destination=Destination("C0PKI"),
        subject="order 700001",
        calls=(Call(OrderTarget(700001), recipients),),
        locale="de",
        reason="new mailbox",
        at=now,
    )


@pytest.fixture
def domains(order):
    calls = tuple(
        Call(DomainTarget(number, f"a{number}.example"), (Recipient(f"a{number}.example", f"admin@a{number}.example"),))
        for number in range(4)
    )
    return dataclasses.replace(order, calls=calls, subject="order 5")


@settings(max_examples=examples(30), deadline=None, phases=UNSHRUNK)
@given(data=st.data())
def test_slack_accepts_every_message_of_a_request(foreign, slack, data):
    request = data.draw(foreign.request())
    results = data.draw(foreign.results(request))
    some = data.draw(foreign.results(request, least=0))
    again = data.draw(foreign.moment)

    messages = [
        resend_messages.in_progress(request),
        resend_messages.waiting(request, some, again, data.draw(st.booleans())),
        resend_messages.progress(request, some),
        resend_messages.result(request, results),
        resend_messages.detail(request, results),
    ]
    detour = data.draw(st.one_of(st.sampled_from(["shared_channel", "not_in_channel"]), foreign.text))
    messages += [resend_messages.as_direct_message(message, detour) for message in messages]

    assert all(slack.takes_message(message) for message in messages)


@settings(max_examples=examples(20), deadline=None, phases=UNSHRUNK)
@given(data=st.data())
def test_the_text_alone_states_the_outcome_of_any_request(foreign, data):
    request = data.draw(foreign.request())
    results = data.draw(foreign.results(request))

    texts = [
        message(request, results).payload()["text"] for message in (resend_messages.result, resend_messages.detail)
    ]

    outcomes = {result.outcome for result in results.values()}
    assert all(OUTCOMES[outcome] in text for outcome in outcomes for text in texts)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("names", [1, 250])
def test_ten_calls_at_their_longest_fit_into_one_message(slack, order, outcome, names):
    longest = ".".join(["ä" * 20] * 8).encode("idna").decode()
    recipients = tuple(Recipient(f"n{number}.{longest}", f"{'x' * 64}@n{number}.{longest}") for number in range(names))
    calls = tuple(Call(OrderTarget(10**17 + number), recipients) for number in range(10))
    request = dataclasses.replace(order, calls=calls, reason="<&>" * 100, subject=f"domain {longest}")
    results = {number: CallResult(outcome, "<why> " * 2000, request.at) for number in range(10)}

    messages = [
        resend_messages.result(request, results),
        resend_messages.detail(request, results),
        resend_messages.progress(request, results),
    ]

    assert all(slack.takes_message(message) for message in messages)
    assert all(len(message.blocks) <= 50 for message in messages)
    assert messages[0].payload()["text"].count(OUTCOMES[outcome]) == 10
    assert messages[1].payload()["text"].count(OUTCOMES[outcome]) == 10


def test_a_request_on_its_way_names_who_asked_and_what_for(order):
    message = resend_messages.in_progress(order)

    assert message.text == (
        "Sending: <@U0ANA> asks DigiCert to resend the DCV mail for order 700001 "
        "(shop.example.com and bücher.example (xn--bcher-kva.example))."
    )


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (LedgerEvent.SENT, "DigiCert accepted the resend for order 700001"),
        (LedgerEvent.SENT, "DigiCert does not report"),
        (LedgerEvent.REFUSED, "no such order Nothing was sent."),
        (LedgerEvent.NOT_SENT, "nothing went out for order 700001"),
        (LedgerEvent.UNKNOWN, "may have been sent, or not. no such order"),
    ],
)
def test_the_outcome_of_one_call_is_shown_in_text_and_blocks(order, outcome, said):
    message = resend_messages.result(order, {0: CallResult(outcome, "no such order", order.at)})

    assert message.text.startswith(OUTCOMES[outcome])
    assert said in message.text
    assert said in shown(message)
    assert "<@U0ANA>" in message.text


def test_each_of_several_calls_has_its_own_outcome(domains):
    results = {number: CallResult(outcome, f"word {number}.", domains.at) for number, outcome in enumerate(OUTCOMES)}

    message = resend_messages.result(domains, results)

    assert message.text.startswith("Order 5 (")
    assert "): 1 sent, 1 refused, 1 not sent, 1 unknown." in message.text
    for number, outcome in enumerate(OUTCOMES):
        assert f"{OUTCOMES[outcome]}" in message.text
        assert f"domain a{number}.example" in shown(message)
    assert "word 1." in shown(message)


def test_equal_outcomes_are_counted_together(domains):
    results = dict.fromkeys(range(4), CallResult(LedgerEvent.SENT, "", domains.at))

    assert "): 4 sent." in resend_messages.result(domains, results).text


def test_progress_counts_the_calls_that_are_done(domains):
    message = resend_messages.progress(domains, {0: CallResult(LedgerEvent.SENT, "", domains.at)})

    assert "1 of 4 calls done" in message.text
    assert shown(message).count("hourglass_flowing_sand") == 4
    assert shown(message).count("white_check_mark") == 1


@pytest.mark.parametrize(("busy", "cause"), [(True, "slow down (429)"), (False, "cannot be reached")])
def test_waiting_says_why_and_until_when(order, busy, cause):
    message = resend_messages.waiting(order, {}, order.at, busy)

    assert cause in message.text
    assert "Nothing was sent yet" in message.text
    assert "2026-07-01 10:00 UTC" in message.text


def test_the_detail_shows_who_asked_why_and_who_gets_mail(order):
    detail = resend_messages.detail(order, {0: CallResult(LedgerEvent.SENT, "", order.at)})

    for said in ("<@U0ANA>", "Asked for German", "new mailbox", "admin@example.com for shop.example.com", "What now"):
        assert said in shown(detail)
    assert "no-reply@digitalcertvalidation.com" in detail.text


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_detail_advises_on_what_happened_and_on_nothing_else(order, outcome):
    detail = shown(resend_messages.detail(order, {0: CallResult(outcome, "", order.at)}))

    assert ("It is not repeated by itself" in detail) is (outcome is LedgerEvent.UNKNOWN)
    assert ("Fix what DigiCert names" in detail) is (outcome is LedgerEvent.REFUSED)
    assert ("when the cause is gone" in detail) is (outcome is LedgerEvent.NOT_SENT)
    assert ("approve it" in detail) is (outcome is LedgerEvent.SENT)


def test_a_direct_message_says_why(order):
    sent = resend_messages.result(order, {0: CallResult(LedgerEvent.SENT, "", order.at)})

    shared, strange = (resend_messages.as_direct_message(sent, detour) for detour in ("shared_channel", "<!channel>"))

    assert shared.text == f"{sent.text} Told to you alone, because people of other organizations read along there."
    assert len(shared.blocks) == len(sent.blocks) + 1
    assert "(&lt;!channel&gt;)" in strange.text


def test_a_reason_makes_no_mention_and_no_code(order):
    request = dataclasses.replace(order, reason="<!channel> `rm` <@U1>\nsee <https://evil.example|here>")

    detail = resend_messages.detail(request, {0: CallResult(LedgerEvent.SENT, "", order.at)})

    assert "&lt;!channel&gt; rm &lt;@U1&gt; see &lt;https://evil.example|here&gt;" in shown(detail)
