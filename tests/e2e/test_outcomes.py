"""The outcomes of a resend: one of four, reported as DigiCert meant it, recorded in the ledger attempt by attempt."""

import asyncio
from collections.abc import Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops, stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import (
    ON_BOTH,
    SENT,
    Rows,
    is_chained,
    kinds,
    locked,
    open_form,
    put,
    puts,
    resend,
    roots,
    sees_end,
    tells,
)

ORDER = 700001
BUSY = {"errors": [{"code": "request_limit", "message": "Too many requests."}]}


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])


async def _end_each(
    slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, faults: list[Fault]
) -> list[int]:
    """Resend one order per fault, and wait until each result was reported."""
    orders = [ORDER + number for number in range(1, len(faults) + 1)]
    for order_id, fault in zip(orders, faults, strict=True):
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
        certcentral.faults.plan(put(order_id), fault)
        await resend(ana, order_id, pki)
    for order_id in orders:
        await sees_end(slack, pki, order_id)
    return orders


async def test_nothing_says_sent_before_digicert_has_answered(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(), stalls(hold=answer))

    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")
    root = await slack.sees_message(pki, "Resending DCV email")
    shown, written = root.visible_text, kinds(ledger(), ORDER)
    answer.set()
    await sees_end(slack, pki, ORDER)

    assert "sent" not in shown
    assert written == ["sending"]
    assert roots(pki) == [root]
    assert tells(root) == "sent"
    assert kinds(ledger(), ORDER) == ["sending", "sent"]
    assert slack.problems == []


async def test_a_refusal_is_reported_in_digicerts_words_and_frees_the_cooldown(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    refusals = [
        (answers(400, {"errors": [{"code": "invalid_email", "message": "Not <this> one."}]}), "Not <this> one."),
        (answers(400, {"errors": {"code": "bad_locale", "message": "No such language."}}), "No such language."),
        (answers(403, {"errors": [{"code": "access_denied", "message": "Not your order."}]}), "Not your order."),
        (
            answers(403, {"errors": [{"code": "access_denied|access_denied_invalid_key"}]}),
            "does not accept the API key",
        ),
        (answers(404, {"errors": [{"code": "not_found|order"}]}), "not_found|order"),
        (answers(422, {"errors": [{"message": "First."}, {"message": "Second."}]}), "First. Second."),
        (answers(413, "<html>Too large</html>"), "without a reason"),
        (answers(410), "without a reason"),
    ]

    orders = await _end_each(slack, certcentral, ana, pki, [fault for fault, _ in refusals])
    shown = {order_id: [(tells(root), root.visible_text) for root in roots(pki, order_id)] for order_id in orders}
    again = await open_form(ana, orders[0], pki)

    for order_id, (_, words) in zip(orders, refusals, strict=True):
        [(outcome, text)] = shown[order_id]
        assert (outcome, words in text) == ("refused", True), text
        assert kinds(ledger(), order_id) == ["sending", "refused"]
        assert puts(certcentral, order_id) == 1
    assert certcentral.outbox == []
    assert not again.says("ago by")
    assert slack.problems == []


async def test_an_answer_that_tells_nothing_is_unknown_and_is_never_repeated(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    page = "<html>All is well</html>"
    faults = [
        drops(effect=True),
        drops(effect=False),
        answers(502, page, effect=True),
        answers(500, page),
        answers(503, {"errors": [{"code": "unavailable"}]}),
        answers(200, page, effect=True),
        answers(200, {"status": "ok"}, effect=True),
        answers(302, "", {"Location": "/services/v2/user/me"}),
        answers(408, BUSY),
    ]

    orders = await _end_each(slack, certcentral, ana, pki, faults)
    await bot.stop()
    await bot.start()
    await slack.wait_for_connection()
    await resend(ana, ORDER, pki)
    await sees_end(slack, pki, ORDER)

    for order_id in orders:
        assert [(tells(root), root.content.says("may or may not have been sent")) for root in roots(pki, order_id)] == [
            ("unknown", True)
        ]
        assert kinds(ledger(), order_id) == ["sending", "unknown"]
        assert puts(certcentral, order_id) == 1
    assert kinds(ledger(), ORDER) == ["sending", "sent"]
    assert is_chained(ledger())


async def test_a_busy_digicert_is_waited_for_and_the_thread_says_so(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan(put(), answers(429, BUSY, {"Retry-After": "1"}))

    await resend(ana, ORDER, pki)
    root = await slack.sees_message(pki, "Waiting for DigiCert")
    meanwhile = kinds(ledger(), ORDER)
    await sees_end(slack, pki, ORDER)

    first, second = certcentral.resends
    assert meanwhile == ["sending", "turned_away"]
    assert second.monotonic - first.monotonic >= 1.0
    assert roots(pki) == [root]
    assert tells(root) == "sent"
    assert kinds(ledger(), ORDER) == ["sending", "turned_away", "sending", "sent"]
    assert [row["attempt"] for row in ledger() if row["attempt"]] == [1, 1, 2, 2]
    assert len(certcentral.outbox) == 1
    assert slack.problems == []


async def test_a_digicert_that_is_busy_for_too_long_is_reported_as_not_sent_and_frees_the_cooldown(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan(put(), answers(429, BUSY, {"Retry-After": "301"}))

    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)
    again = await open_form(ana, ORDER, pki)

    assert tells(root) == "not_sent"
    assert root.content.says("DigiCert is limiting requests for the next 6 minutes, so I stopped.")
    assert kinds(ledger(), ORDER) == ["sending", "turned_away", "not_sent"]
    assert not again.says("ago by")
    assert slack.problems == []


async def test_what_was_not_sent_is_tried_again_with_one_confirmed_press(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan(put(), answers(429, BUSY, {"Retry-After": "301"}))
    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)

    asked = ana.confirmation(root, "Try again")
    await ana.click(root, "Try again", confirmed=True)
    newer = await slack.sees_message(pki, "waiting for approval", thread=root)
    await slack.wait_for(lambda: "Resent by" in root.text, "the older card to say who resent", 20.0)

    assert asked.text == "Send one DCV email to admin@example.com?"
    assert tells(newer) == "sent"
    assert "Try again" not in root.visible_text
    assert kinds(ledger(), ORDER) == ["sending", "turned_away", "not_sent", "sending", "sent"]
    assert (len(certcentral.outbox), slack.problems) == (1, [])


async def test_a_digicert_that_cannot_be_reached_is_tried_three_times_then_reported_as_not_sent(
    make_bot: Callable[..., BotProcess], slack: Slack, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    async with CertCentral() as unavailable:
        unavailable.add_order(ORDER, ["shop.example.com"])
        await make_bot(DIGICERT_BASE_URL=unavailable.url).start()
        await slack.wait_for_connection()
        form = await open_form(ana, ORDER, pki)

    await form.submit()
    waiting = await slack.sees_message(pki, "DigiCert cannot be reached. No email has been sent yet.")
    root = await sees_end(slack, pki, ORDER, timeout=30.0)

    assert root is waiting
    assert tells(root) == "not_sent"
    assert root.content.says("tried 3 times")
    assert kinds(ledger(), ORDER) == ["sending", "turned_away"] * 3 + ["not_sent"]
    assert is_chained(ledger())
    assert slack.problems == []


async def test_a_digicert_that_comes_back_between_two_tries_is_reported_as_sent(
    make_bot: Callable[..., BotProcess], slack: Slack, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    async with CertCentral() as unavailable:
        unavailable.add_order(ORDER, ["shop.example.com"])
        await make_bot(DIGICERT_BASE_URL=unavailable.url).start()
        await slack.wait_for_connection()
        form = await open_form(ana, ORDER, pki)
        port = int(unavailable.url.split(":")[2].split("/")[0])

    await form.submit()
    await slack.sees_message(pki, "DigiCert cannot be reached. No email has been sent yet.")
    async with CertCentral(port=port) as back:
        back.add_order(ORDER, ["shop.example.com"])
        root = await sees_end(slack, pki, ORDER)

    assert tells(root) == "sent"
    assert len(back.outbox) == 1
    assert kinds(ledger(), ORDER) == ["sending", "turned_away", "sending", "sent"]


async def test_a_failure_of_the_bot_before_the_call_is_reported_as_not_sent(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    announced = asyncio.Event()
    group = slack.add_usergroup("pki-team", [ana])
    await make_bot(DCV_ALLOWED_USERS="", DCV_ALLOWED_USERGROUPS=group.id).start()
    await slack.wait_for_connection()
    slack.faults.plan("chat.postMessage", stalls(hold=announced))

    await resend(ana, ORDER, pki)
    group.set_members([ana])
    await slack.wait_for_events()
    slack.faults.plan("usergroups.users.list", answers(200, {"ok": True, "users": 5}))
    announced.set()
    root = await sees_end(slack, pki, ORDER)

    assert tells(root) == "not_sent"
    assert root.content.says("An internal error stopped the request")
    assert puts(certcentral, ORDER) == 0
    assert kinds(ledger(), ORDER) == ["not_sent"]
    assert slack.problems == []


async def test_each_call_of_a_request_has_an_outcome_of_its_own(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    names = ["a.example.org", "b.example.org", "c.example.org"]
    for domain_id, name in enumerate(names, start=1001):
        certcentral.add_domain(domain_id, name)
    certcentral.add_order(700100, names, product="ov", name_scope="fqdn")
    certcentral.faults.plan("PUT /domain/1002/dcv/emails", answers(400, {"errors": [{"message": "Not this one."}]}))
    certcentral.faults.plan("PUT /domain/1003/dcv/emails", drops(effect=True))

    await resend(ana, 700100, pki)
    root = await slack.sees_message(pki, "may or may not have been sent for 1 of 3")

    assert [root.content.says(words) for words in (SENT, "“Not this one.”", "may or may not have been sent to")] == [
        True
    ] * 3
    assert [call.path for call in certcentral.resends] == [
        f"/domain/{number}/dcv/emails" for number in (1001, 1002, 1003)
    ]
    assert [(row["call_no"], row["kind"]) for row in ledger() if row["call_no"] is not None] == [
        (0, "sending"),
        (0, "sent"),
        (1, "sending"),
        (1, "refused"),
        (2, "sending"),
        (2, "unknown"),
    ]
    assert slack.problems == []


@ON_BOTH
async def test_an_outcome_that_cannot_be_written_at_once_is_still_the_true_one(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
    database_url: str,
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(), stalls(hold=answer))

    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")
    with locked(database_url):
        answer.set()
        # Long enough for two attempts to write it.
        await asyncio.sleep(3.0)
        helped = await ana.command("/dcv-resend", "help", pki)
        early_outcomes = [tells(root) for root in roots(pki)]
    root = await sees_end(slack, pki, ORDER)

    assert helped.after < 1.0
    assert early_outcomes == [None]
    assert tells(root) == "sent"
    assert kinds(ledger(), ORDER) == ["sending", "sent"]
    assert puts(certcentral, ORDER) == 1
    assert slack.problems == []
