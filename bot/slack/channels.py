"""Channels as Slack knows them: whether the bot is in one, and whether people of other organizations read along."""

from dataclasses import dataclass

from bot.errors import SlackUnavailable
from bot.slack.client import Client, translated


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel that the bot can see; `is_shared` with another organization, or about to be."""

    id: str
    name: str
    is_member: bool
    is_shared: bool


async def look_at(client: Client, channel_id: str) -> Channel:
    """Read a channel; SlackRefused where the bot cannot see it, SlackUnavailable when Slack cannot tell."""
    async with translated():
        answer = await client.conversations_info(channel=channel_id)
    channel = answer.get("channel")
    if not isinstance(channel, dict):
        raise SlackUnavailable("Slack answered without a channel.")
    is_shared = bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"))
    return Channel(channel_id, str(channel.get("name") or ""), bool(channel.get("is_member")), is_shared)
