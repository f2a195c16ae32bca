"""The page's own server on the loopback: its files, one live stream per browser, and what people do."""

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from sandbox.certcentral import CertCentral
from sandbox.json_types import Json
from sandbox.slack import Channel, Slack
from sandbox.slack.workspace.manifest import Manifest
from sandbox.web.actions import Acts
from sandbox.web.certcentral_state import certcentral_parts
from sandbox.web.fault_presets import Switch
from sandbox.web.open_modals import Hands
from sandbox.web.personas import Role, role_of
from sandbox.web.sample_alerts import ALERTS
from sandbox.web.origin_check import OriginCheck
from sandbox.web.security_headers import add_security_headers
from sandbox.web.slack_state import slack_parts
from sandbox.web.state_diff import Mirror, Part
from sandbox.web.wire_state import wire_parts

HOST = "127.0.0.1"
STATIC = Path(__file__).parent / "static"
STOPPING_SECONDS = 0.2
GATHERING_SECONDS = 0.01
CANNOT = (LookupError, ValueError)


class Page:
    """Serves the page while its `async with` block runs, to browsers on this machine alone.

    One may be anybody of the `cast`; alerts of other apps are posted into `alerts`; `manifest` is that of the app.
    Where `port` is taken, another is found.
    """

    def __init__(
        self,
        slack: Slack,
        certcentral: CertCentral,
        *,
        cast: Sequence[Role],
        alerts: Channel,
        manifest: Manifest,
        port: int = 0,
    ) -> None:
        self._slack, self._certcentral = slack, certcentral
        self._cast, self._manifest, self._port = cast, manifest, port
        self._hands, self._switch = Hands(slack), Switch(certcentral)
        commands = {command["command"] for command in manifest.commands}
        acts = Acts(slack, certcentral, self._hands, self._switch, alerts=alerts, commands=commands)
        self._acts = acts.by_name
        self._origin_check = OriginCheck()
        self._open: set[web.WebSocketResponse] = set()
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=STOPPING_SECONDS)

    @property
    def url(self) -> str:
        """Where the page is; its port is known once it is served."""
        return f"http://{HOST}:{self._port}/"

    async def __aenter__(self) -> Self:
        for role in self._cast:
            if not role.is_from_elsewhere:
                self._slack.dm(role.person)
        await self._runner.setup()
        await self._listen()
        self._port = self._origin_check.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._switch.turn("well")
        for stream in list(self._open):
            await stream.close(code=1001)
        await self._runner.cleanup()

    async def _listen(self) -> None:
        try:
            await web.TCPSite(self._runner, HOST, self._port).start()
        except OSError:
            await web.TCPSite(self._runner, HOST, 0).start()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._origin_check.check])
        app.on_response_prepare.append(add_security_headers)
        app.router.add_get("/", self._index)
        app.router.add_get("/setting", self._setting)
        app.router.add_get("/live", self._live)
        app.router.add_post("/act", self._act)
        app.router.add_static("/static/", STATIC)
        return app

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _setting(self, _request: web.Request) -> web.Response:
        """What stays as it is while the page is open."""
        cast = [
            {"id": role.person.id, "name": role.person.real_name or role.person.name, "about": role.about}
            | {"elsewhere": role.is_from_elsewhere}
            for role in self._cast
        ]
        alerts = [{"name": name, "app": alert.app, "about": alert.about} for name, alert in ALERTS.items()]
        return web.json_response({"cast": cast, "menu": _menu(self._manifest), "alerts": alerts})

    async def _act(self, request: web.Request) -> web.Response:
        """Do what a person did, and tell what came of it; what cannot be done is told in words."""
        try:
            body = await request.json()
            role, act = role_of(self._cast, body["as"]), self._acts[body["do"]]
            return web.json_response({"ok": True, **await act(role, body)})
        except CANNOT as error:
            return web.json_response({"ok": False, "error": str(error)})

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Send all parts as one person sees them, then whatever changes, until the browser goes."""
        try:
            role = role_of(self._cast, request.query.get("as"))
        except LookupError as nobody:
            raise web.HTTPNotFound(text=str(nobody)) from nobody
        stream = web.WebSocketResponse(heartbeat=30)
        await stream.prepare(request)
        self._open.add(stream)
        telling = asyncio.create_task(self._tell(stream, Mirror(lambda: self._parts(role))))
        try:
            async for _ in stream:
                pass
        finally:
            self._open.discard(stream)
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await telling
        return stream

    async def _tell(self, stream: web.WebSocketResponse, mirror: Mirror) -> None:
        changed = asyncio.Event()
        with self._slack.changes.notifying(changed), self._certcentral.changes.notifying(changed):
            while not stream.closed:
                changed.clear()
                if changes := mirror.changes():
                    await stream.send_str(_dumped(changes))
                await changed.wait()
                await asyncio.sleep(GATHERING_SECONDS)

    def _parts(self, role: Role) -> Iterator[Part]:
        yield from slack_parts(self._slack, role, self._hands.notices(role.person))
        yield from certcentral_parts(self._certcentral, self._switch)
        yield from wire_parts(self._slack, self._certcentral)


def _menu(manifest: Manifest) -> Json:
    return {
        "name": manifest.name,
        "about": manifest.about,
        "read_only": manifest.is_read_only,
        "commands": [
            {"name": entry["command"], "hint": entry.get("usage_hint", ""), "about": entry.get("description", "")}
            for entry in manifest.commands
        ],
        "shortcuts": [
            {"name": entry["name"], "callback_id": entry["callback_id"]} for entry in manifest.message_shortcuts
        ],
    }


def _dumped(changes: dict[str, Any] | Json) -> str:
    return json.dumps(changes, default=str, separators=(",", ":"))
