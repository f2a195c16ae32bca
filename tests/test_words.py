"""The words that people read, in Slack, in the terminal, in the log and in the documents, are plain and the same."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each pattern with what to write instead.
DENIED = {
    r"e-mail": "email",
    r"(?<![\w.@/-])mails?\b(?!\.\w|-)": "email",
    r"\banew\b": "again",
    r"\bmend(?:s|ed)?\b": "fix",
    r"\bany longer\b": "no longer, or a shorter sentence",
    r"\bwhoever\b": "the person who",
    r"\bgoes by\b": "depends on",
    r"\bnobody\b": "no one",
    r"\bsomebody\b": "someone",
    r"\bdcv-bot\b": "DCV Resend",
}
# In documents, a bot waits ten seconds, and a place is where something is. Screens show what is going on.
DENIED_ON_SCREENS = DENIED | {
    r"\bwaits\b": "is waiting",
    r"\bwhere the\b": "if the, or when the",
    r"\bat \{\w*date": "no “at” before a date token of Slack",
}
# The vocabulary of what people type and paste, in eleven languages: read by the bot, never written.
INPUT_WORDS = ("bot/parsing/certificate_words.py", "bot/parsing/order_words.py", "bot/parsing/phrases.py")
# Their texts are being changed.
PENDING: tuple[str, ...] = ()
SOURCES = [
    path
    for folder in ("bot", "handlers")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if str(path.relative_to(ROOT)) not in (*INPUT_WORDS, *PENDING)
]
DOCUMENTS = [
    *(ROOT / file for file in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile")),
    *(ROOT / file for file in (".env.example", "manifest.yml", "compose.yml", "deploy/dcv-resend.service")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "docs" / "policy.example.toml",
]
_HAS_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield each string literal of two words or more, except docstrings, with its line. f-strings show their fields."""
    tree = ast.parse(source)
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if _begins_with_text(node)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(map(_part, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | inside:
            text = node.value
        else:
            continue
        if len(text.split()) > 1:
            yield node.lineno, text


def _begins_with_text(node: ast.AST) -> bool:
    if not isinstance(node, _HAS_DOCSTRING) or not node.body or not isinstance(node.body[0], ast.Expr):
        return False
    return isinstance(node.body[0].value, ast.Constant)


def _part(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"  # type: ignore[attr-defined]


def denied(text: str, words: Mapping[str, str]) -> list[str]:
    """Return each denied word of a text with what to write instead. Other names in the fields of f-strings are code."""
    shown = re.sub(r"\{(?!\w*date)[^}]*\}", "…", text)
    found = [(re.search(pattern, shown, re.IGNORECASE), better) for pattern, better in words.items()]
    return [f"{match[0]!r}: write {better}" for match, better in found if match]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_the_texts_of_the_code_use_no_denied_word(path: Path) -> None:
    found = [
        f"line {line}: {each} in {text!r}"
        for line, text in texts(path.read_text(encoding="utf-8"))
        for each in denied(text, DENIED_ON_SCREENS)
    ]

    assert found == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_the_documents_use_no_denied_word(path: Path) -> None:
    prose = re.sub(r"`[^`]*`|\]\([^)]*\)", "", path.read_text(encoding="utf-8"))
    found = [
        f"line {number}: {each}" for number, line in enumerate(prose.splitlines(), 1) for each in denied(line, DENIED)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""One mail."""\nTEXT = "an email"', 0),
        ('def f():\n    """Nobody waits."""\n    return "It was sent. No one is waiting."', 0),
        ('TEXT = "a mail"', 1),
        ('TEXT = "an e-mail"', 1),
        ('TEXT = f"{count} mails for {name}"', 1),
        ('TEXT = f"sent at {date_time(at)}"', 1),
        ('TEXT = f"sent {date_time(at)}"', 0),
        ('TEXT = ("Order 1 " "waits for nobody")', 2),
        ('TEXT = "There is no cooldown: admin@mail.example.com, mailto:a, mailbox, no-mail"', 0),
        ('KEY = "mail"', 0),
    ],
)
def test_a_denied_word_is_found_in_what_people_see(source: str, found: int) -> None:
    assert sum(len(denied(text, DENIED_ON_SCREENS)) for _, text in texts(source)) == found
