"""Actions on the page reach the app in Slack's format, and their results come back."""

import pytest

from sandbox.certcentral import CertCentral
from sandbox.demo_workspace import DemoWorkspace
from sandbox.slack import Slack
from sandbox.web.actions import REQUIRED
from tests.sandbox.slack.helpers import (
    NO_ACK,
    Puppet,
    button,
    buttons,
    field,
    modal,
    note,
    option,
    search_field,
    section,
)
from tests.sandbox.web.conftest import Visitor


@pytest.fixture
async def app(slack: Slack):
    async with Puppet(slack) as puppet:
        yield puppet


def _opened(slack: Slack, workspace: DemoWorkspace, *blocks, **more) -> str:
    view = slack.modals.open(workspace.ana, modal(*blocks, **more))
    slack.changes.notify_all()
    return view.id


async def test_a_command_is_sent_as_it_was_typed(ana: Visitor, app: Puppet, workspace: DemoWorkspace) -> None:
    answer = await ana.act("command", channel=workspace.pki.id, command="/dcv-resend", text="<b> & co")

    sent = app.envelopes[0]["payload"]
    assert answer == {"ok": True, "acked": True}
    assert (sent["command"], sent["text"], sent["user_id"]) == (
        "/dcv-resend",
        "&lt;b&gt; &amp; co",
        workspace.ana.id,
    )


async def test_a_command_has_the_ids_of_those_whom_it_mentions(
    ana: Visitor, app: Puppet, workspace: DemoWorkspace
) -> None:
    typed = "why @ben @Gita Rao @pki-team in #pki, @benno <x> ops@ben"
    await ana.act("command", channel=workspace.pki.id, command="/dcv-resend", text=typed)

    ben, gita, group = workspace.ben.id, workspace.gita.id, workspace.pki_team.id
    assert app.envelopes[0]["payload"]["text"] == (
        f"why <@{ben}|ben> <@{gita}|gita> <!subteam^{group}|@pki-team> in <#{workspace.pki.id}|pki>, "
        "@benno &lt;x&gt; ops@ben"
    )


async def test_a_command_without_an_ack_shows_slacks_error(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    slack.ack_seconds = 0.05
    app.answer = lambda envelope: NO_ACK

    await ana.act("command", channel=workspace.pki.id, command="/dcv-resend", text="")

    await ana.sees(lambda: '/dcv-resend failed with the error "operation_timeout"' in ana.texts(workspace.pki.id))


async def test_a_command_to_an_app_that_is_away_fails_at_once(ana: Visitor, workspace: DemoWorkspace) -> None:
    await ana.act("command", channel=workspace.pki.id, command="/dcv-resend", text="")

    await ana.sees(lambda: '/dcv-resend failed with the error "dispatch_failed"' in ana.texts(workspace.pki.id))


async def test_a_command_that_no_manifest_declares_is_not_sent(
    ana: Visitor, app: Puppet, workspace: DemoWorkspace
) -> None:
    await ana.act("command", channel=workspace.pki.id, command="/giphy", text="cat")

    await ana.sees(lambda: "/giphy is not a valid command." in ana.texts(workspace.pki.id))
    assert app.envelopes == []


async def test_commands_do_not_work_in_threads(ana: Visitor, app: Puppet, workspace: DemoWorkspace) -> None:
    root = workspace.pki.messages[0]

    await ana.act("command", channel=workspace.pki.id, command="/dcv-resend", text="", thread_ts=root.ts)

    await ana.sees(lambda: "/dcv-resend is not supported in threads. Sorry!" in ana.texts(workspace.pki.id))
    assert app.envelopes == []


async def test_people_from_elsewhere_have_no_commands(sam: Visitor, app: Puppet, slack: Slack) -> None:
    partners = next(channel for channel in slack.channels.values() if channel.ext_shared)

    await sam.act("command", channel=partners.id, command="/dcv-resend", text="")

    await sam.sees(lambda: "/dcv-resend is not a valid command." in sam.texts(partners.id))
    assert app.envelopes == []


async def test_a_channel_that_one_does_not_see_cannot_be_written_to(sam: Visitor, workspace: DemoWorkspace) -> None:
    answer = await sam.act("post", channel=workspace.pki.id, text="hello")

    assert answer == {"ok": False, "error": "This channel does not exist, or you are not in it."}


async def test_a_message_retains_its_spaces_and_loses_its_markup(ana: Visitor, workspace: DemoWorkspace) -> None:
    await ana.act("post", channel=workspace.pki.id, text="a  <script>\nb")

    message = workspace.pki.messages[-1]
    assert message.text == "a  &lt;script&gt;\nb"
    assert message.blocks[0]["elements"][0]["elements"] == [{"type": "text", "text": "a  <script>\nb"}]


async def test_a_form_is_filled_in_by_block_and_submitted(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    options = [option("admin@"), option("webmaster@")]
    element = {"type": "static_select", "action_id": "to", "options": options}
    first, second = (field(label, element) | {"block_id": label} for label in ("a.example", "b.example"))
    view = _opened(slack, workspace, first, second, note())

    await ana.act("choose", view=view, block_id="a.example", action_id="to", wanted=options[1])
    await ana.act("choose", view=view, block_id="b.example", action_id="to", wanted=options[0])
    await ana.act("fill", view=view, block_id="block_reason", action_id="reason", text="new mailbox")
    answer = await ana.act("submit", view=view)

    values = app.envelopes[0]["payload"]["view"]["state"]["values"]
    assert answer == {"ok": True, "acked": True, "errors": {}}
    assert [values[block]["to"]["selected_option"]["value"] for block in values if "to" in values[block]] == [
        "webmaster@",
        "admin@",
    ]
    assert values["block_reason"]["reason"]["value"] == "new mailbox"


async def test_what_slack_would_not_send_comes_back_by_block(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    view = _opened(slack, workspace, note())

    answer = await ana.act("submit", view=view)

    assert answer["errors"] == {"block_reason": REQUIRED}
    assert app.envelopes == []


async def test_what_the_app_finds_wrong_comes_back_by_block(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    app.answer = lambda envelope: {"response_action": "errors", "errors": {"block_reason": "say more"}}
    view = _opened(slack, workspace, note(optional=True))

    answer = await ana.act("submit", view=view)

    assert answer == {"ok": True, "acked": True, "errors": {"block_reason": "say more"}}


async def test_a_submit_without_an_ack_is_reported(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    slack.ack_seconds = 0.05
    app.answer = lambda envelope: NO_ACK
    view = _opened(slack, workspace, note(optional=True))

    assert (await ana.act("submit", view=view))["acked"] is False


async def test_a_search_is_asked_and_its_find_chosen(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    found = option("700001 · shop.example.com", "order:700001")
    app.answer = lambda envelope: {"options": [found]} if "value" in envelope["payload"] else None
    view = _opened(slack, workspace, search_field("Order"))
    place = {"view": view, "block_id": "block_target", "action_id": "target"}

    answer = await ana.act("search", **place, text="shop")
    await ana.act("choose", **place, wanted=found)

    assert answer["options"] == [{"text": found["text"]["text"], "value": "order:700001", "description": None}]
    state = slack.modals.find(view).state()["values"]["block_target"]["target"]
    assert state["selected_option"]["value"] == "order:700001"


async def test_a_search_without_an_answer_has_no_options(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    slack.ack_seconds = 0.05
    app.answer = lambda envelope: NO_ACK
    view = _opened(slack, workspace, search_field("Order"))

    answer = await ana.act("search", view=view, block_id="block_target", action_id="target", text="shop")

    assert answer == {"ok": True, "options": None}


async def test_a_modal_goes_when_it_is_closed(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    view = _opened(slack, workspace, note(optional=True), notify_on_close=True)
    await ana.sees(lambda: ana.parts.get("view", {}).get("id") == view)

    await ana.act("close", view=view)

    await ana.sees(lambda: "view" not in ana.parts)
    assert app.envelopes[0]["payload"]["type"] == "view_closed"
    assert await ana.act("submit", view=view) == {"ok": False, "error": "This form is closed."}


async def test_a_button_is_pressed_by_its_block(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    blocks = [buttons(button("Check now", "check", value=number)) | {"block_id": number} for number in ("1", "2")]
    message = slack.post(workspace.pki, slack.bot, slack.build_content("two", blocks))

    await ana.act("click", channel=workspace.pki.id, ts=message.ts, block_id="2", action_id="check")

    assert app.envelopes[0]["payload"]["actions"][0]["value"] == "2"


async def test_a_select_below_a_message_notifies_the_app(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    choice = option("in an hour", "1h")
    select = {"type": "static_select", "action_id": "when", "options": [choice]}
    message = slack.post(
        workspace.pki, slack.bot, slack.build_content("later?", [section("Later?", block_id="b", accessory=select)])
    )

    await ana.act(
        "choose_below", channel=workspace.pki.id, ts=message.ts, block_id="b", action_id="when", wanted=choice
    )

    sent = app.envelopes[0]["payload"]
    assert sent["actions"][0]["selected_option"] == choice
    assert sent["state"]["values"]["b"]["when"]["selected_option"] == choice


async def test_a_search_below_a_message_is_asked(
    ana: Visitor, app: Puppet, slack: Slack, workspace: DemoWorkspace
) -> None:
    app.answer = lambda envelope: {"options": [option("Ben", "ben")]}
    select = {"type": "external_select", "action_id": "who"}
    message = slack.post(
        workspace.pki, slack.bot, slack.build_content("who?", [section("Who?", block_id="b", accessory=select)])
    )
    place = {"channel": workspace.pki.id, "ts": message.ts, "block_id": "b", "action_id": "who"}

    found = await ana.act("search_below", **place, text="be")
    slack.ack_seconds = 0.05
    app.answer = lambda envelope: NO_ACK

    assert found["options"] == [{"text": "Ben", "value": "ben"}]
    assert app.envelopes[0]["payload"]["container"]["message_ts"] == message.ts
    assert (await ana.act("search_below", **place, text="bea"))["options"] is None


async def test_a_message_shortcut_names_the_message(ana: Visitor, app: Puppet, workspace: DemoWorkspace) -> None:
    alert = workspace.alerts.messages[0]

    await ana.act("shortcut", channel=workspace.alerts.id, ts=alert.ts, callback_id="dcv_resend_message")

    sent = app.envelopes[0]["payload"]
    assert (sent["type"], sent["message"]["ts"]) == ("message_action", alert.ts)


async def test_an_approved_mail_validates_its_name(ana: Visitor, certcentral: CertCentral) -> None:
    order = certcentral.add_order(700001, ["shop.example.com"])
    certcentral.send_mail("example.com", "admin@example.com", "en", order_id=order.id)

    await ana.act("approve", mail=1)

    await ana.sees(lambda: ana.parts.get("mail/1", {}).get("approved"))
    assert ana.parts["order/700001"]["status"] == "issued"
    assert (await ana.act("approve", mail=7))["ok"] is False
