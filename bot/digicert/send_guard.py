"""What happens to a request right before it is written: httpx tells of that moment by its `trace` extension.

Source: https://www.python-httpx.org/advanced/extensions/#trace
"""

import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.errors import CaUnavailable

# Called right before a request is written, once its connection is there; what it raises is raised instead.
Confirm = Callable[[], Awaitable[None]]

# So long the kernel may hold what DigiCert's side does not acknowledge; after that it never sends it.
HELD_SECONDS = 3.0


class SendGuard:
    """Hears of each phase of one request, and asks `confirm` as late as possible: before the head, and the body."""

    def __init__(self, confirm: Confirm | None = None) -> None:
        self._confirm = confirm

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take one event of the HTTP library."""
        if event == "connection.connect_tcp.complete":
            _limit_holding(info["return_value"])
        elif self._confirm and event.endswith(".send_request_headers.started") and not _is_for_proxy(info):
            await self._confirm()
        elif self._confirm and event.endswith(".send_request_body.started") and not _is_for_proxy(info):
            await self._confirm_again(self._confirm)

    async def _confirm_again(self, confirm: Confirm) -> None:
        """Confirm with the head written already: without its body the request is not complete."""
        try:
            await confirm()
        except Exception as error:
            raise CaUnavailable("The call to DigiCert was broken off half-way.", may_have_arrived=True) from error


def _is_for_proxy(info: Mapping[str, Any]) -> bool:
    return bool(info["request"].method == b"CONNECT")


def _limit_holding(stream: Any) -> None:
    """Let the kernel drop what it could not deliver: a request must not arrive long after its outcome was told."""
    connected = stream.get_extra_info("socket")
    if connected is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(HELD_SECONDS * 1000))
