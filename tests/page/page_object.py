"""One browser window on the page, in the words of those who use it."""

import os
import re
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Locator, Page, expect

from sandbox.demo import Demo

GRAVE = frozenset({"serious", "critical"})
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
IS_RENEWAL = "PICTURES" in os.environ
# What a part says: its text, the names of its emoji, and what its fields hold.
WORDS = """
part => [part.innerText, ...[...part.querySelectorAll("[role=img], input, textarea")]
  .map((each) => each.getAttribute("aria-label") ?? (each.type === "radio" ? String(each.checked) : each.value))
].filter((words) => words).join("\\n")
"""
# What differs from one day to the next: times of the day, and times that passed.
PASSING = re.compile(r"\b\d{1,2}:\d{2} [AP]M\b|\b(?:\d+|an?|less than a) (?:second|minute|min)s?\b")


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

    async def picture(self, name: str, *parts: Locator) -> None:
        """Compare the words of these parts with those of a picture. `make screenshots` takes the picture again."""
        parts = tuple([each for part in parts for each in await part.all()])
        words = PASSING.sub("…", "\n".join([await part.evaluate(WORDS) for part in parts]))
        if IS_RENEWAL:
            await self.page.mouse.move(0, 0)
            boxes = [await part.bounding_box() for part in parts]
            await self.page.screenshot(path=PICTURES / f"{name}.png", clip=_around(boxes), animations="disabled")
            (PICTURES / f"{name}.txt").write_text(f"{words}\n", encoding="utf-8")
        shown = (PICTURES / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")
        assert words == shown, f"the picture {name}.png is older than the code: run `make screenshots`"

    def _record_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)


def _around(boxes: list[Any]) -> Any:
    """Return the rectangle around these."""
    left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
    right, bottom = max(box["x"] + box["width"] for box in boxes), max(box["y"] + box["height"] for box in boxes)
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def _described(violation: dict[str, Any]) -> str:
    where = [node["html"][:160] for node in violation["nodes"][:3]]
    return f"{violation['id']}: {violation['help']} {where}"
