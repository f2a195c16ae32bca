"""Payloads over HTTP instead of Socket Mode: signed requests that expect an answer within three seconds."""

import asyncio
import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from sandbox.condition import Condition
from sandbox.json_types import Json
from sandbox.slack.server.socket_mode import build_envelope
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.workspace import Workspace

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True)
class SignedRequest:
    """A request with its signature. Sent again unchanged, it is a replay."""

    body: bytes
    headers: Mapping[str, str]


class RequestUrl:
    """A client that posts payloads to the app's request URL and records them like Socket Mode.

    With several addresses, each request goes to a random one, the same for the same seed. An address that refuses the
    connection is skipped, as a load balancer does.
    """

    def __init__(
        self,
        workspace: Workspace,
        secret: Callable[[], str],
        deliveries: list[Delivery],
        changes: Condition,
        report_problem: Callable[[str], None],
        seed: int,
    ) -> None:
        self.deliveries = deliveries
        self._random = random.Random(seed)  # noqa: S311 - routing, no secret
        self._workspace, self._secret, self._changes, self._report_problem = workspace, secret, changes, report_problem
        self._sent: dict[str, SignedRequest] = {}
        self._duplicates: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, kind: str, payload: Json, what: str, **extras: Any) -> Delivery:
        """Post a payload and wait for the answer, see `acked`. `what` names it in the list of problems."""
        delivery = Delivery(build_envelope(kind, payload, extras), what, self._redeliver)
        signed = self.sign(*_encode(kind, payload), **_retry_headers(extras))
        self._sent[delivery.envelope["envelope_id"]] = signed
        if self._workspace.duplicate_next:
            self._workspace.duplicate_next = False
            # The duplicate runs at the same time as the first one, as with a retry that overtakes.
            second = Delivery(delivery.envelope, f"{what} (sent twice)", self._redeliver)
            task = asyncio.ensure_future(self._post(second, signed))
            self._duplicates.add(task)
            task.add_done_callback(self._duplicates.discard)
        await self._post(delivery, signed)
        return delivery

    async def verify(self) -> bool:
        """Send the URL verification challenge, as Slack does when the address is saved.

        Returns whether the app answers it.
        """
        challenge = self._workspace.ids.new_id("", 24)
        payload = {"type": "url_verification", "token": "made-up", "challenge": challenge}
        signed = self.sign(json.dumps(payload).encode(), JSON)
        try:
            response, body = await self._request(signed)
        except (aiohttp.ClientError, TimeoutError):
            return False
        answered = body if response.content_type == "text/plain" else _parse_json(body).get("challenge")
        return response.status == 200 and answered == challenge

    def sign(self, body: bytes, content_type: str, **headers: str) -> SignedRequest:
        """Sign a body with the current time."""
        timestamp = str(int(self._workspace.ids.clock()))
        # The signature covers version, timestamp and body, as in Slack's "Verifying requests from Slack".
        made = hmac.new(self._secret().encode(), b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
        about = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={made}"}
        return SignedRequest(body, {"Content-Type": content_type, **about, **headers})

    async def close(self) -> None:
        """Cancel the requests in progress and close the session."""
        for task in list(self._duplicates):
            task.cancel()
        await asyncio.gather(*self._duplicates, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _request(self, signed: SignedRequest) -> tuple[aiohttp.ClientResponse, str]:
        """Return the response and its text, within `ack_seconds`, from the first address that can be reached."""
        addresses = self._addresses()
        async with asyncio.timeout(self._workspace.ack_seconds):
            while True:
                try:
                    return await self._post_to(addresses.pop(), signed)
                except aiohttp.ClientConnectorError:
                    if not addresses:
                        raise

    def _addresses(self) -> list[str]:
        configured = self._workspace.request_url or ()
        addresses = [configured] if isinstance(configured, str) else list(configured)
        self._random.shuffle(addresses)
        return addresses

    async def _post_to(self, address: str, signed: SignedRequest) -> tuple[aiohttp.ClientResponse, str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
            )
        posting = self._session.post(address, data=signed.body, headers=signed.headers, allow_redirects=False)
        async with posting as response:
            return response, await response.text()

    async def _post(self, delivery: Delivery, signed: SignedRequest) -> None:
        delivery.at = self._workspace.ids.clock()
        delivery.mark_sent()
        self.deliveries.append(delivery)
        self._changes.notify_all()
        try:
            self._read_answer(delivery, *await self._request(signed))
        except TimeoutError:
            delivery.failure = "http_timeout"
            self._report_problem(f"{delivery.what} was not acknowledged within {self._workspace.ack_seconds:g} s")
        except aiohttp.ClientError as error:
            delivery.failure = "connection_failed"
            self._report_problem(f"{delivery.what} failed: {type(error).__name__}")
        delivery.stop_waiting()
        self._changes.notify_all()

    def _read_answer(self, delivery: Delivery, response: aiohttp.ClientResponse, body: str) -> None:
        delivery.status = response.status
        if response.status != 200:
            delivery.failure = "http_error"
            delivery.may_be_retried = response.headers.get("X-Slack-No-Retry") != "1"
            self._report_problem(f"{delivery.what} was answered with HTTP {response.status}")
            return
        answer = _parse_json(body) if response.content_type == JSON else {"text": body} if body else None
        delivery.acknowledge(answer)
        # Text is a message, and only the answer to a command can be one.
        if answer and not (
            delivery.kind == "slash_commands" or (_accepts_answer(delivery) and response.content_type == JSON)
        ):
            self._report_problem(f"{delivery.what} takes no such answer, yet it has one: {body[:200]}")

    async def _redeliver(self, first: Delivery, new_id: bool) -> Delivery:
        signed = self._sent[first.envelope["envelope_id"]]
        sent = first.envelope
        if new_id:
            sent = {**sent, "envelope_id": str(uuid.uuid4())}
            signed = self.sign(signed.body, signed.headers["Content-Type"])
            self._sent[sent["envelope_id"]] = signed
        second = Delivery(sent, f"{first.what} (again)", self._redeliver)
        await self._post(second, signed)
        return second


def _encode(kind: str, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), JSON
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields, errors="replace").encode(), FORM


def _retry_headers(extras: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that Slack adds to a retry."""
    if not extras.get("retry_attempt"):
        return {}
    return {"X-Slack-Retry-Num": str(extras["retry_attempt"]), "X-Slack-Retry-Reason": str(extras["retry_reason"])}


def _accepts_answer(delivery: Delivery) -> bool:
    return bool(delivery.envelope["accepts_response_payload"])


def _parse_json(body: str) -> Json:
    try:
        value = json.loads(body or "{}")
    except ValueError:
        return {"unreadable": body}
    return value if isinstance(value, dict) else {"unreadable": body}
