"""Whole ways through the page, the real bot behind it."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from tests.page.page_object import Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRING = "OrderAwaitsValidation (shop.example.com, order 700001)"


async def test_from_the_command_to_the_approved_mail(screen: Screen, demo: Demo) -> None:
    await screen.is_sound()
    box = screen.conversation.get_by_role("combobox")
    await box.press_sequentially("/dcv-r")
    await expect(screen.conversation.get_by_role("option", name="/dcv-resend")).to_be_visible()
    await screen.is_sound()
    await box.press("Enter")
    await box.press("Enter")

    await screen.pick("Order or domain", "700001 · shop.example.com", search="shop")
    await expect(screen.form.get_by_text("Recipient for example.net")).to_be_visible()
    await screen.pick("Recipient for shop.example.com", "admin@shop.example.com")
    await screen.form.get_by_label("Reason").fill("the first mail went to an old mailbox")
    await screen.is_sound()
    await screen.picture("form", of=screen.form)
    await screen.submit()

    await expect(screen.form).to_have_count(0)
    await expect(screen.messages("shop.example.com + 1 · waiting for approval")).to_be_visible()
    await screen.is_sound()

    for mail in list(demo.certcentral.outbox):
        await screen.approve(mail.scope)
    await expect(screen.tools.get_by_text("Approved")).to_have_count(2)
    await expect(screen.messages("shop.example.com + 1 · validated")).to_be_visible(timeout=20_000)
    await screen.open_thread("shop.example.com + 1 · validated")
    await expect(screen.thread.get_by_text("validated (").last).to_be_visible()
    await screen.picture("thread")
    await screen.tools.get_by_role("tab", name="Orders").click()
    await expect(screen.tools.locator(".thing").filter(has_text="700001").get_by_text("issued")).to_be_visible()
    await screen.is_sound()
    assert demo.slack.problems == []


async def test_a_person_who_may_not_learns_so_alone(screen: Screen, demo: Demo) -> None:
    await screen.be("Ben Okoro")
    await screen.type("/dcv-resend 700001")

    await expect(screen.messages("You can't resend")).to_contain_text("Only visible to you")
    await screen.is_sound()
    await screen.be("Gita Rao")
    await screen.type("/dcv-resend 700001")
    await expect(screen.messages("Guests can't resend")).to_be_visible()
    await expect(screen.messages("You can't resend")).to_have_count(0)
    await screen.be("Sam Lindqvist")
    await expect(screen.page.get_by_role("heading", name="partner-northwind", level=2)).to_be_visible()
    await screen.type("/dcv-resend 700001")
    await expect(screen.messages("is not a valid command")).to_be_visible()
    await screen.is_sound()
    assert demo.certcentral.resends == []


async def test_a_lost_answer_is_unknown_and_sent_again_with_a_reason(screen: Screen, demo: Demo) -> None:
    await screen.turn("Drops replies")
    await screen.type("/dcv-resend 700007")
    await expect(screen.form.get_by_text("Recipients for")).to_be_visible()
    await screen.submit()
    await expect(screen.messages("may or may not have been sent")).to_be_visible()
    await screen.is_sound()

    await screen.turn("Normal")
    await screen.messages("may or may not have been sent").get_by_role("button", name="Resend anyway…").click()
    await expect(screen.form.get_by_text("Recipients for")).to_be_visible()
    await screen.submit()
    await expect(screen.form.get_by_text("Please complete this required field.")).to_be_visible()
    await expect(screen.form.get_by_label("Reason")).to_be_focused()
    await screen.is_sound()
    await screen.form.get_by_label("Reason").fill("nobody got the first one")
    await screen.submit()

    await expect(screen.messages("Resent by")).to_be_visible()
    assert len(demo.certcentral.resends) == 2


async def test_a_certcentral_that_stalls_is_waited_for_in_the_form(
    screen: Screen, demo: Demo, get_channel: Callable[..., Awaitable[Screen]]
) -> None:
    await screen.turn("Hangs")
    await screen.type("/dcv-resend 700002")
    await expect(screen.form.get_by_text("Looking up order 700002 at DigiCert")).to_be_visible()
    await screen.is_sound()

    beside = await get_channel(demo, "ben")
    await beside.turn("Normal")

    await expect(screen.form.get_by_text("Recipient for corp.example.com")).to_be_visible()
    assert demo.slack.problems == []


async def test_a_refusal_and_a_slow_down_are_reported(screen: Screen) -> None:
    await screen.turn("Rejects")
    await screen.type("/dcv-resend 700008")
    await screen.submit()
    await expect(screen.messages("no email was sent")).to_contain_text("may not approve this name")

    await screen.turn("Rate-limits")
    await screen.type("/dcv-resend 700008")
    await screen.submit()
    await expect(screen.messages("Waiting for DigiCert")).to_be_visible()
    await screen.turn("Normal")
    await expect(screen.messages("Email sent to")).to_be_visible(timeout=15_000)
    await screen.tools.get_by_role("tab", name="Wire").click()
    await expect(screen.tools.locator(".frame-bad").filter(has_text="429").first).to_be_visible()
    await screen.is_sound()


async def test_from_the_menu_of_an_alert_to_its_thread(screen: Screen, demo: Demo) -> None:
    await screen.post_alert("Gatus")
    alert = screen.messages("An alert for shops/shop.example.com")
    await screen.open_menu(alert)
    await screen.is_sound()
    await screen.page.get_by_role("menuitem", name=demo.manifest.message_shortcuts[0]["name"]).click()

    await expect(screen.form.get_by_text("Recipient for shop.example.com")).to_be_visible()
    await screen.is_sound()
    await screen.submit()
    await screen.open_thread("An alert for shops/shop.example.com")
    await expect(screen.thread.get_by_text("waiting for approval").first).to_be_visible()


async def test_from_the_offer_below_an_alert_to_its_thread(screen: Screen) -> None:
    await screen.go_to("cert-alerts")
    await screen.open_thread(FIRING)
    await expect(screen.thread.get_by_role("button", name="Not now")).to_be_visible()
    await screen.picture("alert")
    await screen.thread.get_by_role("button", name="Resend DCV email").first.click()
    await expect(screen.form.get_by_text("Recipient for shop.example.com")).to_be_visible()
    await screen.submit()

    await expect(screen.thread.get_by_text("waiting for approval").first).to_be_visible()
    await screen.is_sound()
