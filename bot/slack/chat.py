"""What the bot says: whispers, forms, and messages that can be found again."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from async_lru import alru_cache
from slack_sdk.errors import SlackApiError, SlackClientError, SlackObjectFormationError
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.errors import SlackRefused, SlackUnavailable
from bot.models import Origin, Place
from bot.parsing.slack_ids import is_person
from bot.settings import proxy_for
from bot.slack.channels import look_at
from bot.slack.client import Client, error_code, translated
from bot.views.blocks import Message

log = structlog.get_logger(__name__)

METADATA = "dcv_resend_message"
REMEMBERED = 60.0
# How the ids of direct messages begin, and those of the people to whom a post opens them.
DIRECT = ("D", "U", "W")
TRIGGER_IS_USED = frozenset({"exchanged_trigger_id", "trigger_exchanged"})
VIEW_IS_GONE = frozenset({"not_found", "hash_conflict", "view_not_found"})
_SHAPE_IS_BAD = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_too_long",
        "msg_blocks_too_long",
        "invalid_attachments",
        "metadata_too_large",
        "invalid_arguments",
    }
)


class Chat:
    """Says things in Slack: whispers, forms, and messages that can be found again."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._shared = alru_cache(maxsize=1024, ttl=REMEMBERED)(self._read_shared)

    async def whisper(self, origin: Origin, message: Message, *, replace: bool = False) -> None:
        """Tell one person alone, in the place they spoke from, else directly; a lost whisper is only logged.

        Where Slack took it and its answer was lost, it is told once more: twice is better than never.
        With `replace` it takes the place of the whisper whose button was pressed, as long as Slack allows that.
        """
        if await self._whispered_by_url(origin, message, replace):
            return
        if origin.place and await self._whispered_by_post(origin, origin.place, message):
            return
        if not is_person(origin.actor.user_id):
            # As a channel's id it would be told to everybody there.
            log.warning("whisper was lost", user=origin.actor.user_id, error="this is no person's id")
            return
        try:
            async with translated():
                await self._client.chat_postMessage(channel=origin.actor.user_id, **_payload(message))
        except (SlackUnavailable, SlackRefused) as error:
            log.warning("whisper was lost", user=origin.actor.user_id, error=str(error))

    async def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> str | None:
        """Open a modal and return its view id; None where this trigger opened one already (Slack told us twice).

        SlackRefused when the trigger is over: it lives three seconds.
        """
        try:
            async with translated():
                answer = await self._client.views_open(trigger_id=trigger_id, view=dict(view))
        except SlackRefused as error:
            if error.code not in TRIGGER_IS_USED:
                raise
            log.info("this trigger opened a form already")
            return None
        return str(answer["view"]["id"])

    async def update_form(self, view_id: str, view: Mapping[str, Any], since: str | None = None) -> str | None:
        """Draw a modal anew and return its new hash; None where it was closed, or drawn by another since that hash."""
        try:
            async with translated():
                answer = await self._client.views_update(view_id=view_id, view=dict(view), hash=since)
        except SlackRefused as error:
            if error.code not in VIEW_IS_GONE:
                raise
            log.info("form was closed or drawn anew meanwhile", view_id=view_id, error=error.code)
            return None
        return str(answer["view"].get("hash") or "") or None

    async def post(self, place: Place, message: Message, key: str) -> tuple[Place, str]:
        """Post once, carrying `key` as metadata; returns where it stands and its ts.

        Not safe to repeat: after SlackUnavailable it may stand there; look for it with `find`.
        """
        metadata = {"event_type": METADATA, "event_payload": {"key": key}}
        answer = await self._say(
            "chat.postMessage",
            message,
            channel=place.channel_id,
            thread_ts=place.thread_ts,
            metadata=metadata,
            unfurl_links=False,
            unfurl_media=False,
        )
        return Place(str(answer["channel"]), place.thread_ts), str(answer["ts"])

    async def edit(self, place: Place, ts: str, message: Message) -> None:
        """Replace a message of ours; safe to repeat."""
        await self._say("chat.update", message, channel=place.channel_id, ts=ts)

    async def find(self, place: Place, key: str, since: datetime) -> str | None:
        """The ts of our message that carries `key`; None where there is none, or where we may not read."""
        try:
            async with translated():
                async for page in await self._history(place, since):
                    for found in page.get("messages") or ():
                        if _key_of(found) == key:
                            return str(found["ts"])
        except SlackRefused:
            log.info("there is no reading what was said in that place", channel=place.channel_id)
        return None

    async def _history(self, place: Place, since: datetime) -> AsyncSlackResponse:
        """What was said in a channel or thread since then, page by page."""
        arguments: dict[str, Any] = {
            "channel": place.channel_id,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": True,
            "limit": 100,
        }
        if place.thread_ts:
            return await self._client.conversations_replies(ts=place.thread_ts, **arguments)
        return await self._client.conversations_history(**arguments)

    async def permalink(self, place: Place, ts: str) -> str | None:
        """A link to a message, where Slack gives one."""
        try:
            async with translated():
                answer = await self._client.chat_getPermalink(channel=place.channel_id, message_ts=ts)
        except (SlackRefused, SlackUnavailable):
            return None
        return str(answer["permalink"])

    async def is_shared(self, place: Place) -> bool:
        """Return if people of other organizations can read there; an answer of Slack counts for REMEMBERED seconds.

        Raises SlackRefused if the bot cannot see the channel, and SlackUnavailable if Slack cannot say.
        """
        if place.channel_id.startswith(DIRECT):
            return False
        asked_at, is_shared = await self._shared(place.channel_id)
        if asyncio.get_running_loop().time() - asked_at > REMEMBERED:
            # The process was frozen, or Slack took long to answer.
            self._shared.cache_invalidate(place.channel_id)
            _, is_shared = await self._shared(place.channel_id)
        return is_shared

    async def _read_shared(self, channel_id: str) -> tuple[float, bool]:
        """Return when the question was asked, and the answer."""
        asked_at = asyncio.get_running_loop().time()
        return asked_at, (await look_at(self._client, channel_id)).is_shared

    async def _whispered_by_url(self, origin: Origin, message: Message, replace: bool) -> bool:
        if origin.response_url is None:
            return False
        webhook = AsyncWebhookClient(origin.response_url, session=self._client.session, retry_handlers=[])
        try:
            webhook.proxy = proxy_for(origin.response_url)
            where = {"response_type": "ephemeral", **({"replace_original": True} if replace else {})}
            answer = await webhook.send_dict({**_payload(message), **where})
        except (aiohttp.ClientError, TimeoutError, SlackClientError, ValueError):
            # ValueError is how an address fails that is none.
            return False
        return answer.status_code == 200

    async def _whispered_by_post(self, origin: Origin, place: Place, message: Message) -> bool:
        try:
            async with translated():
                await self._client.chat_postEphemeral(
                    channel=place.channel_id,
                    user=origin.actor.user_id,
                    thread_ts=place.thread_ts,
                    **_payload(message),
                )
        except (SlackUnavailable, SlackRefused):
            return False
        return True

    async def _say(self, method: str, message: Message, **arguments: Any) -> AsyncSlackResponse:
        """Call with blocks; where Slack will not take their shape, once more with the text alone."""
        known = {name: value for name, value in arguments.items() if value is not None}
        payload = _payload(message)
        async with translated():
            try:
                return await self._client.api_call(method, json={**known, **payload})
            except SlackApiError as error:
                if error_code(error) not in _SHAPE_IS_BAD:
                    raise
                log.exception("Slack refused the shape of a message; sending its text alone", method=method)
                return await self._client.api_call(method, json={**known, **_plain(message)})


def _payload(message: Message) -> dict[str, Any]:
    """The message with its blocks; without them where they break a limit that the SDK knows, which is a bug of ours."""
    try:
        return message.payload()
    except SlackObjectFormationError:
        log.exception("a message breaks Slack's limits; sending its text alone")
        return _plain(message)


def _plain(message: Message) -> dict[str, Any]:
    return {"text": message.text[:3900], "blocks": []}


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != METADATA:
        return None
    return (metadata.get("event_payload") or {}).get("key")
