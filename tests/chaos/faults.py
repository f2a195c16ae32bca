"""The faults of the local Slack and the local CertCentral, by name. Each call that meets one is counted."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sandbox.faults import Fault, FaultResponse
from tests.forked_bot import SHORT

# What DigiCert's own words may hold, and Slack must never read as its own.
HOSTILE = "<!channel> <@U0EVIL> <http://evil.example|approve here> *bold* &lt;!here&gt;"
RATELIMITED = {"ok": False, "error": "ratelimited"}
BUSY = {"errors": [{"code": "request_limit_exceeded", "message": "Please limit request volume"}]}
# Stands where an answer repeats a secret that it was sent.
SECRET = "{secret}"
HTML = f"<html><body><h1>Unavailable</h1>X-DC-DEVKEY: {SECRET}</body></html>"
NO = {"errors": [{"code": "invalid_email", "message": HOSTILE}]}
NO_WITH_KEY = {"errors": [{"code": f"denied_{SECRET}", "message": f"The key {SECRET} may not do this."}]}

SLACK_METHODS = (
    "chat.postMessage",
    "chat.update",
    "chat.postEphemeral",
    "chat.getPermalink",
    "views.open",
    "views.update",
    "users.info",
    "usergroups.users.list",
    "conversations.info",
    "conversations.history",
    "conversations.replies",
    "response_url",
)
SLACK = {
    "429 with Retry-After": Fault(answer=FaultResponse(429, RATELIMITED, {"Retry-After": "1"})),
    "429": Fault(answer=FaultResponse(429, RATELIMITED)),
    "500": Fault(answer=FaultResponse(500, {"ok": False, "error": "internal_error"})),
    "503 in HTML": Fault(answer=FaultResponse(503, HTML)),
    "500 after it took effect": Fault(effect=True, answer=FaultResponse(500, {"ok": False, "error": "internal_error"})),
    "lost before it took effect": Fault(lost=True),
    "answer lost": Fault(effect=True, lost=True),
    "slow": Fault(effect=True, seconds=1.2),
    "timeout": Fault(effect=True, lost=True, seconds=1.1 * SHORT.slack_timeout),
}
READS = {
    "429 with Retry-After": Fault(answer=FaultResponse(429, BUSY, {"Retry-After": "1"})),
    "429": Fault(answer=FaultResponse(429, BUSY)),
    "500": Fault(answer=FaultResponse(500, {"errors": []})),
    "503 in HTML": Fault(answer=FaultResponse(503, HTML)),
    "200 in HTML": Fault(answer=FaultResponse(200, HTML)),
    "answer lost": Fault(lost=True),
    "slow": Fault(effect=True, seconds=1.5),
}
# Long enough to see if the bot checks the person again before the next attempt.
BUSY_FOR_LONG = Fault(answer=FaultResponse(429, BUSY, {"Retry-After": "4"}))
PUTS = {
    "429 with Retry-After": Fault(answer=FaultResponse(429, BUSY, {"Retry-After": "1"})),
    "400 with foreign words": Fault(answer=FaultResponse(400, NO)),
    "403 that repeats the key": Fault(answer=FaultResponse(403, NO_WITH_KEY)),
    "408": Fault(answer=FaultResponse(408, "")),
    "302": Fault(answer=FaultResponse(302, "", {"Location": "https://elsewhere.example/"})),
    "200 in HTML": Fault(effect=True, answer=FaultResponse(200, HTML)),
    "500": Fault(answer=FaultResponse(500, {"errors": []})),
    "503 in HTML after it took effect": Fault(effect=True, answer=FaultResponse(503, HTML)),
    "lost before it took effect": Fault(lost=True),
    "answer lost": Fault(effect=True, lost=True),
    "slow": Fault(effect=True, seconds=1.0),
    "timeout": Fault(effect=True, lost=True, seconds=31.0),
}


@dataclass(frozen=True)
class ReportedFault(Fault):
    """A fault that runs a callback when a call meets it."""

    met: Callable[[], None] = field(default=lambda: None, repr=False)

    async def wait(self) -> None:
        """Run the callback, then hold the call as planned."""
        self.met()
        await super().wait()


def counted(fault: Fault, name: str, injected: Counter[str]) -> ReportedFault:
    """Return the fault, counted under this name by each call that meets it."""

    def met() -> None:
        injected[name] += 1

    return with_callback(fault, met)


def repeating(fault: Fault, secret: str) -> Fault:
    """Return the fault with an answer that repeats this secret, as a proxy or a careless server may."""
    if fault.answer is None:
        return fault
    body = json.loads(json.dumps(fault.answer.body).replace(SECRET, json.dumps(secret)[1:-1]))
    return replace(fault, answer=replace(fault.answer, body=body))


def with_callback(fault: Fault, met: Callable[[], None]) -> ReportedFault:
    """Return the fault with a callback for each call that meets it."""
    return ReportedFault(fault.effect, fault.answer, fault.lost, fault.hold, fault.seconds, met)
