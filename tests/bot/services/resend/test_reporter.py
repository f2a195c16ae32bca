"""The reports on a request: announced at once, reported to the end, and safe to repeat."""

import dataclasses
import json

import pytest

from bot.errors import SlackRejected, SlackUnavailable
from bot.models import Actor, Destination, LedgerEvent
from bot.services.resend.reporter import ResultReporter
from bot.store.ledger.entries import Entry

AWAY = SlackUnavailable("Slack did not answer.")


@pytest.fixture
def end(ledger, clock, ana):
    """Return a function that records the result of a call."""

    async def end_it(outcome=LedgerEvent.SENT, number=0, words=""):
        await ledger.append(Entry(LedgerEvent(outcome), clock(), ana, "r1", number, 1, {"words": words}))

    return end_it


@pytest.fixture
def noting_reporter(stored, ledger, follow_ups, publisher, schedule, clock):
    return ResultReporter(stored, ledger, follow_ups, publisher, schedule, clock, email_end_note=True)


@pytest.fixture
async def request_(accept, make_request):
    return await accept(make_request())


async def test_a_request_is_announced_in_its_channel(reporter, chat, request_):
    calls = await reporter.announce("r1")

    assert calls == 1
    assert [channel for channel, _ in chat.texts] == ["C0PKI"]
    assert chat.texts[0][1].startswith("⏳ Resending DCV email for ")


@pytest.mark.parametrize("failure", [AWAY, SlackRejected("invalid_auth"), ValueError("a bug")])
async def test_the_mail_does_not_wait_for_slack(reporter, chat, request_, failure):
    chat.failures = [failure] * 3

    assert await reporter.announce("r1") == 1
    assert chat.texts == []


async def test_the_outcome_edits_the_card_and_adds_no_message(reporter, chat, request_, end, stored):
    await reporter.announce("r1")
    await end()

    delivered = await reporter.report("r1")

    [root] = chat.messages.values()
    assert delivered == {"delivered": True}
    assert root[0] == Destination("C0PKI")
    assert root[1].text.startswith("📨 ")
    assert await stored.unreported() == []


async def test_the_end_of_email_validation_is_noted_once_in_a_channel_and_quarter_and_below_no_failure(
    noting_reporter, chat, accept, make_request, ledger, clock, ana
):
    async def report(request_id, outcome, channel="C0PKI"):
        await accept(make_request(request_id, destination=Destination(channel)))
        await ledger.append(Entry(outcome, clock(), ana, request_id, 0, 1, {"words": ""}))
        await noting_reporter.report(request_id)
        return [destination for destination, message, _ in chat.messages.values() if "2028" in message.text]

    noted = [
        await report("r1", LedgerEvent.REFUSED),
        await report("r2", LedgerEvent.SENT),
        await report("r3", LedgerEvent.SENT),
        await report("r4", LedgerEvent.SENT, "C0OPS"),
    ]
    clock.advance(minutes=92 * 24 * 60)
    noted.append(await report("r5", LedgerEvent.SENT))

    assert [len(each) for each in noted] == [0, 1, 1, 2, 3]
    assert noted[-1][0] == Destination("C0PKI", "2.0")


@pytest.mark.parametrize(
    ("outcome", "said"), [(LedgerEvent.SENT, "Resent by <@U0BOB>"), (LedgerEvent.REFUSED, "Tried again by <@U0BOB>")]
)
async def test_a_failed_card_that_is_retried_loses_its_buttons_and_links_the_newer_one(
    reporter, chat, accept, make_request, ledger, clock, ana, outcome, said
):
    async def end(request_id, outcome):
        await ledger.append(Entry(outcome, clock(), ana, request_id, 0, 1, {"words": ""}))
        await reporter.report(request_id)

    await accept(make_request("r1", key="order:1"))
    await end("r1", LedgerEvent.NOT_SENT)
    before = _labels(chat, "1.0")
    newer = {"key": "order:1", "follows": "r1", "actor": Actor("U0BOB", "T0HOME")}
    await accept(make_request("r2", destination=Destination("C0PKI", "1.0"), **newer))
    await reporter.announce("r2")
    while_on_its_way = _labels(chat, "1.0")
    await end("r2", outcome)

    assert ("Try again" in before, while_on_its_way, _labels(chat, "1.0")) == (True, [], [])
    assert f"{said} (<https://slack.test/C0PKI/2.0|open>)" in chat.messages["1.0"][1].text


async def test_a_resend_of_something_else_from_a_card_leaves_its_buttons(
    reporter, chat, accept, make_request, ledger, clock, ana
):
    await accept(make_request("r1", key="order:1"))
    await accept(make_request("r2", key="order:2", follows="r1"))
    for request_id in ("r1", "r2"):
        await ledger.append(Entry(LedgerEvent.NOT_SENT, clock(), ana, request_id, 0, 1, {"words": ""}))
        await reporter.report(request_id)

    assert "Try again" in _labels(chat, "1.0")


def _labels(chat, ts):
    """Return the labels of the buttons of a message."""
    blocks = chat.messages[ts][1].payload()["blocks"]
    elements = [each for block in blocks if block["type"] == "actions" for each in block["elements"]]
    return [each["text"]["text"] for each in elements if "text" in each]


async def test_a_report_that_is_repeated_changes_nothing(reporter, chat, request_, end):
    await end()
    await reporter.report("r1")
    before = chat.texts

    assert await reporter.report("r1") == {"delivered": True}
    assert chat.texts == before
    assert len(chat.posts) == 1


async def test_an_outcome_that_was_never_announced_is_reported_all_the_same(reporter, chat, request_, end):
    chat.failures = [AWAY]
    await reporter.announce("r1")
    await end(LedgerEvent.REFUSED, words="no such order")

    await reporter.report("r1")

    assert "DigiCert's reason: “no such order”" in chat.texts[0][1]


@pytest.mark.parametrize("call", [0, 1])
@pytest.mark.parametrize("failure", [AWAY, ValueError("a bug")], ids=["away", "bug"])
async def test_an_outcome_that_cannot_be_reported_now_is_reported_later_and_once(
    reporter, chat, request_, end, stored, call, failure
):
    await end()
    chat.failures = [*[None] * call, failure]

    first = await reporter.report("r1")
    unreported = await stored.unreported()
    second = await reporter.report("r1")

    assert (first["delivered"], unreported, second["delivered"]) == (False, ["r1"], True)
    assert len(chat.texts) == 1


async def test_slack_says_when_to_retry(reporter, chat, request_, end):
    await end()
    chat.failures = [SlackUnavailable("Slack asks us to wait.", 77.0)]

    assert await reporter.report("r1") == {"delivered": False, "wait": 77.0}


async def test_if_the_channel_is_closed_the_outcome_goes_to_the_user(reporter, chat, request_, end, stored):
    chat.closed["C0PKI"] = "not_in_channel"
    await end()

    assert await reporter.report("r1") == {"delivered": True}

    assert {channel for channel, _ in chat.texts} == {"D0ANA"}
    assert chat.texts[0][1].startswith("📨 ")
    assert await stored.unreported() == []


async def test_if_no_destination_is_reachable_the_report_is_retried(reporter, chat, request_, end, stored):
    chat.closed = {"C0PKI": "not_in_channel", "U0ANA": "messages_tab_disabled"}
    await end()

    assert (await reporter.report("r1"))["delivered"] is False
    assert await stored.unreported() == ["r1"]


async def test_a_request_from_a_thread_is_reported_in_that_thread(reporter, chat, accept, make_request, end):
    await accept(make_request(destination=Destination("C0PKI", "17.5")))
    await end()

    await reporter.report("r1")

    assert [destination for destination, _, _ in chat.messages.values()] == [Destination("C0PKI", "17.5")]


async def test_waiting_is_reported_in_the_root(reporter, chat, request_, clock):
    turned_away = {"ended": False, "busy": True, "wait": 5.0, "again_at": clock().isoformat()}
    await reporter.announce("r1")

    await reporter.waiting("r1", json.loads(json.dumps(turned_away)))

    assert len(chat.texts) == 1
    assert chat.texts[0][1].startswith("⏳ Waiting for DigiCert. DigiCert is limiting requests.")


async def test_progress_is_reported_in_the_root(reporter, chat, accept, make_request, order_call, domain_call, end):
    await accept(make_request(calls=(order_call, domain_call)))
    await end()

    await reporter.progress("r1")

    assert "Sending: 1 of 2 done" in chat.texts[0][1]


async def test_the_root_names_the_requester(reporter, chat, accept, make_request, end, ana):
    await accept(make_request(actor=dataclasses.replace(ana, user_id="U0BOB")))
    await end()

    await reporter.report("r1")

    assert "<@U0BOB>" in chat.texts[0][1]
