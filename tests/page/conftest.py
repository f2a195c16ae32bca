"""A real browser before the page, the real bot or a small app behind it.

All of this runs in one event loop, that in which the browser was started.
"""

import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from sandbox.browsers import MISSING, find_browser
from sandbox.certcentral import CertCentral
from sandbox.certcentral.seed import seed
from sandbox.demo import MANIFEST, Demo, create_page, running_demo
from sandbox.demo_workspace import populate
from sandbox.slack import Slack
from sandbox.slack.workspace.manifest import Manifest
from sandbox.web import WebPage
from tests.forked_bot import ForkedBot
from tests.page.page_object import Screen
from tests.page.walk_orders import fill_account
from tests.sandbox.slack.helpers import Puppet

ROOT = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
# A busy machine answers late, and that is no fault.
expect.set_options(timeout=15_000)
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


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the bot that the walks share."""
    return tmp_path_factory.mktemp("demo")


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def demo(browser: Browser, folder: Path) -> AsyncIterator[Demo]:
    """The demo of a large account, with the bot as a process of its own. Each walk has orders of its own there."""
    async with running_demo(folder, ForkedBot) as demo:
        fill_account(demo)
        yield demo


@pytest.fixture
def end_cooldowns(folder: Path) -> Callable[[], None]:
    """Return a function after which no cooldown of the shared bot is left, as if their time had passed."""

    def end_cooldowns() -> None:
        with contextlib.closing(sqlite3.connect(folder / "demo.db", timeout=10)) as database, database:
            database.execute("DELETE FROM cooldowns")

    return end_cooldowns


@pytest_asyncio.fixture(loop_scope="session")
async def story(browser: Browser, tmp_path: Path) -> AsyncIterator[Demo]:
    """The demo with a bot of its own, for pictures that must not show what other walks did."""
    async with running_demo(tmp_path, ForkedBot) as demo:
        yield demo


@pytest_asyncio.fixture(loop_scope="session")
async def small_demo(browser: Browser) -> AsyncIterator[Demo]:
    """The demo without the bot."""
    manifest = Manifest.read(MANIFEST)
    async with Slack() as slack, CertCentral() as certcentral:
        manifest.install(slack)
        slack.subscriptions = set()
        seed(certcentral)
        yield Demo(slack, certcentral, populate(slack), manifest)


@pytest_asyncio.fixture(loop_scope="session")
async def app(small_demo: Demo) -> AsyncIterator[Puppet]:
    """An app that acks everything, until a test gives it other answers."""
    async with Puppet(small_demo.slack) as puppet:
        yield puppet


@pytest_asyncio.fixture(loop_scope="session")
async def get_channel(browser: Browser) -> AsyncIterator[Callable[..., Awaitable[Screen]]]:
    """Open the page of a stage in a window of its own; at the end no window may have had an error."""
    pages: dict[int, WebPage] = {}
    screens: list[Screen] = []
    async with AsyncExitStack() as stack:

        async def get_channel(
            demo: Demo, who: str = "ana", *, is_first_visit: bool = False, **window: object
        ) -> Screen:
            if id(demo) not in pages:
                pages[id(demo)] = await stack.enter_async_context(create_page(demo))
            context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **window})
            stack.push_async_callback(context.close)
            if not is_first_visit:
                await context.add_init_script("localStorage.setItem('steps', 'dismissed')")
            screens.append(screen := Screen(await context.new_page(), demo))
            await screen.open(f"{pages[id(demo)].url}#as={who}")
            return screen

        yield get_channel
        errors = [error for screen in screens for error in screen.errors]
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def screen(get_channel: Callable[..., Awaitable[Screen]], demo: Demo) -> AsyncIterator[Screen]:
    """Ana's window, the bot behind it. A form that a failed walk left open is closed."""
    yield await get_channel(demo)
    for persona in demo.workspace.personas:
        for form in persona.person.open_forms:
            await form.close(everything=True)


@pytest_asyncio.fixture(loop_scope="session")
async def small_screen(get_channel: Callable[..., Awaitable[Screen]], small_demo: Demo, app: Puppet) -> Screen:
    """Ana's window, the small app behind it."""
    return await get_channel(small_demo)
