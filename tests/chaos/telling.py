"""What is told of the schedules at the end: a hook of pytest that tests/conftest.py takes in."""

from collections import Counter

from _pytest.terminal import TerminalReporter


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
