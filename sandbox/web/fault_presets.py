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
    "normal": FaultPreset("Normal", "DigiCert answers every request."),
    "hangs": FaultPreset(
        "Hangs", "Every request hangs until you switch back.", EVERYTHING, lambda hold: stalls(hold=hold)
    ),
    "rejects": FaultPreset(
        "Rejects", "DigiCert rejects each resend (400) and gives a reason.", RESENDS, lambda _: answers(400, REFUSAL)
    ),
    "limits": FaultPreset(
        "Rate-limits",
        "DigiCert limits resends (429) until you switch back.",
        RESENDS,
        lambda _: answers(429, SLOW_DOWN),
    ),
    "drops": FaultPreset(
        "Drops replies",
        "DigiCert sends the email, but its reply is lost.",
        RESENDS,
        lambda _: drops(effect=True),
    ),
}


class FaultSwitch:
    """The switch between presets. Calls that a preset delayed continue at the next switch."""

    def __init__(self, certcentral: CertCentral) -> None:
        self.preset = "normal"
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
