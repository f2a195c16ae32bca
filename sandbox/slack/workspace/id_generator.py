"""Ids and timestamps in Slack's formats, never the same twice."""

import random
import string
from collections.abc import Callable

ALPHABET = string.ascii_uppercase + string.digits


class IdGenerator:
    """A generator of ids and timestamps. `clock` returns Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._random = random.Random()  # noqa: S311 - ids of a sandbox are no secrets
        self._last_microsecond = 0

    def new_id(self, prefix: str, length: int = 10) -> str:
        """Return a new id such as U8F3K2M1Q0Z."""
        return prefix + "".join(self._random.choices(ALPHABET, k=length))

    def new_ts(self) -> str:
        """Return a message timestamp, in Unix seconds with six decimals, later than every one before."""
        # Timestamps identify messages, so a clock that stands or goes back must not repeat one.
        self._last_microsecond = max(int(self.clock() * 1_000_000), self._last_microsecond + 1)
        seconds, microseconds = divmod(self._last_microsecond, 1_000_000)
        return f"{seconds}.{microseconds:06d}"

    def new_hash(self) -> str:
        """Return the hash of one version of a view."""
        return f"{self.new_ts().split('.', maxsplit=1)[0]}.{self.new_id('', 8)}"
