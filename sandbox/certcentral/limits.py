"""DigiCert's rolling limits on the calls of one key."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """A limit of `calls` within any `seconds`."""

    calls: int
    seconds: float


DIGICERT_LIMITS = (Limit(100, 5.0), Limit(1000, 180.0))


class SlidingWindow:
    """The times of recent calls, in seconds of one monotonic clock. Rejected calls do not count."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def acquire(self, limits: tuple[Limit, ...], at: float) -> float:
        """Admit a call and return 0.0, or return the seconds until a call would be admitted."""
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
        # The n-th last call must leave the window before another one fits.
        return max(0.0, self._times[-limit.calls] + limit.seconds - at)
