"""The local CertCentral as a server: records calls, plays planned faults, checks, answers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType

from aiohttp import web

from sandbox.certcentral.account import Account
from sandbox.certcentral.account_calls import AccountCalls
from sandbox.certcentral.api_errors import Refusal, error_body
from sandbox.certcentral.call_log import BASE_PATH, CALL, Call, masked
from sandbox.certcentral.domain_calls import DomainCalls
from sandbox.certcentral.limits import Limit
from sandbox.certcentral.order_calls import OrderCalls
from sandbox.certcentral.request_checks import WITH_DOMAINS, Gate
from sandbox.faults import Fault, FaultResponse, Faults

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CertCentral(Account):
    """An account that is served on the loopback while its `async with` block runs; its answers tell `now` as Date."""

    def __init__(
        self,
        key: str = "sandbox-key",
        now: Callable[[], datetime] | None = None,
        *,
        port: int = 0,
        role: int = WITH_DOMAINS,
    ) -> None:
        super().__init__(now or _utc_now)
        self.calls: list[Call] = []
        self.faults = Faults()
        self._gate = Gate(key, role, self.switches)
        self._port = port
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> "CertCentral":
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """The base URL; its port is known once the server runs."""
        return f"http://127.0.0.1:{self._port}{BASE_PATH}"

    @property
    def key(self) -> str:
        """The one key that is accepted; set it to revoke the old one."""
        return self._gate.key

    @key.setter
    def key(self, key: str) -> None:
        self._gate.key = key

    @property
    def role(self) -> int:
        """The key's role: 0 (unrestricted), 100, 101, 102 or 103."""
        return self._gate.role

    @role.setter
    def role(self, role: int) -> None:
        self._gate.role = role

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The rolling limits of the key."""
        return self._gate.limits

    @limits.setter
    def limits(self, limits: tuple[Limit, ...]) -> None:
        self._gate.limits = limits

    @property
    def resends(self) -> list[Call]:
        """The calls that asked for mail, whatever became of them."""
        return [call for call in self.calls if call.is_resend]

    async def call_arrives(self, method: str, path: str, *, count: int = 1, timeout: float = 20.0) -> Call:  # noqa: ASYNC109 - the deadline is the contract here
        """The `count`-th call that fits the glob `path`, as soon as it has arrived; TimeoutError after `timeout` s."""

        def look() -> Call | None:
            fitting = [call for call in self.calls if call.matches(method, path)]
            return fitting[count - 1] if len(fitting) >= count else None

        return await self.changes.wait_for(look, what=f"call {count} of {method} {path}", timeout=timeout)

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._record, self._meet_fault, self._answer])
        for calls in (AccountCalls(), OrderCalls(self), DomainCalls(self)):
            app.add_routes(calls.routes())
        app.on_response_prepare.append(self._tell_time)
        return app

    async def _tell_time(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(self.now().astimezone(UTC), usegmt=True)

    @web.middleware
    async def _record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        call = request[CALL] = await self._heard(request)
        self.calls.append(call)
        self.changes.notify_all()
        response = await handler(request)
        if request.transport is not None and not request.transport.is_closing():
            call.status = response.status
        self.changes.notify_all()
        return response

    async def _heard(self, request: web.Request) -> Call:
        raw = await request.read()
        body, is_json = _parsed(raw, request.content_type)
        return Call(
            method=request.method,
            path=request.path.removeprefix(BASE_PATH),
            query=dict(request.query),
            body=body,
            raw=raw,
            headers=masked(request.headers),
            at=self.now(),
            monotonic=asyncio.get_running_loop().time(),
            is_json=is_json,
        )

    @web.middleware
    async def _meet_fault(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self.faults.pop(request[CALL].name)
        if fault is None:
            return await handler(request)
        await fault.wait()
        response = await handler(request) if _takes_effect(fault) else web.Response()
        if fault.lost and request.transport is not None:
            request.transport.close()
        return response if fault.answer is None else _given(fault.answer)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._gate.check(request)
            return await handler(request)
        except Refusal as refusal:
            body = error_body(refusal.code, refusal.message, as_object=self.switches.errors_as_object)
            return web.json_response(body, status=refusal.status, headers=refusal.headers)


def _takes_effect(fault: Fault) -> bool:
    return fault.effect or (fault.answer is None and not fault.lost)


def _given(answer: FaultResponse) -> web.Response:
    if isinstance(answer.body, str):
        kind = "text/html" if answer.body.startswith("<") else "text/plain"
        return web.Response(status=answer.status, text=answer.body, content_type=kind, headers=answer.headers)
    return web.json_response(answer.body, status=answer.status, headers=answer.headers)


def _parsed(raw: bytes, content_type: str) -> tuple[object, bool]:
    """The JSON of a body and whether the body can be read; no body can."""
    if not raw:
        return None, True
    try:
        return json.loads(raw), content_type == "application/json"
    except ValueError:
        return None, False
