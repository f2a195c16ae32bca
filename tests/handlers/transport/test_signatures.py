"""Slack's signature: what is genuine, and what no body could make genuine."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from multidict import CIMultiDict
from slack_sdk.signature import SignatureVerifier

from handlers.transport.rejections import RequestRejected
from handlers.transport.signatures import WINDOW, Signatures

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = datetime(2026, 7, 1, 12, 0, 0, 500_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BODY = b"payload=%7B%22type%22%3A%22block_actions%22%7D&n=\xc3\xbc"
NAMES = ("X-Slack-Request-Timestamp", "X-Slack-Signature")


@pytest.fixture
def signatures():
    return Signatures(SECRET, lambda: NOW)


def headers_of(body: bytes, at: datetime = NOW, secret: str = SECRET) -> CIMultiDict:
    timestamp = str(int(at.timestamp()))
    made = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return CIMultiDict(zip(NAMES, (timestamp, f"v0={made}"), strict=True))


def reason(signatures: Signatures, headers: CIMultiDict, body: bytes = BODY) -> str | None:
    """Return the reason of a rejection, or None if the request is genuine."""
    try:
        signatures.check(signatures.read(headers), body)
    except RequestRejected as error:
        return error.reason if error.status == 401 else f"{error.status}"
    return None


@pytest.mark.parametrize("at", [NOW, NOW - WINDOW + SECOND, NOW + WINDOW, NOW - timedelta(seconds=299)])
@pytest.mark.parametrize("body", [BODY, b"", b"\xff\xfe", b"{" * 1000])
def test_what_slack_signed_in_the_last_or_next_five_minutes_is_genuine(signatures, at, body):
    assert reason(signatures, headers_of(body, at), body) is None


def test_it_agrees_with_the_vendors_own_verifier(signatures):
    headers = headers_of(BODY)
    headers[NAMES[1]] = SignatureVerifier(SECRET).generate_signature(timestamp=headers[NAMES[0]], body=BODY)

    assert reason(signatures, headers) is None


@pytest.mark.parametrize("at", [NOW - WINDOW - SECOND, NOW + WINDOW + SECOND, NOW - timedelta(days=365)])
def test_what_is_too_old_or_from_the_future_is_turned_away_although_it_is_signed(signatures, at):
    assert reason(signatures, headers_of(BODY, at)) == "timestamp"


@pytest.mark.parametrize(
    "text", ["", " ", "noon", "-1", "+1782907200", "1782907200.5", "1_782_907_200", "0x1", "²³", "١٢٣", "9" * 12, "1e9"]
)
def test_a_timestamp_that_is_no_number_of_seconds_is_turned_away(signatures, text):
    headers = headers_of(BODY)
    headers[NAMES[0]] = text

    assert reason(signatures, headers) == "timestamp"


@pytest.mark.parametrize(
    "text",
    ["", "v0=", "v0=" + "0" * 64, "v1=" + "0" * 64, "0" * 64, "v0=" + "é" * 64, "V0=" + "0" * 64, "v0=" + "A" * 64],
)
def test_another_signature_is_turned_away(signatures, text):
    headers = headers_of(BODY)
    headers[NAMES[1]] = text

    assert reason(signatures, headers) == "signature"


def test_another_body_secret_or_moment_is_turned_away(signatures):
    moved = headers_of(BODY)
    moved[NAMES[0]] = str(int(moved[NAMES[0]]) - 1)

    assert reason(signatures, headers_of(BODY), BODY + b" ") == "signature"
    assert reason(signatures, headers_of(BODY, secret="another")) == "signature"
    assert reason(signatures, moved) == "signature"


@pytest.mark.parametrize("name", NAMES)
def test_a_header_that_is_missing_or_there_twice_is_turned_away(signatures, name):
    without, twice = headers_of(BODY), headers_of(BODY)
    del without[name]
    twice.add(name.lower(), twice[name])

    assert reason(signatures, without) == "headers"
    assert reason(signatures, twice) == "headers"
