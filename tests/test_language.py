"""The language of the code: docstrings that say what a function does, and names that a native engineer would choose."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("bot", "handlers", "sandbox", "tests", "benchmarks")
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))

QUESTION = re.compile(r"(What|Who|Whom|Whose|Whether|How|Which|Where|That|Why)\b")
BANNED_IN_TEXT = re.compile(r"\b(nobody|somebody|whoever|anew|in vain|that one)\b", re.IGNORECASE)
BANNED_IN_NAMES = frozenset({"tell", "told", "stand", "hear", "look", "keep", "take", "leave", "let", "anew"})
# Other APIs' words: HTTP keep-alive, CertCentral's option to keep the www name.
ALLOWED_NAMES = frozenset({"keep_alive", "keep_www"})
MOST_WHERE = 2 / 1000

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def _place(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def _docstrings(file: Path) -> Iterator[tuple[str, ast.AST, str]]:
    """Yield the location, the node and the text of each docstring."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, Definition | ast.Module) and (text := ast.get_docstring(node)):
            yield _place(file, node), node, text


def _identifiers(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the location and the name of everything that the file defines or assigns."""
    for node in ast.walk(_tree(file)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield _place(file, node), name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield _place(file, node), name


def _words(name: str) -> set[str]:
    """Return the lower-case words of a snake_case or CamelCase name."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def _is_banned(name: str) -> bool:
    return name not in ALLOWED_NAMES and bool(_words(name) & BANNED_IN_NAMES or "go_on" in name)


def test_no_function_docstring_begins_with_a_question_word() -> None:
    found = [
        f"{place} {text.splitlines()[0]}"
        for file in FILES
        for place, node, text in _docstrings(file)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and QUESTION.match(text)
    ]

    assert found == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_where_is_rare_in_docstrings(folder: str) -> None:
    texts = [text for file in FILES if file.is_relative_to(ROOT / folder) for _, _, text in _docstrings(file)]
    words = [word for text in texts for word in re.findall(r"[a-z']+", text.lower())]

    assert words.count("where") < MOST_WHERE * len(words)


def test_docstrings_name_the_actor() -> None:
    found = [
        f"{place} {match[0]}"
        for file in FILES
        for place, _, text in _docstrings(file)
        for match in BANNED_IN_TEXT.finditer(text)
    ]

    assert found == []


def test_identifiers_use_the_verbs_of_the_field() -> None:
    assert [f"{place} {name}" for file in FILES for place, name in _identifiers(file) if _is_banned(name)] == []


def test_a_public_class_name_means_one_thing() -> None:
    """The sandbox may repeat the name of what it stands in for; test classes are checked among themselves."""
    homes: dict[str, set[str]] = defaultdict(set)
    for file in FILES:
        if file.is_relative_to(ROOT / "sandbox"):
            continue
        for node in _tree(file).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].add(str(file.relative_to(ROOT)))

    assert {name: sorted(files) for name, files in homes.items() if len(files) > 1} == {}


@pytest.mark.parametrize(
    ("name", "is_banned"),
    [
        ("keep", True),
        ("LookAt", True),
        ("_is_told", True),
        ("KEEP_ALIVE", True),
        ("keep_alive", False),
        ("kept", False),
    ],
)
def test_banned_words_are_found_as_whole_words(name: str, is_banned: bool) -> None:
    assert _is_banned(name) == is_banned
