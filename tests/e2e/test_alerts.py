"""Channels of alerts: what waits is offered in the alert's thread, once; everything else is met with silence."""

import asyncio
import copy
import dataclasses
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops, stalls
from sandbox.slack import Channel, Message, SimulatedUser, Slack
from sandbox.slack.workspace.emails import EmailDetail
from tests.e2e.helpers import ON_BOTH, Rows, is_chained, kinds, sends, start_again

OFFER = "is waiting for email approval"
SUMMARY = "paused suggestions for this sender"
BUTTONS = ["Resend 700001…", "Not now"]
ATTACHED = [{"title": "DCV pending", "fields": [{"title": "Domain", "value": "shop.example.com", "short": True}]}]

SeesOffer = Callable[[Message], Awaitable[Message]]


@pytest.fixture
def bot(make_bot: Callable[..., BotProcess], ops: Channel) -> BotProcess:
    """A bot that offers in #ops; `running` starts it."""
    return make_bot(DCV_ALERT_CHANNELS=ops.id)


@pytest.fixture
async def running(bot: BotProcess, slack: Slack) -> BotProcess:
    await bot.start()
    await slack.wait_for_connection(60)
    return bot


@pytest.fixture
def sees_offer(slack: Slack, ops: Channel) -> SeesOffer:
    """Wait for the offer in the thread of an alert."""

    async def sees(alert: Message) -> Message:
        return await slack.sees_message(alert.channel, OFFER, thread=alert)

    return sees


def offers(channel: Channel) -> list[Message]:
    """Every offer that stands in a channel."""
    return [message for message in channel.messages if message.content.says(OFFER)]


async def test_an_alert_gets_an_offer_that_opens_the_form_whose_result_goes_to_its_thread(
    running: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    ops: Channel,
    sees_offer: SeesOffer,
    ledger: Rows,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])

    alert = slack.post_alert(ops, "monitoring", attachments=ATTACHED, classic=True)
    offer = await sees_offer(alert)
    assert offer.text.startswith("Order 700001 · shop.example.com is waiting for email approval (")
    assert offer.buttons == BUTTONS
    assert certcentral.resends == []
    await ana.click(offer, "Resend 700001…")
    form = await ana.sees_form("700001 · shop.example.com")
    await form.submit()
    root = await slack.sees_message(ops, "Email sent to", thread=alert)

    assert root.thread_ts == alert.ts
    assert [message for message in ops.messages if not message.is_reply] == [alert]
    assert len(certcentral.resends) == 1
    assert kinds(ledger(), 700001) == ["sending", "sent"]
    assert is_chained(ledger())
    assert slack.problems == []


async def test_what_a_message_names_gets_one_offer_with_a_button_for_each(
    running: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    ops: Channel,
    sees_offer: SeesOffer,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["dns.example.com"], method="dns-txt-token")
    certcentral.add_order(700003, ["done.example.com"], status="issued")
    certcentral.add_domain(1234, "example.org")

    alert = await ana.post(ops, "Order 700001, order 700002, order 700003 and the domain example.org hang")
    offer = await sees_offer(alert)

    assert "Order 700001 · shop.example.com is waiting" in offer.text
    assert "Domain example.org is waiting" in offer.text
    assert "700002" not in offer.text
    assert "700003" not in offer.text
    assert offer.buttons == ["Resend 700001…", "Resend example.org…", "Not now"]
    assert slack.problems == []


@ON_BOTH
async def test_a_redelivered_event_and_a_restart_make_no_second_offer(
    running: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ops: Channel,
    sees_offer: SeesOffer,
) -> None:
    for order_id, name in ((700001, "shop.example.com"), (700002, "mail.example.com")):
        certcentral.add_order(order_id, [name])
    slack.duplicate_next = True
    first = slack.post_alert(ops, "monitoring", "Order 700001 waits")
    offer = await sees_offer(first)
    [event, _] = [delivery for delivery in slack.deliveries if delivery.sent.get("event", {}).get("ts") == first.ts]

    await event.redeliver(new_id=True)
    await running.stop()
    await start_again(running, slack)
    await event.redeliver(new_id=True)
    marker = slack.post_alert(ops, "monitoring", "Order 700002 waits")
    marked = await sees_offer(marker)

    assert offers(ops) == [offer, marked]
    assert not offer.content.says("more alert")
    assert slack.problems == []


async def test_killed_before_it_looked_at_an_alert_it_offers_once_after_the_next_start(
    running: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ops: Channel,
    sees_offer: SeesOffer,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    gone = asyncio.Event()
    certcentral.faults.plan("GET /order/certificate", stalls(hold=gone), times=None)

    alert = slack.post_alert(ops, "monitoring", "Order 700001 waits")
    await slack.wait_for_events()
    await running.kill()
    certcentral.faults.clear()
    gone.set()
    await start_again(running, slack)
    offer = await sees_offer(alert)

    assert offers(ops) == [offer]
    assert slack.problems == []


async def test_killed_while_it_posts_an_offer_it_finds_it_again(
    running: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ops: Channel,
    sees_offer: SeesOffer,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["mail.example.com"])
    gone = asyncio.Event()
    slack.faults.plan("chat.postMessage", Fault(effect=True, lost=True, hold=gone))

    alert = slack.post_alert(ops, "monitoring", "Order 700001 waits")
    await slack.wait_for(lambda: "chat.postMessage" in [call.method for call in slack.api_calls], "the posting", 20.0)
    gone.set()
    offer = await sees_offer(alert)
    await slack.wait_for_events()
    await running.kill()
    await start_again(running, slack)
    marked = await sees_offer(slack.post_alert(ops, "monitoring", "Order 700002 waits"))

    assert offers(ops) == [offer, marked]
    assert slack.problems == []


async def test_a_flood_is_offered_ten_times_and_summed_up_while_commands_are_answered(
    running: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ops: Channel
) -> None:
    for number in range(500):
        certcentral.add_order(700000 + number, [f"n{number}.example.com"])

    alerts = [slack.post_alert(ops, "monitoring", f"Order {700000 + number} waits") for number in range(500)]
    waited = []
    for number in range(5):
        began = time.monotonic()
        delivery = await ana.command("/dcv-resend", str(700000 + number), pki)
        form = await ana.sees_form(f"Recipient for n{number}.example.com")
        waited.append((delivery.after, time.monotonic() - began))
        await form.close()
    await slack.wait_for_events()
    summary = await slack.sees_message(ops, "490 more alerts mention", timeout=120.0)

    assert max(acked for acked, _ in waited) < 3.0
    assert len(offers(ops)) == 10
    assert [message for message in ops.messages if message.content.says(SUMMARY)] == [summary]
    assert {offer.thread_ts for offer in offers(ops)} == {alert.ts for alert in alerts[:10]}
    assert all(call.status == 200 for call in certcentral.calls)
    assert certcentral.resends == []
    assert slack.problems == []


async def test_somebody_who_may_not_resend_is_refused_at_both_buttons_and_nothing_is_read(
    running: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ops: Channel,
    sees_offer: SeesOffer,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    bob = slack.add_person("bob")
    offer = await sees_offer(slack.post_alert(ops, "monitoring", "Order 700001 waits"))
    read = len(certcentral.calls)

    for number, button in enumerate(BUTTONS, start=1):
        await bob.click(offer, button)
        await slack.wait_for(lambda heard=number: len(bob.ephemerals) == heard, f"a whisper after {button}", 20.0)

    assert all("You can't" in whisper.visible_text for whisper in bob.ephemerals)
    assert {whisper.thread_ts for whisper in bob.ephemerals} == {offer.thread_ts}
    assert offer.buttons == BUTTONS
    assert bob.open_forms == []
    assert len(certcentral.calls) == read
    assert slack.problems == []


async def test_not_now_is_reported_and_keeps_the_order_quiet_while_it_can_still_be_resent(
    running: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    ops: Channel,
    sees_offer: SeesOffer,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["mail.example.com"])
    alert = slack.post_alert(ops, "monitoring", "Order 700001 waits")
    offer = await sees_offer(alert)

    await ana.click(offer, "Not now")
    await slack.sees_message(ops, f"Snoozed by <@{ana.id}> until", thread=alert)
    slack.post_alert(ops, "monitoring", "Order 700001 waits again")
    marked = await sees_offer(slack.post_alert(ops, "monitoring", "Order 700002 waits"))
    await ana.click(offer, "Resend 700001…")
    form = await ana.sees_form("Recipient for shop.example.com")

    assert offers(ops) == [offer, marked]
    assert offer.buttons == ["Resend 700001…"]
    assert sends(form)
    assert slack.problems == []


async def test_a_press_on_an_offer_whose_order_is_done_says_so(
    running: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    ops: Channel,
    sees_offer: SeesOffer,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    offer = await sees_offer(slack.post_alert(ops, "monitoring", "Order 700001 waits"))

    certcentral.issue(700001)
    await ana.click(offer, "Resend 700001…")
    form = await ana.sees_form("Order 700001 (shop.example.com) has been issued.")

    assert not sends(form)
    assert certcentral.resends == []
    assert slack.problems == []


async def test_everything_else_is_met_with_silence_and_reads_nothing(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ops: Channel,
    sees_offer: SeesOffer,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["mail.example.com"])
    partners, hidden = slack.add_channel("partners", ext_shared=True), slack.add_channel("hidden", ext_shared=True)
    bot = make_bot(DCV_ALERT_CHANNELS=",".join([ops.id, partners.id, hidden.id]))
    await bot.start()
    await slack.wait_for_connection(60)
    said = "Order 700001 waits"
    plain = await ana.post(ops, "Good morning")

    await ana.post(ops, said, thread_ts=plain.ts)
    slack.post_alert(ops, "monitoring", said, thread_ts=plain.ts)
    slack.edit(plain, slack.build_content(said))
    slack.post(ops, slack.bot, slack.build_content(said))
    slack.post_alert(partners, "monitoring", said)
    slack.post_alert(pki, "monitoring", said)
    for number, event in enumerate(_silent(ana, plain, said)):
        slack.send_event(
            {"type": "message", "channel": ops.id, "channel_type": "channel", **event}, event_id=f"Ev{number}"
        )
    # Slack's word on the event may be missing; the channel itself says that strangers read along.
    base = {"type": "message", "channel": hidden.id, "channel_type": "channel", "ts": slack.ids.new_ts(), "text": said}
    slack.send_event({**base, "user": ana.id}, is_ext_shared_channel=False)
    await slack.wait_for_events()
    before = [call.name for call in certcentral.calls]
    marked = await sees_offer(slack.post_alert(ops, "monitoring", "Order 700002 waits"))

    assert before == ["GET /user/me"]
    assert [message for channel in slack.channels.values() for message in offers(channel)] == [marked]
    assert not any("700001" in call.path for call in certcentral.calls)
    assert slack.problems == []


def _silent(ana: SimulatedUser, plain: Message, said: str) -> list[dict[str, object]]:
    """Events that a channel brings and that are no new message."""
    ts = f"{int(float(plain.ts))}.999"
    shown = {**plain.as_json(), "text": said, "attachments": [{"text": said, "is_msg_unfurl": True}]}
    return [
        {"subtype": "channel_join", "user": ana.id, "text": f"{said}, says <@{ana.id}>, who joined", "ts": f"{ts}1"},
        {"subtype": "channel_topic", "user": ana.id, "text": said, "topic": said, "ts": f"{ts}2"},
        {
            "subtype": "message_changed",
            "hidden": True,
            "message": shown,
            "previous_message": plain.as_json(),
            "ts": f"{ts}3",
        },
        {
            "subtype": "message_deleted",
            "hidden": True,
            "previous_message": shown,
            "deleted_ts": plain.ts,
            "ts": f"{ts}4",
        },
        {"subtype": "thread_broadcast", "user": ana.id, "text": said, "thread_ts": plain.ts, "ts": f"{ts}5"},
        {"subtype": "bot_message", "bot_id": "B0OTHER", "text": said, "ts": "1000000000.000100"},
    ]


async def test_a_private_channel_and_a_message_of_a_person_get_their_offer_too(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    sees_offer: SeesOffer,
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    vault = slack.add_channel("vault", private=True)
    bot = make_bot(DCV_ALERT_CHANNELS=vault.id)
    await bot.start()
    await slack.wait_for_connection(60)

    offer = await sees_offer(await ana.post(vault, "shop.example.com is not validated yet"))

    assert offer.buttons == BUTTONS
    assert slack.problems == []


@pytest.mark.fault("S20")
async def test_an_offer_whose_thread_slack_cannot_read_holds_up_no_other_alert(
    running: BotProcess, slack: Slack, certcentral: CertCentral, ops: Channel, sees_offer: SeesOffer
) -> None:
    """The answer to its post was lost, so the bot must look for it before it posts again."""
    certcentral.add_order(700003, ["first.example.com"])
    certcentral.add_order(700004, ["second.example.com"])
    slack.faults.plan("chat.postMessage", drops(effect=False))
    slack.faults.plan("conversations.replies", answers(500, {"ok": False, "error": "internal_error"}), times=None)
    first = slack.post_alert(ops, "monitoring", "Order 700003 waits")
    await slack.wait_for(
        lambda: any(call.method == "chat.postMessage" for call in slack.api_calls), "the offer that is lost", 20.0
    )

    second = slack.post_alert(ops, "monitoring", "Order 700004 waits")
    await sees_offer(second)
    slack.faults.clear()
    third = slack.post_alert(ops, "monitoring", "Order 700004 waits again")
    await slack.sees_message(ops, "Order 700003", thread=first, timeout=20.0)

    assert len(offers(ops)) == 2
    assert ops.thread(third.ts) == []


@pytest.mark.fault("M7")
async def test_who_may_not_ask_for_the_status_causes_no_read_and_no_offer(
    running: BotProcess, slack: Slack, certcentral: CertCentral, ops: Channel, sees_offer: SeesOffer, ledger: Rows
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["mail.example.com"])
    said = "Order 700001 for shop.example.com waits"
    outsiders = [
        slack.add_person("gil", guest=True),
        slack.add_person("uma", ultra_guest=True),
        slack.add_person("stu", stranger=True),
        slack.add_person("dee", deleted=True),
        slack.add_person("oli", team_id="T0ELSEWHERE"),
        slack.add_person("bob"),
    ]

    for person in outsiders:
        await person.post(ops, said)
    guest = outsiders[0]
    for number, event in enumerate(
        [
            {"user": guest.id, "subtype": "me_message"},
            {"user": guest.id, "subtype": "file_share", "files": [{"filetype": "email", "subject": said}]},
            # An app may post in the name of a person.
            {"user": guest.id, "bot_id": "B0APP", "app_id": "A0APP"},
            {"user": guest.id, "bot_id": "B0APP", "subtype": "bot_message"},
            {"user": "USLACKBOT", "bot_id": "B01"},
            {"user": "U0MON", "bot_id": "B0MON", "user_team": "T0ELSEWHERE", "source_team": "T0ELSEWHERE"},
            {"username": "nobody"},
        ]
    ):
        base = {"type": "message", "channel": ops.id, "channel_type": "channel", "ts": slack.ids.new_ts(), "text": said}
        slack.send_event({**base, **event}, event_id=f"Ev{number}")
    await slack.wait_for_events()
    marked = await sees_offer(slack.post_alert(ops, "monitoring", "Order 700002 waits"))

    assert offers(ops) == [marked]
    assert not any("700001" in call.path for call in certcentral.calls)
    assert ledger() == []
    assert [person.ephemerals for person in outsiders] == [[]] * len(outsiders)
    assert slack.problems == []


@pytest.mark.fault("K13")
async def test_what_got_no_button_is_offered_for_the_next_alert_that_names_it(
    running: BotProcess, slack: Slack, certcentral: CertCentral, ops: Channel, sees_offer: SeesOffer
) -> None:
    for number in range(8):
        certcentral.add_order(740000 + number, [f"n{number}.example.org"])
    names = "\n".join(f"- n{number}.example.org" for number in range(7))
    first = await sees_offer(slack.post_alert(ops, "weekly", f"Weekly list:\n{names}"))

    again = await sees_offer(slack.post_alert(ops, "monitoring", "order 740006 for n6.example.org is stuck"))

    assert first.buttons == [*(f"Resend {740000 + number}…" for number in range(5)), "Choose from 2…", "Not now"]
    assert again.content.says("Order 740006 · n6.example.org is waiting")
    assert slack.problems == []


@pytest.mark.fault("K16")
async def test_of_domains_of_one_name_the_pending_one_is_offered(
    running: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ops: Channel, sees_offer: SeesOffer
) -> None:
    certcentral.add_domain(9002, "twice.net")
    valid = copy.copy(certcentral.domains[9002])
    valid.id, valid.pending, valid.approved = 9001, False, certcentral.now()
    valid.validated_until = certcentral.now() + timedelta(days=100)
    certcentral.domains = {9001: valid, 9002: certcentral.domains[9002], 9003: dataclasses.replace(valid, id=9003)}

    offer = await sees_offer(slack.post_alert(ops, "monitoring", "The domain twice.net waits"))
    await ana.click(offer, "Resend twice.net…")
    form = await ana.sees_form("9002 · twice.net")

    assert sends(form)
    assert slack.problems == []


async def test_an_offer_says_what_became_of_its_orders_and_its_buttons_go(
    running: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ops: Channel, sees_offer: SeesOffer
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["mail.example.com"])
    alert = slack.post_alert(ops, "monitoring", "Order 700001 and order 700002 wait")
    offer = await sees_offer(alert)
    assert offer.buttons == ["Resend 700001…", "Resend 700002…", "Not now"]

    await ana.command("/dcv-resend", "700001 to admin@example.com", ops)
    await slack.wait_for(lambda: offer.content.says(f"📨 Resent by <@{ana.id}> "), "the resend in the offer", 30.0)

    assert offer.content.says("Order 700002 · mail.example.com is waiting")
    assert offer.buttons == ["Resend 700002…", "Not now"]
    assert slack.problems == []


async def test_an_order_and_its_domain_are_one_email_and_so_one_line(
    running: BotProcess, slack: Slack, certcentral: CertCentral, ops: Channel, sees_offer: SeesOffer
) -> None:
    certcentral.add_domain(1234, "example.org")
    certcentral.add_order(700001, ["pay.example.org"], product="ov")

    offer = await sees_offer(slack.post_alert(ops, "monitoring", "example.org, order 700001: DCV is pending"))

    assert offer.buttons == BUTTONS
    assert slack.problems == []


async def test_the_rest_of_a_long_list_is_chosen_in_the_form_and_the_summary_shows_what_is_pending(
    running: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ops: Channel, sees_offer: SeesOffer
) -> None:
    for number in range(20):
        certcentral.add_order(740000 + number, [f"n{number}.example.org"])
    names = " ".join(f"n{number}.example.org" for number in range(8))

    offer = await sees_offer(slack.post_alert(ops, "weekly", f"Certificates to validate: {names}"))
    await ana.click(offer, "Choose from 3…")
    form = await ana.sees_form("740007")
    for number in range(10, 20):
        slack.post_alert(ops, "weekly", f"Order {740000 + number} waits")
    summary = await slack.sees_message(ops, SUMMARY, timeout=30.0)
    await ana.click(summary, "Show pending orders")
    await ana.receives("740009")

    assert not sends(form)
    assert not form.says("740004")
    assert slack.problems == []


async def test_an_email_of_digicert_in_the_channel_is_an_alert_also_if_only_its_subject_arrives(
    running: BotProcess, slack: Slack, certcentral: CertCentral, ops: Channel, sees_offer: SeesOffer
) -> None:
    details: tuple[EmailDetail, ...] = ("whole", "subject", "title")
    for number in range(len(details)):
        certcentral.add_order(700001 + number, [f"n{number}.example.com"])
    for number, slack.email_detail in enumerate(details):
        subject = f"[Action Required] Approve Certificate Request for n{number}.example.com Order #{700001 + number}"
        email = slack.post_email(ops, subject, "Open the link.", sender="no-reply@digitalcertvalidation.com")
        offer = await sees_offer(email)
        assert offer.buttons == [f"Resend {700001 + number}…", "Not now"]

    assert slack.problems == []
