"""The DNS beside CertCentral: a person publishes a record by hand, and asks where an email went."""

import pytest
from playwright.async_api import expect

from sandbox.demo import Demo
from tests.page.page_object import Screen
from tests.page.walk_orders import add_order

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_record_is_published_and_the_bot_sees_it(screen: Screen, demo: Demo) -> None:
    demo.dns.add_zone("example.dev")
    order_id = add_order(demo)
    name = demo.certcentral.orders[order_id].dns_names[0]
    await screen.tools.get_by_role("tab", name="DNS").click()
    await screen.tools.get_by_label("Name of the record").fill(name)
    await screen.tools.get_by_label("Type of the record").select_option("MX")
    await screen.tools.get_by_label("Value of the record").fill("10 aspmx.l.google.com.")
    await screen.tools.get_by_role("button", name="Publish").click()
    await expect(screen.tools.get_by_role("button", name=f"Remove the MX record of {name}")).to_be_visible()
    await screen.is_sound()

    await screen.type(f"/dcv-resend where {order_id}")

    answer = screen.messages("Where did the email go?")
    await expect(answer).to_contain_text("at Google Workspace")
    await screen.is_sound()
