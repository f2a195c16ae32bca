"""One browser window on the page, in the words of those who use it."""

import os
from itertools import count
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Locator, Page, expect

from sandbox.demo import Demo

GRAVE = frozenset({"serious", "critical"})
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
EVERYTHING = {"resultTypes": ["violations"]}
IS_DARK = "matchMedia('(prefers-color-scheme: dark)').matches"
# The parts of the page whose content is wider than they are.
WIDER = """
() => [...document.querySelectorAll(":root, nav, main, aside, [role=tabpanel], .scroller, .modal-body")]
  .filter((part) => part.clientWidth && part.scrollWidth > part.clientWidth).map((part) => part.className || part.id)
"""
NARROW = 400
# A folder for pictures of every screen that a walk looks at: wide, dark and narrow.
SCREENS = os.environ.get("SCREENS")


class Screen:
    """The page as a user sees and uses it. `errors` are those of the browser's console."""

    def __init__(self, page: Page, demo: Demo) -> None:
        self.page, self.demo = page, demo
        self.errors: list[str] = []
        self.photographs: dict[str, count[int]] = {}
        page.on("console", self._record_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def open(self, address: str) -> None:
        """Open the page and wait until it is alive."""
        await self.page.goto(address)
        await expect(self.page.get_by_role("button", name="You are")).to_be_visible()
        await expect(self.conversation.get_by_role("listitem").first).to_be_visible()

    @property
    def conversation(self) -> Locator:
        """The open channel."""
        return self.page.locator("main")

    @property
    def thread(self) -> Locator:
        """The thread pane."""
        return self.page.locator("aside#thread")

    @property
    def form(self) -> Locator:
        """The modal in front."""
        return self.page.get_by_role("dialog")

    @property
    def tools(self) -> Locator:
        """CertCentral and the wire."""
        return self.page.locator("aside#tools")

    @property
    def home(self) -> Locator:
        """The Home tab of the app."""
        return self.page.get_by_role("tabpanel", name="Home")

    def messages(self, containing: str) -> Locator:
        """The messages of the open channel that contain this."""
        return self.conversation.locator(".message").filter(has_text=containing)

    async def go_to(self, channel: str) -> None:
        """Open a channel."""
        await self.page.get_by_role("navigation", name="Channels").get_by_role("button", name=channel).click()

    async def type(self, text: str) -> None:
        """Write something below the channel, and press Enter."""
        box = self.conversation.get_by_role("combobox")
        await box.fill(text)
        await box.press("Enter")

    async def be(self, name: str) -> None:
        """Switch to another person."""
        await self.page.get_by_role("button", name="You are").click()
        await self.page.get_by_role("menuitemradio", name=name).click()
        await expect(self.page.get_by_role("button", name=f"You are {name}")).to_be_visible()

    async def turn(self, mood: str) -> None:
        """Turn CertCentral's switch."""
        await self.tools.locator(".preset-choice").filter(has_text=mood).click()
        await expect(self.tools.get_by_role("radio", name=mood)).to_be_checked()

    async def pick(self, label: str, text: str, *, search: str | None = None) -> None:
        """Choose in a select of the form, after typing `search` if it is given."""
        box = self.form.get_by_role("combobox", name=label)
        await box.click()
        if search is not None:
            await box.press_sequentially(search)
        await self.form.get_by_role("option", name=text).click()

    async def submit(self) -> None:
        """Press the form's button."""
        await self.form.locator("button[type=submit]").click()

    async def resend(self, target: object, reason: str | None = None) -> None:
        """Send the form of one target as the bot filled it in."""
        await self.type(f"/dcv-resend {target}")
        await expect(self.form.locator("button[type=submit]")).to_be_visible()
        if reason is not None:
            await self.form.get_by_label("Reason").fill(reason)
        await self.submit()

    async def open_thread(self, containing: str) -> None:
        """Open the thread below a message."""
        # By keyboard, since a message that arrives meanwhile would move what a click aims at.
        await self.messages(containing).locator(".replies").press("Enter")
        await expect(self.thread).to_be_visible()

    async def choose(self, message: Locator, entry: str) -> None:
        """Choose from the overflow menu below a message."""
        await message.get_by_role("button", name="More options").click()
        await self.page.get_by_role("menuitem", name=entry).click()

    async def open_menu(self, message: Locator) -> None:
        """Open what can be done with a message."""
        await message.hover()
        await message.get_by_role("button", name="More actions").click()

    async def use_shortcut(self, name: str) -> None:
        """Use a global shortcut."""
        await self.conversation.get_by_role("button", name="Shortcuts").click()
        await self.page.get_by_role("menuitem", name=name).click()

    async def reply(self, text: str) -> None:
        """Write something into the open thread, and press Enter."""
        box = self.thread.get_by_role("combobox")
        await box.fill(text)
        await box.press("Enter")

    async def approve(self, scope: str) -> None:
        """Approve the email for this name, as its recipient."""
        await self.tools.get_by_role("tab", name="Emails").click()
        await self.tools.get_by_role("button", name=f"Approve the email for {scope} ").first.click()

    async def close_form(self) -> None:
        """Close the modal in front with Escape."""
        await self.page.keyboard.press("Escape")
        await expect(self.form).to_have_count(0)

    async def post_alert(self, app: str) -> None:
        """Let another app post its alert."""
        await self.page.get_by_role("button", name="Post an alert").click()
        await self.page.get_by_role("menuitem", name=app).click()

    async def is_sound(self) -> None:
        """Look for grave accessibility violations, too little contrast in the other colours, overflow and errors."""
        is_dark = await self.page.evaluate(IS_DARK)
        await self._settle()
        assert await self._violations(EVERYTHING) == []
        assert await self.page.evaluate(WIDER) == []
        await self._photograph("dark" if is_dark else "light")
        await self.page.emulate_media(color_scheme="light" if is_dark else "dark")
        assert await self._violations(CONTRAST) == []
        await self._photograph("light" if is_dark else "dark")
        await self.page.emulate_media(color_scheme="dark" if is_dark else "light")
        size = self.page.viewport_size
        if size and size["width"] > NARROW:
            await self.page.set_viewport_size({"width": NARROW, "height": 800})
            assert await self.page.evaluate(WIDER) == []
            await self._photograph("narrow")
            await self.page.set_viewport_size(size)
        assert self.errors == []

    async def _settle(self) -> None:
        await self.page.evaluate("Promise.allSettled(document.getAnimations().map((each) => each.finished))")

    async def _violations(self, options: dict[str, Any]) -> list[str]:
        found = (await Axe().run(self.page, options=options)).response["violations"]
        return [_described(each) for each in found if each["impact"] in GRAVE]

    async def _photograph(self, kind: str) -> None:
        if SCREENS:
            test = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].partition(" ")[0]
            number = self.photographs.setdefault(kind, count(1))
            await self.page.screenshot(path=f"{SCREENS}/{test}-{next(number):02}-{kind}.png")

    def _record_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)


def _described(violation: dict[str, Any]) -> str:
    where = [node["html"][:160] for node in violation["nodes"][:3]]
    return f"{violation['id']}: {violation['help']} {where}"
