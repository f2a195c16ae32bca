"""How many schedules are played, or which one, and what is told of them at the end."""

from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter

SHORT = 12


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the long form, and a seed of one's own."""
    parser.addoption("--schedules", type=int, default=SHORT, help="how many schedules the chaos suite plays")
    parser.addoption("--seed", type=int, help="the only seed that the chaos suite plays")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each seed."""
    if "seed" in metafunc.fixturenames:
        only = metafunc.config.getoption("--seed", None)
        last = metafunc.config.getoption("--schedules", SHORT)
        metafunc.parametrize("seed", range(1, last + 1) if only is None else [only])


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Schedules played, faults met, violations, and the seeds that failed."""
    told = [
        dict(report.user_properties)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        if any(name == "seed" for name, _ in report.user_properties)
    ]
    if not told:
        return
    write = terminalreporter.write_line
    faults = sum((Counter(each["faults"]) for each in told), Counter())
    terminalreporter.section("chaos")
    write(f"{len(told)} schedules, {sum(each['seconds'] for each in told) / len(told):.1f} s each")
    for what in ("happened", "faults"):
        counted = sum((Counter(each[what]) for each in told), Counter())
        write(f"{what}: " + ", ".join(f"{name} {times}" for name, times in sorted(counted.items())))
    write(f"{faults.total()} faults, {sum(each['violations'] for each in told)} violations")
    if seeds := sorted(each["seed"] for each in told if each["violations"]):
        write(f"seeds that failed: {', '.join(map(str, seeds))}")
