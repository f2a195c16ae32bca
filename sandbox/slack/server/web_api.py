"""The HTTP side: Web API calls, posts to response_urls and the faults that are planned for them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.condition import Condition
from sandbox.faults import Fault, FaultResponse, Faults
from sandbox.json_types import Json
from sandbox.slack.server import methods_chat, methods_reads, methods_views
from sandbox.slack.server.arguments import Arguments, read_arguments
from sandbox.slack.server.call_log import ApiCall
from sandbox.slack.workspace.api_errors import Refused
from sandbox.slack.workspace.response_urls import Hooks
from sandbox.slack.workspace.workspace import Workspace

Method = Callable[[Workspace, Arguments], Json]

BOT_METHODS: dict[str, Method] = {
    "chat.postMessage": methods_chat.post_message,
    "chat.update": methods_chat.update,
    "chat.delete": methods_chat.delete,
    "chat.postEphemeral": methods_chat.post_ephemeral,
    "chat.getPermalink": methods_chat.permalink,
    "views.open": methods_views.open_view,
    "views.push": methods_views.push_view,
    "views.update": methods_views.update_view,
    "views.publish": methods_views.publish_view,
    "users.info": methods_reads.users_info,
    "usergroups.users.list": methods_reads.usergroup_users,
    "conversations.info": methods_reads.conversation_info,
    "conversations.open": methods_reads.conversation_open,
    "conversations.list": methods_reads.conversation_list,
    "conversations.history": methods_reads.history,
    "conversations.replies": methods_reads.replies,
}
GONE = frozenset({"used_url", "expired_url", "no_service"})


class WebApi:
    """Answers the app's HTTP requests."""

    def __init__(self, here: Workspace, hooks: Hooks, faults: Faults, changes: Condition) -> None:
        self.bot_token = f"xoxb-{here.mint.id('', 11)}-{here.mint.id('', 24)}"
        self.app_token = f"xapp-1-{here.bot.app_id}-{here.mint.id('', 24)}"
        self.calls: list[ApiCall] = []
        self.complain: Callable[[str], None] = lambda problem: None
        self.open_socket: Callable[[], str] = lambda: ""
        self._here, self._hooks, self._faults, self._changes = here, hooks, faults, changes

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Answer one call of a method."""
        method = request.match_info["method"]
        record = ApiCall(method, {}, self._here.mint.clock())
        self.calls.append(record)
        self._changes.notify_all()

        async def effect() -> web.Response:
            return self._answer(method, record.params, request)

        try:
            record.params = await read_arguments(request)
        except Refused as refusal:
            return self._refusal(record, refusal)
        response = await self.with_faults(request, method, effect)
        _note(record, response)
        record.after = self._here.mint.clock() - record.at
        self._changes.notify_all()
        return response

    async def hook(self, request: web.Request) -> web.StreamResponse:
        """Answer a post to a response_url."""

        async def effect() -> web.Response:
            return await self._use_hook(request)

        return await self.with_faults(request, "response_url", effect)

    async def with_faults(
        self, request: web.Request, name: str, effect: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Let the effect happen as the fault planned for `name` allows, and answer what it says."""
        fault = self._faults.pop(name)
        if fault is None:
            return await effect()
        await fault.wait()
        response = await effect() if _has_effect(fault) else web.Response()
        if fault.lost:
            return _drop(request)
        return _planned(fault.answer) if fault.answer else response

    def _answer(self, method: str, params: Json, request: web.Request) -> web.Response:
        try:
            answer = {"ok": True, **self._run(method, Arguments(params), request.headers.get("Authorization", ""))}
        except Refused as refusal:
            if refusal.mistake:
                self.complain(f"{method} was refused: {refusal.error} {refusal.extras or ''}".strip())
            answer = {"ok": False, "error": refusal.error, **refusal.extras}
        return web.json_response(answer, headers={"x-oauth-scopes": ",".join(sorted(self._here.granted_scopes))})

    def _run(self, method: str, call: Arguments, authorization: str) -> Json:
        if method == "apps.connections.open":
            self._require_token(authorization, self.app_token, other=self.bot_token)
            return {"url": self.open_socket()}
        if method != "auth.test" and method not in BOT_METHODS:
            raise Refused("unknown_method", mistake=True, req_method=method)
        self._require_token(authorization, self.bot_token, other=self.app_token)
        return self._identity() if method == "auth.test" else BOT_METHODS[method](self._here, call)

    def _require_token(self, authorization: str, expected: str, other: str) -> None:
        token = authorization.removeprefix("Bearer ").strip()
        if not token:
            raise Refused("not_authed")
        if token == other:
            raise Refused("not_allowed_token_type")
        if token != expected:
            raise Refused("invalid_auth")

    def _identity(self) -> Json:
        here = self._here
        return {
            "url": f"https://{here.domain}.slack.test/",
            "team": here.domain,
            "team_id": here.team_id,
            "user": here.bot.name,
            "user_id": here.bot.user,
            "bot_id": here.bot.bot_id,
            "is_enterprise_install": here.is_org_wide,
            **({"enterprise_id": here.enterprise_id} if here.enterprise_id else {}),
        }

    async def _use_hook(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.text())
            self._hooks.use(request.match_info["key"], body)
        except (ValueError, AttributeError):
            self.complain("a post to a response_url is no JSON object")
            return web.Response(status=400, text="invalid_payload")
        except Refused as refusal:
            self.complain(f"a post to a response_url was refused: {refusal.error} {refusal.extras or ''}".strip())
            return web.Response(status=404 if refusal.error in GONE else 400, text=refusal.error)
        self._changes.notify_all()
        return web.Response(text="ok")

    def _refusal(self, record: ApiCall, refusal: Refused) -> web.Response:
        self.complain(f"{record.method} was refused: {refusal.error}")
        record.status, record.answer = 200, {"ok": False, "error": refusal.error}
        return web.json_response(record.answer)


def _has_effect(fault: Fault) -> bool:
    return fault.effect or (fault.answer is None and not fault.lost)


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


def _planned(answer: FaultResponse) -> web.Response:
    if isinstance(answer.body, str):
        return web.Response(status=answer.status, text=answer.body, headers=dict(answer.headers))
    return web.json_response(answer.body, status=answer.status, headers=dict(answer.headers))


def _note(record: ApiCall, response: web.StreamResponse) -> None:
    if response.status == 499:
        return
    record.status = response.status
    record.answer = _read(response)


def _read(response: web.StreamResponse) -> Any:
    text = response.text if isinstance(response, web.Response) else None
    try:
        return json.loads(text or "")
    except ValueError:
        return text
