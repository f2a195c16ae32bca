"""The chat.* methods."""

from sandbox.json_types import Json
from sandbox.slack.server.access import posting_place, readable_channel, require_scope
from sandbox.slack.server.arguments import Arguments
from sandbox.slack.workspace.api_errors import Refused, require_message
from sandbox.slack.workspace.message_content import Content
from sandbox.slack.workspace.models import Channel, Message
from sandbox.slack.workspace.workspace import Workspace

UPDATE_TEXT_LIMIT = 4_000


def post_message(here: Workspace, call: Arguments) -> Json:
    """chat.postMessage: into a channel, a thread, or the direct messages of a user id."""
    channel = posting_place(here, call.required("channel"))
    require_message(call)
    thread_ts = _thread(channel, call.get("thread_ts"))
    content = here.content(call.get("text", ""), call.get("blocks"), call.get("attachments"), metadata=_metadata(call))
    broadcast = bool(thread_ts and call.get("reply_broadcast"))
    message = here.post(channel, here.bot, content, thread_ts=thread_ts, broadcast=broadcast)
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json(metadata=True)}


def update(here: Workspace, call: Arguments) -> Json:
    """chat.update: the bot's own messages only; text alone takes the blocks away, blocks alone leave no edit mark."""
    message = _own_message(here, call, "cant_update_message")
    require_message(call, update=True)
    if len(call.get("text", "")) > UPDATE_TEXT_LIMIT:
        raise Refused("msg_too_long", mistake=True)
    here.edit(message, _rewritten(here, message.content, call), marked="blocks" not in call)
    answer = {"channel": message.channel.id, "ts": message.ts, "text": message.text}
    return answer | {"message": message.as_json(metadata=True)}


def delete(here: Workspace, call: Arguments) -> Json:
    """chat.delete: the bot's own messages only."""
    message = _own_message(here, call, "cant_delete_message")
    here.delete(message)
    return {"channel": message.channel.id, "ts": message.ts}


def post_ephemeral(here: Workspace, call: Arguments) -> Json:
    """chat.postEphemeral: to one person who is in the channel."""
    channel = posting_place(here, call.required("channel"))
    person = here.people.get(call.required("user"))
    if person is None or person.id in channel.absent or person.deleted:
        raise Refused("user_not_in_channel")
    require_message(call)
    content = here.content(call.get("text", ""), call.get("blocks"), call.get("attachments"))
    whisper = here.whisper(person, channel, content, _thread(channel, call.get("thread_ts")))
    return {"message_ts": whisper.ts}


def permalink(here: Workspace, call: Arguments) -> Json:
    """chat.getPermalink: the address of a message."""
    channel = readable_channel(here, call.required("channel"))
    message = _existing(channel, call.required("message_ts"))
    address = f"https://{here.domain}.slack.test/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        address += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": address}


def _own_message(here: Workspace, call: Arguments, complaint: str) -> Message:
    require_scope(here, "chat:write")
    channel = readable_channel(here, call.required("channel"))
    if channel.archived:
        raise Refused("is_inactive")
    message = _existing(channel, call.required("ts"))
    if message.by is not here.bot and message.by.bot_id != here.bot.bot_id:
        raise Refused(complaint)
    return message


def _existing(channel: Channel, ts: str) -> Message:
    message = channel.find(ts)
    if message is None:
        raise Refused("message_not_found")
    return message


def _thread(channel: Channel, thread_ts: object) -> str | None:
    if not thread_ts:
        return None
    root = channel.find(thread_ts)
    if root is None:
        raise Refused("thread_not_found")
    return root.thread_ts or root.ts


def _metadata(call: Arguments) -> Json | None:
    return call.get("metadata") or None


def _rewritten(here: Workspace, now: Content, call: Arguments) -> Content:
    blocks = call.get("blocks", [] if "text" in call else now.blocks)
    kept = now.metadata if "metadata" not in call else _metadata(call)
    return here.content(call.get("text", now.text), blocks, call.get("attachments", now.attachments), metadata=kept)
