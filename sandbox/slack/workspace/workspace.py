"""The state of a workspace: members, channels, messages and modals, without any server."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.workspace import events
from sandbox.slack.workspace.files import Files
from sandbox.slack.workspace.id_generator import IdGenerator
from sandbox.slack.workspace.message_content import MessageAuthor, MessageContent
from sandbox.slack.workspace.models import Channel, Member, Message, Usergroup
from sandbox.slack.workspace.notifications import notify_mentioned
from sandbox.slack.workspace.stored_content import stored_attachments, stored_blocks
from sandbox.slack.workspace.triggers import Triggers
from sandbox.slack.workspace.views import Modals
from sandbox.slack.workspace.workspace_settings import WorkspaceSettings

MAX_STORED_TEXT = 40_000


class Workspace(WorkspaceSettings):
    """The state of a workspace. `emit` receives its events."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.ids = IdGenerator(clock)
        self.team_id, self.domain = self.ids.new_id("T"), "sandbox"
        self.people: dict[str, Member] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, Usergroup] = {}
        self.apps: dict[str, MessageAuthor] = {}
        self.modals = Modals(self.ids)
        self.triggers = Triggers(self.ids)
        self.files = Files(self.ids, self.team_id)
        # The app under test. Others are installed when they first post.
        self.bot = self.ensure_app("DCV Resend")

    def emit(self, event: Json, channel: Channel | None = None) -> None:
        """Deliver an event. A workspace without a server ignores it."""

    def add_member(self, member: Member) -> None:
        """Add a member."""
        self.people[member.id] = member

    def ensure_app(self, name: str) -> MessageAuthor:
        """Return the app of this name with its bot user, and install it at its first use."""
        if name not in self.apps:
            user, bot_id, app_id = self.ids.new_id("U"), self.ids.new_id("B"), self.ids.new_id("A")
            profile = {"id": bot_id, "app_id": app_id, "name": name, "deleted": False, "team_id": self.team_id}
            profile |= {"updated": int(self.ids.clock()), "icons": {}}
            self.add_member(Member(id=user, name=name, team_id=self.team_id, bot=True))
            self.apps[name] = MessageAuthor(name, user, bot_id, app_id, profile)
        return self.apps[name]

    def add_channel(self, name: str, **traits: Any) -> Channel:
        """Add a channel. `traits` are the fields of Channel."""
        channel = Channel(id=self.ids.new_id("C"), name=name, **traits)
        self.channels[channel.id] = channel
        return channel

    def dm(self, person: Member) -> Channel:
        """Return the direct messages between the bot and a member, and open them at their first use."""
        for channel in self.channels.values():
            if channel.im is person:
                return channel
        channel = Channel(id=self.ids.new_id("D"), name="directmessage", private=True, im=person)
        self.channels[channel.id] = channel
        return channel

    def add_usergroup(self, handle: str, people: Iterable[Member] = ()) -> Usergroup:
        """Add a user group."""
        group = Usergroup(self.ids.new_id("S"), handle, [person.id for person in people], self._emit_members_changed)
        self.usergroups[group.id] = group
        return group

    def build_content(
        self, text: str = "", blocks: object = None, attachments: object = None, **more: Any
    ) -> MessageContent:
        """Return content as Slack would store it."""
        stored = stored_blocks(list(blocks or []), self.ids)  # type: ignore[call-overload]
        attached = stored_attachments(list(attachments or []), self.ids)  # type: ignore[call-overload]
        # Slack truncates longer texts when it stores them.
        return MessageContent(text[:MAX_STORED_TEXT], stored, attached, more.get("metadata"))

    def post(self, channel: Channel, author: MessageAuthor, content: MessageContent, **traits: Any) -> Message:
        """Post a message and emit its event. `traits` are thread_ts, broadcast and client_msg_id."""
        message = Message(self.ids.new_ts(), channel, author, content, self.team_id, **traits)
        channel.messages.append(message)
        if message.is_reply:
            self._start_thread(channel, message)
        notify_mentioned(message, self.people.values(), self.usergroups)
        self.emit(events.message_posted(message), channel)
        return message

    def edit(self, message: Message, content: MessageContent, *, marked: bool = True) -> None:
        """Replace a message's content and emit the event. With `marked`, users see "(edited)"."""
        before = message.as_json()
        edited = {"user": message.by.user or "", "ts": self.ids.new_ts()} if marked else None
        message.rewrite(content, edited)
        # Apps receive no events of ephemeral messages.
        if message.seen_only_by is None:
            self.emit(events.message_changed(message, before, self.ids.new_ts()), message.channel)

    def delete(self, message: Message) -> None:
        """Delete a message and emit the event."""
        message.deleted = True
        if message.seen_only_by is not None:
            self.people[message.seen_only_by].ephemerals.remove(message)
            return
        message.channel.messages.remove(message)
        self.emit(events.message_deleted(message, self.ids.new_ts()), message.channel)

    def post_ephemeral(
        self, person: Member, channel: Channel, content: MessageContent, thread_ts: str | None = None
    ) -> Message:
        """Post an ephemeral message of the bot to one member."""
        message = Message(
            self.ids.new_ts(), channel, self.bot, content, self.team_id, thread_ts, seen_only_by=person.id
        )
        person.ephemerals.append(message)
        return message

    def _start_thread(self, channel: Channel, reply: Message) -> None:
        root = channel.find(reply.thread_ts)
        if root is not None and root.thread_ts is None:
            # The first reply makes a message the root of a thread.
            root.thread_ts = root.ts

    def _emit_members_changed(self, group: Usergroup, came: list[str], went: list[str]) -> None:
        self.emit(events.members_changed(group.id, self.team_id, came, went, self.ids.clock()))
