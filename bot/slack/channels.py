"""Slack channels: whether the bot is a member, and whether people of other organizations can read there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import SlackUnavailable
from bot.slack.client import Client, mapped_errors


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
