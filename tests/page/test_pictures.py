"""The story of README: its pictures show what the code says today. `make screenshots` takes them again."""

from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from sandbox.demo import Demo
from tests.page.page_object import Screen
from tests.page.pictures import compare, shoot

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Without the count of replies, which may come a moment later.
CONTENT = ":scope > .avatar, .message-head, .message-body"
STEPS = ("Run the command", "Choose who gets the email", "See when it is validated")


@pytest_asyncio.fixture(loop_scope="session")
async def screen(get_channel: Callable[..., Awaitable[Screen]], story: Demo) -> Screen:
    """Ana's window, so narrow that README shows its parts nearly in their own size, with sharp letters."""
    return await get_channel(story, viewport={"width": 1000, "height": 1100}, device_scale_factor=2)


@pytest_asyncio.fixture(loop_scope="session")
async def blank(screen: Screen) -> Page:
    """A blank page that draws the pictures."""
    return await screen.page.context.new_page()


async def test_from_the_command_to_the_approved_email(screen: Screen, blank: Page, story: Demo) -> None:
    page = screen.page
    await screen.go_to("cert-alerts")
    await screen.open_thread("OrderAwaitsValidation")
    await expect(screen.thread.get_by_role("button", name="Not now")).to_be_visible()
    await compare(blank, "alert", [await shoot(page, screen.thread.locator(".messages"), margin=0)])

    await screen.go_to("DCV Resend")
    await expect(screen.home).to_contain_text("Needs you")
    await compare(blank, "home", [await shoot(page, screen.home.locator(".home-blocks > :nth-child(-n+12)"))])

    await screen.go_to("pki")
    box = screen.conversation.get_by_role("combobox")
    await box.press_sequentially("/dcv-r")
    await expect(screen.conversation.get_by_role("option", name="/dcv-resend")).to_be_visible()
    await screen.is_sound()
    command = await shoot(page, screen.conversation.locator(".commands"), screen.conversation.locator(".composer-bar"))
    await box.press("Enter")
    await box.press("Enter")

    await screen.pick("Order or domain", "shop.example.com", search="shop")
    await expect(screen.form.get_by_text("Recipient for example.net")).to_be_visible()
    await screen.pick("Recipient for shop.example.com", "admin@shop.example.com")
    await expect(screen.form.get_by_text("Approving validates shop.example.com.", exact=True)).to_be_visible()
    await screen.form.get_by_label("Reason").fill("the first email went to an old mailbox")
    form = await shoot(page, screen.form, margin=0)
    await screen.submit()

    await expect(screen.form).to_have_count(0)
    card = screen.messages("Order 700001 · requested by")
    await expect(card).to_contain_text("waiting for approval")
    await expect(card).to_contain_text("checked", timeout=10_000)
    await compare(blank, "card", [await shoot(page, card.locator(CONTENT))])
    mails = [mail for mail in story.certcentral.outbox if mail.order_id == 700001]
    for mail in mails:
        await screen.approve(mail.scope)
    await expect(screen.tools.get_by_text("Approved")).to_have_count(len(mails))
    await expect(card).to_contain_text("validated, certificate issued", timeout=20_000)
    await compare(blank, "story", [command, form, await shoot(page, card.locator(CONTENT))], STEPS)
    await screen.tools.get_by_role("tab", name="Orders").click()
    await expect(screen.tools.locator(".thing").filter(has_text="700001").get_by_text("issued")).to_be_visible()
    await screen.is_sound()
    assert story.slack.problems == []
