"""Reading the payload of a signed request, as Socket Mode would bring it."""

import json
from urllib.parse import urlencode

import pytest

from handlers.transport.http import read_payload
from handlers.transport.rejections import RequestRejected

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
COMMAND = {"command": "/dcv-resend", "text": "700001 because of payload={} & more", "user_id": "U1", "team_id": ""}


@pytest.mark.parametrize(
    ("kind", "body", "payload"),
    [
        (JSON, b'{"type": "event_callback"}', {"type": "event_callback"}),
        (FORM, urlencode(COMMAND).encode(), COMMAND),
        (FORM, urlencode({"payload": json.dumps({"type": "x", "n": "ü"})}).encode(), {"type": "x", "n": "ü"}),
        (FORM, b"ssl_check=1&token=t", {"ssl_check": "1", "token": "t"}),
    ],
)
def test_each_kind_of_body_is_read(kind, body, payload):
    assert read_payload(kind, body) == payload


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *((JSON, body) for body in (b"", b"x", b"[]", b"null", b'"text"', b"7", b"\xff", b"[" * 10**5, b"1" * 5000)),
        *((FORM, body) for body in (b"", b"x", b"a=b", b"payload=", b"payload=x", b"payload=[]", b"\xff=1")),
        (FORM, b"command=%ff"),
        (FORM, b'{"type": "event_callback"}'),
    ],
)
def test_what_cannot_be_read_is_turned_away(kind, body):
    with pytest.raises(RequestRejected) as caught:
        read_payload(kind, body)

    assert (caught.value.status, caught.value.reason) == (400, "body")
    assert caught.value.__cause__ is None
