"""`dcv-resend serve`: the same bot behind a request URL, which does nothing twice and stops without losing an ack."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import stalls
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from tests.e2e.helpers import Rows, answers_with, asks, locked, puts, roots, sees_end, serving, tells

ORDER = 700001
OFFER = "is waiting for email approval"
STOPPED_WITHIN = 10.0
ONE_LINE = f"{ORDER} to admin@shop.example.com"
MakeBot = Callable[..., BotProcess]
Ask = Callable[[str], Awaitable[Form]]


@pytest.fixture
async def bot(make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ops: Channel) -> BotProcess:
    """A bot that serves over HTTP, and something that waits for it."""
    certcentral.add_order(ORDER, ["shop.example.com"])
    bot = make_bot("serve", DCV_ALERT_CHANNELS=ops.id)
    slack.request_url = f"http://127.0.0.1:{bot.settings['PORT']}/slack/events"
    await bot.start()
    await serving(bot)
    return bot


async def test_slack_may_save_the_address(bot: BotProcess, slack: Slack) -> None:
    assert await slack.requests.verify()


async def test_one_line_and_its_result_whatever_its_words(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    delivery = await ana.command("/dcv-resend", f"{ORDER} to admin@shop.example.com because payload", pki)
    root = await sees_end(slack, pki, ORDER)

    assert delivery.acked
    assert tells(root) == "sent"
    assert puts(certcentral, ORDER) == 1
    assert slack.problems == []


async def test_a_form_that_is_searched_refused_and_submitted_and_the_buttons_below_its_result(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, database_url: str
) -> None:
    await ana.command("/dcv-resend", "", pki)
    form = await ana.sees_form("Order or domain")
    found = await form.search("shop")
    await form.choose("shop.example.com", action_id="target")
    form = await ana.sees_form(f"{ORDER} · ")
    with locked(database_url):
        refused = await form.submit()
    submitted = await form.submit()
    root = await sees_end(slack, pki, ORDER)
    await ana.click(root, "Check now")
    await ana.receives("1 of 1 domain still needs approval")

    assert [str(ORDER) in option["description"] for option in found] == [True]
    assert (refused.closed, len(refused.error_texts)) == (False, 1)
    assert submitted.closed
    assert tells(root) == "sent"
    assert pki.thread(root.ts) == []
    assert puts(certcentral, ORDER) == 1
    assert slack.problems == []


async def test_a_shortcut_an_alert_and_a_button_of_another_version(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel, ops: Channel
) -> None:
    asked = await ana.post(pki, "shop.example.com is still pending")

    await ana.shortcut("dcv_resend_message", asked)
    form = await ana.sees_form(f"{ORDER} · ")
    alert = slack.post_alert(ops, "monitoring", f"order {ORDER} is pending")
    offer = await slack.sees_message(ops, "is waiting for email approval", thread=alert)
    await ana.click(offer, "Not now")
    rested = await slack.sees_message(ops, "<@" + ana.id, thread=alert)
    button = {"type": "button", "action_id": "follow_v0", "block_id": "b", "value": "r1"}
    old = await ana.interact("block_actions", "an old button", actions=[button], **_below(rested))
    await ana.gets_direct_message("This button has expired.")

    assert form.is_open
    assert old.acked
    assert slack.problems == []


async def test_nobody_else_may(bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel) -> None:
    ben = slack.add_person("ben")
    before = len(certcentral.calls)

    await ben.command("/dcv-resend", str(ORDER), pki)
    await ben.receives("You can't")

    assert ben.open_forms == []
    assert len(certcentral.calls) == before


async def test_a_command_that_arrives_again_unchanged_does_nothing_twice(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    slack.duplicate_next = True

    delivery = await ana.command("/dcv-resend", ONE_LINE, pki)
    await sees_end(slack, pki, ORDER)
    before = [row["kind"] for row in ledger()]
    again = await delivery.redeliver()
    slack.duplicate_next = True
    asked = await ana.command("/dcv-resend", "help", pki)
    await asked.redeliver()
    await ana.command("/dcv-status", "help", pki)
    await slack.wait_for(lambda: len(ana.ephemerals) == 2, "the help of both commands", 20)

    assert (delivery.acked, again.acked) == (True, True)
    assert [each.acked for each in slack.deliveries] == [True] * len(slack.deliveries)
    assert (puts(certcentral, ORDER), len(roots(pki))) == (1, 1)
    assert [row["kind"] for row in ledger()] == before == ["accepted", "sending", "sent"]
    assert len(ana.ephemerals) == 2
    assert slack.problems == []


async def test_a_replay_of_a_search_brings_nothing(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    await ana.command("/dcv-resend", "", pki)
    form = await ana.sees_form("Order or domain")
    await form.search("shop")
    search = next(each for each in slack.deliveries if each.sent.get("type") == "block_suggestion")

    again = await search.redeliver()

    assert (search.payload or {})["options"]
    assert (again.acked, again.payload) == (True, None)


async def test_an_alert_that_could_not_be_written_down_comes_again_and_is_offered_once(
    bot: BotProcess, slack: Slack, ops: Channel, database_url: str
) -> None:
    with locked(database_url):
        alert = slack.post_alert(ops, "monitoring", f"order {ORDER} is pending")
        await slack.wait_for_events()
    failed = slack.deliveries[-1]
    assert failed.sent["event"]["ts"] == alert.ts
    slack.event_dispatcher.retry_parked()
    await slack.wait_for_events()
    await slack.sees_message(ops, OFFER, thread=alert)
    replay = await failed.redeliver()
    late = await failed.redeliver(new_id=True)
    later = slack.post_alert(ops, "monitoring", f"again: order {ORDER}")
    await slack.sees_message(ops, "1 more alert since", thread=alert)

    attempts = [each for each in slack.deliveries if each.sent["event"].get("ts") == alert.ts]
    assert [each.acked for each in attempts] == [False, False, True, True, True]
    assert [each.failure for each in attempts[:2]] == ["http_error", "http_error"]
    assert (replay.acked, late.acked) == (True, True)
    assert len([message for message in ops.messages if message.content.says(OFFER)]) == 1
    assert ops.thread(later.ts) == []


FORGED: list[dict[str, Any]] = [
    {},
    {"type": "block_actions"},
    {"type": "block_actions", "actions": None, "user": "U1", "team": []},
    {"type": "view_submission", "view": None, "user": {"id": 7}},
    {"type": "event_callback", "event": None, "authorizations": [None]},
    {"type": "event_callback", "event": {"type": "message", "channel": {}, "ts": []}},
    {"type": "\ud800", "user": {"id": "U1", "team_id": "T1"}},
    {"type": "url_verification", "challenge": None},
]


async def test_a_signed_payload_that_slack_never_sends_is_acknowledged_and_no_bug(
    bot: BotProcess, slack: Slack, certcentral: CertCentral
) -> None:
    before = len(certcentral.calls)

    sent = [await slack.deliver("interactive", payload, "a forged payload") for payload in FORGED]

    rows = [json.loads(line) for line in bot.log.splitlines()]
    shown = [row.keys() for row in rows if row["event"] == "a payload could not be read"]
    assert [delivery.acked for delivery in sent] == [True] * len(FORGED)
    assert shown
    assert not [keys for keys in shown if keys - {"event", "error", "logger", "level", "timestamp"}]
    assert "Traceback" not in bot.log
    assert '"level": "error"' not in bot.log
    assert len(certcentral.calls) == before


async def test_at_a_stop_readiness_ends_at_once_and_who_is_being_answered_is_answered(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    form = await ask(str(ORDER))
    certcentral.add_order(ORDER + 1, ["new.example.com"])
    certcentral.faults.plan("GET *", stalls(hold=(hold := asyncio.Event())), times=None)
    command = await ana.command("/dcv-resend", str(ORDER + 1), pki)
    await certcentral.wait_for_call("GET", f"/order/certificate/{ORDER + 1}")

    os.kill(bot.pid, signal.SIGTERM)
    readiness = await answers_with(bot, "/readyz", 503, 2.0)
    alive, _ = await asks(bot, "/healthz")
    submitted = await form.submit()
    hold.set()
    status = await bot.wait_for_exit(STOPPED_WITHIN)
    drawn = [form.labels[1] for form in ana.open_forms]
    await bot.start()
    await serving(bot)
    root = await sees_end(slack, pki, ORDER)

    assert '"ready": false' in readiness
    assert alive == 200
    assert (command.acked, submitted.closed, status) == (True, True, 0)
    assert drawn == ["Recipient for new.example.com"]
    assert tells(root) == "sent"
    assert puts(certcentral, ORDER) == 1
    # Slack tells of the bot's own messages too, and tries an event again that nobody takes while it restarts.
    assert [problem for problem in slack.problems if not problem.startswith("event message")] == []


async def test_who_is_sent_to_a_bot_that_just_began_to_stop_is_answered(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    """A load balancer polls readiness now and then, and routes requests here until it notices."""
    os.kill(bot.pid, signal.SIGTERM)
    await answers_with(bot, "/readyz", 503, 2.0)
    command = await ana.command("/dcv-resend", "help", pki)
    whisper = await ana.receives("What you can type")
    status = await bot.wait_for_exit(STOPPED_WITHIN)

    assert (command.acked, status) == (True, 0)
    assert "/dcv-resend history" in whisper.visible_text
    assert slack.problems == []


async def test_who_still_waits_for_digicert_at_the_end_of_a_stop_is_notified(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.faults.plan("GET *", stalls(hold=asyncio.Event()), times=None)
    command = await ana.command("/dcv-resend", ONE_LINE, pki)
    await certcentral.wait_for_call("GET", f"/order/certificate/{ORDER}")

    os.kill(bot.pid, signal.SIGTERM)
    whisper = await ana.receives("I'm restarting.")
    status = await bot.wait_for_exit(STOPPED_WITHIN)

    assert (command.acked, status) == (True, 0)
    assert "try again" in whisper.visible_text
    assert ledger() == []


async def test_a_port_that_is_taken_is_one_line(make_bot: MakeBot) -> None:
    bot = make_bot("serve")
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(bot.settings["PORT"])))
        other.listen()

        await bot.start()
        status = await bot.wait_for_exit()

    assert status == 2
    assert bot.log.splitlines()[-1] == (
        f"PORT: port {bot.settings['PORT']} of 127.0.0.1 is in use. "
        "Stop the program that uses it, or choose a different port."
    )


async def test_every_setting_that_is_missing_is_named_in_one_line(make_bot: MakeBot, slack: Slack) -> None:
    bot = make_bot("serve", SLACK_SIGNING_SECRET="", SLACK_BOT_TOKEN="", PORT="x")

    await bot.start()
    status = await bot.wait_for_exit()

    assert status == 2
    assert [line.split()[0] for line in bot.log.splitlines()] == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PORT"]


async def test_the_signing_secret_reaches_no_log(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    bot = make_bot("serve", LOG_LEVEL="DEBUG")
    slack.request_url = f"http://127.0.0.1:{bot.settings['PORT']}/slack/events"
    await bot.start()
    await serving(bot)

    await ana.command("/dcv-resend", ONE_LINE, pki)
    await sees_end(slack, pki, ORDER)
    await ana.command("/dcv-resend", f"why {slack.signing_secret}", pki)
    await slack.wait_for(lambda: ana.ephemerals, "an answer", 10.0)

    assert slack.signing_secret not in bot.log
    assert "v0=" not in bot.log
    assert slack.problems == []


def _below(message: Message) -> dict[str, Any]:
    """Return a button's location, as Slack describes it."""
    container = {"type": "message", "channel_id": message.channel.id, "message_ts": message.ts}
    return {"container": container, "channel": {"id": message.channel.id}, "message": {"ts": message.ts}}
