"""Keeps the page to this machine and to itself: no other site may drive it, no message may run script in it."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Guard:
    """Lets requests through that a browser on this machine makes for the page itself; `port` is known once it serves.

    A foreign name that resolves to the loopback is stopped by Host, a foreign site by Origin.
    """

    def __init__(self) -> None:
        self.port = 0

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 403 to whatever comes from elsewhere."""
        hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if host not in hosts:
            raise web.HTTPForbidden(text="The page is served under its loopback address alone.")
        if origin != f"http://{host}" and (origin is not None or _acts(request)):
            raise web.HTTPForbidden(text="Only the page itself may do this.")
        return await handler(request)

    async def harden(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that every answer has."""
        response.headers.update(HEADERS)


def _acts(request: web.Request) -> bool:
    """Whether the request does more than read a file; a browser always names the origin of such a one."""
    return request.method not in {"GET", "HEAD"} or "upgrade" in request.headers.get("Connection", "").lower()
