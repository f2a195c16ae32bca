"""`make bench BASE=…`: what is read of each result, and how two commits stand beside each other."""

import pytest

from benchmarks.compare import figures_in, table

FIGURES = [
    ("12 ms (worst 37 ms)", {("it", "ms"): 12.0}),
    ("0.42 ms (worst 1.20 ms)", {("it", "ms"): 0.42}),
    ("p50 3 ms, p99 19 ms", {("it, p50", "ms"): 3.0, ("it, p99", "ms"): 19.0}),
    ("98 101 103 104 MB", {("it", "MB"): 104.0}),
    ("240 480 720 960", {("it", ""): 960.0}),
    ("1,024 accepted", {("it", ""): 1024.0}),
    ("no Chromium or Chrome here", {}),
]


@pytest.mark.parametrize(("figure", "found"), FIGURES)
def test_a_result_is_read_by_its_figures(figure, found):
    assert dict(figures_in("it", figure)) == found


def test_medians_are_beside_each_other_with_their_ratio():
    older, current = {("it", "ms"): [10.0, 30.0, 20.0]}, {("it", "ms"): [5.0, 15.0, 10.0], ("new", "ms"): [1.0]}

    lines = [line.split() for line in table(older, current, "8c28bf0")]

    assert lines[1:] == [["it", "20", "ms", "10", "ms", "0.50"], ["new", "-", "1", "ms"]]
