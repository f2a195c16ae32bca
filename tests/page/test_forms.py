"""The form of the bot in its states, on the page."""

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from tests.page.page_object import Screen
from tests.page.walk_orders import DUAL, add_order, resends

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = ".".join(["a-very-long-name-of-a-service-in-a-region"] * 3)
# What cannot be resent, and what the form says.
DEAD_ENDS = [
    ("700003", "needs approval"),
    ("700004", "has been issued"),
    ("700005", "uses DNS"),
    ("999999", "No order 999999"),
    ("nothere.example.dev", "No order or domain found"),
    ("lapsed.example.org", "expired"),
    ("700010", "Example Newcomer"),
]


async def test_more_options_has_the_language_and_gets_the_focus(screen: Screen, demo: Demo) -> None:
    order_id = 700008
    await screen.type(f"/dcv-resend {order_id}")
    await expect(screen.form.get_by_role("radio", checked=True)).to_be_focused()
    await screen.is_sound()
    await screen.page.keyboard.press("ArrowDown")
    await expect(screen.form.get_by_role("radio").nth(1)).to_be_checked()
    await screen.form.get_by_label("Reason").fill("new mailbox")
    await screen.form.get_by_role("button", name="More options").press("Enter")
    await expect(screen.form.get_by_role("combobox", name="Email language")).to_be_focused()
    await expect(screen.form.get_by_label("Reason")).to_have_value("new mailbox")
    await screen.is_sound()
    await screen.pick("Email language", "German")
    await screen.submit()

    await expect(screen.messages(f"Order {order_id} · requested by")).to_contain_text("waiting for approval")
    assert [mail.locale for mail in demo.certcentral.outbox if mail.order_id == order_id] == ["de"]


async def test_a_domain_has_checkboxes_and_the_button_counts_its_emails(screen: Screen) -> None:
    await screen.type("/dcv-resend again.example.org")
    boxes = screen.form.get_by_role("checkbox")
    await expect(boxes.first).to_be_visible()
    await screen.is_sound()
    await boxes.nth(1).check()
    await expect(screen.form.get_by_role("button", name="Send 2 emails")).to_be_visible()
    await boxes.nth(0).uncheck()
    await expect(screen.form.get_by_role("button", name="Send 1 email")).to_be_visible()
    await expect(boxes.nth(0)).to_be_focused()


async def test_many_names_share_a_mailbox_and_a_long_address_is_shown_in_full(screen: Screen, demo: Demo) -> None:
    await screen.type("/dcv-resend 700006")
    await expect(screen.form.get_by_text("admin@ at each domain (12 domains)")).to_be_visible()
    await screen.is_sound()
    await screen.form.get_by_role("button", name="Details").click()
    await expect(screen.form.get_by_role("heading", name="Recipients")).to_be_visible()
    await screen.is_sound()
    await screen.form.get_by_role("button", name="Back").first.click()
    await expect(screen.form.get_by_text("admin@ at each domain (12 domains)")).to_be_visible()
    await screen.close_form()

    order_id = add_order(demo, f"{LONG}.example.dev")
    await screen.type(f"/dcv-resend {order_id}")
    await expect(screen.form.get_by_text(f"To admin@{LONG}.example.dev.")).to_be_visible()
    await screen.is_sound()


async def test_one_of_several_orders_is_chosen(screen: Screen) -> None:
    await screen.type("/dcv-resend dual.example.dev")
    await expect(screen.form.get_by_text("2 pending orders include dual.example.dev")).to_be_visible()
    await screen.is_sound()
    await screen.form.get_by_role("radio", name=str(DUAL[1])).check()

    await expect(screen.form.get_by_text(f"Order {DUAL[1]}")).to_be_visible()
    await expect(screen.form.get_by_text("Approving validates").first).to_be_visible()


async def test_a_large_account_is_searched(screen: Screen) -> None:
    await screen.type("/dcv-resend")
    box = screen.form.get_by_role("combobox", name="Order or domain")
    await box.click()
    await expect(screen.form.get_by_role("option").nth(50)).to_be_attached()
    await screen.is_sound()
    await box.press_sequentially("large-149")
    await expect(screen.form.get_by_role("option").first).to_contain_text("large-149.example.com")
    await screen.is_sound()
    await box.press("Enter")

    await expect(screen.form.get_by_text("Recipient for large-149.example.com")).to_be_visible()


async def test_what_cannot_be_resent_has_a_way_out(screen: Screen) -> None:
    for target, said in DEAD_ENDS:
        await screen.type(f"/dcv-resend {target}")
        await expect(screen.form).to_contain_text(said)
        if target in (DEAD_ENDS[0][0], DEAD_ENDS[-1][0]):
            await screen.is_sound()
        await screen.close_form()


async def test_a_result_takes_the_way_to_a_direct_message(screen: Screen, demo: Demo) -> None:
    order_id = add_order(demo)
    await screen.go_to("platform")
    await screen.type(f"/dcv-resend {order_id}")
    await expect(screen.form).to_contain_text("I'm not in #platform, so I'll message you directly.")
    await screen.is_sound()
    await screen.submit()

    await expect(screen.messages("Only visible to you").filter(has_text=f"order {order_id}")).to_be_visible()
    await screen.is_sound()
    await screen.go_to("DCV Resend")
    await screen.page.get_by_role("tab", name="Messages").click()
    await expect(screen.messages(f"Order {order_id} · requested by")).to_contain_text("waiting for approval")
    await screen.is_sound()
    assert resends(demo, order_id) == 1
