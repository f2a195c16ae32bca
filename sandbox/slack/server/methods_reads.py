"""The read-only methods: users.*, usergroups.* and conversations.*."""

from decimal import Decimal
from typing import TypeVar

from sandbox.json_types import Json
from sandbox.slack.server.access import FAMILIES, require_reachable_user, require_readable_channel, require_scope
from sandbox.slack.server.arguments import Arguments
from sandbox.slack.workspace.api_errors import SlackError
from sandbox.slack.workspace.models import Channel, Message
from sandbox.slack.workspace.payloads import channel_json, user_json
from sandbox.slack.workspace.workspace import Workspace

HISTORY_PAGE, REPLIES_PAGE, LIST_PAGE = 100, 1_000, 100
LIST_MOST = 1_000

Item = TypeVar("Item")


def get_user(workspace: Workspace, call: Arguments) -> Json:
    """Handle users.info: return the current user object."""
    require_scope(workspace, "users:read")
    person = workspace.people.get(call.require_text("user"))
    if person is None:
        raise SlackError("user_not_found")
    return {"user": user_json(workspace, person)}


def list_usergroup_members(workspace: Workspace, call: Arguments) -> Json:
    """Handle usergroups.users.list: return the ids of a group's members."""
    require_scope(workspace, "usergroups:read")
    if not workspace.paid_plan:
        raise SlackError("plan_upgrade_required")
    group = workspace.usergroups.get(call.require_text("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.members)}


def list_users(workspace: Workspace, call: Arguments) -> Json:
    """Handle users.list: return every user of the workspace, with the deactivated ones."""
    require_scope(workspace, "users:read")
    page, rest = _page(list(workspace.people.values()), call, call.read_limit(LIST_PAGE, LIST_MOST))
    return {"members": [user_json(workspace, person) for person in page], **_cursor(rest)}


def list_members(workspace: Workspace, call: Arguments) -> Json:
    """Handle conversations.members: return the ids of the users in a channel that the bot can see."""
    channel = require_readable_channel(workspace, call.require_text("channel"), "read")
    inside = [person.id for person in workspace.people.values() if person.id not in channel.absent]
    page, rest = _page(inside, call, call.read_limit(LIST_PAGE, LIST_MOST))
    return {"members": page, **_cursor(rest)}


def list_usergroups(workspace: Workspace, _call: Arguments) -> Json:
    """Handle usergroups.list: return every user group with its handle."""
    require_scope(workspace, "usergroups:read")
    if not workspace.paid_plan:
        raise SlackError("plan_upgrade_required")
    groups = workspace.usergroups.values()
    return {
        "usergroups": [
            {"id": group.id, "is_usergroup": True, "name": group.handle, "handle": group.handle} for group in groups
        ]
    }


def get_conversation(workspace: Workspace, call: Arguments) -> Json:
    """Handle conversations.info for public channels and those with the bot."""
    return {
        "channel": channel_json(workspace, require_readable_channel(workspace, call.require_text("channel"), "read"))
    }


def open_conversation(workspace: Workspace, call: Arguments) -> Json:
    """Handle conversations.open: return the direct messages with one user."""
    require_scope(workspace, "im:write")
    users = [user for user in str(call.get("users", "")).split(",") if user]
    if not users:
        raise SlackError("users_list_not_supplied", mistake=True)
    known = {channel.im.id for channel in workspace.channels.values() if channel.im}
    channel = workspace.dm(require_reachable_user(workspace, users[0]))
    shown = channel_json(workspace, channel) if call.get("return_im") else {"id": channel.id}
    return {"channel": shown, "no_op": users[0] in known, "already_open": users[0] in known}


def list_conversations(workspace: Workspace, call: Arguments) -> Json:
    """Handle conversations.list: return the channels of the wanted types that the bot can see."""
    wanted = str(call.get("types", "public_channel")).split(",")
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im"}
    chosen = {kinds[name] for name in wanted if name in kinds}
    for kind in sorted(chosen):
        require_scope(workspace, f"{FAMILIES[kind]}:read")
    seen = [channel for channel in workspace.channels.values() if channel.kind in chosen and _is_visible(channel)]
    page, rest = _page(seen, call, call.read_limit(LIST_PAGE, LIST_MOST))
    return {"channels": [channel_json(workspace, channel) for channel in page], **_cursor(rest)}


def get_history(workspace: Workspace, call: Arguments) -> Json:
    """Handle conversations.history, newest first. Replies are left out, unless they were also sent to the channel."""
    channel = _require_joined_channel(workspace, call)
    shown = [message for message in channel.messages if not message.is_reply or message.broadcast]
    # History is newest first, replies are oldest first.
    page, rest = _page(_between(shown, call)[::-1], call, _page_size(workspace, call, HISTORY_PAGE))
    return {"messages": _serialize_messages(page, call), "has_more": bool(rest), **_cursor(rest)}


def get_replies(workspace: Workspace, call: Arguments) -> Json:
    """Handle conversations.replies: return the message and its replies, oldest first."""
    channel = _require_joined_channel(workspace, call)
    message = channel.find(call.require_text("ts"))
    root = channel.find(message.thread_ts or message.ts) if message else None
    if root is None:
        raise SlackError("thread_not_found")
    below = _between(channel.thread(root.ts), call)
    # The root is always part of the answer, whatever the time range.
    page, rest = _page([root, *below], call, _page_size(workspace, call, REPLIES_PAGE))
    return {"messages": _serialize_messages(page, call), "has_more": bool(rest), **_cursor(rest)}


def _require_joined_channel(workspace: Workspace, call: Arguments) -> Channel:
    channel = require_readable_channel(workspace, call.require_text("channel"), "history")
    if not channel.member:
        raise SlackError("not_in_channel")
    return channel


def _page_size(workspace: Workspace, call: Arguments, default: int) -> int:
    most = max(workspace.page_limit, default)
    return min(call.read_limit(default, most), workspace.page_limit)


def _is_visible(channel: Channel) -> bool:
    return channel.member or not channel.private


def _between(messages: list[Message], call: Arguments) -> list[Message]:
    # A float would lose the last digit of a timestamp.
    oldest, latest = Decimal(str(call.get("oldest", 0))), Decimal(str(call.get("latest", "Infinity")))
    inclusive = bool(call.get("inclusive"))
    return [message for message in messages if _within(Decimal(message.ts), oldest, latest, inclusive=inclusive)]


def _within(ts: Decimal, oldest: Decimal, latest: Decimal, *, inclusive: bool) -> bool:
    return oldest < ts < latest or (inclusive and ts in (oldest, latest))


def _page(items: list[Item], call: Arguments, size: int) -> tuple[list[Item], int]:
    cursor = str(call.get("cursor") or 0)
    if not cursor.isdigit():
        raise SlackError("invalid_cursor")
    start, end = int(cursor), int(cursor) + size
    # The cursor is simply the next offset. Real ones are opaque.
    return items[start:end], end if end < len(items) else 0


def _cursor(rest: int) -> Json:
    return {"response_metadata": {"next_cursor": str(rest)}} if rest else {}


def _serialize_messages(messages: list[Message], call: Arguments) -> list[Json]:
    metadata = bool(call.get("include_all_metadata"))
    return [message.as_json(metadata=metadata) | _thread_summary(message) for message in messages]


def _thread_summary(message: Message) -> Json:
    below = message.channel.thread(message.ts)
    if not below:
        return {}
    users = sorted({reply.by.user for reply in below if reply.by.user})
    counts = {"reply_count": len(below), "reply_users_count": len(users), "reply_users": users}
    return counts | {"latest_reply": below[-1].ts}
