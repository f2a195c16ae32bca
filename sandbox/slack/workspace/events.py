"""The events of the Events API, composed from the state."""

from sandbox.json_types import Json
from sandbox.slack.workspace.models import Message

REQUIRED_SCOPES = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "subteam_members_changed": "usergroups:read",
    "app_mention": "app_mentions:read",
}
SUBSCRIPTION_OF = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


def message_posted(message: Message) -> Json:
    """Compose the event of a new message."""
    event = message.as_json() | _channel_fields(message, message.ts)
    root = message.channel.find(message.thread_ts) if message.is_reply else None
    if root is not None and root.by.user:
        event["parent_user_id"] = root.by.user
    if message.broadcast and root is not None:
        # A reply that is also sent to the channel contains its root message.
        event |= {"subtype": "thread_broadcast", "root": root.as_json()}
    return event


def message_changed(message: Message, before: Json, ts: str) -> Json:
    """Compose the event of an edited message. `before` is its old content."""
    parts = {"message": message.as_json(), "previous_message": before}
    return (
        {"type": "message", "subtype": "message_changed", "hidden": True, "ts": ts}
        | parts
        | _channel_fields(message, ts)
    )


def message_deleted(message: Message, ts: str) -> Json:
    """Compose the event of a deleted message."""
    parts = {"deleted_ts": message.ts, "previous_message": message.as_json()}
    return (
        {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": ts}
        | parts
        | _channel_fields(message, ts)
    )


def members_changed(group_id: str, team_id: str, came: list[str], went: list[str], now: float) -> Json:
    """Compose the event of a user group with other members."""
    return {
        "type": "subteam_members_changed",
        "subteam_id": group_id,
        "team_id": team_id,
        "date_previous_update": int(now) - 1,
        "date_update": int(now),
        "added_users": came,
        "added_users_count": len(came),
        "removed_users": went,
        "removed_users_count": len(went),
    }


def subscription_name(event: Json) -> str:
    """Return the name by which an app subscribes to this event."""
    if event["type"] == "message":
        return SUBSCRIPTION_OF[event.get("channel_type", "channel")]
    return str(event["type"])


def _channel_fields(message: Message, ts: str) -> Json:
    return {"channel": message.channel.id, "channel_type": message.channel.kind, "event_ts": ts}
