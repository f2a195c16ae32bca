"""The files of the page: no text is parsed as markup, and nothing is loaded from other hosts."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from sandbox.web.server import STATIC

MODULES = sorted(STATIC.rglob("*.js"))
FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())
MARKUP = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|eval)\b"
    r"|\bnew Function\b|\bsetHTML"
)
IMPORT = re.compile(r'^import .*? from "([^"]+)";$', re.MULTILINE)


def test_there_are_files() -> None:
    assert len(MODULES) > 20


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_reads_text_as_markup_or_code(path: Path) -> None:
    assert MARKUP.search(path.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_every_module_says_what_it_is_for_and_imports_what_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith("/** ")
    assert [name for name in IMPORT.findall(text) if not (path.parent / name).is_file()] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = {
        path: [(path.parent / name).resolve() for name in IMPORT.findall(path.read_text(encoding="utf-8"))]
        for path in MODULES
    }

    TopologicalSorter(imports).prepare()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")

    assert re.findall(r"""(?:src|href)="https?:|url\(|@import|from "https?:""", text) == []


def test_the_page_has_no_inline_script_or_style() -> None:
    text = (STATIC / "index.html").read_text(encoding="utf-8")

    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", text) == []
