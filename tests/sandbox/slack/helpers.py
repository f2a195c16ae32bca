"""Blocks for the tests, and an app with a bare socket and configurable answers."""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Form, SimulatedUser, Slack

Json = dict[str, Any]
NO_ACK = object()
PARTING_SECONDS = 0.3
Answer = Callable[[Json], object]


def words(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(text: str, value: str | None = None) -> Json:
    return {"text": words(text), "value": value or text}


def section(text: str, **more: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(label: str, action_id: str = "button", **more: Any) -> Json:
    return {"type": "button", "text": words(label), "action_id": action_id, **more}


def buttons(*elements: Json) -> Json:
    return {"type": "actions", "block_id": "buttons", "elements": list(elements)}


def field(label: str, element: Json, **more: Any) -> Json:
    return {
        "type": "input",
        "block_id": f"block_{element['action_id']}",
        "label": words(label),
        "element": element,
        **more,
    }


def note(label: str = "Reason", action_id: str = "reason", *, kind: str = "plain_text_input", **element: Any) -> Json:
    more = {name: element.pop(name) for name in ("optional", "dispatch_action") if name in element}
    return field(label, {"type": kind, "action_id": action_id, **element}, **more)


def select(label: str, *texts: str, action_id: str = "recipient", **element: Any) -> Json:
    kind = element.pop("kind", "static_select")
    more = {name: element.pop(name) for name in ("optional", "dispatch_action") if name in element}
    options = [option(text) for text in texts]
    return field(label, {"type": kind, "action_id": action_id, "options": options, **element}, **more)


def search_field(label: str, action_id: str = "target", **element: Any) -> Json:
    kind = element.pop("kind", "external_select")
    return field(label, {"type": kind, "action_id": action_id, **element})


def modal(*blocks: Json, submit: str | None = "Resend", title: str = "Resend DCV emails", **more: Any) -> Json:
    view = {"type": "modal", "callback_id": "resend", "title": words(title), "blocks": list(blocks)}
    return view | ({"submit": words(submit)} if submit else {}) | more


async def show(slack: Slack, api: AsyncWebClient, person: SimulatedUser, *blocks: Json, **more: Any) -> Form:
    await api.views_open(trigger_id=slack.triggers.issue(person), view=modal(*blocks, **more))
    return await person.sees_form()


class Puppet:
    """An app on one bare socket. `answer` returns the payload of each ack, None for an empty one, or NO_ACK."""

    def __init__(self, slack: Slack, answer: Answer = lambda envelope: None) -> None:
        self.answer = answer
        self.frames: list[Json] = []
        self.pongs: list[bytes] = []
        self.has_ended = False
        self._slack = slack

    @property
    def envelopes(self) -> list[Json]:
        return [frame for frame in self.frames if "envelope_id" in frame]

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        headers = {"Authorization": f"Bearer {self._slack.app_token}"}
        async with self._session.post(f"{self._slack.api_url}apps.connections.open", headers=headers) as response:
            self.url = (await response.json())["url"]
        parting = aiohttp.ClientWSTimeout(ws_close=PARTING_SECONDS)
        self.ws = await self._session.ws_connect(self.url, autoping=False, timeout=parting)
        self._task = asyncio.create_task(self._listen())
        await self._slack.changes.wait_for(lambda: self.frames, what="a first frame", timeout=2)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.ws.close()
        await self._task
        await self._session.close()

    async def ack(self, envelope_id: str, payload: object = None) -> None:
        await self.ws.send_json({"envelope_id": envelope_id} | ({"payload": payload} if payload is not None else {}))

    async def _listen(self) -> None:
        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.PONG:
                self.pongs.append(message.data)
            else:
                await self._handle_frame(json.loads(message.data))
            self._slack.changes.notify_all()
        self.has_ended = True
        self._slack.changes.notify_all()

    async def _handle_frame(self, frame: Json) -> None:
        self.frames.append(frame)
        payload = self.answer(frame) if "envelope_id" in frame else NO_ACK
        if payload is not NO_ACK:
            await self.ack(frame["envelope_id"], payload)
