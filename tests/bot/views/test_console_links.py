"""Links into CertCentral."""

import pytest

from bot.views.console_links import OPEN_IN_CONSOLE, console_button, console_link, console_url

BASE = "https://certcentral.digicert.eu/secure"


@pytest.mark.parametrize(
    ("key", "page"),
    [
        ("order:700001", "/orders/700001"),
        ("domain:12", "/domains/12"),
        ("domain:12:shop.example.com", "/domains/12"),
        ("name:shop.example.com", ""),
        ("order:7/../x", ""),
        ("", ""),
    ],
)
def test_a_link_leads_to_the_target_or_to_the_console(key: str, page: str) -> None:
    button = console_button(BASE, key).to_dict()

    assert console_url(BASE, key) == BASE + page
    assert (button["action_id"], button["url"], button["text"]["text"]) == (
        OPEN_IN_CONSOLE,
        BASE + page,
        "Open in CertCentral",
    )
    assert console_link(BASE, key) == f"<{BASE}{page}|Open in CertCentral>"
