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
    """The headers of a request, by names in any case."""

    def getall(self, name: str, default: Sequence[str], /) -> Sequence[str]:
        """Every value, in their order."""


@dataclass(frozen=True, slots=True)
class SignatureHeaders:
    """What the headers claim: when it was signed, and with which signature."""

    timestamp: str
    signature: str


class Signatures:
    """Knows the signing secret."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret.encode()
        self._clock = clock

    def read(self, headers: Headers) -> SignatureHeaders:
        """What the headers claim, before the body is read; Rejected (401) where no body could make it genuine."""
        timestamp, signature = _only(headers, "X-Slack-Request-Timestamp"), _only(headers, "X-Slack-Signature")
        if not re.fullmatch("[0-9]{1,11}", timestamp):
            raise RequestRejected(401, "timestamp")
        signed_at = datetime.fromtimestamp(int(timestamp), UTC)
        if abs(self._clock() - signed_at) > WINDOW:
            raise RequestRejected(401, "timestamp")
        if not re.fullmatch("v0=[0-9a-f]{64}", signature):
            raise RequestRejected(401, "signature")
        return SignatureHeaders(timestamp, signature)

    def check(self, stamp: SignatureHeaders, body: bytes) -> None:
        """Rejected (401) where Slack did not sign this body at that time."""
        signed = b"v0:%s:%s" % (stamp.timestamp.encode(), body)
        made = "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(made, stamp.signature):
            raise RequestRejected(401, "signature")


def _only(headers: Headers, name: str) -> str:
    """The value of a header that is there once; anything else could be read in two ways."""
    values = headers.getall(name, ())
    if len(values) != 1:
        raise RequestRejected(401, "headers")
    return values[0]
