"""What the bot says: whispers, forms, and messages that can be found again."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError, SlackObjectFormationError
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.async_cache import cached
from bot.errors import SlackRejected, SlackUnavailable
from bot.models import Destination, Interaction
from bot.parsing.slack_ids import is_person
from bot.settings import proxy_for
from bot.slack.channels import get_channel
from bot.slack.client import Client, error_code, mapped_errors
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
        self._shared = cached(self._read_shared, maxsize=1024, ttl=REMEMBERED)

    async def send_ephemeral(self, interaction: Interaction, message: Message, *, replace: bool = False) -> None:
        """Tell one person alone, in the place they spoke from, else directly; a lost whisper is only logged.

        Where Slack took it and its answer was lost, it is told once more: twice is better than never.
        With `replace` it takes the place of the whisper whose button was pressed, as long as Slack allows that.
        """
        if await self._ephemeral_by_url(interaction, message, replace):
            return
        if interaction.destination and await self._ephemeral_by_post(interaction, interaction.destination, message):
            return
        if not is_person(interaction.actor.user_id):
            # As a channel's id it would be told to everybody there.
            log.warning("whisper was lost", user=interaction.actor.user_id, error="this is no person's id")
            return
        try:
            async with mapped_errors():
                await self._client.chat_postMessage(channel=interaction.actor.user_id, **_payload(message))
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("whisper was lost", user=interaction.actor.user_id, error=str(error))

    async def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> str | None:
        """Open a modal and return its view id; None where this trigger opened one already (Slack told us twice).

        SlackRejected when the trigger is over: it lives three seconds.
        """
        try:
            async with mapped_errors():
                answer = await self._client.views_open(trigger_id=trigger_id, view=dict(view))
        except SlackRejected as error:
            if error.code not in TRIGGER_IS_USED:
                raise
            log.info("this trigger opened a form already")
            return None
        return str(answer["view"]["id"])

    async def update_form(self, view_id: str, view: Mapping[str, Any], since: str | None = None) -> str | None:
        """Draw a modal anew and return its new hash; None where it was closed, or drawn by another since that hash."""
        try:
            async with mapped_errors():
                answer = await self._client.views_update(view_id=view_id, view=dict(view), hash=since)
        except SlackRejected as error:
            if error.code not in VIEW_IS_GONE:
                raise
            log.info("form was closed or drawn anew meanwhile", view_id=view_id, error=error.code)
            return None
        return str(answer["view"].get("hash") or "") or None

    async def post(self, destination: Destination, message: Message, key: str) -> tuple[Destination, str]:
        """Post once, carrying `key` as metadata; returns where it stands and its ts.

        Not safe to repeat: after SlackUnavailable it may stand there; look for it with `find`.
        """
        metadata = {"event_type": METADATA, "event_payload": {"key": key}}
        answer = await self._post(
            "chat.postMessage",
            message,
            channel=destination.channel_id,
            thread_ts=destination.thread_ts,
            metadata=metadata,
            unfurl_links=False,
            unfurl_media=False,
        )
        return Destination(str(answer["channel"]), destination.thread_ts), str(answer["ts"])

    async def edit(self, destination: Destination, ts: str, message: Message) -> None:
        """Replace a message of ours; safe to repeat."""
        await self._post("chat.update", message, channel=destination.channel_id, ts=ts)

    async def find(self, destination: Destination, key: str, since: datetime) -> str | None:
        """The ts of our message that carries `key`; None where there is none, or where we may not read."""
        try:
            async with mapped_errors():
                async for page in await self._history(destination, since):
                    for found in page.get("messages") or ():
                        if _key_of(found) == key:
                            return str(found["ts"])
        except SlackRejected:
            log.info("there is no reading what was said in that place", channel=destination.channel_id)
        return None

    async def _history(self, destination: Destination, since: datetime) -> AsyncSlackResponse:
        """What was said in a channel or thread since then, page by page."""
        arguments: dict[str, Any] = {
            "channel": destination.channel_id,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": True,
            "limit": 100,
        }
        if destination.thread_ts:
            return await self._client.conversations_replies(ts=destination.thread_ts, **arguments)
        return await self._client.conversations_history(**arguments)

    async def permalink(self, destination: Destination, ts: str) -> str | None:
        """A link to a message, where Slack gives one."""
        try:
            async with mapped_errors():
                answer = await self._client.chat_getPermalink(channel=destination.channel_id, message_ts=ts)
        except (SlackRejected, SlackUnavailable):
            return None
        return str(answer["permalink"])

    async def is_shared(self, destination: Destination) -> bool:
        """Return if people of other organizations can read there; an answer of Slack counts for REMEMBERED seconds.

        Raises SlackRejected if the bot cannot see the channel, and SlackUnavailable if Slack cannot say.
        """
        if destination.channel_id.startswith(DIRECT):
            return False
        asked_at, is_shared = await self._shared(destination.channel_id)
        if asyncio.get_running_loop().time() - asked_at > REMEMBERED:
            # The process was frozen, or Slack took long to answer.
            self._shared.cache_invalidate(destination.channel_id)
            _, is_shared = await self._shared(destination.channel_id)
        return is_shared

    async def _read_shared(self, channel_id: str) -> tuple[float, bool]:
        """Return when the question was asked, and the answer."""
        asked_at = asyncio.get_running_loop().time()
        return asked_at, (await get_channel(self._client, channel_id)).is_shared

    async def _ephemeral_by_url(self, interaction: Interaction, message: Message, replace: bool) -> bool:
        if interaction.response_url is None:
            return False
        webhook = AsyncWebhookClient(interaction.response_url, session=self._client.session, retry_handlers=[])
        try:
            webhook.proxy = proxy_for(interaction.response_url)
            where = {"response_type": "ephemeral", **({"replace_original": True} if replace else {})}
            answer = await webhook.send_dict({**_payload(message), **where})
        except (aiohttp.ClientError, TimeoutError, SlackClientError, ValueError):
            # ValueError is how an address fails that is none.
            return False
        return answer.status_code == 200

    async def _ephemeral_by_post(self, interaction: Interaction, destination: Destination, message: Message) -> bool:
        try:
            async with mapped_errors():
                await self._client.chat_postEphemeral(
                    channel=destination.channel_id,
                    user=interaction.actor.user_id,
                    thread_ts=destination.thread_ts,
                    **_payload(message),
                )
        except (SlackUnavailable, SlackRejected):
            return False
        return True

    async def _post(self, method: str, message: Message, **arguments: Any) -> AsyncSlackResponse:
        """Call with blocks; where Slack will not take their shape, once more with the text alone."""
        known = {name: value for name, value in arguments.items() if value is not None}
        payload = _payload(message)
        async with mapped_errors():
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
