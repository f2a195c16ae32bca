"""The last check of a request right before it is written, by httpx's `trace` extension.

Source: https://www.python-httpx.org/advanced/extensions/#trace
"""

import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.errors import CaUnavailable

# Called once the connection is open, right before a request is written. If it raises, the request is not written.
Confirm = Callable[[], Awaitable[None]]

# How long the kernel may retransmit data that DigiCert's side does not acknowledge. After that it drops the data.
HELD_SECONDS = 3.0


class SendGuard:
    """Trace callback of one request. Calls `confirm` as late as possible: before the head, and before the body."""

    def __init__(self, confirm: Confirm | None = None) -> None:
        self._confirm = confirm

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Handle one event of the HTTP library."""
        if event == "connection.connect_tcp.complete":
            _limit_holding(info["return_value"])
        elif self._confirm and event.endswith(".send_request_headers.started") and not _is_for_proxy(info):
            await self._confirm()
        elif self._confirm and event.endswith(".send_request_body.started") and not _is_for_proxy(info):
            await self._confirm_again(self._confirm)

    async def _confirm_again(self, confirm: Confirm) -> None:
        """Confirm after the head was written: without its body the request is not complete.

        Raises CaUnavailable with `may_have_arrived=True` if that fails.
        """
        try:
            await confirm()
        except Exception as error:
            raise CaUnavailable("The call to DigiCert was broken off half-way.", may_have_arrived=True) from error


def _is_for_proxy(info: Mapping[str, Any]) -> bool:
    return bool(info["request"].method == b"CONNECT")


def _limit_holding(stream: Any) -> None:
    """Make the kernel drop undelivered data: a request must not arrive long after its outcome was announced."""
    connected = stream.get_extra_info("socket")
    if connected is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(HELD_SECONDS * 1000))
