"""The files.* methods."""

from sandbox.json_types import Json
from sandbox.slack.server.access import require_member_channel, require_scope
from sandbox.slack.server.arguments import Arguments
from sandbox.slack.server.methods_chat import find_thread
from sandbox.slack.workspace.api_errors import SlackError, invalid_arguments
from sandbox.slack.workspace.files import StoredFile
from sandbox.slack.workspace.message_content import MessageContent
from sandbox.slack.workspace.models import Channel
from sandbox.slack.workspace.workspace import Workspace


def get_upload_url(workspace: Workspace, call: Arguments) -> Json:
    """Handle files.getUploadURLExternal: return an absolute url that takes the content."""
    require_scope(workspace, "files:write")
    length = call.get("length")
    # Slack counts a length of 0 as missing.
    if not isinstance(length, int) or length < 1 or not call.get("filename"):
        raise SlackError("missing_argument", mistake=True)
    file, url = workspace.files.start_upload(call.require_text("filename"), str(workspace.bot.user), length)
    return {"upload_url": url, "file_id": file.id}


def complete_upload(workspace: Workspace, call: Arguments) -> Json:
    """Handle files.completeUploadExternal: share the files in a channel, if one is given.

    The bot must be in the channel. The answer comes before the files are shared, and now and then they never are.
    """
    require_scope(workspace, "files:write")
    wanted = call.get("files")
    if not isinstance(wanted, list) or not wanted:
        raise invalid_arguments("missing required field: files")
    files = [_name(workspace, each) for each in wanted]
    if call.get("channel_id"):
        channel = require_member_channel(workspace, call.require_text("channel_id"))
        thread_ts = find_thread(channel, call.get("thread_ts"))
        if workspace.file_sharing != "never":
            _share(workspace, channel, thread_ts, files, str(call.get("initial_comment") or ""))
    return {"files": [file.as_json(shares=workspace.file_sharing == "at once") for file in files]}


def get_file(workspace: Workspace, call: Arguments) -> Json:
    """Handle files.info: return a file with its shares."""
    require_scope(workspace, "files:read")
    return {"file": workspace.files.find(call.require_text("file")).as_json(shares=True)}


def _name(workspace: Workspace, wanted: Json) -> StoredFile:
    file = workspace.files.find(wanted.get("id"))
    file.title, file.is_complete = str(wanted.get("title") or file.name), True
    return file


def _share(
    workspace: Workspace, channel: Channel, thread_ts: str | None, files: list[StoredFile], comment: str
) -> None:
    content = MessageContent(text=comment, files=tuple(files))
    message = workspace.post(channel, workspace.bot, content, thread_ts=thread_ts)
    for file in files:
        file.shares.append((channel.id, message.ts))
