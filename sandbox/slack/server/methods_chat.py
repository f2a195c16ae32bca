"""The chat.* methods."""

from sandbox.json_types import Json
from sandbox.slack.server.access import (
    require_member_channel,
    require_postable_channel,
    require_readable_channel,
    require_scope,
)
from sandbox.slack.server.arguments import Arguments
from sandbox.slack.workspace.api_errors import SlackError, require_valid_message
from sandbox.slack.workspace.message_content import MessageContent
from sandbox.slack.workspace.models import Channel, Message
from sandbox.slack.workspace.workspace import Workspace

UPDATE_TEXT_LIMIT = 4_000


def post_message(workspace: Workspace, call: Arguments) -> Json:
    """Handle chat.postMessage: post to a channel, a thread, or the direct messages of a user id."""
    channel = require_postable_channel(workspace, call.require_text("channel"))
    require_valid_message(call, workspace.limits)
    thread_ts = find_thread(channel, call.get("thread_ts"))
    content = workspace.build_content(
        call.get("text", ""), call.get("blocks"), call.get("attachments"), metadata=_read_metadata(call)
    )
    broadcast = bool(thread_ts and call.get("reply_broadcast"))
    message = workspace.post(channel, workspace.bot, content, thread_ts=thread_ts, broadcast=broadcast)
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json(metadata=True)}


def update_message(workspace: Workspace, call: Arguments) -> Json:
    """Handle chat.update for the bot's own messages.

    Text alone removes the blocks. Blocks alone leave no "(edited)" mark.
    """
    message = _own_message(workspace, call, "cant_update_message")
    require_valid_message(call, workspace.limits, update=True)
    if len(call.get("text", "")) > UPDATE_TEXT_LIMIT:
        raise SlackError("msg_too_long", mistake=True)
    workspace.edit(message, _merge_content(workspace, message.content, call), marked="blocks" not in call)
    answer = {"channel": message.channel.id, "ts": message.ts, "text": message.text}
    return answer | {"message": message.as_json(metadata=True)}


def delete_message(workspace: Workspace, call: Arguments) -> Json:
    """Handle chat.delete for the bot's own messages."""
    message = _own_message(workspace, call, "cant_delete_message")
    workspace.delete(message)
    return {"channel": message.channel.id, "ts": message.ts}


def post_ephemeral(workspace: Workspace, call: Arguments) -> Json:
    """Handle chat.postEphemeral to one member of the channel. The bot must be in it, too, whatever its scopes."""
    channel = require_member_channel(workspace, call.require_text("channel"), workspace.ephemeral_outside_error)
    person = workspace.people.get(call.require_text("user"))
    if person is None or person.id in channel.absent or person.deleted:
        raise SlackError("user_not_in_channel")
    require_valid_message(call, workspace.limits)
    content = workspace.build_content(call.get("text", ""), call.get("blocks"), call.get("attachments"))
    message = workspace.post_ephemeral(person, channel, content, find_thread(channel, call.get("thread_ts")))
    return {"message_ts": message.ts}


def get_permalink(workspace: Workspace, call: Arguments) -> Json:
    """Handle chat.getPermalink: return the address of a message."""
    channel = require_readable_channel(workspace, call.require_text("channel"))
    message = _find_message(channel, call.require_text("message_ts"))
    address = f"https://{workspace.domain}.slack.test/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        address += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": address}


def _own_message(workspace: Workspace, call: Arguments, complaint: str) -> Message:
    require_scope(workspace, "chat:write")
    channel = require_readable_channel(workspace, call.require_text("channel"))
    if channel.archived:
        raise SlackError("is_inactive")
    message = _find_message(channel, call.require_text("ts"))
    # Posts to a response_url have the bot's id, yet are other author objects.
    if message.by is not workspace.bot and message.by.bot_id != workspace.bot.bot_id:
        raise SlackError(complaint)
    return message


def _find_message(channel: Channel, ts: str) -> Message:
    message = channel.find(ts)
    if message is None:
        raise SlackError("message_not_found")
    return message


def find_thread(channel: Channel, thread_ts: object) -> str | None:
    """Return the ts of the thread's root, or None without a thread. Raises SlackError("thread_not_found")."""
    if not thread_ts:
        return None
    root = channel.find(thread_ts)
    if root is None:
        raise SlackError("thread_not_found")
    # A reply to a reply goes to the same thread.
    return root.thread_ts or root.ts


def _read_metadata(call: Arguments) -> Json | None:
    return call.get("metadata") or None


def _merge_content(workspace: Workspace, now: MessageContent, call: Arguments) -> MessageContent:
    # Text without blocks replaces the blocks, as Slack documents it.
    blocks = call.get("blocks", [] if "text" in call else now.blocks)
    metadata = now.metadata if "metadata" not in call else _read_metadata(call)
    return workspace.build_content(
        call.get("text", now.text), blocks, call.get("attachments", now.attachments), metadata=metadata
    )
