"""HTTP instead of Socket Mode: signed requests to the app's request URL, which want an answer within three seconds."""

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
from sandbox.slack.server.socket_mode import envelope
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.workspace import Workspace

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True)
class Signed:
    """A request as it goes out: sent again unchanged, it is a replay."""

    body: bytes
    headers: Mapping[str, str]


class RequestUrl:
    """Posts to the app's address, with the same deliveries as the sockets have.

    Of several addresses each request goes to one by chance, but the same for the same seed; one that refuses the
    connection is passed over, as a load balancer does that knows who is there.
    """

    def __init__(
        self,
        here: Workspace,
        secret: Callable[[], str],
        deliveries: list[Delivery],
        changes: Condition,
        complain: Callable[[str], None],
        seed: int,
    ) -> None:
        self.deliveries = deliveries
        self._random = random.Random(seed)  # noqa: S311 - routing, no secret
        self._here, self._secret, self._changes, self._complain = here, secret, changes, complain
        self._sent: dict[str, Signed] = {}
        self._second_sends: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, kind: str, payload: Json, what: str, **extras: Any) -> Delivery:
        """Post a payload and wait for the answer; see `acked`. `what` names it for the list of problems."""
        delivery = Delivery(envelope(kind, payload, extras), what, self._again)
        signed = self.sign(*_encoded(kind, payload), **_retry_headers(extras))
        self._sent[delivery.envelope["envelope_id"]] = signed
        if self._here.duplicate_next:
            self._here.duplicate_next = False
            second = Delivery(delivery.envelope, f"{what} (sent twice)", self._again)
            task = asyncio.ensure_future(self._post(second, signed))
            self._second_sends.add(task)
            task.add_done_callback(self._second_sends.discard)
        await self._post(delivery, signed)
        return delivery

    async def verify(self) -> bool:
        """Ask the address for the challenge, as Slack does when it is saved; whether it answers with it."""
        challenge = self._here.mint.id("", 24)
        payload = {"type": "url_verification", "token": "made-up", "challenge": challenge}
        signed = self.sign(json.dumps(payload).encode(), JSON)
        try:
            response, body = await self._request(signed)
        except (aiohttp.ClientError, TimeoutError):
            return False
        told = body if response.content_type == "text/plain" else _json(body).get("challenge")
        return response.status == 200 and told == challenge

    def sign(self, body: bytes, content_type: str, **headers: str) -> Signed:
        """Sign a body as of now."""
        timestamp = str(int(self._here.mint.clock()))
        made = hmac.new(self._secret().encode(), b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
        about = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={made}"}
        return Signed(body, {"Content-Type": content_type, **about, **headers})

    async def close(self) -> None:
        """Wait for no answer any longer."""
        for task in list(self._second_sends):
            task.cancel()
        await asyncio.gather(*self._second_sends, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _request(self, signed: Signed) -> tuple[aiohttp.ClientResponse, str]:
        """The response and its text, within `ack_seconds`, from the first address that takes the connection."""
        addresses = self._addresses()
        async with asyncio.timeout(self._here.ack_seconds):
            while True:
                try:
                    return await self._post_to(addresses.pop(), signed)
                except aiohttp.ClientConnectorError:
                    if not addresses:
                        raise

    def _addresses(self) -> list[str]:
        told = self._here.request_url or ()
        addresses = [told] if isinstance(told, str) else list(told)
        self._random.shuffle(addresses)
        return addresses

    async def _post_to(self, address: str, signed: Signed) -> tuple[aiohttp.ClientResponse, str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
            )
        posting = self._session.post(address, data=signed.body, headers=signed.headers, allow_redirects=False)
        async with posting as response:
            return response, await response.text()

    async def _post(self, delivery: Delivery, signed: Signed) -> None:
        delivery.at = self._here.mint.clock()
        delivery.leave()
        self.deliveries.append(delivery)
        self._changes.notify_all()
        try:
            self._take(delivery, *await self._request(signed))
        except TimeoutError:
            delivery.failure = "http_timeout"
            self._complain(f"{delivery.what} was not acknowledged within {self._here.ack_seconds:g} s")
        except aiohttp.ClientError as error:
            delivery.failure = "connection_failed"
            self._complain(f"{delivery.what} failed: {type(error).__name__}")
        delivery.settle()
        self._changes.notify_all()

    def _take(self, delivery: Delivery, response: aiohttp.ClientResponse, body: str) -> None:
        delivery.status = response.status
        if response.status != 200:
            delivery.failure = "http_error"
            delivery.may_be_retried = response.headers.get("X-Slack-No-Retry") != "1"
            self._complain(f"{delivery.what} was answered with HTTP {response.status}")
            return
        answer = _json(body) if response.content_type == JSON else {"text": body} if body else None
        delivery.acknowledge(answer)
        # What comes as text is a message, which only a command takes.
        if answer and not (delivery.kind == "slash_commands" or (_takes(delivery) and response.content_type == JSON)):
            self._complain(f"{delivery.what} takes no such answer, yet it has one: {body[:200]}")

    async def _again(self, first: Delivery, new_id: bool) -> Delivery:
        signed = self._sent[first.envelope["envelope_id"]]
        sent = first.envelope
        if new_id:
            sent = {**sent, "envelope_id": str(uuid.uuid4())}
            signed = self.sign(signed.body, signed.headers["Content-Type"])
            self._sent[sent["envelope_id"]] = signed
        second = Delivery(sent, f"{first.what} (again)", self._again)
        await self._post(second, signed)
        return second


def _encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), JSON
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields, errors="replace").encode(), FORM


def _retry_headers(extras: Mapping[str, Any]) -> dict[str, str]:
    """Only what is sent again says so."""
    if not extras.get("retry_attempt"):
        return {}
    return {"X-Slack-Retry-Num": str(extras["retry_attempt"]), "X-Slack-Retry-Reason": str(extras["retry_reason"])}


def _takes(delivery: Delivery) -> bool:
    return bool(delivery.envelope["accepts_response_payload"])


def _json(body: str) -> Json:
    try:
        value = json.loads(body or "{}")
    except ValueError:
        return {"unreadable": body}
    return value if isinstance(value, dict) else {"unreadable": body}
