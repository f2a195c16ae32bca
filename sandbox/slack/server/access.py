"""What the bot may see and where it may post."""

from sandbox.slack.workspace.api_errors import Refused
from sandbox.slack.workspace.models import Channel, Member
from sandbox.slack.workspace.workspace import Workspace

FAMILIES = {"channel": "channels", "group": "groups", "im": "im"}


def require_scope(here: Workspace, scope: str) -> None:
    """Raise Refused("missing_scope") when it was not granted."""
    if scope not in here.granted_scopes:
        provided = ",".join(sorted(here.granted_scopes))
        raise Refused("missing_scope", needed=scope, provided=provided)


def readable_channel(here: Workspace, channel_id: str, ability: str | None = None) -> Channel:
    """Return a channel that the bot can see, with `ability` (read, history) granted for its kind.

    Private channels without the bot are not there at all.
    """
    channel = here.channels.get(channel_id)
    if channel is None or (channel.private and not channel.member):
        raise Refused("channel_not_found")
    if ability is not None:
        require_scope(here, f"{FAMILIES[channel.kind]}:{ability}")
    return channel


def posting_place(here: Workspace, channel_id: str) -> Channel:
    """Return the channel in which the bot may post; a user id means the direct messages with them."""
    require_scope(here, "chat:write")
    place = _direct(here, channel_id) if channel_id in here.people else readable_channel(here, channel_id)
    if place.archived:
        raise Refused("is_archived")
    if not place.member and "chat:write.public" not in here.granted_scopes:
        raise Refused("not_in_channel")
    if place.read_only:
        raise Refused("restricted_action")
    if place.im and not here.messages_tab_enabled:
        raise Refused("messages_tab_disabled")
    return place


def reachable_person(here: Workspace, user_id: str) -> Member:
    """Return a person to whom the bot can write directly."""
    person = here.people.get(user_id)
    if person is None:
        raise Refused("user_not_found")
    if person.deleted:
        raise Refused("user_disabled")
    if person.bot:
        raise Refused("cannot_dm_bot")
    return person


def _direct(here: Workspace, user_id: str) -> Channel:
    person = reachable_person(here, user_id)
    return here.dm(person)
