"""Slack fails while a request runs: the mail does not wait for it, and the ending is told all the same, once."""

import asyncio
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops, stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import Rows, kinds, locked, open_form, put, puts, resend, roots, sees_end, tells
from tests.forked_bot import SHORT

ORDER = 700001
RATELIMITED = {"ok": False, "error": "ratelimited"}
AWAY = answers(503, "upstream connect error")


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])


def _times(slack: Slack, method: str) -> list[float]:
    return [call.at for call in slack.api_calls if call.method == method]


async def test_a_post_that_fails_is_made_up_for_and_never_stands_there_twice(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    faults = {
        ORDER + 1: answers(429, RATELIMITED, {"Retry-After": "1"}),
        ORDER + 2: answers(429, RATELIMITED),
        ORDER + 3: answers(500, {"ok": False, "error": "internal_error"}),
        ORDER + 4: drops(effect=False),
        ORDER + 5: drops(effect=True),
    }

    for order_id, fault in faults.items():
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
        form = await open_form(ana, order_id, pki)
        slack.faults.plan("chat.postMessage", fault, times=2)
        await form.submit()
        await sees_end(slack, pki, order_id)

    assert [tells(root) for root in roots(pki)] == ["sent"] * 5
    assert [len(pki.thread(root.ts)) for root in roots(pki)] == [0] * 5
    assert [puts(certcentral, order_id) for order_id in faults] == [1] * 5
    assert slack.problems == []


async def test_slack_is_asked_again_only_after_the_time_it_names(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    form = await open_form(ana, ORDER, pki)
    slack.faults.plan("chat.update", answers(429, RATELIMITED, {"Retry-After": "2"}))

    await form.submit()
    await sees_end(slack, pki, ORDER)

    first, second = _times(slack, "chat.update")
    assert second - first >= 2.0
    assert slack.problems == []


async def test_the_mail_waits_a_while_for_a_slow_slack_and_what_slack_does_late_changes_no_ending(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER + 1, ["busy.example.com"])
    certcentral.faults.plan(put(ORDER + 1), answers(429, "", {"Retry-After": "1"}))
    form, busy = await open_form(ana, ORDER, pki), await open_form(ana, ORDER + 1, pki)

    slack.faults.plan("chat.update", stalls(SHORT.announce_timeout + 1.2))
    await busy.submit()
    await slack.wait_for(lambda: _times(slack, "chat.update"), "the edit to a waiting", 20.0)
    slack.faults.plan("chat.postMessage", stalls(SHORT.announce_timeout + 1.0))
    since = asyncio.get_running_loop().time()
    await form.submit()
    mailed = await certcentral.wait_for_call(*put(ORDER).split())
    roots_then = roots(pki, ORDER)
    root, waited = await sees_end(slack, pki, ORDER), await sees_end(slack, pki, ORDER + 1)
    await slack.wait_for(lambda: all(call.status for call in slack.api_calls), "what Slack does late", 20.0)

    assert -0.5 < mailed.monotonic - since - SHORT.announce_timeout < 1.0
    assert roots_then == []
    assert roots(pki) == [waited, root]
    assert [tells(root), tells(waited)] == ["sent", "sent"]
    assert [content.says("Waiting") for content in waited.history] == [False, True]
    assert slack.problems == []


async def test_an_ending_that_cannot_be_reported_at_once_is_reported_when_slack_accepts_it(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    faults = [
        ("chat.update", AWAY, 2),
        ("chat.update", drops(effect=True), 1),
        ("conversations.info", AWAY, 2),
        ("conversations.info", answers(200, {"ok": True}), 2),
    ]
    for number, (method, fault, times) in enumerate(faults, start=1):
        channel = slack.add_channel(f"pki-{number}")
        certcentral.add_order(ORDER + number, [f"n{number}.example.com"])
        form = await open_form(ana, ORDER + number, channel)
        slack.faults.plan(method, fault, times=times)
        await form.submit()
        root = await sees_end(slack, channel, ORDER + number)

        assert roots(channel) == [root]
        assert tells(root) == "sent"
        assert channel.thread(root.ts) == []
        assert puts(certcentral, ORDER + number) == 1
    assert slack.problems == []


async def test_an_ending_is_reported_again_if_its_root_message_was_deleted(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(), stalls(hold=answer))

    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")
    slack.delete(await slack.sees_message(pki, "Resending"))
    answer.set()
    root = await sees_end(slack, pki, ORDER)

    assert tells(root) == "sent"
    assert pki.messages == [root]
    assert slack.problems == []


async def test_if_the_bot_may_not_post_the_requester_alone_gets_the_result_and_the_reason(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser
) -> None:
    closed = {
        "I'm not in <#{}>": {"member": False},
        "I don't have access to <#{}>": {"private": True, "member": False},
        "<#{}> is archived": {"archived": True},
        "Slack did not let me post in <#{}>": {"read_only": True},
        "<#{}> is shared with another organization": {"ext_shared": True},
    }
    direct_messages = slack.dm(ana)

    for number, (why, traits) in enumerate(closed.items(), start=1):
        channel = slack.add_channel(f"closed-{number}")
        certcentral.add_order(ORDER + number, [f"n{number}.example.com"])
        form = await open_form(ana, ORDER + number, channel)
        for trait, value in traits.items():
            setattr(channel, trait, value)
        await form.submit()
        root = await sees_end(slack, direct_messages, ORDER + number)

        assert tells(root) == "sent"
        assert why.format(channel.id) in root.text
        assert channel.messages == []
    assert len(roots(direct_messages)) == len(closed)
    assert [len(direct_messages.thread(root.ts)) for root in roots(direct_messages)] == [0] * len(closed)
    assert slack.problems == []


async def test_a_channel_that_closes_while_a_request_runs_hands_its_ending_to_the_asker(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(), stalls(hold=answer))

    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")
    pki.archived = True
    answer.set()
    root = await sees_end(slack, slack.dm(ana), ORDER)

    assert tells(root) == "sent"
    assert [tells(message) for message in pki.messages] == [None]
    assert slack.problems == []


async def test_a_submission_is_answered_over_the_next_socket_where_slack_takes_the_first_away(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, tmp_path: Path
) -> None:
    form = await open_form(ana, ORDER, pki)

    with locked(tmp_path / "bot.db"):
        submitting = asyncio.create_task(form.submit())
        await slack.wait_for(lambda: slack.deliveries[-1].what.startswith("form"), "the submission", 20.0)
        parting = asyncio.create_task(slack.disconnect())
        await slack.wait_for(lambda: slack.sockets == 0, "the socket to go", 20.0)
    submitted = await submitting
    await parting
    root = await sees_end(slack, pki, ORDER)

    assert submitted.closed
    assert tells(root) == "sent"
    assert puts(certcentral, ORDER) == 1
    assert slack.problems == []


async def test_a_submission_whose_socket_is_cut_off_is_carried_out_all_the_same(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, tmp_path: Path
) -> None:
    form = await open_form(ana, ORDER, pki)

    slack.ack_seconds = 0.4
    with locked(tmp_path / "bot.db"):
        submitting = asyncio.create_task(form.submit())
        await slack.wait_for(lambda: slack.deliveries[-1].what.startswith("form"), "the submission", 20.0)
        slack.drop_sockets()
        submitted = await submitting
    root = await sees_end(slack, pki, ORDER)

    assert not submitted.acked
    assert form.is_open
    assert tells(root) == "sent"
    assert puts(certcentral, ORDER) == 1


async def test_a_submission_that_is_answered_too_late_and_repeated_is_sent_once(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
    tmp_path: Path,
) -> None:
    form = await open_form(ana, ORDER, pki)

    slack.ack_seconds = 0.4
    with locked(tmp_path / "bot.db"):
        late = await form.submit()
    await sees_end(slack, pki, ORDER)
    slack.ack_seconds = 3.0
    again = await form.submit()
    certcentral.add_order(ORDER + 1, ["next.example.com"])
    await resend(ana, ORDER + 1, pki)
    await sees_end(slack, pki, ORDER + 1)

    assert (late.acked, again.closed) == (False, True)
    assert [row["kind"] for row in ledger()] == ["accepted", "sending", "sent"] * 2
    assert puts(certcentral, ORDER) == 1


async def test_a_slack_that_is_away_for_seconds_hears_the_ending_when_it_is_back(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(), stalls(hold=answer))
    await resend(ana, ORDER, pki)
    await certcentral.wait_for_call("PUT", "/order/*")

    slack.faults.plan("*", Fault(lost=True), times=None)
    slack.drop_sockets()
    answer.set()
    await slack.wait_for(lambda: len(_times(slack, "chat.update")) >= 2, "two tries to tell", 20.0)
    meanwhile = kinds(ledger(), ORDER)
    slack.faults.clear()
    root = await sees_end(slack, pki, ORDER)

    assert meanwhile == ["sending", "sent"]
    assert roots(pki) == [root]
    assert tells(root) == "sent"
    assert pki.thread(root.ts) == []


async def test_a_form_that_cannot_be_drawn_is_reported_and_the_next_one_works(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    slack.faults.plan("views.update", AWAY)

    await ana.command("/dcv-resend", str(ORDER), pki)
    whisper = await ana.receives("Try again")
    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)

    assert whisper.content.says("Nothing was sent")
    assert tells(root) == "sent"
    assert puts(certcentral, ORDER) == 1
    assert slack.problems == []


@pytest.mark.fault("S188")
async def test_a_post_that_fails_after_it_was_no_longer_awaited_is_a_warning_and_no_traceback(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    """The announcement gives up after a while; Slack's answer comes later."""
    form = await open_form(ana, ORDER, pki)
    late = SHORT.announce_timeout + 1.0
    slack.faults.plan("chat.postMessage", Fault(answer=answers(500, {"ok": False}).answer, seconds=late))

    await form.submit()
    root = await sees_end(slack, pki, ORDER, 30.0)

    assert tells(root) == "sent"
    assert "was never retrieved" not in bot.log
    assert "no longer awaited" in bot.log
    assert slack.problems == []
