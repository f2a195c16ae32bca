"""The HTTP handlers of Web API calls and of posts to response_urls, with planned faults."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.condition import Condition
from sandbox.faults import Fault, FaultResponse, Faults
from sandbox.json_types import Json
from sandbox.slack.server import methods_chat, methods_files, methods_reads, methods_views
from sandbox.slack.server.arguments import Arguments, read_arguments
from sandbox.slack.server.call_log import ApiCall
from sandbox.slack.server.rate_tiers import RateTiers
from sandbox.slack.workspace.api_errors import SlackError
from sandbox.slack.workspace.response_urls import ResponseUrls
from sandbox.slack.workspace.workspace import Workspace

Method = Callable[[Workspace, Arguments], Json]

BOT_METHODS: dict[str, Method] = {
    "chat.postMessage": methods_chat.post_message,
    "chat.update": methods_chat.update_message,
    "chat.delete": methods_chat.delete_message,
    "chat.postEphemeral": methods_chat.post_ephemeral,
    "chat.getPermalink": methods_chat.get_permalink,
    "views.open": methods_views.open_view,
    "views.push": methods_views.push_view,
    "views.update": methods_views.update_view,
    "views.publish": methods_views.publish_view,
    "files.getUploadURLExternal": methods_files.get_upload_url,
    "files.completeUploadExternal": methods_files.complete_upload,
    "files.info": methods_files.get_file,
    "users.info": methods_reads.get_user,
    "users.list": methods_reads.list_users,
    "usergroups.list": methods_reads.list_usergroups,
    "usergroups.users.list": methods_reads.list_usergroup_members,
    "conversations.members": methods_reads.list_members,
    "conversations.info": methods_reads.get_conversation,
    "conversations.open": methods_reads.open_conversation,
    "conversations.list": methods_reads.list_conversations,
    "conversations.history": methods_reads.get_history,
    "conversations.replies": methods_reads.get_replies,
}
GONE_ERRORS = frozenset({"used_url", "expired_url", "no_service"})


class WebApi:
    """The handlers of the app's HTTP requests."""

    def __init__(self, workspace: Workspace, response_urls: ResponseUrls, faults: Faults, changes: Condition) -> None:
        self.bot_token = f"xoxb-{workspace.ids.new_id('', 11)}-{workspace.ids.new_id('', 24)}"
        self.app_token = f"xapp-1-{workspace.bot.app_id}-{workspace.ids.new_id('', 24)}"
        self.calls: list[ApiCall] = []
        self.report_problem: Callable[[str], None] = lambda problem: None
        self.open_socket_url: Callable[[], str] = lambda: ""
        self._workspace, self._response_urls, self._faults, self._changes = workspace, response_urls, faults, changes
        self._tiers = RateTiers(workspace.ids.clock)

    async def handle_call(self, request: web.Request) -> web.StreamResponse:
        """Handle one call of a Web API method."""
        method = request.match_info["method"]
        record = ApiCall(method, {}, self._workspace.ids.clock())
        self.calls.append(record)
        self._changes.notify_all()

        async def effect() -> web.Response:
            return self._answer(method, record.params, request)

        try:
            # Recorded before the call is answered, so that a test sees it even if the answer is lost.
            record.params = await read_arguments(request)
        except SlackError as error:
            return self._error_response(record, error)
        response = await self.apply_fault(request, method, effect)
        _record_response(record, response)
        record.after = self._workspace.ids.clock() - record.at
        self._changes.notify_all()
        return response

    async def handle_response_url(self, request: web.Request) -> web.StreamResponse:
        """Handle a post to a response_url."""

        async def effect() -> web.Response:
            return await self._accept_response(request)

        return await self.apply_fault(request, "response_url", effect)

    async def apply_fault(
        self, request: web.Request, name: str, effect: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Run `effect` as the fault planned for `name` allows, and return the response that the fault gives."""
        fault = self._faults.pop(name)
        if fault is None:
            return await effect()
        await fault.wait()
        response = await effect() if _has_effect(fault) else web.Response()
        if fault.lost:
            return _drop_connection(request)
        return _fault_response(fault.answer) if fault.answer else response

    def _answer(self, method: str, params: Json, request: web.Request) -> web.Response:
        if seconds := self._tiers.admit(method, self._workspace.rate_limits.get(method)):
            refused = {"ok": False, "error": "ratelimited"}
            return web.json_response(refused, status=429, headers={"Retry-After": str(seconds)})
        try:
            answer = {"ok": True, **self._run(method, Arguments(params), request.headers.get("Authorization", ""))}
        except SlackError as error:
            if error.mistake:
                self.report_problem(f"{method} was refused: {error.error} {error.extras or ''}".strip())
            answer = {"ok": False, "error": error.error, **error.extras}
        # Apps can read their granted scopes from this header.
        return web.json_response(answer, headers={"x-oauth-scopes": ",".join(sorted(self._workspace.granted_scopes))})

    def _run(self, method: str, call: Arguments, authorization: str) -> Json:
        if method == "apps.connections.open":
            self._require_token(authorization, self.app_token, other=self.bot_token)
            return {"url": self.open_socket_url()}
        if method != "auth.test" and method not in BOT_METHODS:
            raise SlackError("unknown_method", mistake=True, req_method=method)
        self._require_token(authorization, self.bot_token, other=self.app_token)
        return self._identity() if method == "auth.test" else BOT_METHODS[method](self._workspace, call)

    def _require_token(self, authorization: str, expected: str, other: str) -> None:
        token = authorization.removeprefix("Bearer ").strip()
        if not token:
            raise SlackError("not_authed")
        # A bot token for apps.connections.open, or the reverse, has an error code of its own.
        if token == other:
            raise SlackError("not_allowed_token_type")
        if token != expected:
            raise SlackError("invalid_auth")

    def _identity(self) -> Json:
        workspace = self._workspace
        return {
            "url": f"https://{workspace.domain}.slack.test/",
            "team": workspace.domain,
            "team_id": workspace.team_id,
            "user": workspace.bot.name,
            "user_id": workspace.bot.user,
            "bot_id": workspace.bot.bot_id,
            "is_enterprise_install": workspace.is_org_wide,
            **({"enterprise_id": workspace.enterprise_id} if workspace.enterprise_id else {}),
        }

    async def _accept_response(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.text())
            self._response_urls.accept_post(request.match_info["key"], body)
        except (ValueError, AttributeError):
            self.report_problem("a post to a response_url is no JSON object")
            return web.Response(status=400, text="invalid_payload")
        except SlackError as error:
            self.report_problem(f"a post to a response_url was refused: {error.error} {error.extras or ''}".strip())
            # Slack answers with plain text here, not with JSON.
            return web.Response(status=404 if error.error in GONE_ERRORS else 400, text=error.error)
        self._changes.notify_all()
        return web.Response(text="ok")

    def _error_response(self, record: ApiCall, error: SlackError) -> web.Response:
        self.report_problem(f"{record.method} was refused: {error.error}")
        record.status, record.answer = 200, {"ok": False, "error": error.error}
        return web.json_response(record.answer)


def _has_effect(fault: Fault) -> bool:
    return fault.effect or (fault.answer is None and not fault.lost)


def _drop_connection(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    # The connection is gone. 499 only marks the response as dropped for the call log.
    return web.Response(status=499)


def _fault_response(answer: FaultResponse) -> web.Response:
    if isinstance(answer.body, str):
        return web.Response(status=answer.status, text=answer.body, headers=dict(answer.headers))
    return web.json_response(answer.body, status=answer.status, headers=dict(answer.headers))


def _record_response(record: ApiCall, response: web.StreamResponse) -> None:
    if response.status == 499:
        return
    record.status = response.status
    record.answer = _read_response(response)


def _read_response(response: web.StreamResponse) -> Any:
    text = response.text if isinstance(response, web.Response) else None
    try:
        return json.loads(text or "")
    except ValueError:
        return text
