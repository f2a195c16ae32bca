"""docs/architecture.md: each promise leads to tests that exist, each package has a row, and each path exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOC = ROOT / "docs" / "architecture.md"
PROMISES = (
    "No email without permission",
    "At most one PUT per call",
    "Never a lie",
    "Only chosen recipients get an email",
    "The ledger row comes before the call",
    "Every accepted request ends in Slack",
    "Slack is answered in time",
    "Secrets stay in",
)
FOLDERS = ("bot", "handlers", "sandbox", "tests", "benchmarks", "docs")
LEAST_CHANGES = 16


def text() -> str:
    """Return the document."""
    return DOC.read_text(encoding="utf-8")


def rows(first_cell: str) -> list[list[str]]:
    """Return the cells of the table whose head begins with `first_cell`."""
    table = text().partition(f"| {first_cell} |")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def promised_tests() -> dict[str, list[str]]:
    """Return the paths of the tests that the last cell of each promise links to."""
    return {cells[0]: re.findall(r"\]\(\.\./(tests/[\w./]+)\)", cells[-1]) for cells in rows("promise")}


def packages() -> list[str]:
    """Return the path of each package below bot/ and handlers/ that has modules of its own."""
    found = [
        path.parent for path in sorted(ROOT.glob("[bh]*/*/**/__init__.py")) if len(list(path.parent.glob("*.py"))) > 1
    ]
    paths = [path.relative_to(ROOT) for path in found]
    return [f"{path}/" for path in paths if path.parts[0] in ("bot", "handlers") and path.name != "versions"]


def named_paths() -> set[str]:
    """Return what the document names in backticks or links to, if it is a path from the root."""
    quoted = set(re.findall(r"`([\w./-]+)`", text()))
    linked = {str((DOC.parent / link).resolve().relative_to(ROOT)) for link in re.findall(r"\]\(([\w./-]+)", text())}
    inside = {path for path in quoted if path.split("/")[0] in FOLDERS and "/" in path}
    return inside | linked | {path for path in quoted if re.fullmatch(r"[.\w-]+\.(md|toml|yml|example)", path)}


def test_no_promise_is_missing() -> None:
    assert [promise for promise in PROMISES if not any(row.startswith(promise) for row in promised_tests())] == []


@pytest.mark.parametrize("promise", promised_tests())
def test_a_promise_leads_to_one_to_three_files_of_tests(promise: str) -> None:
    named = [ROOT / path for path in promised_tests()[promise]]

    assert 1 <= len(named) <= 3
    assert [
        path
        for path in named
        if not path.is_file() or not re.search(r"^(async )?def test_", path.read_text(encoding="utf-8"), re.MULTILINE)
    ] == []


@pytest.mark.parametrize("package", packages())
def test_each_package_has_its_row(package: str) -> None:
    assert [cells[0] for cells in rows("folder or file")].count(f"`{package}`") == 1


def test_each_module_at_the_top_of_the_bot_has_its_row() -> None:
    named = {path for cells in rows("folder or file") for path in re.findall(r"`(bot/\w+\.py)`", cells[0])}

    assert named == {f"bot/{file.name}" for file in (ROOT / "bot").glob("*.py")} - {"bot/__init__.py"}


def test_each_path_exists() -> None:
    assert sorted(path for path in named_paths() if not (ROOT / path).exists()) == []


def test_typical_changes_name_what_to_open() -> None:
    changes = rows("to change")

    assert len(changes) >= LEAST_CHANGES
    assert [cells for cells in changes if not re.search(r"`[\w./]*[\w/]`", cells[-1])] == []
