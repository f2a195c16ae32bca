"""DigiCert's rolling limits on the calls of one key."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """At most `calls` within any `seconds`."""

    calls: int
    seconds: float


DIGICERT_LIMITS = (Limit(100, 5.0), Limit(1000, 180.0))


class SlidingWindow:
    """The calls let through lately; times are seconds of one monotonic clock. Calls turned away do not count."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def acquire(self, limits: tuple[Limit, ...], at: float) -> float:
        """Let a call through and return 0, or return the seconds until one would be let through."""
        waits = [self._wait(limit, at) for limit in limits]
        if any(waits):
            return max(waits)
        self._times.append(at)
        longest = max((limit.seconds for limit in limits), default=0.0)
        while self._times and self._times[0] <= at - longest:
            self._times.popleft()
        return 0.0

    def _wait(self, limit: Limit, at: float) -> float:
        if limit.calls <= 0:
            return limit.seconds
        if len(self._times) < limit.calls:
            return 0.0
        return max(0.0, self._times[-limit.calls] + limit.seconds - at)
