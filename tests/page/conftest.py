"""A real browser before the page, the real bot or a small app behind it.

All of this runs in one event loop, that in which the browser was started.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from sandbox.browsers import MISSING, find_browser
from sandbox.certcentral import CertCentral
from sandbox.certcentral.seed import seed
from sandbox.demo import MANIFEST, Stage, page_of, staged
from sandbox.demo_workspace import settle
from sandbox.slack import Slack
from sandbox.slack.workspace.manifest import Manifest
from sandbox.web import Page
from tests.forks import ForkedBot
from tests.page.page_object import Screen
from tests.sandbox.slack.helpers import Puppet

ROOT = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
PLAIN_LETTERS = ["--disable-lcd-text", "--font-render-hinting=none"]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The Chromium or Chrome of this machine; nothing is downloaded."""
    path = find_browser()
    if path is None:
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*ROOT, *PLAIN_LETTERS])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(browser: Browser, tmp_path: Path) -> AsyncIterator[Stage]:
    """The demo, with the bot as a process of its own."""
    async with staged(tmp_path, ForkedBot) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def small_stage(browser: Browser) -> AsyncIterator[Stage]:
    """The demo without the bot."""
    manifest = Manifest.read(MANIFEST)
    async with Slack() as slack, CertCentral() as certcentral:
        manifest.install(slack)
        slack.subscriptions = set()
        seed(certcentral)
        yield Stage(slack, certcentral, settle(slack), manifest)


@pytest_asyncio.fixture(loop_scope="session")
async def app(small_stage: Stage) -> AsyncIterator[Puppet]:
    """An app that acks everything, until a test gives it other answers."""
    async with Puppet(small_stage.slack) as puppet:
        yield puppet


@pytest_asyncio.fixture(loop_scope="session")
async def look_at(browser: Browser) -> AsyncIterator[Callable[..., Awaitable[Screen]]]:
    """Open the page of a stage in a window of its own; at the end no window may have had an error."""
    pages: dict[int, Page] = {}
    screens: list[Screen] = []
    async with AsyncExitStack() as stack:

        async def look_at(stage: Stage, who: str = "ana", **window: object) -> Screen:
            if id(stage) not in pages:
                pages[id(stage)] = await stack.enter_async_context(page_of(stage))
            context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **window})
            stack.push_async_callback(context.close)
            screens.append(screen := Screen(await context.new_page(), stage))
            await screen.open(f"{pages[id(stage)].url}#as={who}")
            return screen

        yield look_at
        errors = [error for screen in screens for error in screen.errors]
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def screen(look_at: Callable[..., Awaitable[Screen]], stage: Stage) -> Screen:
    """Ana's window, the bot behind it."""
    return await look_at(stage)


@pytest_asyncio.fixture(loop_scope="session")
async def small_screen(look_at: Callable[..., Awaitable[Screen]], small_stage: Stage, app: Puppet) -> Screen:
    """Ana's window, the small app behind it."""
    return await look_at(small_stage)
