"""The calls and problems for the page: Web API calls, envelopes with acks, calls to CertCentral, problems."""

from collections.abc import Iterator
from itertools import islice

from sandbox.certcentral import CertCentral
from sandbox.certcentral.call_log import RecordedCall
from sandbox.json_types import Json
from sandbox.slack import ApiCall, Delivery, Slack
from sandbox.web.state_diff import StatePart

MAX_ENTRIES = 200


def read_wire_state(slack: Slack, certcentral: CertCentral) -> Iterator[StatePart]:
    """Yield the latest entries of each kind."""
    for number, call in _latest(slack.api_calls):
        yield StatePart(f"wire/api/{number}", (call.status, call.after), lambda call=call: _api(call))
    for number, delivery in _latest(slack.deliveries):
        version = (delivery.acked, delivery.answered, delivery.settled)
        yield StatePart(f"wire/envelope/{number}", version, lambda delivery=delivery: _envelope(delivery))
    for number, call in _latest(certcentral.calls):
        yield StatePart(f"wire/ca/{number}", call.status, lambda call=call: _ca(call))
    for number, problem in _latest(slack.problems):
        yield StatePart(f"problem/{number}", problem, lambda problem=problem: {"text": problem})


def _latest(items: list) -> Iterator[tuple[int, object]]:
    return islice(enumerate(items), max(0, len(items) - MAX_ENTRIES), None)


def _api(call: ApiCall) -> Json:
    return {
        "at": call.at,
        "from": "bot",
        "to": "Slack",
        "what": call.method,
        "sent": call.params,
        "got": call.answer,
        "result": call.error or ("ok" if call.status == 200 else str(call.status or "…")),
        "seconds": call.after,
        "bad": call.error is not None or (call.status or 200) >= 400,
    }


def _envelope(delivery: Delivery) -> Json:
    waits = not delivery.settled and not delivery.acked
    return {
        "at": delivery.at,
        "from": "Slack",
        "to": "bot",
        "what": delivery.what,
        "sent": delivery.sent,
        "got": delivery.payload,
        "result": "acked" if delivery.acked else "…" if waits else "not acked",
        "seconds": delivery.after or None,
        "bad": not (delivery.acked or waits),
    }


def _ca(call: RecordedCall) -> Json:
    return {
        "at": call.at.timestamp(),
        "from": "bot",
        "to": "CertCentral",
        "what": call.name,
        "sent": call.body if call.body is not None else call.query,
        "got": None,
        "result": str(call.status or "no answer"),
        "seconds": None,
        "bad": (call.status or 0) >= 400,
    }
