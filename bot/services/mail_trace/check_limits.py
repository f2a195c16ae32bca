"""The limit of DNS checks for one person: DCV_PERSON_LIMITS, counted in memory by each instance."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import define, field

from bot.clock import Clock
from bot.errors import LimitReached


@define(eq=False, repr=False, slots=False)
class CheckLimits:
    """The checks that each person asked for lately. Resends are counted by themselves, in the ledger."""

    _rates: Sequence[tuple[int, float]]
    _clock: Clock
    _asked: dict[str, deque[datetime]] = field(factory=dict, init=False)

    def count(self, user_id: str) -> None:
        """Count one check. Raises LimitReached if the person has asked for too many."""
        now = self._clock()
        longest = timedelta(seconds=max(seconds for _, seconds in self._rates))
        self._asked = {user: times for user, times in self._asked.items() if times[-1] > now - longest}
        times = self._asked.get(user_id, deque())
        while times and times[0] <= now - longest:
            times.popleft()
        for number, seconds in self._rates:
            span = timedelta(seconds=seconds)
            if len(times) >= number and times[-number] > now - span:
                raise LimitReached(number, span, times[-number] + span, now, "DNS check")
        times.append(now)
        self._asked[user_id] = times
