"""The members, groups, channels and messages of a workspace."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import ElementKey, find_fields, nest_values
from sandbox.slack.workspace.message_content import MessageAuthor, MessageContent


@dataclass(eq=False, kw_only=True)
class Member:
    """A person or an app's user. Tests may change the fields at any time.

    `notifications` are the direct messages, and the messages that mention the user or one of the user's groups.
    """

    id: str
    name: str
    team_id: str
    real_name: str = ""
    deleted: bool = False
    bot: bool = False
    workflow_bot: bool = False
    guest: bool = False
    ultra_guest: bool = False
    stranger: bool = False
    enterprise_id: str | None = None
    enterprise_user_id: str | None = None
    teams: tuple[str, ...] = ()
    ephemerals: "list[Message]" = field(default_factory=list, repr=False)
    notifications: "list[Message]" = field(default_factory=list, repr=False)

    @property
    def author(self) -> MessageAuthor:
        """Return the author of this member's messages."""
        return MessageAuthor(self.name, user=self.id)


@dataclass(eq=False, kw_only=True)
class Channel:
    """A channel or, with `im`, the direct messages with a user. `member` is whether the bot is in it.

    `ext_shared` means shared with another organization, `org_shared` with other workspaces of the same one.
    `pending_shared` and `invited_teams` are the two ways in which Slack shows an invitation of another organization.
    """

    id: str
    name: str
    private: bool = False
    ext_shared: bool = False
    org_shared: bool = False
    pending_shared: bool = False
    invited_teams: tuple[str, ...] = ()
    member: bool = True
    archived: bool = False
    read_only: bool = False
    im: Member | None = None
    # Everyone is a member of each channel, except the ids in `absent`.
    absent: set[str] = field(default_factory=set)
    messages: "list[Message]" = field(default_factory=list, repr=False)

    @property
    def kind(self) -> str:
        """Return the channel_type of events: channel, group or im."""
        return "im" if self.im else "group" if self.private else "channel"

    def find(self, ts: object) -> "Message | None":
        """Return the message with this timestamp, or None."""
        return next((message for message in self.messages if message.ts == str(ts)), None)

    def thread(self, ts: str) -> "list[Message]":
        """Return the replies below a message, oldest first."""
        return [message for message in self.messages if message.thread_ts == ts and message.is_reply]


@dataclass(eq=False)
class Usergroup:
    """A user group. `on_change` is called with the added and the removed members."""

    id: str
    handle: str
    members: list[str]
    on_change: Callable[["Usergroup", list[str], list[str]], None] = field(repr=False)

    def set_members(self, people: Iterable[Member], *, notify: bool = True) -> None:
        """Replace the members. With `notify`, the app receives an event."""
        before, self.members = self.members, [person.id for person in people]
        if notify:
            came = [user for user in self.members if user not in before]
            self.on_change(self, came, [user for user in before if user not in self.members])


@dataclass(eq=False)
class Message:
    """A message in a channel, or an ephemeral one that only the user `seen_only_by` sees.

    `chosen` has what each user chose in the elements below it, by user id.
    """

    ts: str
    channel: Channel
    by: MessageAuthor
    content: MessageContent
    team_id: str
    thread_ts: str | None = None
    broadcast: bool = False
    client_msg_id: str | None = None
    seen_only_by: str | None = None
    edited: Json | None = None
    deleted: bool = False
    history: list[MessageContent] = field(default_factory=list)
    chosen: dict[str, dict[ElementKey, Json]] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """Return the text for notifications and screen readers."""
        return self.content.text

    @property
    def blocks(self) -> list[Json]:
        """Return the blocks as Slack stores them."""
        return self.content.blocks

    @property
    def attachments(self) -> list[Json]:
        """Return the attachments as Slack stores them."""
        return self.content.attachments

    @property
    def metadata(self) -> Json | None:
        """Return the app's metadata: event_type and event_payload."""
        return self.content.metadata

    @property
    def visible_text(self) -> str:
        """Return the text that a user reads now."""
        return self.content.visible_text

    @property
    def buttons(self) -> list[str]:
        """Return the labels of the current buttons."""
        return self.content.buttons

    @property
    def author(self) -> str:
        """Return the name of the user or app that wrote the message."""
        return self.by.name

    @property
    def is_reply(self) -> bool:
        """Return whether the message is a reply in a thread."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def rewrite(self, content: MessageContent, edited: Json | None) -> None:
        """Replace the content. The old content is added to the history."""
        self.history.append(self.content)
        self.content = content
        self.chosen.clear()
        # An update without a mark does not remove an earlier one.
        self.edited = edited or self.edited

    def state(self, user_id: str) -> Json:
        """Return the state with the value of every field, as this user sees it."""
        initial = {each.key: each.initial_state() for each in find_fields(self.content.all_blocks)}
        return nest_values(initial | self.chosen.get(user_id, {}))

    def as_json(self, *, metadata: bool = False) -> Json:
        """Return the message as apps receive it. Metadata is included only if asked for."""
        own: Json = {"type": "message", "text": self.text, "ts": self.ts, **self._authorship()}
        extras = {
            "client_msg_id": self.client_msg_id,
            "thread_ts": self.thread_ts,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "edited": self.edited,
            "metadata": self.metadata if metadata else None,
            **self._attached_files(),
        }
        return own | {name: value for name, value in extras.items() if value}

    def _attached_files(self) -> Json:
        files = [file.as_json() for file in self.content.files]
        return {"files": files, "subtype": "file_share", "upload": True, "display_as_bot": True} if files else {}

    def _authorship(self) -> Json:
        # The format of old webhooks, with a name instead of a user.
        if self.by.bot_id and self.by.user is None:
            return {"subtype": "bot_message", "username": self.by.name, "bot_id": self.by.bot_id}
        parts: Json = {"user": self.by.user, "bot_id": self.by.bot_id, "app_id": self.by.app_id}
        parts |= {"team": self.team_id, "bot_profile": self.by.profile}
        return {name: value for name, value in parts.items() if value}
