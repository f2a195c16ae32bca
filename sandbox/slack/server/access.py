"""The bot's access to channels and users."""

from sandbox.slack.workspace.api_errors import SlackError
from sandbox.slack.workspace.models import Channel, Member
from sandbox.slack.workspace.workspace import Workspace

FAMILIES = {"channel": "channels", "group": "groups", "im": "im"}


def require_scope(workspace: Workspace, scope: str) -> None:
    """Raise SlackError("missing_scope") if the scope was not granted."""
    if scope not in workspace.granted_scopes:
        provided = ",".join(sorted(workspace.granted_scopes))
        raise SlackError("missing_scope", needed=scope, provided=provided)


def require_readable_channel(workspace: Workspace, channel_id: str, ability: str | None = None) -> Channel:
    """Return a channel that the bot can see, with `ability` (read, history) granted for its kind.

    A private channel without the bot does not exist for it.
    """
    channel = workspace.channels.get(channel_id)
    if channel is None or (channel.private and not channel.member):
        raise SlackError("channel_not_found")
    if ability is not None:
        require_scope(workspace, f"{FAMILIES[channel.kind]}:{ability}")
    return channel


def require_postable_channel(workspace: Workspace, channel_id: str) -> Channel:
    """Return the channel in which the bot may post. A user id means the direct messages with that user."""
    require_scope(workspace, "chat:write")
    place = (
        _direct_messages(workspace, channel_id)
        if channel_id in workspace.people
        else require_readable_channel(workspace, channel_id)
    )
    if place.archived:
        raise SlackError("is_archived")
    if not place.member and "chat:write.public" not in workspace.granted_scopes:
        raise SlackError("not_in_channel")
    if place.read_only:
        raise SlackError("restricted_action")
    if place.im and not workspace.messages_tab_enabled:
        raise SlackError("messages_tab_disabled")
    return place


def require_member_channel(workspace: Workspace, channel_id: str, error: str = "not_in_channel") -> Channel:
    """Return a channel in which the bot may post and is a member, whatever its scopes. Raises SlackError(error)."""
    channel = require_postable_channel(workspace, channel_id)
    if not channel.member:
        raise SlackError(error)
    return channel


def require_reachable_user(workspace: Workspace, user_id: str) -> Member:
    """Return a user to whom the bot can send direct messages."""
    person = workspace.people.get(user_id)
    if person is None:
        raise SlackError("user_not_found")
    if person.deleted:
        raise SlackError("user_disabled")
    if person.bot:
        raise SlackError("cannot_dm_bot")
    return person


def _direct_messages(workspace: Workspace, user_id: str) -> Channel:
    person = require_reachable_user(workspace, user_id)
    return workspace.dm(person)
