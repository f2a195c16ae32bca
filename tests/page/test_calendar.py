"""The jump of the demo: a day in 2027, the digest of many domains, and a revalidation from it."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from tests.page.page_object import Screen
from tests.page.pictures import compare, shoot

pytestmark = pytest.mark.asyncio(loop_scope="session")
RESTART = 60_000


async def test_the_jump_brings_the_digest_and_its_button_opens_the_form(
    get_channel: Callable[..., Awaitable[Screen]], story: Demo
) -> None:
    screen = await get_channel(story, viewport={"width": 1500, "height": 1100}, device_scale_factor=2)
    blank = await screen.page.context.new_page()
    jump = screen.page.get_by_role("button", name="Jump to February 15, 2027")
    await screen.go_to("pki")

    await jump.click()
    digest = screen.messages("120 of 120 domains need you before March 17.")
    await expect(digest).to_be_visible(timeout=RESTART)
    await expect(jump).to_have_count(0)
    await screen.is_sound()
    await compare(blank, "digest", [await shoot(screen.page, digest.locator(".message-body"), margin=0)])

    await digest.get_by_role("button", name="Revalidate").click()
    await expect(screen.form).to_contain_text("Revalidate one of")
    await screen.pick("Choose a domain", "shop1.northwind.example")
    await expect(screen.form).to_contain_text("Approving validates shop1.northwind.example")
    await screen.is_sound()
    await screen.submit()
    await story.slack.wait_for(lambda: story.certcentral.outbox, "the email", 30.0)

    assert [mail.recipient for mail in story.certcentral.outbox] == ["admin@shop1.northwind.example"]
    assert story.slack.problems == []
