"""Messages of every kind, drawn and used; nothing in them runs."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from sandbox.web.sample_alerts import SAMPLE_ALERTS
from tests.page.page_object import Screen
from tests.sandbox.slack.helpers import NO_ACK, Puppet, button, buttons, option, section, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

ShowStatus = Callable[..., Awaitable[Screen]]


def _post(demo: Demo, text: str = "", blocks: Any = None, **more: Any) -> Any:
    return demo.slack.post(demo.workspace.pki, demo.slack.bot, demo.slack.build_content(text, blocks), **more)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_alert_is_drawn_whole(get_channel: ShowStatus, small_demo: Demo, scheme: str) -> None:
    screen = await get_channel(small_demo, color_scheme=scheme)
    await screen.go_to("cert-alerts")
    for alert in SAMPLE_ALERTS.values():
        alert.post(small_demo.slack, small_demo.workspace.alerts)

    await expect(screen.conversation.locator(".message")).to_have_count(len(SAMPLE_ALERTS) + 1)
    await expect(screen.messages("Morning report").get_by_role("table")).to_contain_text("corp.example.com +2")
    await expect(screen.messages("Morning report").locator("ol li")).to_have_count(2)
    await expect(screen.conversation.get_by_role("img", name="Orders per day of this week")).to_be_visible()
    await expect(screen.conversation.locator(".unknown")).to_have_count(1)
    await expect(screen.conversation.locator(".unknown")).to_contain_text("Unknown block: hologram")
    await screen.is_sound()


async def test_no_message_can_run_script_in_the_page(small_screen: Screen, small_demo: Demo) -> None:
    await small_screen.post_alert("Free Monitoring")

    message = small_screen.messages("Down:")
    await expect(message).to_contain_text("<script>document.title='owned'</script>")
    await expect(message).to_contain_text('<img src=x onerror="document.title=')
    await expect(message.get_by_role("link")).to_have_count(0)
    assert await small_screen.page.title() == "dcv-resend sandbox"
    assert await small_screen.page.locator("main :is(script, iframe, object, img[src='x'])").count() == 0
    await small_screen.is_sound()


MARKED_UP = [
    ("*bold* _italic_ ~struck~ `code`", "strong", "bold"),
    ("a_b_c and *.example.net, *.example.org", "em, strong", None),
    ("&lt;b&gt; &amp;amp;", "b", None),
    (":warning: careful", "[role=img][aria-label=warning] svg", ""),
    ("✅ done", "[role=img][aria-label='white check mark'] svg", ""),
    (":unheard_of: :10:00:", "[role=img]", None),
    ("> quoted\nnot quoted", "blockquote", "quoted"),
    ("```\n*raw*\n```", "pre", "*raw*"),
    ("<https://example.com/a?b=1&amp;c=2|a page>", "a[href='https://example.com/a?b=1&c=2']", "a page"),
    ("<javascript:alert(1)|a page>", "a", None),
    ("<!date^0^{date_num}|the epoch>", "time", "1970-01-01"),
    ("<!date^0^{nonsense}|the epoch>", "time", "the epoch"),
    ("<!here> and <!subteam^S1|@pki>", ".mention-me", "@here"),
]


async def test_mrkdwn_reads_as_in_slack(get_channel: ShowStatus, small_demo: Demo) -> None:
    for text, _, _ in MARKED_UP:
        _post(small_demo, blocks=[section(text)])
    screen = await get_channel(small_demo, timezone_id="UTC")

    for number, (_, selector, shown) in enumerate(reversed(MARKED_UP), start=1):
        found = screen.conversation.locator(".message").nth(-number).locator(f".section-text :is({selector})")
        if shown is None:
            await expect(found).to_have_count(0)
        else:
            await expect(found.first).to_have_text(shown)


async def test_an_edit_and_a_reply_come_without_a_reload(small_screen: Screen, small_demo: Demo) -> None:
    root = _post(small_demo, "Sending")
    await expect(small_screen.messages("Sending")).to_be_visible()

    small_demo.slack.edit(root, small_demo.slack.build_content("Sent"))
    await expect(small_screen.messages("Sent")).to_contain_text("(edited)")
    _post(small_demo, "in detail", thread_ts=root.ts)
    await small_screen.open_thread("Sent")
    _post(small_demo, "in more detail", thread_ts=root.ts)

    await expect(small_screen.thread.get_by_text("in more detail")).to_be_visible()
    await expect(small_screen.messages("Sent")).to_contain_text("2 replies")
    await expect(small_screen.conversation.get_by_text("in detail")).to_have_count(0)


async def test_what_one_writes_is_there_and_new_messages_elsewhere_are_counted(
    small_screen: Screen, small_demo: Demo
) -> None:
    await small_screen.type("a  <b>bold</b> claim")
    await expect(small_screen.messages("a <b>bold</b> claim")).to_contain_text("Ana Ruiz")

    await small_screen.go_to("cert-alerts")
    _post(small_demo, "ping")

    channels = small_screen.page.get_by_role("navigation", name="Channels")
    await expect(channels.get_by_role("button", name="pki 1 new")).to_be_visible()
    await small_screen.go_to("pki")
    await expect(channels.get_by_role("button", name="pki", exact=True)).to_be_visible()


async def test_a_dangerous_button_asks_first(small_screen: Screen, small_demo: Demo, app: Puppet) -> None:
    question = {"title": words("Stop following?"), "text": words("Nobody is told."), "confirm": words("Stop")}
    question |= {"deny": words("Keep on"), "style": "danger"}
    _post(small_demo, "following", [buttons(button("Stop following", "stop", style="danger", confirm=question))])

    press = small_screen.conversation.get_by_role("button", name="Stop following")
    await press.click()
    await small_screen.is_sound()
    await small_screen.form.get_by_role("button", name="Keep on").click()
    await expect(small_screen.form).to_have_count(0)
    assert app.envelopes == []
    await press.click()
    await small_screen.form.get_by_role("button", name="Stop", exact=True).click()

    await small_demo.slack.changes.wait_for(lambda: app.envelopes, what="the click")
    assert app.envelopes[0]["payload"]["actions"][0]["action_id"] == "stop"


async def test_an_overflow_menu_is_used_by_keyboard(small_screen: Screen, small_demo: Demo, app: Puppet) -> None:
    menu = {"type": "overflow", "action_id": "more", "options": [option("Mute"), option("Hand over", "hand")]}
    _post(small_demo, "menu", [section("An order", block_id="b", accessory=menu)])

    await small_screen.conversation.get_by_role("button", name="More options").focus()
    await small_screen.page.keyboard.press("Enter")
    await expect(small_screen.page.get_by_role("menuitem", name="Mute")).to_be_focused()
    await small_screen.page.keyboard.press("ArrowDown")
    await small_screen.page.keyboard.press("Enter")

    await small_demo.slack.changes.wait_for(lambda: app.envelopes, what="the choice")
    assert app.envelopes[0]["payload"]["actions"][0]["selected_option"]["value"] == "hand"


async def test_the_menu_of_a_message_has_the_apps_shortcuts(
    small_demo: Demo, app: Puppet, get_channel: ShowStatus
) -> None:
    shortcut = {"type": "message", "name": "Resend this", "callback_id": "resend_this", "description": "Resend"}
    small_demo.manifest.declared["features"]["shortcuts"] = [shortcut]
    small_demo.manifest.install(small_demo.slack)
    small_demo.slack.subscriptions = set()
    screen = await get_channel(small_demo)
    await screen.go_to("cert-alerts")

    await screen.open_menu(screen.messages("OrderAwaitsValidation"))
    await screen.is_sound()
    await screen.page.get_by_role("menuitem", name="Resend this").click()

    await small_demo.slack.changes.wait_for(lambda: app.envelopes, what="the shortcut")
    assert app.envelopes[0]["payload"]["callback_id"] == "resend_this"
    assert app.envelopes[0]["payload"]["message"]["ts"] == small_demo.workspace.alerts.messages[0].ts


async def test_a_command_that_is_not_acked_shows_slacks_error(
    small_screen: Screen, small_demo: Demo, app: Puppet
) -> None:
    small_demo.slack.ack_seconds = 0.2
    app.answer = lambda envelope: NO_ACK

    await small_screen.type("/dcv-resend 700001")

    error = small_screen.messages('/dcv-resend failed with the error "operation_timeout"')
    await expect(error).to_contain_text("Only visible to you")
    await small_screen.tools.get_by_role("tab", name="Wire").click()
    await expect(small_screen.tools.locator(".problems")).to_contain_text("was not acknowledged within 0.2 s")
    await small_screen.is_sound()


async def test_the_page_comes_back_when_the_app_does(small_screen: Screen, small_demo: Demo, app: Puppet) -> None:
    state = small_screen.page.locator("#connection")
    await expect(state).to_have_text("DCV Resend is connected")

    small_demo.slack.drop_sockets()
    small_demo.slack.changes.notify_all()

    await expect(state).to_have_text("DCV Resend isn't connected")
