"""A message: who wrote it, what it says now and what it said before."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import button_labels
from sandbox.slack.blockkit.plain_text import attachment_lines, block_lines, plain, visible

if TYPE_CHECKING:
    from sandbox.slack.workspace.workspace import Channel


@dataclass(frozen=True)
class Content:
    """One version of a message."""

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None

    @property
    def visible_text(self) -> str:
        """What a person reads: blocks where there are any, else the text; then the attachments."""
        body = visible(self.blocks) if self.blocks else plain(self.text)
        return "\n".join([body, *(plain(line) for line in attachment_lines(self.attachments))]).strip()

    @property
    def buttons(self) -> list[str]:
        """The labels of all buttons."""
        return button_labels(self.all_blocks)

    @property
    def all_blocks(self) -> list[Json]:
        """The blocks, then those of the attachments."""
        return self.blocks + [block for item in self.attachments for block in item.get("blocks") or []]

    def says(self, fragment: str) -> bool:
        """Tell whether the fragment is in the visible text, as it reads or as it was written, or in the text."""
        written = [self.text, *block_lines(self.blocks), *attachment_lines(self.attachments)]
        return fragment in self.visible_text or any(fragment in line for line in written)


@dataclass(frozen=True)
class Author:
    """Who wrote a message: a person (only `user`), an app, or an app of the old kind (no `user`)."""

    name: str
    user: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    profile: Json | None = None


@dataclass(eq=False)
class Message:
    """A message in a channel, or one that `seen_only_by` a single person."""

    ts: str
    channel: "Channel"
    by: Author
    content: Content
    team_id: str
    thread_ts: str | None = None
    broadcast: bool = False
    client_msg_id: str | None = None
    seen_only_by: str | None = None
    edited: Json | None = None
    deleted: bool = False
    history: list[Content] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text for notifications and screen readers."""
        return self.content.text

    @property
    def blocks(self) -> list[Json]:
        """The blocks as Slack stored them."""
        return self.content.blocks

    @property
    def attachments(self) -> list[Json]:
        """The attachments as Slack stored them."""
        return self.content.attachments

    @property
    def metadata(self) -> Json | None:
        """What the app noted beside the message: event_type and event_payload."""
        return self.content.metadata

    @property
    def visible_text(self) -> str:
        """What a person reads now."""
        return self.content.visible_text

    @property
    def buttons(self) -> list[str]:
        """The labels of the buttons that are there now."""
        return self.content.buttons

    @property
    def author(self) -> str:
        """The name of the person or app that wrote it."""
        return self.by.name

    @property
    def is_reply(self) -> bool:
        """Whether it hangs below another message."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def rewrite(self, content: Content, edited: Json | None) -> None:
        """Put new content in place; the old one stays in the history."""
        self.history.append(self.content)
        self.content = content
        self.edited = edited or self.edited

    def as_json(self, *, metadata: bool = False) -> Json:
        """Return the message as Slack shows it to apps; metadata only when asked for."""
        own: Json = {"type": "message", "text": self.text, "ts": self.ts, **self._authorship()}
        extras = {
            "client_msg_id": self.client_msg_id,
            "thread_ts": self.thread_ts,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "edited": self.edited,
            "metadata": self.metadata if metadata else None,
        }
        return own | {name: value for name, value in extras.items() if value}

    def _authorship(self) -> Json:
        if self.by.bot_id and self.by.user is None:
            return {"subtype": "bot_message", "username": self.by.name, "bot_id": self.by.bot_id}
        parts: Json = {"user": self.by.user, "bot_id": self.by.bot_id, "app_id": self.by.app_id}
        parts |= {"team": self.team_id, "bot_profile": self.by.profile}
        return {name: value for name, value in parts.items() if value}
