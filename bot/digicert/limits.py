"""The rate limits that the bot keeps to by itself, so that DigiCert never has to turn it away."""

from collections.abc import Sequence

from pyrate_limiter import InMemoryBucket, Limiter, MonotonicClock, Rate, SingleBucketFactory


class Limits:
    """Turns for calls to DigiCert, in memory and for one process; several rates hold at once.

    `rates` are pairs of calls and seconds, such as `[(100, 5.0), (1000, 180.0)]`: a longer window allows more calls,
    but not more per second. ValueError where that does not hold, or where there is no rate at all.
    Source: Services API, "Rate limits" (rolling windows, per key).
    """

    def __init__(self, rates: Sequence[tuple[int, float]]) -> None:
        if any(calls < 1 or seconds < 0.001 for calls, seconds in rates):
            raise ValueError("a rate allows at least one call in at least one millisecond")
        self._bucket = InMemoryBucket([Rate(calls, round(seconds * 1000)) for calls, seconds in rates])
        self._clock = MonotonicClock()
        # By default the limiter clears its bucket in a thread that nobody ends; `turn` clears it instead.
        self._limiter = Limiter(SingleBucketFactory(self._bucket, schedule_leak=False))

    async def turn(self) -> None:
        """Wait until one more call is allowed, first come, first served; a cancelled wait uses up no turn."""
        self._bucket.leak(self._clock.now())
        await self._limiter.try_acquire_async()
