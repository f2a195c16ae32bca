"""Faults of calls to a local server, planned by a test or by a user of the demo."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class FaultResponse:
    """An HTTP response given instead of the real one. A `body` of str is sent unchanged, anything else as JSON."""

    status: int
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """One fault of a call.

    The call first waits for `seconds` and for `hold`. It takes effect only if `effect` is set. `answer` replaces the
    real response, and `lost` drops the connection without one. With neither `answer` nor `lost`, the call is only
    delayed.
    """

    effect: bool = False
    answer: FaultResponse | None = None
    lost: bool = False
    hold: asyncio.Event | None = None
    seconds: float = 0.0

    async def wait(self) -> None:
        """Delay the call for `seconds`, then until `hold` is set."""
        await asyncio.sleep(self.seconds)
        if self.hold is not None:
            await self.hold.wait()


def answers(status: int, body: object = "", headers: Mapping[str, str] | None = None, *, effect: bool = False) -> Fault:
    """Return a fault that answers with this response. The call takes effect only if `effect` is set."""
    return Fault(effect=effect, answer=FaultResponse(status, body, headers or {}))


def drops(*, effect: bool) -> Fault:
    """Return a fault that drops the connection before or, if `effect` is set, after the call takes effect."""
    return Fault(effect=effect, lost=True)


def stalls(seconds: float = 0.0, hold: asyncio.Event | None = None) -> Fault:
    """Return a fault that only delays the call, by `seconds` and until `hold` is set."""
    return Fault(effect=True, seconds=seconds, hold=hold)


@dataclass
class _Planned:
    pattern: str
    fault: Fault
    remaining: int | None


class Faults:
    """The planned faults, in the order in which they are used."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def plan(self, pattern: str, fault: Fault, *, times: int | None = 1) -> None:
        """Plan `fault` for the next `times` calls whose name matches the glob `pattern`. None means until `clear()`."""
        self._planned.append(_Planned(pattern, fault, times))

    def pop(self, name: str) -> Fault | None:
        """Return the first fault planned for a call of this name, and use it up once. Returns None if there is none."""
        # The first plan that matches wins, so the order of `plan` calls matters.
        for planned in self._planned:
            if not fnmatchcase(name, planned.pattern):
                continue
            # None never runs out.
            if planned.remaining is not None:
                planned.remaining -= 1
                if planned.remaining <= 0:
                    self._planned.remove(planned)
            return planned.fault
        return None

    def clear(self) -> None:
        """Remove every planned fault."""
        self._planned.clear()
