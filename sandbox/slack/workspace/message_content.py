"""A message: who wrote it, what it says now and what it said before."""

from dataclasses import dataclass, field

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import button_labels
from sandbox.slack.blockkit.plain_text import attachment_lines, block_lines, render_mrkdwn, visible_text


@dataclass(frozen=True)
class MessageContent:
    """One version of a message."""

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None

    @property
    def visible_text(self) -> str:
        """What a person reads: blocks where there are any, else the text; then the attachments."""
        body = visible_text(self.blocks) if self.blocks else render_mrkdwn(self.text)
        return "\n".join([body, *(render_mrkdwn(line) for line in attachment_lines(self.attachments))]).strip()

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
class MessageAuthor:
    """Who wrote a message: a person (only `user`), an app, or an app of the old kind (no `user`)."""

    name: str
    user: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    profile: Json | None = None
