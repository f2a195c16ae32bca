"""The checks of a call before its object is read: key, limits, route, role and body."""

import hmac
import math

from aiohttp import web

from sandbox.certcentral.api_errors import invalid_key, malformed, missing_permission, not_found, too_many_calls
from sandbox.certcentral.behavior_options import BehaviorOptions
from sandbox.certcentral.call_log import CALL, KEY_HEADER, RecordedCall
from sandbox.certcentral.limits import DIGICERT_LIMITS, Limit, SlidingWindow

ORDERS_ONLY, WITH_DOMAINS, VIEW_ONLY, USERS_ONLY = 100, 101, 102, 103
AREAS = {
    ORDERS_ONLY: {"order", "account"},
    WITH_DOMAINS: {"order", "domain", "account"},
    USERS_ONLY: {"user"},
}


class RequestChecks:
    """The checks that come before the object, in CertCentral's order."""

    def __init__(self, key: str, role: int, options: BehaviorOptions) -> None:
        self.key = key
        self.role = role
        self.limits: tuple[Limit, ...] = DIGICERT_LIMITS
        self._options = options
        self._window = SlidingWindow()

    def check(self, request: web.Request) -> None:
        """Check the request. Raises CertCentralError if it is rejected."""
        call = request[CALL]
        self._check_key(request.headers.get(KEY_HEADER, ""))
        self._check_limits(call.monotonic)
        # CertCentral checks key and limits before it reports an unknown route.
        if request.match_info.http_exception is not None:
            raise not_found("route")
        if not self._has_permission(call):
            raise missing_permission()
        if not call.is_json:
            raise malformed("the body is not JSON")

    def _check_key(self, key: str) -> None:
        if not hmac.compare_digest(key.encode(), self.key.encode()):
            raise invalid_key()

    def _check_limits(self, at: float) -> None:
        wait = self._window.acquire(self.limits, at)
        if wait:
            raise too_many_calls({"Retry-After": str(math.ceil(wait))} if self._options.retry_after else {})

    def _has_permission(self, call: RecordedCall) -> bool:
        if self.role == 0 or (self.role == VIEW_ONLY and call.method == "GET"):
            return True
        if call.path == "/user/me" and self.role in {ORDERS_ONLY, WITH_DOMAINS}:
            return self._options.user_me_for_orders
        return call.path.split("/")[1] in AREAS.get(self.role, set())
