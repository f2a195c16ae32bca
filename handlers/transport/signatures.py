"""Slack's signature of an HTTP request.

Source: Slack, "Verifying requests from Slack".
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bot.clock import Clock
from handlers.transport.rejections import RequestRejected

WINDOW = timedelta(minutes=5)


class Headers(Protocol):
    """The headers of a request, with case-insensitive names."""

    def getall(self, name: str, default: Sequence[str], /) -> Sequence[str]:
        """Return every value of a header, in order."""


@dataclass(frozen=True, slots=True)
class SignatureHeaders:
    """The timestamp and the signature that the headers claim, not verified yet."""

    timestamp: str
    signature: str


class Signatures:
    """Verifier of Slack's request signatures."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret.encode()
        self._clock = clock

    def read(self, headers: Headers) -> SignatureHeaders:
        """Return the claimed timestamp and signature, before the body is read.

        Raises RequestRejected (401) if they cannot be valid for any body: missing, malformed or outside WINDOW.
        """
        timestamp, signature = _only(headers, "X-Slack-Request-Timestamp"), _only(headers, "X-Slack-Signature")
        # ASCII digits only, and few enough for `datetime`: int() would accept other scripts' digits and any length.
        if not re.fullmatch("[0-9]{1,11}", timestamp):
            raise RequestRejected(401, "timestamp")
        signed_at = datetime.fromtimestamp(int(timestamp), UTC)
        if abs(self._clock() - signed_at) > WINDOW:
            raise RequestRejected(401, "timestamp")
        if not re.fullmatch("v0=[0-9a-f]{64}", signature):
            raise RequestRejected(401, "signature")
        return SignatureHeaders(timestamp, signature)

    def check(self, claimed: SignatureHeaders, body: bytes) -> None:
        """Raise RequestRejected (401) if Slack did not sign this body at that time."""
        signed = b"v0:%s:%s" % (claimed.timestamp.encode(), body)
        made = "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        # In constant time, so that response times reveal nothing about the right signature.
        if not hmac.compare_digest(made, claimed.signature):
            raise RequestRejected(401, "signature")


def _only(headers: Headers, name: str) -> str:
    """Return the value of a header that occurs exactly once. A repeated header would be ambiguous."""
    values = headers.getall(name, ())
    if len(values) != 1:
        raise RequestRejected(401, "headers")
    return values[0]
