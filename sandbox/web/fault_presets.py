"""Presets for the behavior of the local CertCentral: normal, or one of the faults worth seeing."""

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
    """A preset: the calls that it affects, and their fault."""

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
    """The switch between presets. Calls that a preset delayed continue at the next switch."""

    def __init__(self, certcentral: CertCentral) -> None:
        self.preset = "well"
        self._certcentral = certcentral
        self._hold = asyncio.Event()

    def select(self, name: str) -> None:
        """Apply this preset to all later calls. Raises LookupError if there is no such preset."""
        preset = FAULT_PRESETS[name]
        # Delayed calls wait for the old event, so it is set before a new one replaces it.
        self._hold.set()
        self._hold = asyncio.Event()
        self._certcentral.faults.clear()
        if preset.fault is not None:
            self._certcentral.faults.plan(preset.calls, preset.fault(self._hold), times=None)
        self.preset = name
        self._certcentral.changes.notify_all()
