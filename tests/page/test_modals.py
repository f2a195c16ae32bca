"""Modals of every kind, filled in with mouse and keyboard, told to the app as Slack tells it."""

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from sandbox.demo import Demo
from tests.page.page_object import Screen
from tests.sandbox.slack.helpers import (
    NO_ACK,
    Puppet,
    field,
    modal,
    note,
    option,
    search_field,
    section,
    select,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _open(demo: Demo, *blocks: Any, **more: Any) -> Any:
    view = demo.slack.modals.open(demo.workspace.ana, modal(*blocks, **more))
    demo.slack.changes.notify_all()
    return view


def _redraw(demo: Demo, view: Any, *blocks: Any) -> None:
    demo.slack.modals.update(view, modal(*blocks))
    demo.slack.changes.notify_all()


def _submitted(app: Puppet) -> dict[str, Any]:
    values = app.envelopes[-1]["payload"]["view"]["state"]["values"]
    return {action: state for block in values.values() for action, state in block.items()}


INSIDE = "form => form.contains(document.activeElement) || document.activeElement === document.body"


async def _focus_stays_inside(screen: Screen, form: Locator) -> bool:
    """Return if Tab cycles within the form, at most by way of the browser's own controls."""
    for _ in range(12):
        await screen.page.keyboard.press("Tab")
        if not await form.evaluate(INSIDE):
            return False
    return True


async def test_every_element_is_filled_in_and_sent(small_screen: Screen, small_demo: Demo, app: Puppet) -> None:
    boxes = {"type": "checkboxes", "action_id": "boxes", "options": [option("One"), option("Two")]}
    radio = {"type": "radio_buttons", "action_id": "radio", "options": [option("Left"), option("Right")]}
    _open(
        small_demo,
        note("Reason", max_length=60),
        note("Details", "details", multiline=True),
        note("Mailbox", "mailbox", kind="email_text_input"),
        note("Days", "days", kind="number_input", is_decimal_allowed=False),
        select("Language", "English", "German", action_id="language"),
        select("Recipients", "admin@", "webmaster@", "hostmaster@", action_id="to", kind="multi_static_select"),
        field("Boxes", boxes),
        field("Side", radio),
        field("Day", {"type": "datepicker", "action_id": "day"}),
        field("Hour", {"type": "timepicker", "action_id": "hour"}),
        field("Colleague", {"type": "users_select", "action_id": "who"}),
        field("Channel", {"type": "channels_select", "action_id": "channel"}),
    )
    form = small_screen.form
    await small_screen.is_sound()

    await form.get_by_label("Reason").fill("new mailbox")
    await form.get_by_label("Details").fill("two\nlines")
    await form.get_by_label("Mailbox").fill("a@example.com")
    await form.get_by_label("Days").fill("7")
    await small_screen.pick("Language", "German", search="ger")
    await small_screen.pick("Recipients", "hostmaster@")
    await small_screen.pick("Recipients", "admin@")
    await form.get_by_label("Two").check()
    await form.get_by_label("Right").check()
    await form.get_by_label("Day", exact=True).fill("2026-12-24")
    await form.get_by_label("Hour").fill("12:30")
    await small_screen.pick("Colleague", "Ben Okoro")
    await small_screen.pick("Channel", "#pki")
    await small_screen.submit()
    await expect(form).to_have_count(0)

    sent = _submitted(app)
    assert [sent[name]["value"] for name in ("reason", "details", "mailbox", "days")] == [
        "new mailbox",
        "two\nlines",
        "a@example.com",
        "7",
    ]
    assert sent["language"]["selected_option"]["value"] == "German"
    assert [each["value"] for each in sent["to"]["selected_options"]] == ["hostmaster@", "admin@"]
    assert [each["value"] for each in sent["boxes"]["selected_options"]] == ["Two"]
    assert sent["radio"]["selected_option"]["value"] == "Right"
    assert (sent["day"]["selected_date"], sent["hour"]["selected_time"]) == ("2026-12-24", "12:30")
    assert sent["who"]["selected_user"] == small_demo.workspace.ben.id
    assert sent["channel"]["selected_channel"] == small_demo.workspace.pki.id


async def test_a_form_is_filled_in_by_keyboard_alone(small_screen: Screen, small_demo: Demo, app: Puppet) -> None:
    _open(small_demo, select("Language", "English", "German", action_id="language"), note(optional=True))
    keyboard = small_screen.page.keyboard
    await expect(small_screen.form.get_by_role("combobox", name="Language")).to_be_focused()

    await keyboard.press("ArrowDown")
    await expect(small_screen.form.get_by_role("option", name="English")).to_be_visible()
    await keyboard.press("ArrowDown")
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    await keyboard.type("because")
    assert await _focus_stays_inside(small_screen, small_screen.form)
    await small_screen.form.get_by_role("button", name="Resend").focus()
    await keyboard.press("Enter")
    await expect(small_screen.form).to_have_count(0)

    sent = _submitted(app)
    assert (sent["language"]["selected_option"]["value"], sent["reason"]["value"]) == ("German", "because")


async def test_a_search_asks_the_app_and_tells_when_it_stays_silent(
    small_screen: Screen, small_demo: Demo, app: Puppet
) -> None:
    found = option("700001 · shop.example.com", "order:700001") | {"description": section("waits")["text"]}
    found["description"] = {"type": "plain_text", "text": "order, waits for 5 hours"}
    app.answer = lambda envelope: {"options": [found] if "shop" in envelope["payload"]["value"] else []}
    _open(small_demo, search_field("Order", min_query_length=2))
    box = small_screen.form.get_by_role("combobox", name="Order")

    await box.press_sequentially("s")
    await expect(small_screen.form.get_by_text("Type 2 or more characters")).to_be_visible()
    await box.press_sequentially("hop")
    await expect(small_screen.form.get_by_role("option", name="700001")).to_contain_text("waits for 5 hours")
    await small_screen.is_sound()
    await box.fill("nothing")
    await expect(small_screen.form.get_by_text("No matches")).to_be_visible()
    small_demo.slack.ack_seconds = 0.2
    app.answer = lambda envelope: NO_ACK
    await box.fill("silence")
    await expect(small_screen.form.get_by_text("The app didn't respond")).to_be_visible()
    await box.press("Escape")

    await expect(small_screen.form).to_be_visible()
    await expect(box).to_have_value("")


async def test_errors_of_the_app_appear_below_their_fields(small_screen: Screen, small_demo: Demo, app: Puppet) -> None:
    app.answer = lambda envelope: {"response_action": "errors", "errors": {"block_reason": "Say why, please."}}
    _open(small_demo, note(), note("Note", "note", optional=True))
    await small_screen.form.get_by_label("Note").fill("kept")
    await small_screen.form.get_by_label("Reason").fill("x")

    await small_screen.submit()

    reason = small_screen.form.get_by_label("Reason")
    await expect(small_screen.form.get_by_text("Say why, please.")).to_be_visible()
    await expect(reason).to_have_attribute("aria-invalid", "true")
    await expect(reason).to_be_focused()
    await expect(small_screen.form.get_by_label("Note")).to_have_value("kept")
    await small_screen.is_sound()


async def test_a_submit_without_an_ack_is_reported_and_may_be_tried_again(
    small_screen: Screen, small_demo: Demo, app: Puppet
) -> None:
    small_demo.slack.ack_seconds = 0.2
    app.answer = lambda envelope: NO_ACK
    _open(small_demo, note(optional=True))
    await small_screen.submit()
    await expect(small_screen.form.get_by_text("We had some trouble connecting.")).to_be_visible()
    await small_screen.is_sound()

    app.answer = lambda envelope: None
    await small_screen.submit()

    await expect(small_screen.form).to_have_count(0)


async def test_what_is_typed_stays_while_the_app_redraws(small_screen: Screen, small_demo: Demo, app: Puppet) -> None:
    view = _open(small_demo, section("Looking up …"), note(optional=True))
    reason = small_screen.form.get_by_label("Reason")
    await reason.press_sequentially("half a")

    _redraw(small_demo, view, section("Found"), note(optional=True), note("More", "more", optional=True))
    await expect(small_screen.form.get_by_text("Found")).to_be_visible()
    await expect(reason).to_be_focused()
    await small_screen.page.keyboard.type(" sentence")
    await small_screen.submit()
    await expect(small_screen.form).to_have_count(0)

    assert _submitted(app)["reason"]["value"] == "half a sentence"


async def test_stacked_views_go_back_one_by_one_or_all_at_once(
    small_screen: Screen, small_demo: Demo, app: Puppet
) -> None:
    modals = small_demo.slack.modals
    root = _open(small_demo, section("the first"), submit=None)
    await expect(small_screen.form.get_by_text("the first")).to_be_visible()
    modals.push(root, modal(section("the second"), submit=None, title="On top"))
    small_demo.slack.changes.notify_all()

    await expect(small_screen.form.get_by_role("heading", name="On top")).to_be_visible()
    await small_screen.is_sound()
    await small_screen.form.get_by_role("button", name="Back").click()
    await expect(small_screen.form.get_by_text("the first")).to_be_visible()
    modals.push(root, modal(section("the second"), submit=None, title="On top"))
    small_demo.slack.changes.notify_all()
    await expect(small_screen.form.get_by_role("heading", name="On top")).to_be_visible()
    await small_screen.form.get_by_role("button", name="Close", exact=True).first.click()

    await expect(small_screen.form).to_have_count(0)
    assert modals.top(small_demo.workspace.ana) == []


async def test_escape_cancels_and_gives_the_focus_back(small_screen: Screen, small_demo: Demo, app: Puppet) -> None:
    box = small_screen.conversation.get_by_role("combobox")
    await box.focus()
    _open(small_demo, note(optional=True))
    await expect(small_screen.form.get_by_label("Reason")).to_be_focused()

    await small_screen.page.keyboard.press("Escape")

    await expect(small_screen.form).to_have_count(0)
    await expect(box).to_be_focused()
