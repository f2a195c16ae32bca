"""Whoever meets a sentence of the bot finds it in the README.

A sentence is found by its first words that never change; texts of one or two words are not looked for.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.settings import Settings

ROOT = Path(__file__).parents[1]
SPEAKING = [
    *sorted(path for room in ("bot/views", "bot/services") for path in (ROOT / room).glob("*.py")),
    *(ROOT / "bot" / f"{name}.py" for name in ("policy", "errors", "command", "targets", "recipients")),
    *(ROOT / "bot" / name for name in ("digicert/wire.py", "digicert/client.py", "store/db.py", "slack/client.py")),
    ROOT / "handlers/payloads.py",
    ROOT / "handlers/unknown.py",
]
# `dcv-resend check` and `dcv-resend ledger` speak to operators, in a terminal.
for silent in ("findings", "auditing", "pruning", "rulebook"):
    SPEAKING.remove(ROOT / f"bot/services/{silent}.py")

# Said to operators, to programs or to nobody; or a label, an example, or a fragment that is told in other words.
TOLD_ELSEWHERE = (
    "DATABASE_URL",
    "no answer in time",
    "SELECT",
    "SET LOCAL",
    "HTTP … instead of …",
    "DigiCert's listing could not be read",
    "a user whose name the key may not read",
    "Slack answered without",
    "You are on the list",
    "You are in a user group",
    "/dcv-resend 700001 to admin",
    "For example: new mailbox",
    "Resend DCV emails",
    "Order id or name",
    "DNS TXT contact",
    "…@ each name's domain",
    "Recipients for …",
    "*Order or domain*",
    "less than a minute",
    "… ago, at …",
    "a form or a button",
    "what somebody asked",
    "/dcv-resend why @ana",
    "https://",
    "Resend DCV email for …",
    "Too many alerts wait",
)
# What tells somebody what to do needs nobody to explain it.
ADVICE = {"Activate", "Add", "Ask", "Check", "Choose", "Finish", "Fix", "Look", "Name", "Place", "Type"}


def sentences() -> Iterator[str]:
    """Every text of three words or more in what speaks; `…` stands for what is filled in."""
    for path in SPEAKING:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = {id(part) for node in ast.walk(tree) for part in _silent(node)}
        for node in ast.walk(tree):
            text = None if id(node) in silent else _text(node)
            if (
                text
                and len(re.findall(r"\b[a-z]{2,}[ ,.;:]", _words(text) + " ")) > 2
                and not text.startswith(TOLD_ELSEWHERE)
            ):
                yield text


def _silent(node: ast.AST) -> Iterator[ast.AST]:
    """What nobody hears in Slack: docstrings, lines of the log, bugs; and parts of a text that is taken as a whole."""
    if isinstance(node, ast.Expr):
        yield node.value
    elif isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in {
        "log",
        "TypeError",
        "ValueError",
        "CannotStart",
    }:
        yield from ast.walk(node)
    elif isinstance(node, ast.JoinedStr):
        yield from node.values


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def _words(text: str) -> str:
    """The text without markup, in one line."""
    return " ".join(re.sub(r":[a-z_]+:|[*`]", "", text).split()).lower()


def _leading(text: str) -> str:
    """The first five words of the longest part that is always the same."""
    longest = max(text.split("…"), key=lambda part: len(part.split()))
    return " ".join(_words(longest).strip(" ,.;:()").split()[:5]).strip(" ,.;:()")


@pytest.fixture(scope="module")
def told() -> str:
    """What the README tells of messages."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return _words(readme.partition("## What the messages mean")[2].partition("## What it promises")[0])


def test_there_is_much_to_say():
    assert len(set(sentences())) > 100


@pytest.mark.parametrize("sentence", sorted({text for text in sentences() if text.split()[0] not in ADVICE}))
def test_a_sentence_has_its_row(told, sentence):
    assert _leading(sentence) in told


def test_every_setting_has_its_row_and_each_row_its_setting():
    """In README, and in .env.example, which leaves out what is for the local Slack alone."""
    settings = {name.upper() for name in Settings.model_fields}
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", table, re.MULTILINE)
    example = re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"[A-Z_]+", row)} == settings
    assert set(example) == settings - {"SLACK_API_URL"}
