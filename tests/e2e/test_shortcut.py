"""The shortcut on a message: what it names is found, confirmed, and opens the form; the result goes to its thread."""

from collections.abc import Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from tests.e2e.helpers import SENT, Rows, is_chained, kinds, sends

SHORTCUT = "dcv_resend_message"
DV = "GeoTrust DV SSL"
# An alert of a monitoring system, as it comes by webhook: no text, all in attachments.
ATTACHED = [{"title": "DCV pending", "fields": [{"title": "Domain", "value": "shop.example.com", "short": True}]}]

Use = Callable[[Message], Awaitable[Form]]


@pytest.fixture
def use(slack: Slack, ana: SimulatedUser) -> Use:
    """Let Ana use the shortcut, and hand over her form once DigiCert's answer is drawn in it."""

    async def use(message: Message) -> Form:
        before = {form.view_id for form in ana.open_forms}

        def drawn() -> Form | None:
            new = [form for form in ana.open_forms if form.view_id not in before]
            return next((form for form in new if not form.says("Looking up")), None)

        await ana.shortcut(SHORTCUT, message)
        return await slack.wait_for(drawn, "the form for a message", 20.0)

    return use


async def sees_end(slack: Slack, channel: Channel, thread: str) -> list[Message]:
    """Wait for the outcome in a thread, and return the bot's replies there."""

    def find() -> list[Message] | None:
        mine = [reply for reply in channel.thread(thread) if reply.by is slack.bot]
        return mine if mine and mine[0].content.says(SENT) else None

    return await slack.wait_for(find, "the outcome in the thread", 20.0)


def offered(form: Form) -> dict[str, str]:
    """The choices of a form that names several, each with its description."""
    [row] = [block for block in form.blocks if block["block_id"] == "match"]
    return {option["text"]["text"]: option["description"]["text"] for option in row["element"]["options"]}


async def test_a_message_opens_the_form_filled_in_and_the_result_goes_to_its_thread(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, use: Use, ledger: Rows
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    alert = slack.post_alert(pki, "monitoring", attachments=ATTACHED, classic=True)

    form = await use(alert)
    assert form.selected(action_id="target") == ["700001 · shop.example.com"]
    assert form.says("From the field “Domain” of the message")
    assert form.says("the thread of the message")
    assert certcentral.resends == []
    await form.submit()
    [card] = await sees_end(slack, pki, alert.ts)

    assert card.text.startswith("📨 shop.example.com · ")
    assert "Order 700001 · requested by " in card.text
    assert "Resend to another address…" in card.buttons
    assert [message for message in pki.messages if not message.is_reply] == [alert]
    assert len(certcentral.resends) == 1
    assert kinds(ledger(), 700001) == ["sending", "sent"]
    assert is_chained(ledger())
    assert slack.problems == []


async def test_on_a_reply_the_result_goes_to_the_thread_that_the_reply_is_in(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, use: Use
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    root = await ana.post(pki, "Does anybody know what hangs?")
    reply = await ana.post(pki, "It is order 700001", thread_ts=root.ts)

    await (await use(reply)).submit()
    mine = await sees_end(slack, pki, root.ts)

    assert all(message.thread_ts == root.ts for message in mine)
    assert slack.problems == []


@pytest.mark.parametrize("private", [False, True])
async def test_where_the_bot_is_no_member_the_result_is_sent_directly_with_the_reason(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, use: Use, private: bool
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    far = slack.add_channel("far", member=False, private=private)
    alert = slack.post_alert(far, "monitoring", "Order 700001 waits")

    await (await use(alert)).submit()
    result = await ana.gets_direct_message(SENT)

    why = "I don't have access to" if private else "I'm not in"
    assert f"{why} <#{far.id}>" in result.text
    assert far.messages == [alert]
    assert slack.problems == []


async def test_several_that_wait_are_a_choice_that_says_where_each_came_from(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, use: Use
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["mail.example.com"])
    certcentral.add_order(700003, ["done.example.com"], status="issued")
    certcentral.add_order(700004, ["dns.example.com"], method="dns-txt-token")
    text = "Orders behind: order 700002, order 700003, order 700004"
    alert = slack.post_alert(pki, "monitoring", text, attachments=ATTACHED)

    new = "waiting less than a minute"
    form = await use(alert)
    assert form.says("This message mentions 2 pending orders")
    assert offered(form) == {
        f"700002 · {DV} · {new}": "mail.example.com · from the text",
        f"700001 · {DV} · {new}": "shop.example.com · from the field “Domain”",
    }
    await form.choose(f"700001 · {DV}", action_id="match")
    form = await form.person.sees_form("Recipient for shop.example.com")
    await form.submit()
    [root] = await sees_end(slack, pki, alert.ts)

    assert root.content.says("Order 700001")
    assert slack.problems == []


async def test_nothing_that_waits_is_an_empty_form_with_a_sentence(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, use: Use
) -> None:
    certcentral.add_order(700003, ["done.example.com"], status="issued")
    certcentral.add_order(700004, ["dns.example.com"], method="dns-txt-token")
    said = {
        "Good morning": ["I couldn't find an order number or domain in this message."],
        "See order 700003": ["Nothing is pending for order 700003.", "(done.example.com) has been issued."],
        "See order 700004": ["Nothing is pending for order 700004.", "uses DNS validation (TXT)"],
        "Order 700003 and order 700004": ["Nothing is pending for order 700003 and order 700004."],
        "Where is shop.example.com?": ["Nothing is pending for shop.example.com.", "No order or domain found"],
    }

    for text, sentences in said.items():
        form = await use(slack.post_alert(pki, "monitoring", text))
        assert all(form.says(sentence) for sentence in sentences), form.text
        assert not sends(form)
        await form.close()

    assert certcentral.resends == []
    assert slack.problems == []


async def test_a_person_who_may_not_resend_learns_so_and_nothing_is_read(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    bob = slack.add_person("bob")
    alert = slack.post_alert(pki, "monitoring", "Order 700001 waits")

    await bob.shortcut(SHORTCUT, alert)
    whisper = await bob.receives("You can't resend")

    assert whisper.thread_ts == alert.ts
    assert bob.open_forms == []
    assert [call.name for call in certcentral.calls] == ["GET /user/me"]
    assert slack.problems == []


async def test_a_digicert_that_is_away_is_reported_in_the_form(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, use: Use
) -> None:
    alert = slack.post_alert(pki, "monitoring", "Order 700001 waits")
    certcentral.faults.plan("GET /domain", answers(429, {"errors": []}, {"Retry-After": "60"}), times=None)

    form = await use(alert)

    assert form.says("DigiCert is limiting requests.")
    assert not sends(form)
    assert slack.problems == []


@pytest.mark.fault("K18")
async def test_beside_dotted_keys_the_real_name_is_explained(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, use: Use
) -> None:
    certcentral.add_order(700501, ["done.example.org"], status="issued")
    fields = [
        "monitor.name: Shop\nhost.name: probe-1\nurl.domain: done.example.org\nevent.id: 17",
        "service.name=shop event.id=17 deployment.name=blue done.example.org",
        '{"host.name": "web-1", "event.id": "17", "url.domain": "done.example.org", "user.email": "x"}',
    ]

    for text in fields:
        form = await use(slack.post_alert(pki, "monitoring", text))
        assert form.says("Order 700501 (done.example.org) has been issued."), form.text
        assert not any(form.says(key) for key in ("host.name", "event.id", "service.name"))
        await form.close()

    assert slack.problems == []


async def test_a_person_who_asks_is_shown_what_waits_for_a_parent(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, use: Use
) -> None:
    certcentral.add_domain(1234, "example.org")
    certcentral.add_order(700304, ["*.apps.wildly.net"])
    leads_to = {
        "login.example.org is down": "1234 · example.org",
        "login.apps.wildly.net is down": "700304 · *.apps.wildly.net",
    }

    for text, title in leads_to.items():
        form = await use(slack.post_alert(pki, "monitoring", text))
        assert form.selected(action_id="target") == [title]
        await form.close()

    assert slack.problems == []


async def test_a_guest_gets_nothing_from_the_shortcut_on_any_message(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ledger: Rows
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    gil = slack.add_person("gil", guest=True)

    for text in ("Order 700001 waits", "Nothing here"):
        await gil.shortcut(SHORTCUT, slack.post_alert(pki, "monitoring", text))
    await slack.wait_for(lambda: len(gil.ephemerals) == 2, "two refusals", 20.0)

    assert {whisper.visible_text for whisper in gil.ephemerals} == {gil.ephemerals[0].visible_text}
    assert gil.ephemerals[0].content.says("Guests can't resend")
    assert gil.open_forms == []
    assert [call.name for call in certcentral.calls] == ["GET /user/me"]
    assert {row["kind"] for row in ledger()} == {"denied"}
    assert slack.problems == []
