"""One browser window on the page, in the words of those who use it."""

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Locator, Page, expect

from sandbox.demo import Demo

GRAVE = frozenset({"serious", "critical"})
PICTURES = os.environ.get("PICTURES")


class Screen:
    """The page as a user sees and uses it. `errors` are those of the browser's console."""

    def __init__(self, page: Page, demo: Demo) -> None:
        self.page, self.demo = page, demo
        self.errors: list[str] = []
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

    async def submit(self, label: str = "Resend") -> None:
        """Press the form's button."""
        await self.form.get_by_role("button", name=label, exact=True).click()

    async def open_thread(self, containing: str) -> None:
        """Open the thread below a message."""
        await self.messages(containing).locator(".replies").click()
        await expect(self.thread).to_be_visible()

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

    async def post_alert(self, app: str) -> None:
        """Let another app post its alert."""
        await self.page.get_by_role("button", name="Post an alert").click()
        await self.page.get_by_role("menuitem", name=app).click()

    async def is_sound(self) -> None:
        """Look for grave accessibility violations and errors in the console, on what is shown now."""
        await self.page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
        found = (await Axe().run(self.page)).response["violations"]
        grave = [_described(each) for each in found if each["impact"] in GRAVE]
        assert grave == []
        assert self.errors == []

    async def picture(self, name: str, *, of: Locator | None = None) -> None:
        """Keep what is shown now, or one part of it, as a picture for the README, if pictures are wanted."""
        if PICTURES:
            await self.page.mouse.move(0, 0)
            await self.page.evaluate("document.activeElement.blur()")
            await (of or self.page).screenshot(path=Path(PICTURES) / f"{name}.png", animations="disabled")

    def _record_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)


def _described(violation: dict[str, Any]) -> str:
    where = [node["html"][:160] for node in violation["nodes"][:3]]
    return f"{violation['id']}: {violation['help']} {where}"
