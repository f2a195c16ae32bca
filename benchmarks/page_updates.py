"""Measurement of the sandbox's page: the time until an edited message is visible, among a thousand."""

import os
import time

from playwright.async_api import Page as Window
from playwright.async_api import async_playwright

from sandbox.browsers import find_browser
from sandbox.certcentral import CertCentral
from sandbox.demo import MANIFEST, Demo, create_page
from sandbox.demo_workspace import populate
from sandbox.slack import Slack
from sandbox.slack.workspace.manifest import Manifest

MESSAGES, EDITS = 1_000, 20
ROOT = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
SEEN = """
(text) => new Promise((resolve) => {
  const look = () => document.querySelector("main .messages").lastElementChild.textContent.includes(text)
    ? requestAnimationFrame(() => setTimeout(() => resolve(Date.now())))
    : requestAnimationFrame(look);
  look();
})
"""


async def page_updates() -> list[float] | None:
    """Return the seconds from an edit in the local Slack to its display in the browser, or None without a browser."""
    if (path := find_browser()) is None:
        return None
    async with Slack() as slack, CertCentral() as certcentral:
        slack.subscriptions = set()
        demo = Demo(slack, certcentral, populate(slack), Manifest.read(MANIFEST))
        async with create_page(demo) as page, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=path, args=ROOT)
            window = await browser.new_page()
            found = await _edits(demo, window, page.url)
            await browser.close()
            return found


async def _edits(demo: Demo, window: Window, address: str) -> list[float]:
    slack, pki = demo.slack, demo.workspace.pki
    for number in range(MESSAGES):
        last = slack.post(pki, slack.bot, slack.build_content(f"message {number}"))
    await window.goto(address)
    await window.locator("main .message").nth(MESSAGES).wait_for()
    found = []
    for number in range(EDITS):
        began = time.time()
        slack.edit(last, slack.build_content(f"edited {number}."))
        found.append(await window.evaluate(SEEN, f"edited {number}.") / 1000 - began)
    return found
