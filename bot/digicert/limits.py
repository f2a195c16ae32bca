"""The rate limits that the bot keeps to by itself, so that DigiCert never has to turn it away."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import structlog
from pyrate_limiter import InMemoryBucket, Limiter, MonotonicClock, Rate, SingleBucketFactory

from bot.errors import StoreUnavailable

log = structlog.get_logger(__name__)


class Turns(Protocol):
    """Whatever hands out turns for calls to DigiCert."""

    @property
    def in_background(self) -> "Turns":
        """Turns of the same limits for work that nobody waits for."""

    async def turn(self) -> None:
        """Wait until one more call is allowed."""


class _Rates:
    """Turns within several rates at once."""

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


class Limits(_Rates):
    """Turns for calls to DigiCert, in memory and for one process; several rates hold at once.

    `rates` are pairs of calls and seconds, such as `[(100, 5.0), (1000, 180.0)]`: a longer window allows more calls,
    but not more per second. ValueError where that does not hold, or where there is no rate at all.
    Source: Services API, "Rate limits" (rolling windows, per key).
    """

    def __init__(self, rates: Sequence[tuple[int, float]]) -> None:
        super().__init__(rates)
        self._background = _InBackground(self, _Rates(halved(rates)))

    @property
    def in_background(self) -> Turns:
        """Half of these turns, so that people always find some, and go first."""
        return self._background


class Slots(Protocol):
    """The moments at which calls may go that several processes share."""

    async def reserve(self) -> tuple[int, float]:
        """The id of the next free moment, and in how many seconds it is; StoreUnavailable in vain."""

    async def give_back(self, slot: int) -> None:
        """Let others have a moment that will not be used; StoreUnavailable in vain."""


class SharedLimits:
    """Turns within limits that several processes keep to together.

    Each asks for the next moment that is free, once, and waits until then; first come, first served among all of them.
    Where the database is away a process keeps to the limits alone: few calls are made then, and DigiCert's 429 is met.
    """

    def __init__(self, rates: Sequence[tuple[int, float]], slots: Slots) -> None:
        self._alone = _Rates(rates)
        self._slots = slots
        self._asking = asyncio.Lock()
        self._given_back: set[asyncio.Task[None]] = set()
        self._background = _InBackground(self, _Rates(halved(rates)))

    @property
    def in_background(self) -> Turns:
        """Half of the limits of this process, so that people always find turns, and go first."""
        return self._background

    async def turn(self) -> None:
        """Wait until one more call is allowed; a wait that is cancelled lets others have the turn."""
        await self._alone.turn()
        try:
            async with self._asking:
                slot, seconds = await self._slots.reserve()
        except StoreUnavailable as error:
            log.warning("the limits are kept to by this process alone", error=str(error))
            return
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            task = asyncio.create_task(self._give_back(slot))
            self._given_back.add(task)
            task.add_done_callback(self._given_back.discard)
            raise

    async def _give_back(self, slot: int) -> None:
        with suppress(StoreUnavailable):
            await self._slots.give_back(slot)


class _InBackground:
    """Takes a turn of its own, then one of everybody's; among those who wait there it has one place at most."""

    def __init__(self, shared: Turns, own: _Rates) -> None:
        self._shared = shared
        self._own = own
        self._place_in_line = asyncio.Lock()

    @property
    def in_background(self) -> Turns:
        """Itself."""
        return self

    async def turn(self) -> None:
        """Wait until one more call is allowed that nobody waits for."""
        async with self._place_in_line:
            await self._own.turn()
            await self._shared.turn()


def halved(rates: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Half of each rate, one call at least; without those that can no longer bind beside another."""
    kept: list[tuple[int, float]] = []
    for calls, seconds in rates:
        half = max(1, calls // 2)
        while kept and kept[-1][0] >= half:
            kept.pop()
        if not kept or half / seconds <= kept[-1][0] / kept[-1][1]:
            kept.append((half, seconds))
    return kept
