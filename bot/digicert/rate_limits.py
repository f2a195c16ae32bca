"""The rate limits that the bot keeps to by itself, so that DigiCert never has to turn it away.

People share them fairly: a flood by one person delays its author, and hardly a colleague.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import structlog
from pyrate_limiter import InMemoryBucket, Limiter, MonotonicClock, Rate, SingleBucketFactory

from bot.clock import ends_within
from bot.errors import StoreUnavailable
from bot.fair_share import EVERYBODY, FairQueue, current_person, working_for

log = structlog.get_logger(__name__)

# Once a rate of a longer span is used up, people may have to wait for longer than a form or a command does.
LONG_SECONDS = 10.0
# Of such a rate one person may use this many times what is free: alone three quarters, two people three sevenths each.
# So some of it remains for the next person, however many use it up.
SHARE = 3
# So many turns of people may pass while work in background waits.
MOST_PASSED = 10
_COUNT_SECONDS = 1.0
# Whoever took less than one in so many turns of a long rate may go on; a count of all processes costs a query.
_LIGHT = 20

_BACKGROUND = "background"


class RateLimiter(Protocol):
    """Turns for calls to DigiCert."""

    @property
    def in_background(self) -> "RateLimiter":
        """Turns of the same limits for work that nobody waits for."""

    async def acquire(self) -> None:
        """Wait until one more call is allowed."""


class Slots(Protocol):
    """The moments at which calls may go that several processes share."""

    async def reserve(self) -> tuple[int, float]:
        """The id of the next free moment, and in how many seconds it is; StoreUnavailable in vain."""

    async def release(self, slot: int) -> None:
        """Let others have a moment that will not be used; StoreUnavailable in vain."""

    async def in_use(self, seconds: float) -> int:
        """Return how many moments from the last seconds on are taken; StoreUnavailable in vain."""


class _Source(Protocol):
    """Turns without regard to who asks."""

    async def reserve(self) -> None:
        """Wait until one more call is allowed; a cancelled wait uses up no turn."""

    async def in_use(self, seconds: float, /) -> int:
        """Return how many turns all processes took in the last seconds, as far as they are known."""


class _Rates:
    """Turns within several rates at once, for one process."""

    def __init__(self, rates: Sequence[tuple[int, float]]) -> None:
        if any(calls < 1 or seconds < 0.001 for calls, seconds in rates):
            raise ValueError("a rate allows at least one call in at least one millisecond")
        self._bucket = InMemoryBucket([Rate(calls, round(seconds * 1000)) for calls, seconds in rates])
        self._clock = MonotonicClock()
        # By default the limiter clears its bucket in a thread that nobody ends; `turn` clears it instead.
        self._limiter = Limiter(SingleBucketFactory(self._bucket, schedule_leak=False))

    async def reserve(self) -> None:
        """Wait until one more call is allowed, first come, first served; a cancelled wait uses up no turn."""
        self._bucket.leak(self._clock.now())
        await self._limiter.try_acquire_async()

    async def in_use(self, _: float) -> int:
        """Return 0: there is no other process, and what this one took is known."""
        return 0


class _SharedRates:
    """Turns within rates that several processes keep to together.

    Where the database is away a process keeps to them alone: few calls are made then, and DigiCert's 429 is met.
    """

    def __init__(self, rates: Sequence[tuple[int, float]], slots: Slots) -> None:
        self._alone = _Rates(rates)
        self._slots = slots
        self._given_back: set[asyncio.Task[None]] = set()

    async def reserve(self) -> None:
        """Wait until one more call is allowed; a wait that is cancelled lets others have the turn."""
        await self._alone.reserve()
        try:
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

    async def in_use(self, seconds: float) -> int:
        """Return how many turns all processes took in the last seconds; 0 while the database is away."""
        try:
            return await self._slots.in_use(seconds)
        except StoreUnavailable:
            return 0

    async def _give_back(self, slot: int) -> None:
        with suppress(StoreUnavailable):
            await self._slots.release(slot)


class _Window:
    """Who took how many turns of a long rate within its span."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls = calls
        self.seconds = seconds
        self._turns: deque[tuple[float, str]] = deque()
        self._by: Counter[str] = Counter()
        # By all processes, when it was counted last.
        self.taken = 0

    def add(self, person: str) -> None:
        """Count a turn."""
        self._turns.append((time.monotonic(), person))
        self._by[person] += 1

    def is_open(self, person: str) -> bool:
        """Return True if this person may take one more turn."""
        self._forget()
        free = self._calls - max(len(self._turns), self.taken)
        return self.is_light(person) or self._by[person] <= SHARE * free

    def is_light(self, person: str) -> bool:
        """Return True if this person took so few turns that it need not be counted what other processes took."""
        return self._by[person] * _LIGHT < self._calls

    def _forget(self) -> None:
        before = time.monotonic() - self.seconds
        while self._turns and self._turns[0][0] <= before:
            _, person = self._turns.popleft()
            self._by[person] -= 1
            if not self._by[person]:
                del self._by[person]


class _Waiter:
    """One call that waits for its turn."""

    def __init__(self) -> None:
        self.is_served = False
        self.woken = asyncio.Event()

    def serve(self) -> None:
        """Let it have a turn."""
        self.is_served = True
        self.woken.set()


class _FairRateLimiter:
    """Deals the turns of a source among people: in rounds, one each, and of a long rate a share at most.

    One of those who wait deals, until it has its own turn: then no turn is taken that nobody waits for.
    """

    def __init__(self, source: _Source, rates: Sequence[tuple[int, float]]) -> None:
        self._source = source
        self._windows = [_Window(calls, seconds) for calls, seconds in rates if seconds > LONG_SECONDS]
        self._waiting: FairQueue[_Waiter] = FairQueue()
        self._arrived = asyncio.Event()
        self._is_dealt = False
        self._passed = 0
        self._background = _BackgroundRateLimiter(self, _Rates(halved(rates)))

    @property
    def in_background(self) -> RateLimiter:
        """Half of these turns, so that people always find some, and go first."""
        return self._background

    async def acquire(self) -> None:
        """Wait until one more call is allowed to whom it is done for; a cancelled wait uses up no turn."""
        person, waiter = current_person(), _Waiter()
        self._waiting.add(person, waiter)
        self._arrived.set()
        try:
            while not waiter.is_served:
                if self._is_dealt:
                    await waiter.woken.wait()
                    waiter.woken.clear()
                else:
                    await self._deal()
        except asyncio.CancelledError:
            if waiter.is_served:
                self._serve_next()
            raise
        finally:
            self._waiting.remove(person, waiter)
            if not self._is_dealt and (follow_up := self._waiting.first()):
                follow_up.woken.set()

    async def _deal(self) -> None:
        """Take one turn of the source for whoever is next by then."""
        self._is_dealt = True
        try:
            while await self._next_counted() is None:
                self._arrived.clear()
                await ends_within(_COUNT_SECONDS, self._arrived.wait())
            await self._source.reserve()
            self._serve_next()
        finally:
            self._is_dealt = False

    async def _next_counted(self) -> str | None:
        for window in self._windows:
            if any(_has_share(person) and not window.is_light(person) for person in self._waiting.people):
                window.taken = await self._source.in_use(window.seconds)
        return self._next()

    def _next(self) -> str | None:
        """Return whose turn it is; None while all who wait have used up their share."""
        waiting = self._waiting.people
        people = [person for person in waiting if person != _BACKGROUND and self._is_open(person)]
        if _BACKGROUND in waiting and (self._passed >= MOST_PASSED or not people):
            return _BACKGROUND
        return people[0] if people else None

    def _is_open(self, person: str) -> bool:
        return not _has_share(person) or all(window.is_open(person) for window in self._windows)

    def _serve_next(self) -> None:
        waiting = self._waiting.people
        # The turn is taken: where all have used up their share meanwhile, any may have it.
        person = self._next() or next(iter(waiting), None)
        if not person:
            return
        self._passed = self._passed + 1 if _BACKGROUND in waiting and person != _BACKGROUND else 0
        for window in self._windows:
            window.add(person)
        self._waiting.pop(person).serve()


def _has_share(person: str) -> bool:
    """Return True for a person; what is read for everybody has no limit of its own, work in background another one."""
    return person not in (EVERYBODY, _BACKGROUND)


class LocalRateLimiter(_FairRateLimiter):
    """Turns for calls to DigiCert, in memory and for one process; several rates hold at once.

    `rates` are pairs of calls and seconds, such as `[(100, 5.0), (1000, 180.0)]`: a longer window allows more calls,
    but not more per second. ValueError where that does not hold, or where there is no rate at all.
    Source: Services API, "Rate limits" (rolling windows, per key).
    """

    def __init__(self, rates: Sequence[tuple[int, float]]) -> None:
        super().__init__(_Rates(rates), rates)


class SharedRateLimiter(_FairRateLimiter):
    """Turns within limits that several processes keep to together, first come, first served among them.

    Each asks for one moment that is free at a time, waits until then, and lets one of its people have it.
    """

    def __init__(self, rates: Sequence[tuple[int, float]], slots: Slots) -> None:
        super().__init__(_SharedRates(rates, slots), rates)


class _BackgroundRateLimiter:
    """Takes a turn of its own, then one of everybody's; among those who wait there it has one place at most."""

    def __init__(self, shared: _FairRateLimiter, own: _Rates) -> None:
        self._shared = shared
        self._own = own
        self._place_in_line = asyncio.Lock()

    @property
    def in_background(self) -> RateLimiter:
        """Itself."""
        return self

    async def acquire(self) -> None:
        """Wait until one more call is allowed that nobody waits for."""
        async with self._place_in_line:
            await self._own.reserve()
            with working_for(_BACKGROUND):
                await self._shared.acquire()


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
