"""The content and the author of a message."""

from dataclasses import dataclass, field
from typing import Protocol

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import button_labels
from sandbox.slack.blockkit.plain_text import attachment_lines, block_lines, render_mrkdwn, visible_text


class AttachedFile(Protocol):
    """A file of a message."""

    @property
    def visible_text(self) -> str:
        """Return the text that a user reads."""

    def as_json(self) -> Json:
        """Return the file object that apps receive."""


@dataclass(frozen=True)
class MessageContent:
    """One version of a message. `files` are uploads, or the email that Slack's email app posted without any text."""

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    files: "tuple[AttachedFile, ...]" = ()

    @property
    def visible_text(self) -> str:
        """Return the text that a user reads: the blocks, or the text if there are none, and the attachments."""
        body = visible_text(self.blocks) if self.blocks else render_mrkdwn(self.text)
        attached = [render_mrkdwn(line) for line in attachment_lines(self.attachments)]
        return "\n".join([body, *attached, *(file.visible_text for file in self.files)]).strip()

    @property
    def buttons(self) -> list[str]:
        """Return the labels of all buttons."""
        return button_labels(self.all_blocks)

    @property
    def all_blocks(self) -> list[Json]:
        """Return the blocks of the message and of its attachments."""
        return self.blocks + [block for item in self.attachments for block in item.get("blocks") or []]

    def says(self, fragment: str) -> bool:
        """Return whether the message contains the fragment, as it reads or as it was written."""
        written = [self.text, *block_lines(self.blocks), *attachment_lines(self.attachments)]
        return fragment in self.visible_text or any(fragment in line for line in written)


@dataclass(frozen=True)
class MessageAuthor:
    """The author of a message: a user (only `user`), an app, or an old webhook (no `user`)."""

    name: str
    user: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    profile: Json | None = None
