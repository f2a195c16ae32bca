"""Measurement of the text parsers, on texts that are meant to make them slow."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.errors import InvalidInput
from bot.parsing.commands import read_command, read_status
from bot.parsing.mentions import find_mentions
from sandbox.hostile_texts import LONGEST_TEXT, PIECES, blocks_of, long_text, nested

LONGEST_COMMAND = 3_000
EXAMPLES = 80
REPEATS = 3
# Below this, a ratio of two times says more about the clock than about the parser.
LEAST_SECONDS = 0.004

units = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)


def read_typed(text: str) -> None:
    """Parse the text as each of the commands."""
    for read in (read_command, read_status):
        try:
            read(text)
        except InvalidInput:
            continue


class HostileTexts:
    """The slowest parses of many texts, in processor seconds."""

    def __init__(self) -> None:
        self.text, self.blocks, self.command = (0.0, ""), (0.0, ""), (0.0, "")
        self.ratio = (0.0, "")

    def measure(self, unit: str) -> None:
        """Parse texts built of this unit, and record those that were slower than all before."""
        text = {"text": long_text(unit, LONGEST_TEXT)}
        self.text = max(self.text, (_seconds(lambda: find_mentions(text)), unit))
        self.blocks = max(
            self.blocks,
            (_seconds(lambda: find_mentions(blocks_of(unit))), unit),
            (_seconds(lambda: find_mentions(nested(unit))), unit),
        )
        self.command = max(self.command, (_seconds(lambda: read_typed(long_text(unit, LONGEST_COMMAND))), unit))
        for ratio in _ratios(unit):
            self.ratio = max(self.ratio, (ratio, unit))


def _ratios(unit: str) -> Iterator[float]:
    """Yield the ratio of times for a text and its double, at two lengths that are parsed completely."""
    for length in (LONGEST_TEXT // 2, LONGEST_TEXT):
        half, whole = ({"text": long_text(unit, times * length)} for times in (1, 2))
        # A text that is slow only once was slowed by the machine.
        yield min(filter(None, (_ratio(half, whole) for _ in range(REPEATS))), default=0.0)


def _ratio(half: Any, whole: Any) -> float | None:
    least = _seconds(lambda: find_mentions(half))
    return _seconds(lambda: find_mentions(whole)) / least if least > LEAST_SECONDS else None


def _seconds(read: Callable[[], object]) -> float:
    """Return the least processor time of several parses, because other load only adds to it."""
    found = []
    for _ in range(REPEATS):
        began = time.thread_time()
        read()
        found.append(time.thread_time() - began)
    return min(found)


def hostile_texts() -> HostileTexts:
    """Measure each piece alone, and reproducible texts that hypothesis builds of the pieces."""
    found = HostileTexts()
    for piece in PIECES:
        found.measure(piece)

    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(units)
    def measure(unit: str) -> None:
        found.measure(unit)

    measure()
    return found
