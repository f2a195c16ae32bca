"""The local Slack on a loopback port: a workspace that serves one app."""

import time
from collections.abc import Callable
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from sandbox.faults import Faults
from sandbox.json_types import Json
from sandbox.slack.people.simulated_user import SimulatedUser
from sandbox.slack.server.call_log import ApiCall
from sandbox.slack.server.event_dispatcher import EventDispatcher
from sandbox.slack.server.file_transfer import FileTransfer
from sandbox.slack.server.request_url import RequestUrl
from sandbox.slack.server.socket_mode import SocketMode
from sandbox.slack.server.web_api import WebApi
from sandbox.slack.workspace.app_workspace import AppWorkspace
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.emails import SLACKBOT_ID, Email
from sandbox.slack.workspace.message_content import MessageAuthor, MessageContent
from sandbox.slack.workspace.models import Channel, Message

HOST = "127.0.0.1"
STOPPING_SECONDS = 0.2


class Slack(AppWorkspace):
    """A workspace with one app, which serves its Web API and Socket Mode inside an `async with` block.

    With `request_url` set, payloads are posted there, signed, instead of sent to sockets.

    `clock` returns Unix seconds, also for the Date header of responses. `seed` decides the random routing.
    """

    def __init__(self, port: int = 0, *, clock: Callable[[], float] = time.time, seed: int = 0) -> None:
        super().__init__(clock)
        self.faults = Faults()
        self.signing_secret = self.ids.new_id("", 32).lower()
        # The port is known only once the server runs, so the URL is built when it is issued.
        self.response_urls.build_url = lambda key: f"{self.url}/hooks/{key}"
        self.socket_mode = SocketMode(self, self.changes, self.report_problem, seed)
        deliveries = self.socket_mode.deliveries
        self.requests = RequestUrl(
            self, lambda: self.signing_secret, deliveries, self.changes, self.report_problem, seed
        )
        self.event_dispatcher = EventDispatcher(self, self.deliver, lambda: bool(self.request_url or self.sockets))
        # Parked events are retried as soon as the app is back.
        self.socket_mode.on_connect = self.event_dispatcher.retry_parked
        self.web_api = WebApi(self, self.response_urls, self.faults, self.changes)
        self.web_api.report_problem, self.web_api.open_socket_url = self.report_problem, self._socket_url
        self.files.build_url = lambda path: f"{self.url}/{path}"
        self._transfer = FileTransfer(self, self.bot_token, self.report_problem)
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Return the base URL of the server."""
        return f"http://{HOST}:{self._port}"

    @property
    def api_url(self) -> str:
        """Return the base URL of the Web API."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        """Return the token for the Web API."""
        return self.web_api.bot_token

    @property
    def app_token(self) -> str:
        """Return the token for apps.connections.open."""
        return self.web_api.app_token

    @property
    def bot_user_id(self) -> str:
        """Return the user id of the app's bot."""
        return str(self.bot.user)

    @property
    def app_id(self) -> str:
        """Return the id of the app."""
        return str(self.bot.app_id)

    @property
    def api_calls(self) -> list[ApiCall]:
        """Return every call of the Web API, oldest first."""
        return self.web_api.calls

    @property
    def deliveries(self) -> list[Delivery]:
        """Return every envelope, oldest first."""
        return self.socket_mode.deliveries

    @property
    def sockets(self) -> int:
        """Return the number of open sockets."""
        return len(self.socket_mode.sockets)

    def add_person(self, name: str, *, team_id: str | None = None, **traits: Any) -> SimulatedUser:
        """Add a user. `traits` are the fields of Member. A stranger gets a team of its own."""
        home = self.ids.new_id("T") if traits.get("stranger") else self.team_id
        person = SimulatedUser(id=self.ids.new_id("U"), name=name, team_id=team_id or home, slack=self, **traits)
        self.add_member(person)
        return person

    def post_alert(
        self,
        channel: Channel,
        app_name: str,
        text: str = "",
        *,
        blocks: list[Json] | None = None,
        attachments: list[Json] | None = None,
        classic: bool = False,
        thread_ts: str | None = None,
    ) -> Message:
        """Post a message as another app. With `classic`, it has no user, as with old webhooks."""
        app = self.ensure_app(app_name)
        author = MessageAuthor(app_name, bot_id=app.bot_id) if classic else app
        return self.post(channel, author, self.build_content(text, blocks, attachments), thread_ts=thread_ts)

    def post_email(self, channel: Channel, subject: str, body: str, *, sender: str, name: str = "") -> Message:
        """Post an email as Slack's email app, as if it was sent to the address of the channel.

        `email_detail` decides how much of it apps see.
        """
        email = Email(self.ids.new_id("F"), subject, body, sender, name or sender, self.email_detail)
        author = MessageAuthor("Email", user=SLACKBOT_ID, bot_id=self.ensure_app("Email").bot_id)
        return self.post(channel, author, MessageContent(files=(email,)))

    def thread(self, channel: Channel, ts: str) -> list[Message]:
        """Return the replies below a message, oldest first."""
        return channel.thread(ts)

    async def deliver(self, kind: str, payload: Json, what: str, **extras: Any) -> Delivery:
        """Deliver a payload over HTTP or a socket, as configured, and wait for its ack."""
        door = self.requests if self.request_url else self.socket_mode
        return await door.deliver(kind, payload, what, **extras)

    def emit(self, event: Json, channel: Channel | None = None) -> None:
        """Deliver an event of the workspace to the app in the background."""
        self.changes.notify_all()
        self.event_dispatcher.dispatch(event, channel)

    def send_event(self, event: Json, **envelope_extras: Any) -> None:
        """Deliver an arbitrary event to the app. Extras go beside it, such as event_id."""
        self.event_dispatcher.dispatch(event, self.channels.get(str(event.get("channel"))), **envelope_extras)

    async def wait_for_events(self) -> None:
        """Wait until every event has been acknowledged, or is parked until the next connection."""
        await self.event_dispatcher.wait_until_idle()

    async def wait_for_connection(self, timeout: float = 20.0) -> None:  # noqa: ASYNC109 - the deadline is the contract here
        """Wait until the app has an open socket."""
        await self.wait_for(lambda: self.sockets > 0, "the app to connect", timeout)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every socket to disconnect. Unless it is only a warning, close them after a second at most."""
        await self.socket_mode.disconnect(reason)

    def drop_sockets(self) -> None:
        """Abort every socket without a close frame."""
        self.socket_mode.drop()

    def freeze_sockets(self) -> None:
        """Freeze every open socket, as a firewall that lost its state does. New sockets work."""
        self.socket_mode.freeze()

    async def __aenter__(self) -> Self:
        """Start to serve."""
        app = web.Application()
        app.on_response_prepare.append(self._set_date_header)
        app.router.add_route("*", "/api/{method}", self.web_api.handle_call)
        app.router.add_post("/hooks/{key:.+}", self.web_api.handle_response_url)
        app.router.add_post("/upload/v1/{key}", self._transfer.handle_upload)
        app.router.add_get("/files-pri/{team}-{file_id}/download/{name}", self._transfer.handle_download)
        app.router.add_get("/signin", self._transfer.handle_sign_in)
        app.router.add_get("/link/", self._serve_socket)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOPPING_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving, with deliveries still in progress."""
        self.event_dispatcher.stop()
        await self.socket_mode.close()
        await self.requests.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _set_date_header(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(self.ids.clock(), usegmt=True)

    def _socket_url(self) -> str:
        return f"ws://{HOST}:{self._port}/link/?ticket={self.socket_mode.issue_ticket()}&app_id={self.app_id}"

    async def _serve_socket(self, request: web.Request) -> web.StreamResponse:
        async def effect() -> web.StreamResponse:
            return await self.socket_mode.serve(request)

        response = await self.web_api.apply_fault(request, "socket", effect)
        # A handshake that a fault prevented uses up its ticket as well.
        self.socket_mode.invalidate_ticket(request.query.get("ticket", ""))
        return response
