"""Comparison of this checkout with an older commit: both are measured in turns, and their medians printed together.

`python -m benchmarks.compare 8c28bf0 submits bursts` runs these measurements only. Both are measured by the scripts
and with the sandbox of this checkout. What the older code lacks is measured here alone.
"""

import json
import os
import re
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.helpers import AS_JSON
from tests.older_checkout import ROOT, older_checkout

FOLDERS = ("benchmarks", "sandbox")
TIMES = 5
_FIGURE = re.compile(r"(?:\b(p\d\d) )?(\d[\d,.]*) (ms|MB|s)\b")
_NUMBER = re.compile(r"\d[\d,.]*")

Figures = dict[tuple[str, str], list[float]]


def main(base: str, names: Sequence[str], times: int) -> None:
    """Measure each checkout several times, and print the comparison."""
    older: Figures = defaultdict(list)
    current: Figures = defaultdict(list)
    with older_checkout(base, FOLDERS) as (folder, python):
        for number in range(times):
            print(f"{number + 1} of {times} …", file=sys.stderr, flush=True)  # noqa: T201 - a benchmark talks
            _measure(folder, python, names, older)
            _measure(ROOT, Path(sys.executable), names, current)
    for line in table(older, current, base):
        print(line)  # noqa: T201


def table(older: Figures, current: Figures, base: str) -> Iterator[str]:
    """Yield the medians of both checkouts, and the ratio of the current to the older one."""
    yield f"{'medians':<62} {base:>12} {'now':>12}  ratio"
    for what, unit in dict.fromkeys([*older, *current]):
        before, now = (_median(each.get((what, unit))) for each in (older, current))
        ratio = f"{now / before:.2f}" if before and now is not None else ""
        first, second = ("-" if each is None else f"{each:,.4g} {unit}" for each in (before, now))
        yield f"{what:<62} {first:>12} {second:>12}  {ratio}".rstrip()


def _median(figures: Sequence[float] | None) -> float | None:
    return statistics.median(figures) if figures else None


def figures_in(what: str, figure: str) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the figures of one result: each percentile, else the first number with a unit, else the last number."""
    found = _FIGURE.findall(figure)
    if not found:
        found = [("", number, "") for number in _NUMBER.findall(figure)[-1:]]
    elif not found[0][0]:
        found = found[:1]
    for percentile, number, unit in found:
        yield (f"{what}, {percentile}" if percentile else what, unit), float(number.replace(",", "").rstrip("."))


def _measure(folder: Path, python: Path, names: Sequence[str], found: Figures) -> None:
    command = [str(python), "-m", "benchmarks", *names]
    environment = {**os.environ, AS_JSON: "1"}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own
    for line in done.stdout.splitlines():
        result = json.loads(line)
        for key, number in figures_in(result["what"], result["figure"]):
            found[key].append(number)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:], int(os.environ.get("TIMES", TIMES)))
