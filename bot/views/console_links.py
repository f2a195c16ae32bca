"""Links into CertCentral, DigiCert's console: the way out of whatever the bot cannot do."""

from slack_sdk.models.blocks import ButtonElement

from bot.models import Kind
from bot.views.blocks import plain

OPEN_IN_CONSOLE = "open_in_certcentral"
LABEL = "Open in CertCentral"
_PAGES = {Kind.ORDER: "orders", Kind.DOMAIN: "domains"}


def console_url(base_url: str, key: str = "") -> str:
    """Return the address of a target's page, or of the console itself if the key names no order or domain.

    `key` is `order:7`, `domain:12`, or `domain:12:` with a name scope.
    """
    kind, _, value = key.partition(":")
    number = value.partition(":")[0]
    if kind in _PAGES and number.isascii() and number.isdecimal():
        return f"{base_url}/{_PAGES[Kind(kind)]}/{number}"
    return base_url


def console_button(base_url: str, key: str = "") -> ButtonElement:
    """Return the button *Open in CertCentral*. Its click arrives too, and needs only an acknowledgement."""
    return ButtonElement(text=plain(LABEL), action_id=OPEN_IN_CONSOLE, url=console_url(base_url, key))


def console_link(base_url: str, key: str = "", words: str = LABEL) -> str:
    """Return the same link as marked-up text. `words` must be the bot's own, or escaped."""
    return f"<{console_url(base_url, key)}|{words}>"
