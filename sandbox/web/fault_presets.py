"""How the local CertCentral treats its callers: well, or in one of the ways that people ought to have seen."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.certcentral import CertCentral
from sandbox.certcentral.api_errors import error_body
from sandbox.faults import Fault, answers, drops, stalls

RESENDS, EVERYTHING = "PUT *", "*"
REFUSAL = error_body("invalid_dcv_email", "The address may not approve this name.")
SLOW_DOWN = error_body("request_limit_exceeded", "Service unavailable, please limit request volume")


@dataclass(frozen=True)
class FaultPreset:
    """One position of the switch: the calls that it meets, and with what."""

    label: str
    about: str
    calls: str = ""
    fault: Callable[[asyncio.Event], Fault] | None = None


FAULT_PRESETS = {
    "well": FaultPreset("Well", "Every call is answered as DigiCert does."),
    "stalls": FaultPreset(
        "Stalls", "Every call hangs until you switch back.", EVERYTHING, lambda hold: stalls(hold=hold)
    ),
    "refuses": FaultPreset(
        "Refuses", "Each resend is refused (400) with a reason.", RESENDS, lambda _: answers(400, REFUSAL)
    ),
    "busy": FaultPreset("429", "Each resend is asked to slow down.", RESENDS, lambda _: answers(429, SLOW_DOWN)),
    "loses": FaultPreset("Loses", "Mails go out, but the answers are lost.", RESENDS, lambda _: drops(effect=True)),
}


class FaultSwitch:
    """Turns the local CertCentral from one mood into another; calls that it held go on when it is turned."""

    def __init__(self, certcentral: CertCentral) -> None:
        self.preset = "well"
        self._certcentral = certcentral
        self._hold = asyncio.Event()

    def select(self, name: str) -> None:
        """Let all later calls meet this mood; LookupError when there is none of this name."""
        preset = FAULT_PRESETS[name]
        self._hold.set()
        self._hold = asyncio.Event()
        self._certcentral.faults.clear()
        if preset.fault is not None:
            self._certcentral.faults.plan(preset.calls, preset.fault(self._hold), times=None)
        self.preset = name
        self._certcentral.changes.notify_all()
