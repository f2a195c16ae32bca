"""The state of a workspace: people, channels, messages and modals, whoever serves or draws it."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.workspace import events
from sandbox.slack.workspace.id_generator import Mint
from sandbox.slack.workspace.message_content import Author, Content
from sandbox.slack.workspace.models import Channel, Member, Message, Usergroup
from sandbox.slack.workspace.stored_content import stored_attachments, stored_blocks
from sandbox.slack.workspace.triggers import Triggers
from sandbox.slack.workspace.views import Modals
from sandbox.slack.workspace.workspace_settings import Conditions

TEXT_KEPT = 40_000


class Workspace(Conditions):
    """Everything that a workspace remembers; `emit` is where its events go."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.mint = Mint(clock)
        self.team_id, self.domain = self.mint.id("T"), "sandbox"
        self.people: dict[str, Member] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, Usergroup] = {}
        self.apps: dict[str, Author] = {}
        self.modals = Modals(self.mint)
        self.triggers = Triggers(self.mint)
        self.bot = self.app("dcv-bot")

    def emit(self, event: Json, channel: Channel | None = None) -> None:
        """Hand an event to whoever delivers it; by itself a workspace tells nobody."""

    def enrol(self, member: Member) -> None:
        """Take somebody in."""
        self.people[member.id] = member

    def app(self, name: str) -> Author:
        """Return the app of this name with its bot user, installed on first use."""
        if name not in self.apps:
            user, bot_id, app_id = self.mint.id("U"), self.mint.id("B"), self.mint.id("A")
            profile = {"id": bot_id, "app_id": app_id, "name": name, "deleted": False, "team_id": self.team_id}
            profile |= {"updated": int(self.mint.clock()), "icons": {}}
            self.enrol(Member(id=user, name=name, team_id=self.team_id, bot=True))
            self.apps[name] = Author(name, user, bot_id, app_id, profile)
        return self.apps[name]

    def add_channel(self, name: str, **traits: Any) -> Channel:
        """Make a channel; traits are the flags of Channel."""
        channel = Channel(id=self.mint.id("C"), name=name, **traits)
        self.channels[channel.id] = channel
        return channel

    def dm(self, person: Member) -> Channel:
        """Return the direct messages between the bot and a person, opened on first use."""
        for channel in self.channels.values():
            if channel.im is person:
                return channel
        channel = Channel(id=self.mint.id("D"), name="directmessage", private=True, im=person)
        self.channels[channel.id] = channel
        return channel

    def add_usergroup(self, handle: str, people: Iterable[Member] = ()) -> Usergroup:
        """Make a user group."""
        group = Usergroup(self.mint.id("S"), handle, [person.id for person in people], self._tell_of_group)
        self.usergroups[group.id] = group
        return group

    def content(self, text: str = "", blocks: object = None, attachments: object = None, **more: Any) -> Content:
        """Return content as Slack would store it."""
        kept_blocks = stored_blocks(list(blocks or []), self.mint)  # type: ignore[call-overload]
        kept_attachments = stored_attachments(list(attachments or []), self.mint)  # type: ignore[call-overload]
        return Content(text[:TEXT_KEPT], kept_blocks, kept_attachments, more.get("metadata"))

    def post(self, channel: Channel, author: Author, content: Content, **traits: Any) -> Message:
        """Put a message into a channel and tell apps; traits are thread_ts, broadcast and client_msg_id."""
        message = Message(self.mint.ts(), channel, author, content, self.team_id, **traits)
        channel.messages.append(message)
        if message.is_reply:
            self._start_thread(channel, message)
        self.emit(events.posted(message), channel)
        return message

    def edit(self, message: Message, content: Content, *, marked: bool = True) -> None:
        """Rewrite a message and tell apps; with `marked` people see that it was edited."""
        before = message.as_json()
        edited = {"user": message.by.user or "", "ts": self.mint.ts()} if marked else None
        message.rewrite(content, edited)
        if message.seen_only_by is None:
            self.emit(events.changed(message, before, self.mint.ts()), message.channel)

    def delete(self, message: Message) -> None:
        """Remove a message and tell apps."""
        message.deleted = True
        if message.seen_only_by is not None:
            self.people[message.seen_only_by].whispers.remove(message)
            return
        message.channel.messages.remove(message)
        self.emit(events.deleted(message, self.mint.ts()), message.channel)

    def whisper(self, person: Member, channel: Channel, content: Content, thread_ts: str | None = None) -> Message:
        """Show a message of the bot to one person only."""
        message = Message(self.mint.ts(), channel, self.bot, content, self.team_id, thread_ts, seen_only_by=person.id)
        person.whispers.append(message)
        return message

    def _start_thread(self, channel: Channel, reply: Message) -> None:
        root = channel.find(reply.thread_ts)
        if root is not None and root.thread_ts is None:
            root.thread_ts = root.ts

    def _tell_of_group(self, group: Usergroup, came: list[str], went: list[str]) -> None:
        self.emit(events.members_changed(group.id, self.team_id, came, went, self.mint.clock()))
