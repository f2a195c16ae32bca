"""The two addresses of Slack's file server: one takes an upload, the other gives a download."""

from collections.abc import Callable

from aiohttp import web

from sandbox.slack.workspace.api_errors import SlackError
from sandbox.slack.workspace.workspace import Workspace

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body></body></html>"


class FileTransfer:
    """The handlers of uploads and downloads. `token` is the one that may download."""

    def __init__(self, workspace: Workspace, token: str, report_problem: Callable[[str], None]) -> None:
        self._workspace, self._token, self._report_problem = workspace, token, report_problem

    async def handle_upload(self, request: web.Request) -> web.StreamResponse:
        """Take the raw bytes of one file. An upload needs no token, so one that is sent there is a problem."""
        if "Authorization" in request.headers:
            self._report_problem("a token was sent to the url of an upload")
        try:
            self._workspace.files.receive_upload(request.match_info["key"], await request.read())
        except SlackError as error:
            self._report_problem(f"an upload was refused: {error.error}")
            return web.Response(status=400, text=error.error)
        return web.Response(text="OK")

    async def handle_download(self, request: web.Request) -> web.StreamResponse:
        """Give the bytes of a file. Without the token or the scope, Slack shows its sign-in page and no error."""
        allowed = request.headers.get("Authorization") == f"Bearer {self._token}"
        if not allowed or "files:read" not in self._workspace.granted_scopes:
            if self._workspace.download_redirects:
                raise web.HTTPFound(self._workspace.files.build_url("signin"))
            return web.Response(text=LOGIN_PAGE, content_type="text/html")
        try:
            file = self._workspace.files.find(request.match_info["file_id"])
        except SlackError:
            return web.Response(status=404)
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def handle_sign_in(self, _request: web.Request) -> web.StreamResponse:
        """Show the sign-in page."""
        return web.Response(text=LOGIN_PAGE, content_type="text/html")
