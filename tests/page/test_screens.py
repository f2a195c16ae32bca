"""Screens of the app, drawn from hand-made payloads: the Home tab, shortcuts, tables, links and first steps."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from tests.page.page_object import Screen
from tests.sandbox.slack.helpers import Puppet, button, buttons, field, modal, note, option, section, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

GetChannel = Callable[..., Awaitable[Screen]]
CONSOLE = "https://www.digicert.com/secure/orders/700008"


def _post(demo: Demo, *blocks: Any, text: str = "") -> None:
    demo.slack.post(demo.workspace.pki, demo.slack.bot, demo.slack.build_content(text, list(blocks)))


def _row(order: str, days: int) -> list[dict[str, Any]]:
    cell = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": order}]}],
    }
    return [cell, {"type": "raw_number", "value": days, "text": f"{days} days"}]


async def test_a_data_table_has_pages_and_sorts_by_a_click(small_screen: Screen, small_demo: Demo) -> None:
    head = [{"type": "raw_text", "text": name} for name in ("Order", "Pending")]
    rows = [head, *(_row(str(700001 + number), days) for number, days in enumerate((9, 10, 2, 30, 4, 7, 1)))]
    _post(small_demo, {"type": "data_table", "caption": "Pending orders", "page_size": 4, "rows": rows})
    table = small_screen.conversation.get_by_role("table", name="Pending orders")
    shown = table.locator("tbody th")

    await expect(shown).to_have_text(["700001", "700002", "700003", "700004"])
    await table.get_by_role("button", name="Pending").press("Enter")
    await expect(shown).to_have_text(["700007", "700003", "700005", "700006"])
    await expect(table.get_by_role("columnheader", name="Pending")).to_have_attribute("aria-sort", "ascending")
    await small_screen.conversation.get_by_role("button", name="Next page").press("Enter")
    await expect(shown).to_have_text(["700001", "700002", "700004"])
    await expect(small_screen.conversation.get_by_role("button", name="Previous page")).to_be_focused()
    await small_screen.is_sound()


async def test_a_user_group_is_mentioned_by_its_handle(small_demo: Demo, app: Puppet, get_channel: GetChannel) -> None:
    group = small_demo.slack.add_usergroup("cert-admins", [small_demo.workspace.ben])
    _post(small_demo, section(f"<!subteam^{group.id}>: please"))

    ana, ben = await get_channel(small_demo), await get_channel(small_demo, "ben")

    await expect(ana.conversation.locator(".mention")).to_have_text("@cert-admins")
    await expect(ana.conversation.locator(".mention-me")).to_have_count(0)
    await expect(ben.conversation.locator(".mention-me")).to_have_text("@cert-admins")


async def test_a_link_into_certcentral_opens_the_order_on_this_page(
    small_screen: Screen, small_demo: Demo, app: Puppet
) -> None:
    _post(small_demo, buttons(button("Open in CertCentral", "open", url=CONSOLE)), section(f"<{CONSOLE}|700008>"))

    await small_screen.conversation.get_by_role("button", name="Open in CertCentral").click()

    await expect(small_screen.tools.locator(".pointed-at")).to_contain_text("700008")
    await small_demo.slack.changes.wait_for(lambda: app.envelopes, what="the click, which Slack reports too")
    await small_screen.tools.get_by_role("tab", name="Emails").click()
    await small_screen.conversation.get_by_role("button", name="700008").click()
    await expect(small_screen.tools.get_by_role("tab", name="Orders")).to_have_attribute("aria-selected", "true")


async def test_the_same_entry_of_two_menus_is_two_choices(small_screen: Screen, small_demo: Demo, app: Puppet) -> None:
    for number in ("1", "2"):
        menu = {"type": "overflow", "action_id": "more", "options": [option("Details", f"details:{number}")]}
        _post(small_demo, section(f"order {number}", block_id=f"b{number}", accessory=menu))

    await small_screen.messages("order 2").get_by_role("button", name="More options").click()
    await small_screen.page.get_by_role("menuitem", name="Details").click()

    await small_demo.slack.changes.wait_for(lambda: app.envelopes, what="the choice")
    assert app.envelopes[0]["payload"]["actions"][0]["selected_option"]["value"] == "details:2"


async def test_home_is_published_pressed_and_searched(small_demo: Demo, app: Puppet, get_channel: GetChannel) -> None:
    slack, ana = small_demo.slack, small_demo.workspace.ana
    small_demo.manifest.declared["features"]["app_home"]["home_tab_enabled"] = True
    small_demo.manifest.install(slack)
    slack.subscriptions = {"app_home_opened"}
    screen = await get_channel(small_demo)

    await screen.go_to("DCV Resend")
    await slack.changes.wait_for(lambda: app.envelopes, what="app_home_opened")
    assert app.envelopes[0]["payload"]["event"]["tab"] == "home"
    await expect(screen.home).to_contain_text("has published nothing here yet")
    question = {"title": words("Send?"), "text": words("Send one DCV email?"), "confirm": words("Send")}
    question |= {"deny": words("Cancel")}
    rows = [section("*Needs you*"), buttons(button("Resend to admin@…", "one_tap", confirm=question))]
    slack.modals.publish(slack.modals.home(ana), {"type": "home", "blocks": rows})
    slack.changes.notify_all()
    await screen.home.get_by_role("button", name="Resend to admin@…").click()
    await screen.is_sound()
    await screen.form.get_by_role("button", name="Send", exact=True).click()

    await slack.changes.wait_for(lambda: len(app.envelopes) > 1, what="the press")
    payload = app.envelopes[1]["payload"]
    assert (payload["view"]["type"], payload["actions"][0]["action_id"]) == ("home", "one_tap")
    slack.post(slack.dm(ana), slack.bot, slack.build_content("Email sent"))
    await screen.page.get_by_role("tab", name="Messages 1").press("Enter")
    await expect(screen.messages("Email sent")).to_be_visible()
    await screen.is_sound()


async def test_a_global_shortcut_is_in_the_menu_of_the_composer(
    small_demo: Demo, app: Puppet, get_channel: GetChannel
) -> None:
    shortcut = {
        "type": "global",
        "name": "Resend an email",
        "callback_id": "resend_any",
        "description": "Open the form",
    }
    small_demo.manifest.declared["features"]["shortcuts"] = [shortcut]
    small_demo.manifest.install(small_demo.slack)
    small_demo.slack.subscriptions = set()
    screen = await get_channel(small_demo)

    await screen.use_shortcut("Resend an email")

    await small_demo.slack.changes.wait_for(lambda: app.envelopes, what="the shortcut")
    assert (app.envelopes[0]["payload"]["type"], app.envelopes[0]["payload"]["callback_id"]) == (
        "shortcut",
        "resend_any",
    )


async def test_the_field_that_the_app_wants_has_the_focus_once_it_comes(
    small_screen: Screen, small_demo: Demo, app: Puppet
) -> None:
    modals = small_demo.slack.modals
    choices = [option("pki@corp.example", "a"), option("admin@shop.example.com", "b")]
    radio = {"type": "radio_buttons", "action_id": "to", "options": choices, "focus_on_load": True}
    radio["initial_option"] = choices[1]
    view = modals.open(small_demo.workspace.ana, modal(section("Loading …")))
    small_demo.slack.changes.notify_all()
    await expect(small_screen.form).to_contain_text("Loading")

    modals.update(view, modal(note("Reason", optional=True), field("Recipient", radio)))
    small_demo.slack.changes.notify_all()

    await expect(small_screen.form.get_by_role("radio", name="admin@shop.example.com")).to_be_focused()
    modals.update(view, modal(note("Reason", optional=True), field("Recipient", radio), section("more")))
    small_demo.slack.changes.notify_all()
    await expect(small_screen.form).to_contain_text("more")
    await expect(small_screen.form.get_by_role("radio", name="admin@shop.example.com")).to_be_focused()


async def test_an_ephemeral_message_is_replaced_in_its_place(
    small_screen: Screen, small_demo: Demo, app: Puppet
) -> None:
    slack, workspace = small_demo.slack, small_demo.workspace
    first = slack.post_ephemeral(workspace.ana, workspace.pki, slack.build_content("6 pending orders"))
    _post(small_demo, text="a later message")
    await expect(small_screen.messages("6 pending orders")).to_be_visible()

    slack.edit(first, slack.build_content("5 pending orders"), marked=False)
    slack.changes.notify_all()

    await expect(small_screen.messages("5 pending orders")).to_contain_text("Only visible to you")
    await expect(small_screen.messages("6 pending orders")).to_have_count(0)
    await expect(small_screen.conversation.locator(".message").last).to_contain_text("a later message")


async def test_a_first_visit_shows_three_steps_until_they_are_dismissed(
    get_channel: GetChannel, small_demo: Demo, app: Puppet
) -> None:
    screen = await get_channel(small_demo, is_first_visit=True)
    steps = screen.page.get_by_role("region", name="First steps")

    await expect(steps.get_by_role("listitem")).to_have_count(3)
    await screen.is_sound()
    await steps.get_by_role("button", name="Dismiss").click()
    await expect(steps).to_be_hidden()
    await screen.page.reload()
    await expect(screen.conversation.get_by_role("listitem").first).to_be_visible()

    await expect(steps).to_be_hidden()
