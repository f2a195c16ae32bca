"""Outgoing messages: ephemeral ones, forms, and messages that can be found again by a key."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError, SlackObjectFormationError
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.async_cache import cached
from bot.errors import SlackRejected, SlackUnavailable
from bot.models import Destination, Interaction
from bot.parsing.slack_ids import is_person
from bot.settings import proxy_for
from bot.slack.channels import Channel, get_channel
from bot.slack.client import Client, mapped_errors
from bot.views.blocks import Message
from bot.views.tables import has_table, without_tables

log = structlog.get_logger(__name__)

METADATA = "dcv_resend_message"
REMEMBERED = 60.0
# A user who has just invited the bot opens the form again.
MEMBERSHIP_SECONDS = 5.0
# First letters of the ids of direct messages, and of users, to whom a post opens a direct message.
DIRECT = ("D", "U", "W")
TRIGGER_IS_USED = frozenset({"exchanged_trigger_id", "trigger_exchanged"})
# Slack brings new blocks to one workspace after the other. After a rejection, tables are tried again this much later.
NO_TABLES_SECONDS = 3600.0
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
    """Sender of ephemeral messages, forms, and messages that can be found again by a key."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._home_is_missing = False
        self._no_tables_until = 0.0
        self._shared = cached(self._read_shared, maxsize=1024, ttl=REMEMBERED)
        self._channels = cached(self._read_channel, maxsize=1024, ttl=MEMBERSHIP_SECONDS)

    async def send_ephemeral(self, interaction: Interaction, message: Message, *, replace: bool = False) -> None:
        """Send a message that only one person sees: in the channel of the interaction, else as a direct message.

        Never raises for Slack: a message that cannot be sent is only logged. If Slack's answer is lost, the message may
        arrive twice, which is better than never. With `replace` it replaces the ephemeral message whose button was
        pressed, for 30 minutes after the press. Slack lets only the response_url of such a press do that.
        """
        if await self.respond(interaction, message, replace=replace):
            return
        if interaction.destination and await self._ephemeral_by_post(interaction, interaction.destination, message):
            return
        if not is_person(interaction.actor.user_id):
            # A channel's id here would show the message to everyone in that channel.
            log.warning(
                "an ephemeral message was lost", user=interaction.actor.user_id, error="this isn't the id of a person"
            )
            return
        try:
            await self._post("chat.postMessage", message, channel=interaction.actor.user_id)
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("an ephemeral message was lost", user=interaction.actor.user_id, error=str(error))

    async def remove_ephemeral(self, interaction: Interaction) -> None:
        """Remove the ephemeral message whose button was pressed. Never raises for Slack: it may stay."""
        if interaction.replaces and interaction.response_url:
            await self._post_to_url(interaction.response_url, {"delete_original": True})

    async def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> str | None:
        """Open a modal and return its view id; None if this trigger has opened one (Slack delivered it twice).

        Raises SlackRejected if the trigger has expired, which happens after three seconds.
        """
        return await self._open("views.open", trigger_id, view)

    async def push_form(self, trigger_id: str, view: Mapping[str, Any]) -> str | None:
        """Open a modal on top of the one that was clicked, as `open_form` does."""
        return await self._open("views.push", trigger_id, view)

    async def _open(self, method: str, trigger_id: str, view: Mapping[str, Any]) -> str | None:
        try:
            async with mapped_errors():
                answer = await self._client.api_call(method, json={"trigger_id": trigger_id, "view": dict(view)})
        except SlackRejected as error:
            if error.code not in TRIGGER_IS_USED:
                raise
            log.info("this trigger already opened a form")
            return None
        return str(answer["view"]["id"])

    async def update_form(self, view_id: str, view: Mapping[str, Any], since: str | None = None) -> str | None:
        """Replace a modal and return its new hash; None if it was closed, or replaced by another call since `since`."""
        try:
            async with mapped_errors():
                answer = await self._client.views_update(view_id=view_id, view=dict(view), hash=since)
        except SlackRejected as error:
            if error.code not in VIEW_IS_GONE:
                raise
            log.info("the form was closed or updated meanwhile", view_id=view_id, error=error.code)
            return None
        return str(answer["view"].get("hash") or "") or None

    async def publish_home(self, user_id: str, view: Mapping[str, Any], since: str | None = None) -> str | None:
        """Replace a user's Home tab and return its new hash; None if it was not replaced.

        With `since`, a tab that was published after that version stays, because it is newer. Never raises for Slack:
        the user can open the tab again.
        """
        try:
            answer = await self._publish_view(user_id, view, since)
        except SlackRejected as error:
            if error.code == "not_enabled":
                self._log_missing_home()
            elif error.code != "hash_conflict":
                log.exception("Home could not be drawn", user=user_id, error=error.code)
            return None
        except SlackUnavailable as error:
            log.warning("Home could not be drawn", user=user_id, error=str(error))
            return None
        return str(answer["view"].get("hash") or "") or None

    async def _publish_view(self, user_id: str, view: Mapping[str, Any], since: str | None) -> AsyncSlackResponse:
        known = {"user_id": user_id, "hash": since} if since else {"user_id": user_id}
        drafts = self._drafts(view["blocks"])
        return await self._call("views.publish", known, [{"view": {**view, "blocks": blocks}} for blocks in drafts])

    def _log_missing_home(self) -> None:
        if not self._home_is_missing:
            log.warning("the app has no Home tab: turn it on under App Home, or install it with the current manifest")
        self._home_is_missing = True

    async def post(self, destination: Destination, message: Message, key: str) -> tuple[Destination, str]:
        """Post a message with `key` as metadata. Return its destination and its ts.

        Not safe to repeat: after SlackUnavailable the message may be in the channel. Search for it with `find` first.
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
        """Replace a message of the bot. Safe to repeat."""
        await self._post("chat.update", message, channel=destination.channel_id, ts=ts)

    async def find(self, destination: Destination, key: str, since: datetime) -> str | None:
        """Return the ts of the bot's message with `key`; None if there is none, or if the bot may not read there.

        Raises SlackUnavailable if Slack gives no answer.
        """
        try:
            async with mapped_errors():
                async for page in await self._history(destination, since):
                    for found in page.get("messages") or ():
                        if _key_of(found) == key:
                            return str(found["ts"])
        except SlackRejected:
            log.info("the channel's messages can't be read", channel=destination.channel_id)
        return None

    async def _history(self, destination: Destination, since: datetime) -> AsyncSlackResponse:
        """Return the messages in a channel or thread since a time, as an iterator of pages."""
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
        """Return a link to a message; None if Slack gives none."""
        try:
            async with mapped_errors():
                answer = await self._client.chat_getPermalink(channel=destination.channel_id, message_ts=ts)
        except (SlackRejected, SlackUnavailable):
            return None
        return str(answer["permalink"])

    async def is_shared(self, destination: Destination) -> bool:
        """Return True if people of other organizations can read there. Answers are cached for REMEMBERED seconds.

        Raises SlackRejected if the bot cannot see the channel, SlackUnavailable if Slack gives no answer.
        """
        if destination.channel_id.startswith(DIRECT):
            return False
        asked_at, is_shared = await self._shared(destination.channel_id)
        if asyncio.get_running_loop().time() - asked_at > REMEMBERED:
            # The process was frozen, or Slack took long to answer: the cache's own timer is not enough.
            self._shared.cache_invalidate(destination.channel_id)
            _, is_shared = await self._shared(destination.channel_id)
        return is_shared

    async def channel(self, channel_id: str) -> Channel:
        """Return a channel. Answers are cached for MEMBERSHIP_SECONDS, and serve no post: sharing must be asked later.

        Raises SlackRejected if the bot cannot see the channel, SlackUnavailable if Slack gives no answer.
        """
        return await self._channels(channel_id)

    async def _read_shared(self, channel_id: str) -> tuple[float, bool]:
        """Return when the question was asked, and the answer."""
        asked_at = asyncio.get_running_loop().time()
        return asked_at, (await self._read_channel(channel_id)).is_shared

    async def _read_channel(self, channel_id: str) -> Channel:
        return await get_channel(self._client, channel_id)

    async def respond(self, interaction: Interaction, message: Message, *, replace: bool = False) -> bool:
        """Send an ephemeral message by the interaction's response_url, and return True if Slack accepted it.

        This works in a channel that the bot is not in. With `replace` it replaces the message that was clicked.
        """
        if interaction.response_url is None:
            return False
        # Both always, because Slack's defaults depend on where the response_url is from.
        where = {"response_type": "ephemeral", "replace_original": replace or interaction.replaces}
        return await self._post_to_url(interaction.response_url, {**_payload(message), **where})

    async def _post_to_url(self, response_url: str, payload: dict[str, Any]) -> bool:
        webhook = AsyncWebhookClient(response_url, session=self._client.session, retry_handlers=[])
        try:
            webhook.proxy = proxy_for(response_url)
            answer = await webhook.send_dict(payload)
        except (aiohttp.ClientError, TimeoutError, SlackClientError, ValueError):
            # ValueError: the response URL is no valid address.
            return False
        return answer.status_code == 200

    async def _ephemeral_by_post(self, interaction: Interaction, destination: Destination, message: Message) -> bool:
        try:
            await self._post(
                "chat.postEphemeral",
                message,
                channel=destination.channel_id,
                user=interaction.actor.user_id,
                thread_ts=destination.thread_ts,
            )
        except (SlackUnavailable, SlackRejected):
            return False
        return True

    async def _post(self, method: str, message: Message, **arguments: Any) -> AsyncSlackResponse:
        """Call a method with a message. If Slack rejects its blocks, send them without tables, then only the text.

        Raises SlackRejected or SlackUnavailable.
        """
        known = {name: value for name, value in arguments.items() if value is not None}
        payload = _payload(message)
        drafts = [{**payload, "blocks": blocks} for blocks in self._drafts(payload["blocks"])]
        return await self._call(method, known, [*drafts, _plain(message)])

    def _drafts(self, blocks: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        """Return the blocks, and those without tables if there are any. If Slack rejected tables lately, only these."""
        if not has_table(blocks):
            return [blocks]
        are_rejected = asyncio.get_running_loop().time() < self._no_tables_until
        return [*([] if are_rejected else [blocks]), without_tables(blocks)]

    async def _call(
        self, method: str, known: Mapping[str, Any], drafts: Sequence[Mapping[str, Any]]
    ) -> AsyncSlackResponse:
        """Call a method with the first of the drafts whose blocks Slack accepts.

        Raises SlackRejected or SlackUnavailable.
        """
        for number, draft in enumerate(drafts):
            try:
                async with mapped_errors():
                    answer = await self._client.api_call(method, json={**known, **draft})
            except SlackRejected as error:
                if error.code not in _SHAPE_IS_BAD or number == len(drafts) - 1:
                    raise
                level = log.warning if _has_table(draft) else log.exception
                level("Slack rejected the blocks of a message; sending less of it", method=method, error=error.code)
                continue
            if number and _has_table(drafts[number - 1]):
                # Accepted without the table, so the table was the reason.
                self._no_tables_until = asyncio.get_running_loop().time() + NO_TABLES_SECONDS
            return answer
        raise AssertionError("there is always one draft")


def _has_table(draft: Mapping[str, Any]) -> bool:
    return has_table(draft["view"]["blocks"] if "view" in draft else draft["blocks"])


def _payload(message: Message) -> dict[str, Any]:
    """Return the message with its blocks, or only its text if they break one of the SDK's limits (a bug of the bot)."""
    try:
        return message.payload()
    except SlackObjectFormationError:
        log.exception("a message exceeds Slack's limits; sending only its text")
        return _plain(message)


def _plain(message: Message) -> dict[str, Any]:
    return {"text": message.text[:3900], "blocks": []}


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != METADATA:
        return None
    return (metadata.get("event_payload") or {}).get("key")
