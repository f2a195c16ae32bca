"""The jump of the demo: a day in 2027, the digest of many domains, and a plan of revalidations from it."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from tests.page.page_object import Screen
from tests.page.pictures import compare, shoot

pytestmark = pytest.mark.asyncio(loop_scope="session")
RESTART = 60_000


async def test_the_jump_brings_the_digest_and_its_button_previews_the_plan(
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
    await expect(screen.form).to_contain_text("Nothing is sent yet")
    await screen.is_sound()
    await screen.form.get_by_label("Reason").fill("before the new rule")
    await screen.submit()
    preview = await story.slack.sees_message(story.pki, containing="will be sent", timeout=60.0)
    assert "113 domains will be revalidated" in preview.visible_text
    assert "Someone else must approve a plan of this size." in preview.visible_text

    assert story.certcentral.outbox == []
    assert story.slack.problems == []
