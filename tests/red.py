"""Runs the tests of faults on older code: `make red BASE=8c28bf0` shows which of them fail there, row by row.

A test of a fault that passes on the code that had the fault proves nothing. Tests and sandbox are those of this
checkout, the bot is the older one; tests of the sandbox itself run on the older sandbox. More words go to pytest:
`make red BASE=8c28bf0 ONLY=tests/e2e/test_policy.py`. Exits with 1 if a row has no test that fails there.
"""

import ast
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.older_checkout import ROOT, older_checkout

OF_SANDBOX = "tests/sandbox"
PYTEST = ("-m", "pytest", "-m", "fault", "-q", "--tb=no", "--no-header", "-p", "no:cacheprovider", "-p", "tests.red")
AT_ONCE = ("-n", "auto", "--dist", "worksteal", "--continue-on-collection-errors")
REPORT = "DCV_RED_REPORT"
_SECTION = re.compile(r"^\[tool\.pytest\.ini_options\]\n.*?(?=^\[)", re.MULTILINE | re.DOTALL)
# Such an error may come from a name that the older code lacks, rather than from what it does.
_LACKS = re.compile(r"(Import|ModuleNotFound|Attribute|Name|Type)Error\b|fixture '")


@dataclass
class FaultResults:
    """The tests of one fault on the older code, by what became of them."""

    failed: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)
    """Those among the failed whose set-up failed, or whose error may come from a name that the older code lacks."""
    passed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    """Files that could not be collected."""

    @property
    def is_red(self) -> bool:
        """Return True if a test fails, or cannot even be collected."""
        return bool(self.failed or self.unread)

    def __str__(self) -> str:
        tests = len(self.failed | self.passed | self.skipped)
        parts = [f"{tests:3} tests", f"{len(self.failed):3} red"]
        parts += [f"{len(self.lacking)} of them in set-up or for want of a name"] if self.lacking else []
        parts += [f"{len(self.passed)} PASS"] if self.passed else []
        parts += [f"{len(self.skipped)} skipped"] if self.skipped else []
        parts += [f"not collected: {', '.join(sorted(self.unread))}"] if self.unread else []
        return ", ".join(parts) + ("" if self.is_red else "   <- NO RED TEST")


class Reporter:
    """Writes a line for each test and each file that cannot be collected; a plugin of pytest."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write how a phase of a test ended; of those that pass only the call."""
        if report.when == "call" or not report.passed:
            rows = [value for name, value in report.user_properties if name == "fault"]
            self._write(
                rows=rows, test=report.nodeid, outcome=report.outcome, when=report.when, words=_last_line(report)
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write what could not be collected."""
        if report.failed:
            self._write(unread=report.nodeid, words=_last_line(report))

    def _write(self, **what: Any) -> None:
        with self._file.open("a") as lines:
            lines.write(json.dumps(what) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Report from the process that collects the results of all workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(Path(os.environ[REPORT])))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Add the rows that a test belongs to, to each of its reports."""
    item.user_properties += [("fault", row) for mark in item.iter_markers("fault") for row in mark.args]


def main(base: str, words: Sequence[str]) -> int:
    """Print a line for each row, and the tests that prove nothing."""
    marked = marked_files(ROOT / "tests")
    rows = sorted_by_row((event for run in _runs(words, marked) for event in _events(base, *run)), marked)
    print(f"\nTests of faults on the code of {base}:")  # noqa: T201 - a command talks
    for name, row in sorted(rows.items(), key=lambda each: _in_order(each[0])):
        print(f"  {name:6} {row}")  # noqa: T201
    for name, row in rows.items():
        for test in sorted(row.passed):
            print(f"passes there, and so proves nothing of {name}: {test}")  # noqa: T201
    return 0 if rows and all(row.is_red for row in rows.values()) else 1


def _runs(words: Sequence[str], marked: Iterable[str]) -> Iterable[tuple[Sequence[str], Sequence[str]]]:
    """Yield the folders of this checkout that a run of pytest uses, and its words."""
    of_sandbox = (("tests",), words or [OF_SANDBOX, *AT_ONCE])
    if not any(word.startswith(OF_SANDBOX) for word in words):
        yield ("tests", "sandbox"), words or [f"--ignore={OF_SANDBOX}", *AT_ONCE]
        if words or not any(file.startswith(OF_SANDBOX) for file in marked):
            return
    yield of_sandbox


def _events(base: str, folders: Sequence[str], words: Sequence[str]) -> Iterable[dict[str, Any]]:
    with older_checkout(base, folders) as (folder, python):
        _copy_pytest_settings(folder)
        report = folder / "report.jsonl"
        report.touch()
        environment = {**os.environ, REPORT: str(report)}
        subprocess.run([str(python), *PYTEST, *words], cwd=folder, env=environment, check=False)  # noqa: S603 - pytest, on our own tests
        return [json.loads(line) for line in report.read_text().splitlines()]


def sorted_by_row(events: Iterable[Mapping[str, Any]], marked: Mapping[str, set[str]]) -> dict[str, FaultResults]:
    """Sort the reports of tests by fault; `marked` are the rows that each file of tests names."""
    rows: defaultdict[str, FaultResults] = defaultdict(FaultResults)
    for event in events:
        if unread := event.get("unread"):
            for file in (file for file in marked if file == unread or file.startswith(f"{unread}/")):
                for name in marked[file]:
                    rows[name].unread.add(file)
            continue
        for name in event["rows"]:
            row = rows[name]
            getattr(row, event["outcome"]).add(event["test"])
            if event["outcome"] == "failed" and (event["when"] == "setup" or _LACKS.search(event["words"])):
                row.lacking.add(event["test"])
    for row in rows.values():
        # One that fails as it is torn down passed before.
        row.passed -= row.failed
    return dict(rows)


def marked_files(folder: Path) -> dict[str, set[str]]:
    """Return the rows that each file of tests names in its markers, by its path below the checkout."""
    found = {}
    for file in folder.rglob("test_*.py"):
        if rows := set(_rows_in(ast.parse(file.read_text()))):
            found[file.relative_to(folder.parent).as_posix()] = rows
    return found


def _rows_in(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fault":
            yield from (str(each.value) for each in node.args if isinstance(each, ast.Constant))


def _copy_pytest_settings(folder: Path) -> None:
    ours = _SECTION.search((ROOT / "pyproject.toml").read_text())
    file = folder / "pyproject.toml"
    if ours:
        file.write_text(_SECTION.sub(lambda _: ours[0], file.read_text()))


def _last_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(getattr(crash, "message", report.longrepr) or "").strip()


def _in_order(name: str) -> tuple[str, int]:
    return name.rstrip("0123456789"), int("0" + name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
