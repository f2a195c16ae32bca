"""A pytest hook for tests/conftest.py: the summary of the schedules, before the logs of those that failed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

MOST_CHARACTERS = 500


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: TerminalReporter) -> Iterator[None]:
    """Print the seeds that failed with what each violated, then how many schedules were played, and what they met."""
    played = [
        dict(report.user_properties)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        if any(name == "seed" for name, _ in report.user_properties)
    ]
    if played:
        terminalreporter.section("chaos")
        for line in summary(played):
            terminalreporter.write_line(line)
    return (yield)


def summary(played: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the summary."""
    failed = sorted((each for each in played if each["violations"]), key=lambda each: each["seed"])
    for each in failed:
        yield from (f"seed {each['seed']}: {words[:MOST_CHARACTERS]}" for words in each["violations"])
    faults = sum((Counter(each["faults"]) for each in played), Counter())
    yield f"{len(played)} schedules, {sum(each['seconds'] for each in played) / len(played):.1f} s each"
    for what in ("happened", "faults"):
        counted = sum((Counter(each[what]) for each in played), Counter())
        yield f"{what}: " + ", ".join(f"{name} {times}" for name, times in sorted(counted.items()))
    yield f"{faults.total()} faults, {sum(len(each['violations']) for each in played)} violations"
    if failed:
        yield f"seeds that failed: {', '.join(str(each['seed']) for each in failed)}"
