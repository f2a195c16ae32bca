"""The pictures of README: parts of the page in frames, compared by their words."""

import base64
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from playwright.async_api import Locator, Page

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
# Set by `make screenshots`.
IS_RENEWAL = "PICTURES" in os.environ
# What a part says: its text, the names of its emoji, and what its fields hold.
_WORDS = """
part => [part.innerText, ...[...part.querySelectorAll("[role=img], input, textarea")]
  .map((each) => each.getAttribute("aria-label") ?? (each.type === "radio" ? String(each.checked) : each.value))
].filter((words) => words).join("\\n")
"""
# The browser skips what is off the screen, and its text is empty then. The second frame has drawn it.
_SHOW = """
async (part) => {
  part.scrollIntoView({ block: "nearest" });
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
}
"""
# What differs from one day to the next: times of the day, and times that passed.
_PASSING = re.compile(r"\b\d{1,2}:\d{2} [AP]M\b|\b(?:\d+|an?|less than a) (?:second|minute|min)s?\b")
_STYLE = """
  body { margin: 0; width: max-content; background: #fff; font: 15px/1.4 "DejaVu Sans", sans-serif; color: #1d1c1d; }
  main { padding: 16px; }
  .story { display: grid; grid-template-columns: auto auto auto; gap: 16px; align-items: center; }
  figure, p { margin: 0; }
  figure:nth-of-type(2) { grid-area: 1 / 3 / 3; }
  figcaption { margin: 0 0 8px 4px; font-weight: 700; }
  figcaption b { display: inline-block; width: 24px; margin-right: 8px; border-radius: 12px; background: #0b3d91;
    color: #fff; line-height: 24px; text-align: center; }
  img { display: block; border-radius: 8px; }
  .part { padding: 16px; border: 1px solid #d0d0d0; border-radius: 12px; }
  .arrow { grid-column: 2; color: #0b3d91; font-size: 30px; }
"""


@dataclass(frozen=True)
class Shot:
    """What parts of the page look like, and what they say."""

    words: str
    png: bytes
    width: float


async def shoot(page: Page, *parts: Locator, margin: int = 6) -> Shot:
    """Read the words of these parts. If the pictures are renewed, photograph the rectangle around them."""
    parts = tuple([each for part in parts for each in await part.all()])
    # A page behind another one draws a frame a second.
    await page.bring_to_front()
    for part in parts:
        await part.evaluate(_SHOW)
    words = _PASSING.sub("…", "\n".join([await part.evaluate(_WORDS) for part in parts]))
    if not IS_RENEWAL:
        return Shot(words, b"", 0)
    await page.mouse.move(0, 0)
    boxes = [box for part in parts if (box := await part.bounding_box())]
    left, top = min(box["x"] for box in boxes) - margin, min(box["y"] for box in boxes) - margin
    width = max(box["x"] + box["width"] for box in boxes) - left + margin
    height = max(box["y"] + box["height"] for box in boxes) - top + margin
    clip = {"x": left, "y": top, "width": width, "height": height}
    return Shot(words, await page.screenshot(clip=clip, animations="disabled"), width)  # type: ignore[arg-type]


async def compare(page: Page, name: str, shots: Sequence[Shot], captions: Sequence[str] = ()) -> None:
    """Compare the words of the shots with those of a picture. `page` is a blank one, which draws the picture again.

    With `captions`, the picture tells a story in three numbered steps.
    """
    words = "\n".join(shot.words for shot in shots)
    if IS_RENEWAL:
        await page.set_content(f"<style>{_STYLE}</style><main>{_drawn(shots, captions)}</main>")
        await page.locator("main").screenshot(path=FOLDER / f"{name}.png")
        (FOLDER / f"{name}.txt").write_text(f"{words}\n", encoding="utf-8")
    shown = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")
    assert words == shown, f"the picture {name}.png is older than the code: run `make screenshots`"


def _drawn(shots: Sequence[Shot], captions: Sequence[str]) -> str:
    if not captions:
        return "".join(map(_part, shots))
    titles = [f"<figcaption><b>{number}</b>{escape(words)}</figcaption>" for number, words in enumerate(captions, 1)]
    figures = [f"<figure>{title}{_part(shot)}</figure>" for title, shot in zip(titles, shots, strict=True)]
    cells = [*figures[:2], "<p class=arrow>→</p>", *figures[2:], "<p class=arrow>←</p>"]
    return f"<div class=story>{''.join(cells)}</div>"


def _part(shot: Shot) -> str:
    source = f"data:image/png;base64,{base64.b64encode(shot.png).decode()}"
    return f'<div class=part><img src="{source}" width="{shot.width}"></div>'
