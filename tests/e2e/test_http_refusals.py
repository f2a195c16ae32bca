"""What Slack did not send just now is turned away: a status, one line of the log, a closed connection, and no more."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Slack
from tests.e2e.helpers import asks, serving

PATH = "/slack/events"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MEBIBYTE = 1 << 20


GENUINE = json.dumps({"type": "event_callback", "event": {"type": "message"}}).encode()
TURNED_AWAY: dict[str, tuple[dict[str, Any], int, str]] = {
    "no signature": ({"without": ["X-Slack-Signature"]}, 401, "headers"),
    "no timestamp": ({"without": ["X-Slack-Request-Timestamp"]}, 401, "headers"),
    "another's signature": ({"secret": "somebody-elses"}, 401, "signature"),
    "a signature of another version": ({"with": {"X-Slack-Signature": "v1=" + "0" * 64}}, 401, "signature"),
    "a short signature": ({"with": {"X-Slack-Signature": "v0=00"}}, 401, "signature"),
    "a signature beyond ASCII": ({"with": {"X-Slack-Signature": "v0=" + "\xe9" * 64}}, 401, "signature"),
    "another body": ({"sent": GENUINE + b" "}, 401, "signature"),
    "too old": ({"ago": 310.0}, 401, "timestamp"),
    "from the future": ({"ago": -310.0}, 401, "timestamp"),
    "no number": ({"with": {"X-Slack-Request-Timestamp": "noon"}}, 401, "timestamp"),
    "a negative number": ({"with": {"X-Slack-Request-Timestamp": "-1"}}, 401, "timestamp"),
    "a number of other digits": ({"with": {"X-Slack-Request-Timestamp": "\xb2\xb3"}}, 401, "timestamp"),
    "a number without end": ({"with": {"X-Slack-Request-Timestamp": "9" * 5000}}, 401, "timestamp"),
    "two timestamps": ({"twice": "X-Slack-Request-Timestamp"}, 401, "headers"),
    "two signatures": ({"twice": "X-Slack-Signature"}, 401, "headers"),
    "unsigned ssl_check": ({"body": b"ssl_check=1", "type": FORM, "without": ["X-Slack-Signature"]}, 401, "headers"),
    "too long": ({"body": b" " * (MEBIBYTE + 1)}, 413, "size"),
    "announced too long": ({"length": 10 * MEBIBYTE}, 413, "size"),
    "too long in parts": ({"body": b" " * (2 * MEBIBYTE), "chunked": True}, 413, "size"),
    "another type": ({"type": "text/plain"}, 415, "content_type"),
    "a form of files": ({"type": "multipart/form-data; boundary=x"}, 415, "content_type"),
    "no type": ({"without": ["Content-Type"]}, 415, "content_type"),
    "packed": ({"with": {"Content-Encoding": "gzip"}}, 415, "content_type"),
    "asked for": ({"method": "GET"}, 405, "method"),
    "put": ({"method": "PUT"}, 405, "method"),
    "elsewhere": ({"path": "/slack/install"}, 404, "path"),
    "at the root": ({"path": "/"}, 404, "path"),
    "no JSON": ({"body": b"{"}, 400, "body"),
    "no object": ({"body": b"[]"}, 400, "body"),
    "nothing": ({"body": b""}, 400, "body"),
    "a deep one": ({"body": b"[" * 200_000}, 400, "body"),
    "a long number": ({"body": b"1" * 5000}, 400, "body"),
    "no UTF-8": ({"body": b'{"type": "\xff"}'}, 400, "body"),
    "no payload": ({"body": b"a=b", "type": FORM}, 400, "body"),
    "half a letter": ({"body": b"command=%ff", "type": FORM}, 400, "body"),
    "a payload that is no JSON": ({"body": b"payload=x", "type": FORM}, 400, "body"),
    "trickling": ({"length": len(GENUINE) + 1}, 408, "slow"),
    "no HTTP at all": ({"method": "\x16\x03\x01"}, 400, "malformed"),
    "no HTTP header": ({"with": {"X-Sent\x00": "by somebody"}}, 400, "malformed"),
}
FIELDS = {"event", "level", "logger", "timestamp", "status", "reason"}


@dataclass(frozen=True)
class RawResponse:
    """A response as read from a raw socket: its status, and if the connection was closed after it."""

    status: int
    closed: bool


class Wire:
    """A hand-written HTTP/1.1 client, like that of an attacker."""

    def __init__(self, bot: BotProcess, slack: Slack) -> None:
        self._bot, self._slack = bot, slack

    def signed(self, body: bytes, content_type: str = JSON, *, ago: float = 0.0, secret: str = "") -> dict[str, str]:
        """The headers with which Slack would send this body, `ago` seconds ago."""
        before, self._slack.ids.clock = self._slack.ids.clock, lambda: time.time() - ago
        kept, self._slack.signing_secret = self._slack.signing_secret, secret or self._slack.signing_secret
        try:
            return dict(self._slack.requests.sign(body, content_type).headers)
        finally:
            self._slack.ids.clock, self._slack.signing_secret = before, kept

    async def try_(self, change: Mapping[str, Any]) -> RawResponse:
        """Send a genuine request, but for what is changed in it."""
        body, kind = change.get("body", GENUINE), change.get("type", JSON)
        headers: dict[str, Any] = self.signed(body, kind, ago=change.get("ago", 0.0), secret=change.get("secret", ""))
        headers |= change.get("with", {})
        for name in change.get("without", []):
            del headers[name]
        if name := change.get("twice"):
            headers[name] = [headers[name]] * 2
        options = {name: change[name] for name in ("method", "path", "length", "chunked") if name in change}
        return await self.send(change.get("sent", body), headers, **options)

    async def send(
        self,
        body: bytes = b"",
        headers: Mapping[str, str | list[str]] | None = None,
        *,
        method: str = "POST",
        path: str = PATH,
        length: int | None = None,
        chunked: bool = False,
    ) -> RawResponse:
        """Send a request and read the answer; with `length` the body that is announced never comes in full."""
        lines = [f"{method} {path} HTTP/1.1", "Host: bot.example"]
        for name, values in (headers or {}).items():
            lines += [f"{name}: {value}" for value in ([values] if isinstance(values, str) else values)]
        announced = len(body) if length is None else length
        lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {announced}")
        if chunked:
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*_parts(body), b""))
        head = "\r\n".join((*lines, "", "")).encode("latin-1")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self._bot.settings["PORT"]))
        with closing(writer):
            writer.write(head + body)
            async with asyncio.timeout(20.0):
                status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
                closed = await _ends(reader)
        return RawResponse(status, closed)


def _parts(body: bytes) -> list[bytes]:
    return [body[start : start + 65536] for start in range(0, len(body), 65536)]


async def _ends(reader: asyncio.StreamReader) -> bool:
    """Return if the other side closes the connection soon. Any remaining data is read."""
    try:
        async with asyncio.timeout(2.0):
            await reader.read()
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.fixture
async def bot(make_bot: Callable[..., BotProcess]) -> BotProcess:
    bot = make_bot("serve")
    await bot.start()
    await serving(bot)
    return bot


def _is_of_a_door(row: dict[str, str]) -> bool:
    """Return if a handler logged the row. Background work may log its own lines meanwhile."""
    return row["logger"].startswith("handlers.")


async def test_what_slack_did_not_send_just_now_is_turned_away_in_one_line(
    bot: BotProcess, slack: Slack, certcentral: CertCentral
) -> None:
    wire = Wire(bot, slack)
    before = (len(slack.api_calls), len(certcentral.calls))

    results, logged = {}, {}
    for name, (change, _, _) in TURNED_AWAY.items():
        lines_before = len(bot.log.splitlines())
        answer = await wire.try_(change)
        results[name] = (answer.status, answer.closed)
        logged[name] = bot.log.splitlines()[lines_before:]

    assert results == {name: (status, True) for name, (_, status, _) in TURNED_AWAY.items()}
    rows = {name: [row for row in map(json.loads, lines) if _is_of_a_door(row)] for name, lines in logged.items()}
    assert {name: [(row["event"], row["status"], row["reason"]) for row in found] for name, found in rows.items()} == {
        name: [("an HTTP request was rejected", status, reason)] for name, (_, status, reason) in TURNED_AWAY.items()
    }
    assert {key for found in rows.values() for row in found for key in row} == FIELDS
    assert (len(slack.api_calls), len(certcentral.calls)) == before
    counted = (await asks(bot, "/metrics"))[1]
    for reason in {reason for _, _, reason in TURNED_AWAY.values()}:
        times = [each for _, _, each in TURNED_AWAY.values()].count(reason)
        assert f'dcv_http_rejected_total{{reason="{reason}"}} {times}.0' in counted


async def test_what_is_just_in_time_and_just_short_enough_is_taken(bot: BotProcess, slack: Slack) -> None:
    wire = Wire(bot, slack)
    taken: list[dict[str, Any]] = [
        {"ago": 290.0},
        {"ago": -290.0},
        {"body": GENUINE + b" " * (MEBIBYTE - len(GENUINE))},
        {"body": GENUINE + b" " * (MEBIBYTE - len(GENUINE) - 1), "chunked": True},
        {"type": "application/json; charset=utf-8"},
        {"body": b"command=%2Fother", "type": FORM + "; charset=UTF-8"},
        {"body": b"ssl_check=1&token=x", "type": FORM},
    ]

    assert [(await wire.try_(change)).status for change in taken] == [200] * len(taken)
