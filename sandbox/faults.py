"""What can go wrong with a call to a local server, planned by a test or by a person at the demo."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class FaultResponse:
    """An HTTP answer given instead of the real one; a `body` of str is sent as it is, anything else as JSON."""

    status: int
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """One misfortune: wait for `hold` (if any), take effect or not, then give `answer`, the real one, or none.

    `lost` drops the connection without an answer. With neither `answer` nor `lost` the call is only held up.
    """

    effect: bool = False
    answer: FaultResponse | None = None
    lost: bool = False
    hold: asyncio.Event | None = None
    seconds: float = 0.0

    async def wait(self) -> None:
        """Hold the call for `seconds`, then until `hold` is set."""
        await asyncio.sleep(self.seconds)
        if self.hold is not None:
            await self.hold.wait()


def answers(status: int, body: object = "", headers: Mapping[str, str] | None = None, *, effect: bool = False) -> Fault:
    """Answer with this; the call takes effect only with `effect`."""
    return Fault(effect=effect, answer=FaultResponse(status, body, headers or {}))


def drops(*, effect: bool) -> Fault:
    """Drop the connection without an answer, before (`effect=False`) or after the call took effect."""
    return Fault(effect=effect, lost=True)


def stalls(seconds: float = 0.0, hold: asyncio.Event | None = None) -> Fault:
    """Go on as usual, but only after `seconds` and once `hold` is set."""
    return Fault(effect=True, seconds=seconds, hold=hold)


@dataclass
class _Planned:
    pattern: str
    fault: Fault
    remaining: int | None


class Faults:
    """The misfortunes still to come, first planned first served."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def plan(self, pattern: str, fault: Fault, *, times: int | None = 1) -> None:
        """Let the next `times` calls whose name fits the glob `pattern` meet `fault`; None means until `clear()`."""
        self._planned.append(_Planned(pattern, fault, times))

    def pop(self, name: str) -> Fault | None:
        """Use up one fault planned for a call of this name."""
        for planned in self._planned:
            if not fnmatchcase(name, planned.pattern):
                continue
            if planned.remaining is not None:
                planned.remaining -= 1
                if planned.remaining <= 0:
                    self._planned.remove(planned)
            return planned.fault
        return None

    def clear(self) -> None:
        """Forget every fault that is still to come."""
        self._planned.clear()
