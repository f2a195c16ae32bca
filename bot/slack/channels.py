"""Slack channels: whether the bot is a member, and whether people of other organizations can read there."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import SlackUnavailable
from bot.slack.client import Client, mapped_errors

_PER_PAGE = 1000
_MOST_PAGES = 5


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel that the bot can see. `is_shared` is True if another organization is in it, or is invited."""

    id: str
    name: str
    is_member: bool
    is_shared: bool
    is_private: bool = False
    is_archived: bool = False


async def get_channel(client: Client, channel_id: str) -> Channel:
    """Read a channel. Raises SlackRejected if the bot cannot see it, SlackUnavailable if Slack gives no answer."""
    async with mapped_errors():
        answer = await client.conversations_info(channel=channel_id)
    channel = answer.get("channel")
    if not isinstance(channel, dict) or not channel.get("id"):
        raise SlackUnavailable("Slack answered without a channel.")
    return Channel(
        channel_id,
        str(channel.get("name") or ""),
        bool(channel.get("is_member")),
        _is_external(channel),
        # Without the field, the bot does not assume that it may post there uninvited.
        channel.get("is_private", True) is not False,
        bool(channel.get("is_archived")),
    )


def _is_external(channel: Mapping[str, Any]) -> bool:
    """Return True if another organization is in the channel or was invited, or if that is unclear.

    A channel of several workspaces of the same organization (`is_org_shared`) has no strangers in it.
    Source: Slack, "Conversation object".
    """
    if channel.get("is_ext_shared", False) is not False or channel.get("is_pending_ext_shared", False) is not False:
        return True
    if channel.get("pending_connected_team_ids"):
        return True
    return channel.get("is_shared", False) is not False and channel.get("is_org_shared") is not True


async def count_guests(client: Client, channel_id: str) -> int:
    """Return how many active guests are in a channel, among the first of a large workspace.

    Raises SlackRejected if the bot cannot see the channel, SlackUnavailable if Slack gives no answer.
    """
    async with mapped_errors():
        inside: set[str] = set()
        async for page in _first(await client.conversations_members(channel=channel_id, limit=_PER_PAGE)):
            inside.update(page.get("members") or ())
        guests = 0
        async for page in _first(await client.users_list(limit=_PER_PAGE)):
            guests += sum(_is_guest(user) and user.get("id") in inside for user in page.get("members") or ())
    return guests


async def _first(pages: AsyncSlackResponse) -> AsyncIterator[AsyncSlackResponse]:
    """Yield the first pages of an answer. A larger workspace is not worth the calls."""
    number = 0
    async for page in pages:
        yield page
        number += 1
        if number == _MOST_PAGES:
            return


def _is_guest(user: Mapping[str, Any]) -> bool:
    return bool(user.get("is_restricted") or user.get("is_ultra_restricted")) and not user.get("deleted")
