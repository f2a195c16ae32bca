"""Whole ways through the page, the real bot behind it. The walks share one bot, so each has an order of its own."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from tests.page.page_object import Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")

IDS = itertools.count(710001)


def _add_order(demo: Demo, days: int = 0) -> int:
    """Add a DV order with one name, pending for some days, and return its id."""
    order_id = next(IDS)
    created = demo.certcentral.now() - timedelta(days=days)
    demo.certcentral.add_order(order_id, [f"walk-{order_id}.example.com"], name_scope="fqdn", created=created)
    return order_id


def _resends(demo: Demo, order_id: int) -> int:
    return sum(f"/{order_id}/" in call.path for call in demo.certcentral.resends)


async def test_a_refused_member_asks_a_colleague_who_reviews_and_resends(screen: Screen, demo: Demo) -> None:
    order_id = _add_order(demo)
    await screen.be("Ben Okoro")
    await screen.type(f"/dcv-resend {order_id}")
    refusal = screen.messages(f"You can't resend for {order_id}")
    await expect(refusal).to_contain_text("@pki-team and @Ana Ruiz can")
    await expect(refusal).to_contain_text("Only visible to you")
    await screen.is_sound()

    await refusal.get_by_role("button", name="Ask them to resend").click()
    await expect(refusal).to_have_count(0)
    await expect(screen.messages("I asked @pki-team and @Ana Ruiz")).to_be_visible()
    await screen.be("Gita Rao")
    question = screen.messages(f"asks to resend the DCV email for {order_id}")
    await expect(question.locator(".mention-me")).to_have_text("@pki-team")
    await question.get_by_role("button", name="Review and resend…").click()
    await screen.submit()

    await screen.open_thread(f"asks to resend the DCV email for {order_id}")
    await expect(screen.thread.get_by_text("@Gita Rao").first).to_be_visible()
    await screen.is_sound()
    assert _resends(demo, order_id) == 1


async def test_a_guest_and_a_stranger_learn_nothing(screen: Screen, demo: Demo) -> None:
    order_id = _add_order(demo)
    await screen.be("Noor Haddad")
    await screen.type(f"/dcv-resend {order_id}")
    refusal = screen.messages("Only visible to you")
    await expect(refusal).to_be_visible()
    await expect(refusal.locator(".mention")).to_have_count(0)
    await screen.be("Sam Lindqvist")
    await expect(screen.page.get_by_role("heading", name="partner-northwind", level=2)).to_be_visible()
    await screen.type(f"/dcv-resend {order_id}")

    await expect(screen.messages("is not a valid command")).to_be_visible()
    await screen.is_sound()


async def test_a_lost_answer_is_unknown_and_sent_again_with_a_reason(screen: Screen, demo: Demo) -> None:
    order_id = _add_order(demo)
    await screen.turn("Drops replies")
    await screen.resend(order_id)
    card = screen.messages("may or may not have been sent")
    await expect(card).to_be_visible()
    await screen.is_sound()

    await screen.turn("Normal")
    await card.get_by_role("button", name="Resend anyway…").click()
    await screen.submit()
    await expect(screen.form.get_by_text("Please complete this required field.")).to_be_visible()
    await expect(screen.form.get_by_label("Reason")).to_be_focused()
    await screen.is_sound()
    await screen.form.get_by_label("Reason").fill("the first one did not arrive")
    await screen.submit()

    await expect(screen.messages("Resent by")).to_contain_text(f"Order {order_id}")
    assert _resends(demo, order_id) == 2


async def test_a_card_is_detailed_stopped_and_resumed(screen: Screen, demo: Demo) -> None:
    order_id = _add_order(demo)
    await screen.resend(order_id, reason="the mailbox changed")
    card = screen.messages(f"Order {order_id} · requested by")
    await expect(card).to_contain_text(f"walk-{order_id}.example.com · waiting for approval")

    await card.get_by_role("button", name="Open in CertCentral").click()
    await expect(screen.tools.locator(".pointed-at")).to_contain_text(str(order_id))
    await screen.choose(card, "Details")
    await expect(screen.form).to_contain_text("the mailbox changed")
    await screen.is_sound()
    await screen.page.keyboard.press("Escape")
    await expect(screen.form).to_have_count(0)
    await screen.choose(card, "Stop tracking")
    await screen.form.get_by_role("button", name="Stop tracking").click()
    await expect(screen.form).to_have_count(0)
    await card.get_by_role("button", name="Resume tracking").click()
    await expect(card.get_by_role("button", name="Resume tracking")).to_have_count(0)

    await screen.approve(f"walk-{order_id}.example.com")
    await expect(card).to_contain_text("validated, certificate issued", timeout=20_000)


async def test_a_colleague_is_asked_to_approve_and_says_so(screen: Screen, demo: Demo) -> None:
    order_id = _add_order(demo)
    await screen.resend(order_id)
    card = screen.messages(f"Order {order_id} · requested by")
    await expect(card).to_contain_text("waiting for approval")
    await screen.choose(card, "Ask someone to approve…")
    await screen.pick("Person", "Ben Okoro")
    await screen.is_sound()
    await screen.submit()
    await expect(screen.form).to_have_count(0)

    await screen.be("Ben Okoro")
    await screen.go_to("DCV Resend")
    await screen.page.get_by_role("tab", name="Messages").click()
    question = screen.messages("Please open it and approve it").last
    await screen.approve(f"walk-{order_id}.example.com")
    await question.get_by_role("button", name="I approved it").click()

    await expect(screen.messages("Thanks, checking").last).to_be_visible()
    await screen.is_sound()


async def test_one_tap_asks_first_and_the_cooldown_opens_the_form(screen: Screen, demo: Demo) -> None:
    order_id = _add_order(demo, days=60)
    await screen.resend(order_id)
    await expect(screen.messages(f"Order {order_id} · requested by")).to_contain_text("waiting for approval")
    await screen.type("/dcv-status")

    await screen.conversation.get_by_role("button", name=f"for walk-{order_id}.example.com to").click()
    await expect(screen.form).to_contain_text("Send one DCV email to")
    await screen.is_sound()
    await screen.form.get_by_role("button", name="Send", exact=True).click()

    await expect(screen.form.get_by_label("Reason")).to_be_visible()
    assert _resends(demo, order_id) == 1


async def test_from_home_and_from_the_global_shortcut_to_the_form(screen: Screen, demo: Demo) -> None:
    await screen.use_shortcut(demo.manifest.global_shortcuts[0]["name"])
    await expect(screen.form.get_by_role("combobox", name="Order or domain")).to_be_focused()
    await screen.page.keyboard.press("Escape")
    await expect(screen.form).to_have_count(0)

    await screen.go_to("DCV Resend")
    await screen.home.get_by_role("button", name="Resend a DCV email").click()
    await expect(screen.form.get_by_role("combobox", name="Order or domain")).to_be_focused()
    await screen.is_sound()


async def test_a_certcentral_that_hangs_is_waited_for_in_the_form(
    screen: Screen, demo: Demo, get_channel: Callable[..., Awaitable[Screen]]
) -> None:
    order_id = _add_order(demo)
    await screen.turn("Hangs")
    await screen.type(f"/dcv-resend {order_id}")
    await expect(screen.form.get_by_text(f"order {order_id}")).to_be_visible()
    await screen.is_sound()

    beside = await get_channel(demo, "ben")
    await beside.turn("Normal")

    await expect(screen.form.get_by_text(f"for walk-{order_id}.example.com").first).to_be_visible()
    assert demo.slack.problems == []


async def test_a_rejection_and_a_rate_limit_are_reported(screen: Screen, demo: Demo) -> None:
    order_id = _add_order(demo)
    await screen.turn("Rejects")
    await screen.resend(order_id)
    await expect(screen.messages("no email was sent")).to_contain_text("may not approve this name")

    await screen.turn("Rate-limits")
    await screen.resend(order_id)
    await expect(screen.messages("Waiting for DigiCert")).to_be_visible()
    await screen.turn("Normal")
    sent = screen.messages(f"Order {order_id} ").filter(has_text="waiting for approval")
    await expect(sent).to_be_visible(timeout=15_000)
    await screen.tools.get_by_role("tab", name="Wire").click()
    await expect(screen.tools.locator(".frame-bad").filter(has_text="429").first).to_be_visible()
    await screen.is_sound()


async def test_from_the_menu_of_an_alert_to_its_thread(screen: Screen, demo: Demo) -> None:
    order_id = _add_order(demo)
    demo.slack.post_alert(demo.pki, "Gatus", f"The certificate of order {order_id} ends soon")
    alert = screen.messages(f"order {order_id} ends soon")
    await screen.open_menu(alert)
    await screen.is_sound()
    await screen.page.get_by_role("menuitem", name=demo.manifest.message_shortcuts[0]["name"]).click()

    await expect(screen.form.get_by_text(f"for walk-{order_id}.example.com").first).to_be_visible()
    await screen.submit()
    await screen.open_thread(f"order {order_id} ends soon")
    await expect(screen.thread.get_by_text("waiting for approval").last).to_be_visible()


async def test_from_the_offer_below_an_alert_to_its_thread(screen: Screen) -> None:
    await screen.post_alert("Uptime Kuma")
    await screen.open_thread("order 700007")
    await expect(screen.thread.get_by_role("button", name="Not now")).to_be_visible()
    await screen.thread.get_by_role("button", name="Resend DCV email for order 700007").click()
    await expect(screen.form.get_by_text("for example.org").first).to_be_visible()
    await screen.submit()

    await expect(screen.thread.get_by_text("waiting for approval").last).to_be_visible()
    await screen.is_sound()
