"""The methods that only look: users.*, usergroups.* and conversations.*."""

from decimal import Decimal
from typing import TypeVar

from sandbox.json_types import Json
from sandbox.slack.server.access import FAMILIES, reachable_person, readable_channel, require_scope
from sandbox.slack.server.arguments import Arguments
from sandbox.slack.workspace.api_errors import Refused
from sandbox.slack.workspace.models import Channel, Message
from sandbox.slack.workspace.payloads import channel_json, user_json
from sandbox.slack.workspace.workspace import Workspace

HISTORY_PAGE, REPLIES_PAGE, LIST_PAGE = 100, 1_000, 100
LIST_MOST = 1_000

Item = TypeVar("Item")


def users_info(here: Workspace, call: Arguments) -> Json:
    """users.info: what Slack knows of a user now."""
    require_scope(here, "users:read")
    person = here.people.get(call.required("user"))
    if person is None:
        raise Refused("user_not_found")
    return {"user": user_json(here, person)}


def usergroup_users(here: Workspace, call: Arguments) -> Json:
    """usergroups.users.list: the ids of a group's members."""
    require_scope(here, "usergroups:read")
    if not here.paid_plan:
        raise Refused("plan_upgrade_required")
    group = here.usergroups.get(call.required("usergroup"))
    if group is None:
        raise Refused("no_such_subteam")
    return {"users": list(group.members)}


def conversation_info(here: Workspace, call: Arguments) -> Json:
    """conversations.info: public channels, and whatever the bot is in."""
    return {"channel": channel_json(here, readable_channel(here, call.required("channel"), "read"))}


def conversation_open(here: Workspace, call: Arguments) -> Json:
    """conversations.open: the direct messages with one user."""
    require_scope(here, "im:write")
    users = [user for user in str(call.get("users", "")).split(",") if user]
    if not users:
        raise Refused("users_list_not_supplied", mistake=True)
    known = {channel.im.id for channel in here.channels.values() if channel.im}
    channel = here.dm(reachable_person(here, users[0]))
    shown = channel_json(here, channel) if call.get("return_im") else {"id": channel.id}
    return {"channel": shown, "no_op": users[0] in known, "already_open": users[0] in known}


def conversation_list(here: Workspace, call: Arguments) -> Json:
    """conversations.list: the channels of the wanted types, those that the bot can see."""
    wanted = str(call.get("types", "public_channel")).split(",")
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im"}
    chosen = {kinds[name] for name in wanted if name in kinds}
    for kind in sorted(chosen):
        require_scope(here, f"{FAMILIES[kind]}:read")
    seen = [channel for channel in here.channels.values() if channel.kind in chosen and _is_seen(channel)]
    page, rest = _page(seen, call, call.limit(LIST_PAGE, LIST_MOST))
    return {"channels": [channel_json(here, channel) for channel in page], **_cursor(rest)}


def history(here: Workspace, call: Arguments) -> Json:
    """conversations.history: newest first, replies left out unless they were sent to the channel too."""
    channel = _joined(here, call)
    shown = [message for message in channel.messages if not message.is_reply or message.broadcast]
    page, rest = _page(_between(shown, call)[::-1], call, _page_size(here, call, HISTORY_PAGE))
    return {"messages": _listed(page, call), "has_more": bool(rest), **_cursor(rest)}


def replies(here: Workspace, call: Arguments) -> Json:
    """conversations.replies: the message and its replies, oldest first."""
    channel = _joined(here, call)
    message = channel.find(call.required("ts"))
    root = channel.find(message.thread_ts or message.ts) if message else None
    if root is None:
        raise Refused("thread_not_found")
    below = _between(channel.thread(root.ts), call)
    page, rest = _page([root, *below], call, _page_size(here, call, REPLIES_PAGE))
    return {"messages": _listed(page, call), "has_more": bool(rest), **_cursor(rest)}


def _joined(here: Workspace, call: Arguments) -> Channel:
    channel = readable_channel(here, call.required("channel"), "history")
    if not channel.member:
        raise Refused("not_in_channel")
    return channel


def _page_size(here: Workspace, call: Arguments, default: int) -> int:
    most = max(here.page_limit, default)
    return min(call.limit(default, most), here.page_limit)


def _is_seen(channel: Channel) -> bool:
    return channel.member or not channel.private


def _between(messages: list[Message], call: Arguments) -> list[Message]:
    oldest, latest = Decimal(str(call.get("oldest", 0))), Decimal(str(call.get("latest", "Infinity")))
    inclusive = bool(call.get("inclusive"))
    return [message for message in messages if _within(Decimal(message.ts), oldest, latest, inclusive=inclusive)]


def _within(ts: Decimal, oldest: Decimal, latest: Decimal, *, inclusive: bool) -> bool:
    return oldest < ts < latest or (inclusive and ts in (oldest, latest))


def _page(items: list[Item], call: Arguments, size: int) -> tuple[list[Item], int]:
    cursor = str(call.get("cursor") or 0)
    if not cursor.isdigit():
        raise Refused("invalid_cursor")
    start, end = int(cursor), int(cursor) + size
    return items[start:end], end if end < len(items) else 0


def _cursor(rest: int) -> Json:
    return {"response_metadata": {"next_cursor": str(rest)}} if rest else {}


def _listed(messages: list[Message], call: Arguments) -> list[Json]:
    metadata = bool(call.get("include_all_metadata"))
    return [message.as_json(metadata=metadata) | _thread_summary(message) for message in messages]


def _thread_summary(message: Message) -> Json:
    below = message.channel.thread(message.ts)
    if not below:
        return {}
    users = sorted({reply.by.user for reply in below if reply.by.user})
    counts = {"reply_count": len(below), "reply_users_count": len(users), "reply_users": users}
    return counts | {"latest_reply": below[-1].ts}
