"""The page's server on the loopback: its files, one WebSocket per browser, and the users' actions."""

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from aiohttp import web

from sandbox.certcentral import CertCentral
from sandbox.dns import LocalDns
from sandbox.json_types import Json
from sandbox.slack import Channel, Slack
from sandbox.slack.workspace.manifest import Manifest
from sandbox.web.actions import Actions
from sandbox.web.certcentral_state import read_certcentral_state
from sandbox.web.dns_panel import DnsActions, read_dns_state
from sandbox.web.fault_presets import FaultSwitch
from sandbox.web.open_modals import OpenModals
from sandbox.web.origin_check import OriginCheck
from sandbox.web.personas import Persona, find_persona
from sandbox.web.sample_alerts import SAMPLE_ALERTS
from sandbox.web.security_headers import add_security_headers
from sandbox.web.slack_state import read_slack_state
from sandbox.web.state_diff import StateDiff, StatePart
from sandbox.web.wire_state import read_wire_state

HOST = "127.0.0.1"
STATIC = Path(__file__).parent / "static"
STOPPING_SECONDS = 0.2
GATHERING_SECONDS = 0.01


class CalendarJump(Protocol):
    """The one jump of the demo's calendar."""

    @property
    def is_done(self) -> bool:
        """Return True after the jump."""

    async def jump(self) -> None:
        """Make the jump. Raises ValueError if it is done already."""


USER_ERRORS = (LookupError, ValueError)


class WebPage:
    """The server of the page, inside an `async with` block, for browsers on this machine only.

    A visitor acts as one of the `personas`. Alerts of other apps are posted into `alerts`. If `port` is in use, a free
    one is chosen.
    """

    def __init__(
        self,
        slack: Slack,
        certcentral: CertCentral,
        *,
        personas: Sequence[Persona],
        alerts: Channel,
        manifest: Manifest,
        port: int = 0,
        dns: LocalDns | None = None,
        jump: CalendarJump | None = None,
    ) -> None:
        self._slack, self._certcentral, self._dns = slack, certcentral, dns or LocalDns()
        self._personas, self._manifest, self._port = personas, manifest, port
        self._modals, self._switch = OpenModals(slack), FaultSwitch(certcentral)
        commands = {command["command"] for command in manifest.commands}
        acts = Actions(slack, certcentral, self._modals, self._switch, alerts=alerts, commands=commands)
        self._jump = jump
        self._actions = {**acts.by_name, **DnsActions(self._dns).by_name, "jump": self._leap}
        self._origin_check = OriginCheck()
        self._streams: set[web.WebSocketResponse] = set()
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=STOPPING_SECONDS)

    @property
    def url(self) -> str:
        """Return the address of the page. Its port is known once the server runs."""
        return f"http://{HOST}:{self._port}/"

    async def __aenter__(self) -> Self:
        for persona in self._personas:
            if not persona.is_external:
                # In Slack, an app's messages tab exists before the first message.
                self._slack.dm(persona.person)
        await self._runner.setup()
        await self._listen()
        self._port = self._origin_check.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Calls that a preset delays would otherwise block the shutdown.
        self._switch.select("normal")
        for stream in list(self._streams):
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
        app.router.add_get("/config", self._config)
        app.router.add_get("/live", self._serve_changes)
        app.router.add_post("/act", self._run_action)
        app.router.add_static("/static/", STATIC)
        return app

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _config(self, _request: web.Request) -> web.Response:
        """Return the settings that do not change while the page is open."""
        personas = [
            {"id": persona.person.id, "name": persona.person.real_name or persona.person.name, "about": persona.about}
            | {"elsewhere": persona.is_external}
            for persona in self._personas
        ]
        alerts = [{"name": name, "app": alert.app, "about": alert.about} for name, alert in SAMPLE_ALERTS.items()]
        jumps = self._jump is not None and not self._jump.is_done
        return web.json_response(
            {"personas": personas, "menu": _menu(self._manifest), "alerts": alerts, "jumps": jumps}
        )

    async def _leap(self, _: Persona, _body: Json) -> Json:
        """Jump to the day of the demo's digest."""
        if self._jump is None:
            raise LookupError("This demo has no calendar.")
        await self._jump.jump()
        return {}

    async def _run_action(self, request: web.Request) -> web.Response:
        """Run an action and return its outcome, or the reason why it is not possible."""
        try:
            body = await request.json()
            persona, act = find_persona(self._personas, body["as"]), self._actions[body["do"]]
            return web.json_response({"ok": True, **await act(persona, body)})
        except USER_ERRORS as error:
            return web.json_response({"ok": False, "error": str(error)})

    async def _serve_changes(self, request: web.Request) -> web.StreamResponse:
        """Send the whole state as one user sees it, then every change, until the browser disconnects."""
        try:
            persona = find_persona(self._personas, request.query.get("as"))
        except LookupError as error:
            raise web.HTTPNotFound(text=str(error)) from error
        stream = web.WebSocketResponse(heartbeat=30)
        await stream.prepare(request)
        self._streams.add(stream)
        sending = asyncio.create_task(self._send_changes(stream, StateDiff(lambda: self._read_state(persona))))
        try:
            async for _ in stream:
                pass
        finally:
            self._streams.discard(stream)
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await sending
        return stream

    async def _send_changes(self, stream: web.WebSocketResponse, mirror: StateDiff) -> None:
        changed = asyncio.Event()
        sources = (self._slack.changes, self._certcentral.changes, self._dns.changes)
        with contextlib.ExitStack() as stack:
            for each in sources:
                stack.enter_context(each.notifying(changed))
            while not stream.closed:
                # Cleared before the state is read, so that a change while sending is not missed.
                changed.clear()
                if changes := mirror.next_changes():
                    await stream.send_str(_dump(changes))
                await changed.wait()
                # Changes come in bursts. A short pause sends them in one frame.
                await asyncio.sleep(GATHERING_SECONDS)

    def _read_state(self, persona: Persona) -> Iterator[StatePart]:
        yield from read_slack_state(self._slack, persona, self._modals.slackbot_notices(persona.person))
        yield from read_certcentral_state(self._certcentral, self._switch)
        yield from read_dns_state(self._dns)
        yield from read_wire_state(self._slack, self._certcentral)


def _menu(manifest: Manifest) -> Json:
    return {
        "name": manifest.name,
        "about": manifest.description,
        "read_only": manifest.is_read_only,
        "commands": [
            {"name": entry["command"], "hint": entry.get("usage_hint", ""), "about": entry.get("description", "")}
            for entry in manifest.commands
        ],
        "shortcuts": [
            {"name": entry["name"], "callback_id": entry["callback_id"]} for entry in manifest.message_shortcuts
        ],
        "global_shortcuts": [
            {"name": entry["name"], "callback_id": entry["callback_id"], "about": entry.get("description")}
            for entry in manifest.global_shortcuts
        ],
        "home": manifest.has_home_tab,
    }


def _dump(changes: dict[str, Any] | Json) -> str:
    return json.dumps(changes, default=str, separators=(",", ":"))
