"""The HTTP server of the local CertCentral."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType

from aiohttp import web

from sandbox.certcentral.account import Account
from sandbox.certcentral.account_calls import AccountCalls
from sandbox.certcentral.api_errors import CertCentralError, error_body
from sandbox.certcentral.call_log import BASE_PATH, CALL, RecordedCall, mask_key
from sandbox.certcentral.domain_calls import DomainCalls
from sandbox.certcentral.limits import Limit
from sandbox.certcentral.order_calls import OrderCalls
from sandbox.certcentral.request_checks import WITH_DOMAINS, RequestChecks
from sandbox.faults import Fault, FaultResponse, Faults

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CertCentral(Account):
    """An account that is served on the loopback inside an `async with` block. Its responses have `now` as Date."""

    def __init__(
        self,
        key: str = "sandbox-key",
        now: Callable[[], datetime] | None = None,
        *,
        port: int = 0,
        role: int = WITH_DOMAINS,
    ) -> None:
        super().__init__(now or _utc_now)
        self.calls: list[RecordedCall] = []
        self.faults = Faults()
        self._checks = RequestChecks(key, role, self.options)
        self._port = port
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> "CertCentral":
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        # Port 0 lets the system choose a free one.
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Return the base URL. Its port is known once the server runs."""
        return f"http://127.0.0.1:{self._port}{BASE_PATH}"

    @property
    def key(self) -> str:
        """Return the only valid key. Setting another one revokes it."""
        return self._checks.key

    @key.setter
    def key(self, key: str) -> None:
        self._checks.key = key

    @property
    def role(self) -> int:
        """Return the key's role: 0 (unrestricted), 100, 101, 102 or 103."""
        return self._checks.role

    @role.setter
    def role(self, role: int) -> None:
        self._checks.role = role

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Return the rolling limits of the key."""
        return self._checks.limits

    @limits.setter
    def limits(self, limits: tuple[Limit, ...]) -> None:
        self._checks.limits = limits

    @property
    def resends(self) -> list[RecordedCall]:
        """Return the calls that asked for mail, whatever their outcome."""
        return [call for call in self.calls if call.is_resend]

    async def wait_for_call(self, method: str, path: str, *, count: int = 1, timeout: float = 20.0) -> RecordedCall:  # noqa: ASYNC109 - the deadline is the contract here
        """Return call number `count` that matches the glob `path`, once it has arrived.

        Raises TimeoutError after `timeout` s.
        """

        def find() -> RecordedCall | None:
            fitting = [call for call in self.calls if call.matches(method, path)]
            return fitting[count - 1] if len(fitting) >= count else None

        return await self.changes.wait_for(find, what=f"call {count} of {method} {path}", timeout=timeout)

    def _app(self) -> web.Application:
        # Calls are recorded first, so that rejected and faulty ones are in the log too.
        app = web.Application(middlewares=[self._log_call, self._apply_fault, self._answer])
        for calls in (AccountCalls(), OrderCalls(self), DomainCalls(self)):
            app.add_routes(calls.routes())
        app.on_response_prepare.append(self._set_date_header)
        return app

    async def _set_date_header(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(self.now().astimezone(UTC), usegmt=True)

    @web.middleware
    async def _log_call(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        call = request[CALL] = await self._read_call(request)
        self.calls.append(call)
        self.changes.notify_all()
        response = await handler(request)
        # A dropped connection means that the client never saw a status.
        if request.transport is not None and not request.transport.is_closing():
            call.status = response.status
        self.changes.notify_all()
        return response

    async def _read_call(self, request: web.Request) -> RecordedCall:
        raw = await request.read()
        body, is_json = _parse_body(raw, request.content_type)
        return RecordedCall(
            method=request.method,
            path=request.path.removeprefix(BASE_PATH),
            query=dict(request.query),
            body=body,
            raw=raw,
            headers=mask_key(request.headers),
            at=self.now(),
            monotonic=asyncio.get_running_loop().time(),
            is_json=is_json,
        )

    @web.middleware
    async def _apply_fault(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self.faults.pop(request[CALL].name)
        if fault is None:
            return await handler(request)
        await fault.wait()
        # The effect comes first, so that a lost answer can still have sent mail.
        response = await handler(request) if _has_effect(fault) else web.Response()
        if fault.lost and request.transport is not None:
            request.transport.close()
        return response if fault.answer is None else _fault_response(fault.answer)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._checks.check(request)
            return await handler(request)
        except CertCentralError as error:
            body = error_body(error.code, error.message, as_object=self.options.errors_as_object)
            return web.json_response(body, status=error.status, headers=error.headers)


def _has_effect(fault: Fault) -> bool:
    return fault.effect or (fault.answer is None and not fault.lost)


def _fault_response(answer: FaultResponse) -> web.Response:
    if isinstance(answer.body, str):
        # An HTML body looks like the error page of a proxy.
        kind = "text/html" if answer.body.startswith("<") else "text/plain"
        return web.Response(status=answer.status, text=answer.body, content_type=kind, headers=answer.headers)
    return web.json_response(answer.body, status=answer.status, headers=answer.headers)


def _parse_body(raw: bytes, content_type: str) -> tuple[object, bool]:
    """Return the JSON of a body, and whether the body can be read. An empty body can."""
    if not raw:
        return None, True
    try:
        return json.loads(raw), content_type == "application/json"
    except ValueError:
        return None, False
