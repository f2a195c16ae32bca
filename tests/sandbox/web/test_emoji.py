"""The pictures of emoji: the page draws each one that the sources use, without a font."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.web.server import STATIC

ROOT = Path(__file__).parents[3]
GLYPH = re.compile(r'^  (\w+): \["(.+?)\ufe0f?", ', re.MULTILINE)
DRAWN = dict(GLYPH.findall((STATIC / "glyphs.js").read_text(encoding="utf-8")))
EMOJI = re.compile(
    r"(?<![\w:/]):([a-z][a-z0-9_+-]*):(?=[\s*])|([\u2139\u231a-\u23ff\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff])"
)


def _literals(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("folder", ["bot", "handlers", "sandbox/web"])
def test_the_page_draws_every_emoji_of_the_sources(folder: str) -> None:
    texts = [text for path in (ROOT / folder).rglob("*.py") for text in _literals(path)]
    used = {name or character for text in texts for name, character in EMOJI.findall(text)}

    assert used - {*DRAWN, *DRAWN.values()} == set()
