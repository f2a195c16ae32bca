"""The check that only the page itself, in a browser on this machine, sends requests to its server."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OriginCheck:
    """A check of the Host and Origin headers. Set `port` once the server runs.

    Host stops a foreign name that resolves to the loopback (DNS rebinding). Origin stops a foreign site.
    """

    def __init__(self) -> None:
        self.port = 0

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 403 to a request that does not come from the page itself."""
        hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if host not in hosts:
            raise web.HTTPForbidden(text="Open the page at its loopback address.")
        if origin != f"http://{host}" and (origin is not None or _needs_origin(request)):
            raise web.HTTPForbidden(text="Only the page itself can do this.")
        return await handler(request)


def _needs_origin(request: web.Request) -> bool:
    """Return whether the request does more than read a file."""
    # A browser always sends Origin with such a request, so its absence means another client.
    return request.method not in {"GET", "HEAD"} or "upgrade" in request.headers.get("Connection", "").lower()
