"""response_urls: five posts within thirty minutes, to the channel of an interaction."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.json_types import Json
from sandbox.slack.workspace.api_errors import SlackError, require_valid_message
from sandbox.slack.workspace.message_content import MessageAuthor, MessageContent
from sandbox.slack.workspace.models import Channel, Member, Message
from sandbox.slack.workspace.workspace import Workspace

MAX_USES = 5
LIFETIME_SECONDS = 30 * 60.0


@dataclass(eq=False)
class ResponseUrl:
    """A response_url of one interaction. `source` is the bot's message that the user clicked, if any."""

    person: Member
    channel: Channel
    at: float
    source: Message | None = None
    thread_ts: str | None = None
    ignores_threads: bool = False
    uses: int = 0


class ResponseUrls:
    """The issued response_urls, and the effect of posts to them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._issued: dict[str, ResponseUrl] = {}
        self.build_url: Callable[[str], str] = lambda key: key

    def issue(self, person: Member, channel: Channel, message: Message | None = None, *, shortcut: bool = False) -> str:
        """Return the response_url for an action of `person` in a channel or on a message there."""
        key = f"{self._workspace.team_id}/{self._workspace.ids.new_id('', 24)}"
        # Only the bot's own message can be replaced or deleted, and only from a button or menu of that message.
        is_own = message is not None and message.by.bot_id == self._workspace.bot.bot_id
        source = message if is_own and not shortcut else None
        thread_ts = message.thread_ts if message and message.seen_only_by else None
        self._issued[key] = ResponseUrl(person, channel, self._workspace.ids.clock(), source, thread_ts, shortcut)
        return self.build_url(key)

    def accept_post(self, key: str, body: Json) -> None:
        """Apply a post. Raises SlackError with used_url, expired_url, no_service or the message's own error."""
        hook = self._issued.get(key)
        if hook is None:
            raise SlackError("no_service")
        if hook.uses >= MAX_USES:
            raise SlackError("used_url")
        if self._workspace.ids.clock() - hook.at > LIFETIME_SECONDS:
            raise SlackError("expired_url")
        hook.uses += 1
        self._apply(hook, body)

    def show_command_answer(self, url: str, body: Json) -> None:
        """Show the message in the ack of a command. This does not count as a use."""
        key = next(key for key in self._issued if self.build_url(key) == url)
        self._apply(self._issued[key], body)

    def _apply(self, hook: ResponseUrl, body: Json) -> None:
        if body.get("delete_original") and hook.source:
            if not hook.source.deleted:
                self._workspace.delete(hook.source)
            return
        require_valid_message(body, self._workspace.limits)
        content = self._workspace.build_content(body.get("text") or "", body.get("blocks"), body.get("attachments"))
        replaces = body.get("replace_original", self._workspace.clicks_replace_by_default)
        if replaces and hook.source and not hook.source.deleted:
            self._workspace.edit(hook.source, content, marked=False)
        elif body.get("response_type") == "in_channel":
            self._workspace.post(hook.channel, self._author(), content, thread_ts=self._thread(hook, body))
        else:
            self._post_ephemeral(hook, body, content)

    def _post_ephemeral(self, hook: ResponseUrl, body: Json, content: MessageContent) -> None:
        self._workspace.post_ephemeral(hook.person, hook.channel, content, self._thread(hook, body) or hook.thread_ts)

    def _thread(self, hook: ResponseUrl, body: Json) -> str | None:
        wanted = body.get("thread_ts")
        if hook.ignores_threads or not hook.channel.find(wanted):
            return None
        return str(wanted)

    def _author(self) -> MessageAuthor:
        return MessageAuthor(self._workspace.bot.name, bot_id=self._workspace.bot.bot_id)
