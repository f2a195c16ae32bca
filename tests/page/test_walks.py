"""Whole ways through the page, the real bot behind it. The walks share one bot, so each has an order of its own."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from tests.page.page_object import Screen
from tests.page.walk_orders import LISTED, OFFERED, ON_HOME, TAPPED, add_order, resends

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_refused_member_asks_a_colleague_who_reviews_and_resends(screen: Screen, demo: Demo) -> None:
    order_id = add_order(demo)
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

    answered = f"asked to resend the DCV email for {order_id}. Resent by @Gita Rao"
    await expect(screen.messages(answered).get_by_role("button", name="Review and resend…")).to_have_count(0)
    await screen.open_thread(answered)
    await expect(screen.thread.get_by_text("@Gita Rao").first).to_be_visible()
    await screen.is_sound()
    assert resends(demo, order_id) == 1


async def test_a_guest_and_a_stranger_learn_nothing(screen: Screen, demo: Demo) -> None:
    order_id = add_order(demo)
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
    order_id = add_order(demo)
    await screen.turn("Drops replies")
    await screen.resend(order_id)
    card = screen.messages("may or may not have been sent")
    await expect(card).to_be_visible()
    await screen.is_sound()

    await screen.turn("Normal")
    await card.get_by_role("button", name="Resend anyway…").click()
    await expect(screen.form.get_by_text("requested this email")).to_contain_text("It may or may not have been sent.")
    await screen.submit()
    await expect(screen.form.get_by_text("Please complete this required field.")).to_be_visible()
    await expect(screen.form.get_by_label("Reason")).to_be_focused()
    await screen.is_sound()
    await screen.form.get_by_label("Reason").fill("the first one did not arrive")
    await screen.submit()

    await expect(screen.messages(f"Order {order_id}").filter(has_text="Resent by")).to_be_visible()
    assert resends(demo, order_id) == 2


async def test_a_card_is_detailed_stopped_and_resumed(screen: Screen, demo: Demo) -> None:
    order_id = add_order(demo)
    await screen.resend(order_id, reason="the mailbox changed")
    card = screen.messages(f"Order {order_id} · requested by")
    await expect(card).to_contain_text(f"w{order_id}.example.dev · waiting for approval")

    await card.get_by_role("button", name="Open in CertCentral").click()
    await expect(screen.tools.locator(".pointed-at")).to_contain_text(str(order_id))
    await screen.choose(card, "Details")
    await expect(screen.form).to_contain_text("the mailbox changed")
    await screen.is_sound()
    await screen.page.keyboard.press("Escape")
    await expect(screen.form).to_have_count(0)
    await screen.choose(card, "Check now")
    await expect(screen.messages("1 of 1 domain still needs approval")).to_contain_text("Only visible to you")
    await card.get_by_role("button", name="More options").press("Enter")
    await expect(screen.page.get_by_role("menuitem", name="Check now")).to_be_focused()
    await screen.is_sound()
    await screen.page.keyboard.press("Escape")
    await screen.choose(card, "Stop tracking")
    await expect(screen.form).to_contain_text("I'll stop checking")
    await screen.is_sound()
    await screen.form.get_by_role("button", name="Stop tracking").click()
    await expect(screen.form).to_have_count(0)
    await expect(card.get_by_role("button", name="Resume tracking")).to_be_visible()
    await screen.is_sound()
    await card.get_by_role("button", name="Resume tracking").click()
    await expect(card.get_by_role("button", name="Resume tracking")).to_have_count(0)

    await screen.approve(f"w{order_id}.example.dev")
    await expect(card).to_contain_text("validated, certificate issued", timeout=20_000)


async def test_several_domains_have_a_line_each_until_all_are_validated(screen: Screen) -> None:
    await screen.resend(700002)
    card = screen.messages("Order 700002 · requested by")
    await expect(card.first).to_contain_text("corp.example.com + 2 · waiting for approval")
    await screen.approve("api.example.net")
    await expect(card.first).to_contain_text("1 of 3 validated", timeout=20_000)
    await screen.is_sound()


async def test_a_colleague_is_asked_to_approve_and_says_so(screen: Screen, demo: Demo) -> None:
    order_id = add_order(demo)
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
    await question.get_by_role("button", name="I can't find it").click()
    await expect(screen.messages("Try this: search all folders").last).to_be_visible()
    await screen.is_sound()
    await screen.approve(f"w{order_id}.example.dev")
    await question.get_by_role("button", name="I approved it").click()

    await expect(screen.messages("Thanks, checking").last).to_be_visible()
    await screen.is_sound()
    await screen.be("Ana Ruiz")
    await screen.go_to("pki")
    await expect(card).to_contain_text("validated, certificate issued", timeout=20_000)
    await screen.open_thread(f"Order {order_id} · requested by")
    await expect(screen.thread.get_by_text("can't find the email to")).to_be_visible()
    await screen.is_sound()


async def test_one_tap_asks_first_and_the_cooldown_opens_the_form(
    screen: Screen, demo: Demo, end_cooldowns: Callable[[], None]
) -> None:
    order_id = TAPPED
    await screen.resend(order_id)
    card = screen.messages(f"Order {order_id} · requested by")
    await expect(card).to_contain_text("waiting for approval")
    await screen.type("/dcv-status")
    tap = screen.conversation.get_by_role("button", name=f"for w{order_id}.example.dev to")

    await tap.click()
    await expect(screen.form).to_contain_text("Send one DCV email to")
    await screen.is_sound()
    await screen.form.get_by_role("button", name="Cancel").click()
    await expect(tap).to_be_focused()
    await tap.click()
    await screen.form.get_by_role("button", name="Send", exact=True).click()
    await expect(screen.form.get_by_label("Reason")).to_be_visible()
    await screen.is_sound()
    assert resends(demo, order_id) == 1
    await screen.close_form()
    end_cooldowns()
    await tap.click()
    await screen.form.get_by_role("button", name="Send", exact=True).click()

    await expect(card).to_have_count(2)
    await expect(card.first).to_contain_text("Resent by @Ana Ruiz")
    assert resends(demo, order_id) == 2


async def test_from_the_global_shortcut_and_home_to_the_form_and_a_direct_message(screen: Screen, demo: Demo) -> None:
    order_id = ON_HOME
    await screen.use_shortcut(demo.manifest.global_shortcuts[0]["name"])
    await expect(screen.form.get_by_role("combobox", name="Order or domain")).to_be_focused()
    await screen.is_sound()
    await screen.close_form()

    await screen.go_to("DCV Resend")
    await screen.home.get_by_role("button", name="Refresh").click()
    await expect(screen.home).to_contain_text(str(order_id))
    await screen.is_sound()
    await screen.home.get_by_role("button", name="Who can do what").click()
    await expect(screen.form).to_contain_text("@Ana Ruiz's permissions on Home and in direct messages")
    await screen.is_sound()
    await screen.close_form()
    await screen.home.get_by_role("button", name=f"Details of order {order_id}").click()
    await expect(screen.form).to_contain_text("Needs email approval")
    await screen.is_sound()
    await screen.close_form()
    await screen.home.get_by_role("button", name="Resend a DCV email").click()
    await expect(screen.form.get_by_role("combobox", name="Order or domain")).to_be_focused()
    await screen.close_form()
    await screen.home.get_by_role("button", name=f"Resend the DCV email for order {order_id}").click()
    await expect(screen.form).to_contain_text("I'll message you directly.")
    await screen.submit()

    await expect(screen.form).to_have_count(0)
    await screen.page.get_by_role("tab", name="Messages").click()
    await expect(screen.messages(f"Order {order_id} · requested by")).to_contain_text("waiting for approval")
    await screen.is_sound()
    await screen.page.get_by_role("tab", name="Home").click()
    await screen.home.get_by_role("button", name="Refresh").click()
    await expect(screen.home.get_by_text("Sent · waiting for approval").first).to_be_visible()
    await screen.is_sound()


@pytest.mark.parametrize(
    ("name", "said"),
    [("Ben Okoro", "You can't see pending orders here."), ("Noor Haddad", "Only full members of this workspace")],
)
async def test_the_home_of_those_who_may_not_says_who_can(screen: Screen, name: str, said: str) -> None:
    await screen.be(name)
    await screen.go_to("DCV Resend")

    await expect(screen.home).to_contain_text(said)
    await expect(screen.home.get_by_role("button", name="Resend a DCV email")).to_have_count(0)
    await screen.is_sound()


async def test_a_certcentral_that_hangs_is_waited_for_in_the_form(
    screen: Screen, demo: Demo, get_channel: Callable[..., Awaitable[Screen]]
) -> None:
    order_id = add_order(demo)
    await screen.turn("Hangs")
    await screen.type(f"/dcv-resend {order_id}")
    await expect(screen.form.get_by_text(f"order {order_id}")).to_be_visible()
    await screen.is_sound()

    beside = await get_channel(demo, "ben")
    await beside.turn("Normal")

    await expect(screen.form.get_by_text(f"for w{order_id}.example.dev").first).to_be_visible()
    assert demo.slack.problems == []


async def test_a_rejection_and_a_rate_limit_are_reported(screen: Screen, demo: Demo) -> None:
    order_id = add_order(demo)
    await screen.turn("Rejects")
    await screen.resend(order_id)
    rejected = screen.messages(f"w{order_id}.example.dev · no email was sent")
    await expect(rejected).to_contain_text("may not approve this name")
    await expect(rejected.get_by_role("button", name="Choose another recipient…")).to_be_visible()
    await screen.is_sound()

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
    order_id = add_order(demo)
    demo.slack.post_alert(demo.pki, "Gatus", f"The certificate of order {order_id} ends soon")
    alert = screen.messages(f"order {order_id} ends soon")
    await screen.open_menu(alert)
    await screen.is_sound()
    await screen.page.get_by_role("menuitem", name=demo.manifest.message_shortcuts[0]["name"]).click()

    await expect(screen.form.get_by_text(f"for w{order_id}.example.dev").first).to_be_visible()
    await screen.submit()
    await screen.open_thread(f"order {order_id} ends soon")
    await expect(screen.thread.get_by_text("waiting for approval").last).to_be_visible()


async def test_an_offer_is_snoozed_resent_and_says_what_became_of_it(screen: Screen, demo: Demo) -> None:
    first, second = OFFERED
    demo.slack.post_alert(demo.workspace.alerts, "Gatus", f"The certificates of order {first} and {second} end soon")
    await screen.go_to("cert-alerts")
    await screen.open_thread(f"order {first} and {second} end soon")
    offer = screen.thread.locator(".message").filter(has_text="is waiting for email approval")
    await screen.is_sound()
    await offer.get_by_role("button", name="Not now").click()
    await expect(offer).to_contain_text("Snoozed by @Ana Ruiz until")
    await offer.get_by_role("button", name=f"Resend {first}…").click()
    await expect(screen.form.get_by_text(f"for w{first}.example.dev").first).to_be_visible()
    await screen.submit()

    await expect(screen.thread.get_by_text("waiting for approval").last).to_be_visible()
    await expect(offer).to_contain_text("Resent by @Ana Ruiz", timeout=15_000)
    await expect(offer.get_by_role("button", name=f"Resend {first}…")).to_have_count(0)
    await screen.is_sound()
    await screen.approve(f"w{first}.example.dev")
    await expect(offer).to_contain_text("Validated", timeout=20_000)
    await screen.is_sound()
    await screen.be("Ben Okoro")
    await screen.go_to("cert-alerts")
    await screen.open_thread(f"order {first} and {second} end soon")
    await offer.get_by_role("button", name=f"Resend {second}…").click()
    await expect(screen.thread.get_by_text("You can't resend DCV emails.")).to_be_visible()
    await screen.is_sound()
    assert resends(demo, second) == 0


async def test_the_rest_of_a_long_alert_is_chosen_in_the_form(screen: Screen, demo: Demo) -> None:
    text = f"These end soon: {', '.join(f'order {order_id}' for order_id in LISTED)}"
    demo.slack.post_alert(demo.workspace.alerts, "Gatus", text)
    await screen.go_to("cert-alerts")
    await screen.open_thread(text)
    await screen.is_sound()
    await screen.thread.get_by_role("button", name="Choose from 2…").click()
    await expect(screen.form.get_by_role("radio")).to_have_count(2)
    await screen.is_sound()
    await screen.form.get_by_role("radio").first.check()

    await expect(screen.form.get_by_text("Approving validates")).to_be_visible()
