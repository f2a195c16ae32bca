"""The page in windows of other sizes and colours."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from tests.page.page_object import WIDER, Screen
from tests.sandbox.slack.helpers import Puppet, modal, note, select

pytestmark = pytest.mark.asyncio(loop_scope="session")

ShowStatus = Callable[..., Awaitable[Screen]]
ROWS_IN_VIEW = """
() => [...document.querySelectorAll("main .message")].slice(-3)
  .filter((row) => row.getBoundingClientRect().bottom <= innerHeight)
  .map((row) => row.querySelector(".message-body").textContent)
"""
FIRST_IS_IN_VIEW = "document.querySelector('main .message').getBoundingClientRect().top >= 0"


async def test_a_narrow_window_shows_one_part_at_a_time(get_channel: ShowStatus, small_demo: Demo, app: Puppet) -> None:
    slack, workspace = small_demo.slack, small_demo.workspace
    root = slack.post(workspace.pki, slack.bot, slack.build_content("Sent"))
    slack.post(workspace.pki, slack.bot, slack.build_content("in detail"), thread_ts=root.ts)
    screen = await get_channel(small_demo, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    parts = screen.page.get_by_role("navigation", name="Parts of the page")

    await screen.is_sound()
    await screen.open_thread("Sent")
    await expect(screen.conversation).to_be_hidden()
    await screen.is_sound()
    await screen.thread.get_by_role("button", name="Close the thread").click()
    await parts.get_by_role("button", name="CertCentral").click()
    await screen.tools.get_by_role("tab", name="Orders").click()
    await screen.is_sound()
    await parts.get_by_role("button", name="Channels").click()
    await screen.is_sound()
    await screen.go_to("cert-alerts")
    await expect(screen.conversation).to_be_visible()
    slack.modals.open(workspace.ana, modal(select("Language", "English", action_id="language"), note(optional=True)))
    slack.changes.notify_all()
    await expect(screen.form).to_be_visible()
    await screen.is_sound()

    assert await screen.page.evaluate(WIDER) == []


async def test_the_dark_page_is_sound_too(get_channel: ShowStatus, small_demo: Demo, app: Puppet) -> None:
    certcentral = small_demo.certcentral
    certcentral.send_mail("example.com", "admin@example.com", "en", order_id=700001)
    small_demo.slack.report_problem("something went wrong")
    screen = await get_channel(small_demo, color_scheme="dark")

    await screen.is_sound()
    for tab in ("Orders", "Wire"):
        await screen.tools.get_by_role("tab", name=tab).click()
        await screen.is_sound()
    await screen.page.get_by_role("button", name="You are").click()
    await expect(screen.page.get_by_role("menuitemradio", name="Ana Ruiz")).to_be_focused()
    await screen.is_sound()


async def test_a_thousand_messages_scroll_and_update(get_channel: ShowStatus, small_demo: Demo) -> None:
    slack, workspace = small_demo.slack, small_demo.workspace
    messages = [
        slack.post(workspace.pki, slack.bot, slack.build_content(f"message {number}")) for number in range(1_000)
    ]
    screen = await get_channel(small_demo)
    await screen.messages("message 999").wait_for()

    slack.edit(messages[998], slack.build_content("changed"))
    await screen.messages("changed").wait_for()

    assert await screen.page.evaluate(ROWS_IN_VIEW) == ["message 997", "changed(edited)", "message 999"]
    await screen.page.locator(".scroller").focus()
    await screen.page.keyboard.press("Home")
    assert await screen.page.evaluate(FIRST_IS_IN_VIEW)
    await screen.page.keyboard.press("End")
    assert not await screen.page.evaluate(FIRST_IS_IN_VIEW)
