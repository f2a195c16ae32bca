"""docs/architecture.md: every promise leads to tests that are there and try to break it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOC = ROOT / "docs" / "architecture.md"
PROMISES = (
    "No mail without permission",
    "At most one PUT per call",
    "Never a lie",
    "No audience by accident",
    "The ledger comes first",
    "Every accepted request ends in Slack",
    "Slack is answered in time",
    "Secrets stay in",
)


def rows():
    """Each promise, and the tests that its last cell names."""
    table = DOC.read_text(encoding="utf-8").partition("| promise |")[2]
    cells = (re.split(r" \| ", line.strip("| ")) for line in table.splitlines()[2:] if line.startswith("|"))
    return {each[0]: dict.fromkeys(re.findall(r"\btests/[\w./]+\w", each[-1])) for each in cells}


def files_in(path):
    files = [path] if path.is_file() else sorted(path.rglob("test_*.py"))
    return [file for file in files if re.search(r"^(async )?def test_", file.read_text(encoding="utf-8"), re.MULTILINE)]


def test_none_of_the_promises_is_missing():
    assert [promise for promise in PROMISES if not any(row.startswith(promise) for row in rows())] == []


@pytest.mark.parametrize("promise", rows())
def test_a_promise_leads_to_tests_that_are_there(promise):
    named = [ROOT / path for path in rows()[promise]]

    assert named
    assert [path for path in named if not files_in(path)] == []


def rooms():
    """Each folder of the table of rooms whose modules it names, and the names."""
    table = DOC.read_text(encoding="utf-8").partition("| room |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| `((?:bot|handlers)/[\w/]+/)` \| (.*) \|$", table, re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", cell)) for room, cell in cells}


PACKAGES = [path.parent.relative_to(ROOT) for path in sorted(ROOT.glob("[bh]*/*/**/__init__.py"))]


@pytest.mark.parametrize("room", [f"{package}/" for package in PACKAGES if "migrations" not in package.parts])
def test_every_module_of_a_room_is_named_and_no_other(room):
    assert rooms()[room] == {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"}
