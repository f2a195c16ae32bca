"""response_url: five posts within thirty minutes, back to where a person did something."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.json_types import Json
from sandbox.slack.workspace.api_errors import Refused, require_message
from sandbox.slack.workspace.message_content import Author, Content
from sandbox.slack.workspace.models import Channel, Member, Message
from sandbox.slack.workspace.workspace import Workspace

USES = 5
SECONDS = 30 * 60.0


@dataclass(eq=False)
class Hook:
    """Where an answer goes: to a person in a channel; `source` is the bot's message that was used, if it was one."""

    person: Member
    channel: Channel
    at: float
    source: Message | None = None
    thread_ts: str | None = None
    keeps_out_of_threads: bool = False
    uses: int = 0


class Hooks:
    """Issues response_urls and does what is posted to them."""

    def __init__(self, here: Workspace) -> None:
        self._here = here
        self._hooks: dict[str, Hook] = {}
        self.address: Callable[[str], str] = lambda key: key

    def issue(self, person: Member, channel: Channel, message: Message | None = None, *, shortcut: bool = False) -> str:
        """Return the response_url for something that `person` did in a channel or with a message there."""
        key = f"{self._here.team_id}/{self._here.mint.id('', 24)}"
        source = message if message and message.by.bot_id == self._here.bot.bot_id else None
        thread_ts = message.thread_ts if message and message.seen_only_by else None
        self._hooks[key] = Hook(person, channel, self._here.mint.clock(), source, thread_ts, shortcut)
        return self.address(key)

    def use(self, key: str, body: Json) -> None:
        """Take a post to a response_url; Refused with used_url, expired_url, no_service or what is wrong with it."""
        hook = self._hooks.get(key)
        if hook is None:
            raise Refused("no_service")
        if hook.uses >= USES:
            raise Refused("used_url")
        if self._here.mint.clock() - hook.at > SECONDS:
            raise Refused("expired_url")
        hook.uses += 1
        self._apply(hook, body)

    def answer(self, url: str, body: Json) -> None:
        """Show a message that came with the ack of a command; it uses up nothing."""
        key = next(key for key in self._hooks if self.address(key) == url)
        self._apply(self._hooks[key], body)

    def _apply(self, hook: Hook, body: Json) -> None:
        if body.get("delete_original") and hook.source:
            if not hook.source.deleted:
                self._here.delete(hook.source)
            return
        require_message(body)
        content = self._here.content(body.get("text") or "", body.get("blocks"), body.get("attachments"))
        if body.get("replace_original") and hook.source and not hook.source.deleted:
            self._here.edit(hook.source, content, marked=False)
        elif body.get("response_type") == "in_channel":
            self._here.post(hook.channel, self._author(), content, thread_ts=self._thread(hook, body))
        else:
            self._whisper(hook, body, content)

    def _whisper(self, hook: Hook, body: Json, content: Content) -> None:
        self._here.whisper(hook.person, hook.channel, content, self._thread(hook, body) or hook.thread_ts)

    def _thread(self, hook: Hook, body: Json) -> str | None:
        wanted = body.get("thread_ts")
        if hook.keeps_out_of_threads or not hook.channel.find(wanted):
            return None
        return str(wanted)

    def _author(self) -> Author:
        return Author(self._here.bot.name, bot_id=self._here.bot.bot_id)
