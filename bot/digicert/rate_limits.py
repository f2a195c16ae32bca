"""Rate limiters, so that the bot stays below DigiCert's limits and gets no 429.

People share the limits fairly: a flood by one person delays that person, and hardly a colleague.
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
from bot.fair_share import BULK, EVERYBODY, PERSON, PERSON_SECONDS, FairQueue, current_person, working_for

log = structlog.get_logger(__name__)

# If a rate with a longer window is used up, people may have to wait longer than a form or a command can.
LONG_SECONDS = 10.0
# One person may use this many times the free part of such a rate: three quarters alone, three sevenths each for two.
# So a part remains for the next person, however many people there are.
SHARE = 3
# After so many calls for people, one for background work goes first.
MOST_PASSED = 10
_COUNT_SECONDS = 1.0
# A person who made less than this fraction of a long rate's calls needs no count of all processes, which is a query.
_LIGHT = 20

_BACKGROUND = "background"
# These go after the people.
_LAST = (_BACKGROUND, BULK)
# After a delay, a plan may catch up on this many calls at once.
_CATCH_UP = 4


class RateLimiter(Protocol):
    """A limiter of the calls to DigiCert."""

    @property
    def in_background(self) -> "RateLimiter":
        """Return a limiter within the same limits, for work that no user waits for."""

    async def acquire(self) -> None:
        """Wait until one more call is allowed. A cancelled wait uses up nothing."""


class Slots(Protocol):
    """The times at which calls may go, shared by several processes."""

    async def reserve(self, kind: str = "") -> tuple[int, float]:
        """Reserve the next free slot. Return its id, and the seconds until its time. `kind` is BULK, PERSON, or empty.

        Raises StoreUnavailable if the database does not answer.
        """

    async def bulk_pause(self, interval: float) -> float:
        """Return the seconds until plans may make their next call, if they make one in each `interval` of seconds.

        Raises StoreUnavailable if it cannot be read.
        """

    async def release(self, slot: int) -> None:
        """Release a slot that will not be used. Raises StoreUnavailable if the database does not answer."""

    async def in_use(self, seconds: float) -> int:
        """Return how many slots are reserved from `seconds` ago on. Raises StoreUnavailable if it cannot be read."""


class _Source(Protocol):
    """A limiter without fairness: it does not know who calls."""

    async def reserve(self, kind: str = "", /) -> None:
        """Wait until one more call is allowed. A cancelled wait uses up nothing."""

    async def bulk_pause(self, interval: float, /) -> float:
        """Return the seconds until plans may make their next call, as far as other processes matter."""

    async def in_use(self, seconds: float, /) -> int:
        """Return how many calls all processes made in the last `seconds`, as far as that is known."""


class _Rates:
    """A limiter of one process for several rates at once."""

    def __init__(self, rates: Sequence[tuple[int, float]]) -> None:
        if any(calls < 1 or seconds < 0.001 for calls, seconds in rates):
            raise ValueError("a rate must allow at least one call per time")
        self._bucket = InMemoryBucket([Rate(calls, round(seconds * 1000)) for calls, seconds in rates])
        self._clock = MonotonicClock()
        # By default the limiter clears its bucket in a thread that is never stopped. `reserve` clears it instead.
        self._limiter = Limiter(SingleBucketFactory(self._bucket, schedule_leak=False))

    async def bulk_pause(self, _: float) -> float:
        """Return 0: there is no other process."""
        return 0.0

    async def reserve(self, _: str = "") -> None:
        """Wait until one more call is allowed, first come, first served. A cancelled wait uses up nothing."""
        self._bucket.leak(self._clock.now())
        await self._limiter.try_acquire_async()

    async def in_use(self, _: float) -> int:
        """Return 0: there is no other process, and the caller counts the calls of this one."""
        return 0


class _SharedRates:
    """A limiter for several processes together.

    While the database is unavailable, each process limits only itself: there are few calls then, and a 429 is handled.
    """

    def __init__(self, rates: Sequence[tuple[int, float]], slots: Slots) -> None:
        self._alone = _Rates(rates)
        self._slots = slots
        self._releasing: set[asyncio.Task[None]] = set()

    async def bulk_pause(self, interval: float) -> float:
        """Return the seconds until plans may make their next call; 0 while the database is unavailable."""
        try:
            return await self._slots.bulk_pause(interval)
        except StoreUnavailable:
            return 0.0

    async def reserve(self, kind: str = "") -> None:
        """Wait until one more call is allowed. A cancelled wait releases its slot."""
        await self._alone.reserve()
        try:
            slot, seconds = await self._slots.reserve(kind)
        except StoreUnavailable as error:
            log.warning("only this process observes the rate limits", error=str(error))
            return
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            task = asyncio.create_task(self._release(slot))
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)
            raise

    async def in_use(self, seconds: float) -> int:
        """Return how many calls all processes made in the last `seconds`; 0 while the database is unavailable."""
        try:
            return await self._slots.in_use(seconds)
        except StoreUnavailable:
            return 0

    async def _release(self, slot: int) -> None:
        with suppress(StoreUnavailable):
            await self._slots.release(slot)


class _Window:
    """The calls of each person within the window of a long rate."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls = calls
        self.seconds = seconds
        self._made: deque[tuple[float, str]] = deque()
        self._by: Counter[str] = Counter()
        # The calls of all processes, at the last count.
        self.in_use = 0

    def add(self, person: str) -> None:
        """Count a call."""
        self._made.append((time.monotonic(), person))
        self._by[person] += 1

    def is_open(self, person: str) -> bool:
        """Return True if this person may make one more call."""
        self._prune()
        free = self._calls - max(len(self._made), self.in_use)
        return self.is_light(person) or self._by[person] <= SHARE * free

    def is_light(self, person: str) -> bool:
        """Return True if this person made so few calls that those of other processes need not be counted."""
        return self._by[person] * _LIGHT < self._calls

    def _prune(self) -> None:
        before = time.monotonic() - self.seconds
        while self._made and self._made[0][0] <= before:
            _, person = self._made.popleft()
            self._by[person] -= 1
            if not self._by[person]:
                del self._by[person]


class _BulkPace:
    """The pace of all plans: evenly at the slowest rate, and at half of it while a person waits for an answer.

    A burst would use up a long rate, and people would wait for the end of its window.
    """

    def __init__(self, source: _Source, rates: Sequence[tuple[int, float]]) -> None:
        self._source = source
        self._interval = max(seconds / calls for calls, seconds in rates)
        self._due_at = 0.0
        self._person_at = float("-inf")
        self._place_in_line = asyncio.Lock()

    def note_person(self) -> None:
        """Remember that a person made a call just now."""
        self._person_at = time.monotonic()

    async def turn(self) -> None:
        """Wait until plans may make one more call. A cancelled wait uses up nothing."""
        async with self._place_in_line:
            while pause := await self._pause():  # noqa: ASYNC110 - nothing happens but that time passes
                await asyncio.sleep(pause)
            now = time.monotonic()
            interval = self._interval * (2 if now - self._person_at < PERSON_SECONDS else 1)
            self._due_at = max(self._due_at, now - _CATCH_UP * interval) + interval

    async def _pause(self) -> float:
        return max(0.0, self._due_at - time.monotonic(), await self._source.bulk_pause(self._interval))


class _Waiter:
    """One call that waits until it is allowed."""

    def __init__(self) -> None:
        self.is_served = False
        self.woken = asyncio.Event()

    def serve(self) -> None:
        """Allow the call."""
        self.is_served = True
        self.woken.set()


class _FairRateLimiter:
    """A limiter that is fair to people: they take turns, and get at most a share of a long rate.

    One of the waiting tasks reserves from the source for all, until it is allowed itself. So nothing is reserved that
    no task waits for.
    """

    def __init__(self, source: _Source, rates: Sequence[tuple[int, float]]) -> None:
        self._source = source
        self._windows = [_Window(calls, seconds) for calls, seconds in rates if seconds > LONG_SECONDS]
        self._waiting: FairQueue[_Waiter] = FairQueue()
        self._arrived = asyncio.Event()
        self._has_dealer = False
        self._passed = 0
        self._pace = _BulkPace(source, rates)
        self._background = _BackgroundRateLimiter(self, _Rates(halved(rates)))

    @property
    def in_background(self) -> RateLimiter:
        """Return a limiter for background work. It gets at most half of the limits, and people go first."""
        return self._background

    async def acquire(self) -> None:
        """Wait until one more call is allowed to `current_person()`. A cancelled wait uses up nothing."""
        person, waiter = current_person(), _Waiter()
        if person == BULK:
            await self._pace.turn()
        elif _has_share(person):
            self._pace.note_person()
        self._waiting.add(person, waiter)
        self._arrived.set()
        try:
            while not waiter.is_served:
                if self._has_dealer:
                    await waiter.woken.wait()
                    waiter.woken.clear()
                else:
                    await self._deal()
        except asyncio.CancelledError:
            if waiter.is_served:
                # Pass the reserved call on to the next in line.
                self._serve_next()
            raise
        finally:
            self._waiting.remove(person, waiter)
            if not self._has_dealer and (next_dealer := self._waiting.first()):
                next_dealer.woken.set()

    async def _deal(self) -> None:
        """Reserve one call of the source, and allow it to the person who is next by then."""
        self._has_dealer = True
        try:
            while (person := await self._next_counted()) is None:
                self._arrived.clear()
                await ends_within(_COUNT_SECONDS, self._arrived.wait())
            await self._source.reserve(BULK if person == BULK else PERSON if _has_share(person) else "")
            self._serve_next()
        finally:
            self._has_dealer = False

    async def _next_counted(self) -> str | None:
        for window in self._windows:
            if any(_has_share(person) and not window.is_light(person) for person in self._waiting.people):
                window.in_use = await self._source.in_use(window.seconds)
        return self._next()

    def _next(self) -> str | None:
        """Return the person who is next; None while all who wait have used up their share."""
        waiting = self._waiting.people
        people = [person for person in waiting if person not in _LAST and self._is_open(person)]
        others = [person for person in waiting if person in _LAST]
        if others and (self._passed >= MOST_PASSED or not people):
            return others[0]
        return people[0] if people else None

    def _is_open(self, person: str) -> bool:
        return not _has_share(person) or all(window.is_open(person) for window in self._windows)

    def _serve_next(self) -> None:
        waiting = self._waiting.people
        # The call is reserved already: if all have used up their share meanwhile, the first in line gets it.
        person = self._next() or next(iter(waiting), None)
        if not person:
            return
        is_passing = person not in _LAST and any(other in _LAST for other in waiting)
        self._passed = self._passed + 1 if is_passing else 0
        for window in self._windows:
            window.add(person)
        self._waiting.pop(person).serve()


def _has_share(person: str) -> bool:
    """Return True for a person. Reads for everybody have no share. Background work and plans have other limits."""
    return person not in (EVERYBODY, *_LAST)


class LocalRateLimiter(_FairRateLimiter):
    """A limiter in the memory of one process. Several rates apply at once.

    `rates` are pairs of calls and seconds, such as `[(100, 5.0), (1000, 180.0)]`: a longer window allows more calls,
    but not more per second. Raises ValueError if they do not, or if there is no rate.
    Source: Services API, "Rate limits" (rolling windows, per key).
    """

    def __init__(self, rates: Sequence[tuple[int, float]]) -> None:
        super().__init__(_Rates(rates), rates)


class SharedRateLimiter(_FairRateLimiter):
    """A limiter for several processes together, first come, first served among them.

    Each process reserves one free slot at a time, waits until its time, and gives it to one of its people.
    """

    def __init__(self, rates: Sequence[tuple[int, float]], slots: Slots) -> None:
        super().__init__(_SharedRates(rates, slots), rates)


class _BackgroundRateLimiter:
    """A limiter of background work: its own rates first, then the shared limiter, with one place in line at most."""

    def __init__(self, shared: _FairRateLimiter, own: _Rates) -> None:
        self._shared = shared
        self._own = own
        self._place_in_line = asyncio.Lock()

    @property
    def in_background(self) -> RateLimiter:
        """Return itself."""
        return self

    async def acquire(self) -> None:
        """Wait until one more call is allowed that no user waits for."""
        async with self._place_in_line:
            await self._own.reserve()
            with working_for(_BACKGROUND):
                await self._shared.acquire()


def halved(rates: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return half of each rate, at least one call, without those that another one makes redundant."""
    halves: list[tuple[int, float]] = []
    for calls, seconds in rates:
        half = max(1, calls // 2)
        while halves and halves[-1][0] >= half:
            halves.pop()
        if not halves or half / seconds <= halves[-1][0] / halves[-1][1]:
            halves.append((half, seconds))
    return halves
