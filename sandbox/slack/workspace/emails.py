"""An email that Slack's email app posts in a channel, sent to the channel's own address."""

from dataclasses import dataclass
from typing import Literal

from sandbox.json_types import Json

SLACKBOT_ID = "USLACKBOT"
EmailDetail = Literal["whole", "subject", "title"]


@dataclass(frozen=True)
class Email:
    """An email, and how much of it apps see: all of it, the subject, or only the title of the file."""

    id: str
    subject: str
    body: str
    sender: str
    name: str
    detail: EmailDetail

    @property
    def visible_text(self) -> str:
        """Return the text that a user reads."""
        return f"{self.subject}\n{self.body}"

    def as_json(self) -> Json:
        """Return the file object that apps receive."""
        # The title alone was recorded in an event, the whole in an answer of conversations.history.
        file: Json = {"id": self.id, "filetype": "email", "mode": "email", "title": self.subject}
        if self.detail == "title":
            return file
        sender = {"address": self.sender, "name": self.name, "original": f"{self.name} <{self.sender}>"}
        file |= {"name": self.subject, "mimetype": "text/html", "subject": self.subject, "from": [sender]}
        if self.detail == "subject":
            return file
        return file | {"to": [], "cc": [], "plain_text": self.body, "preview_plain_text": self.body}
