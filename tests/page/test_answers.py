"""What the commands answer, on the page: help, typos, permissions, status, history, and refusals."""

import pytest
from playwright.async_api import Locator, expect

from sandbox.demo import Demo
from tests.page.page_object import Screen
from tests.page.walk_orders import ON_STATUS, add_order

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The persons who may not, what they type, and how the answer begins.
REFUSED = [
    ("Ben Okoro", "/dcv-resend {order}", "You can't resend for {order}"),
    ("Ben Okoro", "/dcv-resend {order} to admin@example.com", "You can't resend for {order}"),
    ("Ben Okoro", "/dcv-status", "You can't"),
    ("Ben Okoro", "/dcv-resend history", "You can't"),
    ("Ben Okoro", "/dcv-resend help", "What you can type"),
    ("Ben Okoro", "/dcv-resend why {order}", "permissions"),
    ("Noor Haddad", "/dcv-resend {order}", "Guests can't"),
    ("Noor Haddad", "/dcv-status", "Guests can't"),
    ("Noor Haddad", "/dcv-resend history", "Guests can't"),
    ("Noor Haddad", "/dcv-resend why {order}", "Guests can't"),
]


def _answer(screen: Screen, containing: str) -> Locator:
    """Return the latest answer that only this person sees."""
    return screen.messages("Only visible to you").filter(has_text=containing).last


async def test_help_and_typos_lead_to_what_was_meant(screen: Screen) -> None:
    await screen.type("/dcv-resend help")
    await expect(_answer(screen, "What you can type")).to_be_visible()
    await screen.is_sound()
    await _answer(screen, "What you can type").get_by_role("button", name="Open the form").click()
    await expect(screen.form.get_by_role("combobox", name="Order or domain")).to_be_focused()
    await screen.close_form()

    await screen.type("/dcv-resend hsitory")
    await expect(_answer(screen, "Did you mean history?")).to_be_visible()
    await screen.is_sound()
    await _answer(screen, "Did you mean").get_by_role("button", name="/dcv-resend history").click()
    await expect(screen.messages("Did you mean")).to_have_count(0)
    await screen.type("/dcv-resend shop")
    await expect(_answer(screen, "“shop” isn't a full domain name")).to_be_visible()
    await screen.is_sound()
    await screen.type("/dcv-resend why pay.example.org")
    await expect(_answer(screen, "@Ana Ruiz's permissions for pay.example.org")).to_be_visible()
    await screen.is_sound()


async def test_the_status_leads_to_one_order_and_to_its_next_page(screen: Screen) -> None:
    await screen.type("/dcv-status")
    rows = _answer(screen, "pending orders")
    await rows.get_by_role("button", name="Next").click()
    await expect(_answer(screen, "Page 2 of")).to_be_visible()
    await screen.is_sound()
    await _answer(screen, "Page 2 of").get_by_role("button", name="Previous").click()
    await expect(_answer(screen, "Page 1 of")).to_be_visible()
    await screen.is_sound()

    await _answer(screen, "Page 1 of").get_by_role("button", name=f"Details of order {ON_STATUS}").click()
    state = _answer(screen, f"Order {ON_STATUS}")
    await expect(state).to_contain_text("Needs email approval (2)")
    await screen.is_sound()
    await state.get_by_role("button", name="All pending orders").click()
    await expect(_answer(screen, "Page 1 of")).to_be_visible()
    for target, said in (
        ("700010", "Example Newcomer"),
        ("700005", "DNS"),
        ("700009", "canceled"),
        ("lapsed.example.org", "expired"),
    ):
        await screen.type(f"/dcv-status {target}")
        await expect(_answer(screen, target)).to_contain_text(said)
    await screen.is_sound()


async def test_the_history_has_pages(screen: Screen, demo: Demo) -> None:
    gita = demo.workspace.gita
    for order_id in [add_order(demo) for _ in range(11)]:
        line = f"{order_id} to admin@w{order_id}.example.dev because the mailbox changed"
        await gita.command("/dcv-resend", line, demo.pki)
    await expect(screen.messages("requested by @Gita Rao").nth(10)).to_be_visible(timeout=60_000)

    await screen.type("/dcv-resend history @gita")
    await expect(_answer(screen, "Recent requests by @Gita Rao")).to_be_visible()
    await screen.is_sound()
    await _answer(screen, "Recent requests").get_by_role("button", name="Older").click()
    await expect(_answer(screen, "Recent requests").get_by_role("button", name="Newer")).to_be_visible()
    await screen.is_sound()


async def test_those_who_may_not_are_refused_at_every_command(screen: Screen, demo: Demo) -> None:
    order_id = add_order(demo)
    before = len(demo.certcentral.calls)
    for name in dict.fromkeys(name for name, *_ in REFUSED):
        await screen.be(name)
        await screen.go_to("pki")
        for line, said in [(line, said) for who, line, said in REFUSED if who == name]:
            await screen.type(line.format(order=order_id))
            await expect(_answer(screen, said.format(order=order_id))).to_be_visible()
        await screen.is_sound()

    await screen.be("Ben Okoro")
    await screen.use_shortcut(demo.manifest.global_shortcuts[0]["name"])
    await screen.go_to("DCV Resend")
    await screen.page.get_by_role("tab", name="Messages").click()
    await expect(screen.messages("You can't resend DCV emails.").last).to_be_visible()
    await screen.is_sound()
    assert [call for call in demo.certcentral.calls[before:] if str(order_id) in call.path] == []
