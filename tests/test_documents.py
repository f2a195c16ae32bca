"""The documents: short sentences in plain English, and paths that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLAIN = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
BANNED = re.compile(r"\b(whom|in vain)\b", re.IGNORECASE)
MOST_WORDS = 25
MOST_WHERE = 2 / 1000
FOLDERS = r"(?:bot|handlers|sandbox|tests|benchmarks|docs|deploy|requirements)"


def prose(file: Path) -> str:
    """Return the text of a document without its blocks of code and the targets of its links."""
    text = re.sub(r"^```.*?^```$", "", file.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\]\([^)]*\)", "]", text)


def blocks(text: str) -> Iterator[str]:
    """Yield each paragraph, item of a list and cell of a table."""
    for block in re.split(r"\n\s*\n|\n(?=\s*[-*] |\s*\d+\. |#)", text):
        if block.lstrip().startswith("|"):
            yield from (cell for line in block.splitlines() for cell in line.split("|"))
        else:
            yield " ".join(block.split())


def long_sentences(text: str) -> list[str]:
    """Return the sentences, or parts of them up to a colon or semicolon, of too many words."""
    sentences = (each for block in blocks(text) for each in re.split(r"(?<=[.!?:;])[*_)]*\s+(?=\S)", block))
    return [each for each in sentences if sum(bool(re.search(r"\w", word)) for word in each.split()) > MOST_WORDS]


def name(file: Path) -> str:
    """Return the path from the root."""
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("file", PLAIN, ids=name)
def test_sentences_are_short(file: Path) -> None:
    assert long_sentences(prose(file)) == []


@pytest.mark.parametrize("file", PLAIN, ids=name)
def test_the_actor_has_a_name_and_where_is_for_places(file: Path) -> None:
    words = re.findall(r"[a-z']+", prose(file).lower())

    assert BANNED.findall(prose(file)) == []
    assert words.count("where") <= max(1, MOST_WHERE * len(words))


@pytest.mark.parametrize("file", PLAIN, ids=name)
def test_each_path_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    named = {ROOT / path for path in re.findall(rf"`({FOLDERS}/[\w./-]+)`", text)}
    linked = {file.parent / path for path in re.findall(r"\]\((?!\w+:)([\w./-]+)", text)}

    assert sorted(str(path) for path in named | linked if not path.exists()) == []


def slugs(file: Path) -> set[str]:
    """Return the anchors of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", PLAIN, ids=name)
def test_each_link_to_a_heading_leads_there(file: Path) -> None:
    links = re.findall(r"\]\((?!\w+:)([\w./-]*)#([\w-]+)\)", file.read_text(encoding="utf-8"))
    lost = [f"{path}#{anchor}" for path, anchor in links if anchor not in slugs(file.parent / path if path else file)]

    assert lost == []


@pytest.mark.parametrize("file", DECISIONS, ids=name)
def test_a_decision_has_context_decision_cost_and_check(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert [part for part in ("Context", "Decision", "Cost", "Check") if f"\n**{part}.**" not in text] == []


@pytest.mark.parametrize(
    ("text", "are_short"),
    [("word " * MOST_WORDS, True), ("word " * (MOST_WORDS + 1), False), ("word " * 20 + "end. " + "word " * 20, True)],
)
def test_a_long_sentence_is_found(text: str, are_short: bool) -> None:
    assert (long_sentences(text) == []) == are_short
