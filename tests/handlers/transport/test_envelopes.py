"""Envelopes of Socket Mode: what Bolt cannot read is acknowledged, and the log does not repeat it."""

import json

import structlog

from handlers.transport.envelopes import answer


class FailingApp:
    """Bolt, failing on a part of what it was given."""

    async def async_dispatch(self, request):
        raise ValueError(f"cannot read {request.body['text']!r}")


async def test_an_envelope_that_bolt_fails_on_is_acknowledged_and_not_quoted():
    envelope = {"type": "slash_commands", "envelope_id": "e1", "payload": {"text": "typed by ana"}}

    with structlog.testing.capture_logs() as logged:
        ack = await answer(FailingApp(), envelope)

    assert json.loads(ack) == {"envelope_id": "e1"}
    assert logged == [{"event": "an envelope could not be read", "error": "ValueError", "log_level": "warning"}]
