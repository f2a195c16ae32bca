"""The page over both local servers, an app with a bare socket, and a visitor with a browser's requests."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import pytest

from sandbox.certcentral import CertCentral
from sandbox.demo_workspace import DemoWorkspace, populate
from sandbox.slack import Slack
from sandbox.slack.workspace.manifest import Manifest
from sandbox.web import WebPage

Json = dict[str, Any]
MANIFEST = Path(__file__).parents[3] / "manifest.yml"


class Visitor:
    """A browser without a screen: one live stream, and the actions of the watched person."""

    def __init__(self, page: WebPage, who: str) -> None:
        self.parts: dict[str, Any] = {}
        self.frames = 0
        self._page, self._who = page, who
        self._origin = page.url.rstrip("/")
        self._came = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(headers={"Origin": self._origin})
        self._socket = await self.http.ws_connect(f"{self._page.url}live", params={"as": self._who})
        self._listening = asyncio.create_task(self._listen())
        await self.sees(lambda: self.frames > 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._listening
        await self.http.close()

    async def act(self, name: str, **body: Any) -> Json:
        """Do an action, and return its result."""
        said = {**body, "do": name, "as": self._who}
        async with self.http.post(f"{self._page.url}act", json=said) as response:
            return dict(await response.json())

    async def sees(self, condition: Any) -> Any:
        """Wait until this condition holds on the page."""
        async with asyncio.timeout(5):
            while not (found := condition()):
                self._came.clear()
                await self._came.wait()
            return found

    def texts(self, channel_id: str) -> list[str]:
        """Return the texts of a channel."""
        return [part["text"] for name, part in self.parts.items() if name.startswith(f"message/{channel_id}/")]

    async def _listen(self) -> None:
        async for frame in self._socket:
            update = frame.json()
            self.parts |= update["put"]
            for name in update["drop"]:
                del self.parts[name]
            self.frames += 1
            self._came.set()


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as slack:
        yield slack


@pytest.fixture
async def certcentral() -> AsyncIterator[CertCentral]:
    async with CertCentral() as certcentral:
        yield certcentral


@pytest.fixture
async def workspace(slack: Slack) -> DemoWorkspace:
    """Return its workspace. The app receives no events, so each envelope is an action of a user."""
    slack.subscriptions = set()
    return populate(slack)


@pytest.fixture
async def page(slack: Slack, certcentral: CertCentral, workspace: DemoWorkspace) -> AsyncIterator[WebPage]:
    manifest = Manifest.read(MANIFEST)
    async with WebPage(
        slack, certcentral, personas=workspace.personas, alerts=workspace.alerts, manifest=manifest
    ) as page:
        yield page


@pytest.fixture
async def ana(page: WebPage, workspace: DemoWorkspace) -> AsyncIterator[Visitor]:
    async with Visitor(page, workspace.ana.id) as visitor:
        yield visitor


@pytest.fixture
async def sam(page: WebPage, workspace: DemoWorkspace) -> AsyncIterator[Visitor]:
    async with Visitor(page, workspace.sam.id) as visitor:
        yield visitor
