"""A simulated user: commands, clicks, shortcuts and messages, and what the user sees."""

from dataclasses import dataclass
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import EXTERNAL, VALUE_KEYS, ElementKey, OptionKey, find_fields
from sandbox.slack.people.app_user import AppUser
from sandbox.slack.people.confirmation import ConfirmationDialog, require_confirmed
from sandbox.slack.people.form_filling import find_field
from sandbox.slack.people.forms import Form
from sandbox.slack.people.home_tab import HomeTab
from sandbox.slack.people.pickers import require_offered
from sandbox.slack.people.suggestions import read_offered_options
from sandbox.slack.workspace import payloads
from sandbox.slack.workspace.api_errors import SlackError
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.models import Channel, Message


@dataclass(eq=False, kw_only=True)
class SimulatedUser(AppUser):
    """A member whose actions wait until the app has acknowledged them, for three seconds at most."""

    @property
    def direct_messages(self) -> list[Message]:
        """Return the bot's direct messages to this user."""
        bot = self.slack.bot.bot_id
        return [message for message in self.slack.dm(self).messages if message.by.bot_id == bot]

    @property
    def open_forms(self) -> list[Form]:
        """Return the modals that no other modal covers, the one in front last."""
        return [Form(self, view) for view in self.slack.modals.top(self)]

    async def command(self, command: str, text: str = "", channel: Channel | None = None) -> Delivery:
        """Type a slash command. The message in its ack, if any, is shown."""
        place = channel or self.slack.dm(self)
        payload = payloads.slash_command(self.slack, self, command, text, place)
        payload["response_url"] = self.slack.response_urls.issue(self, place)
        payload["trigger_id"] = self.slack.triggers.issue(self)
        delivery = await self.slack.deliver("slash_commands", payload, f"{command} of {self.name}")
        if delivery.acked and delivery.payload:
            self._show_answer(payload, delivery.payload, place)
        return delivery

    @property
    def home_tab(self) -> HomeTab:
        """Return what the Home tab shows, without opening it."""
        return HomeTab(self, self.slack.modals.home(self))

    async def opens_home(self) -> HomeTab:
        """Open the Home tab, and wait until the app has acknowledged the event, if it is subscribed to it.

        Raises LookupError if the app has no such tab.
        """
        await self._open_tab("home", has_tab=self.slack.home_tab_enabled)
        return self.home_tab

    async def opens_messages(self) -> Channel:
        """Open the Messages tab of the app, as `opens_home` opens the Home tab."""
        await self._open_tab("messages", has_tab=self.slack.messages_tab_enabled)
        return self.slack.dm(self)

    async def sees_home(self, containing: str, timeout: float = 20.0) -> HomeTab:  # noqa: ASYNC109 - the deadline is the contract here
        """Wait until the Home tab contains this, without opening it again."""
        home = self.home_tab
        what = f"the Home tab of {self.name} to contain {containing!r}"
        return await self.slack.wait_for(lambda: home if home.says(containing) else None, what, timeout)

    async def click(
        self,
        message: Message,
        label: str | ElementKey | OptionKey | None = None,
        *,
        action_id: str | None = None,
        after: str | None = None,
        confirmed: bool = False,
    ) -> Delivery:
        """Press a button or choose from an overflow menu below a message.

        With `after`, it is the first one at or below this text. Raises LookupError if there is no such button, and
        ConfirmationNeeded if Slack asks first, unless the user has `confirmed`.
        """
        press = self.find_press(message.content.all_blocks, label, action_id, after)
        require_confirmed(press.element, confirmed=confirmed)
        action = self.compose_press(press)
        parts = payloads.message_source(message, self)
        parts["response_url"] = self.slack.response_urls.issue(self, message.channel, message)
        return await self.interact("block_actions", f"click on {_action_label(action)}", actions=[action], **parts)

    def confirmation(
        self,
        message: Message,
        label: str | ElementKey | None = None,
        *,
        action_id: str | None = None,
        after: str | None = None,
    ) -> ConfirmationDialog:
        """Return the dialog in which Slack asks before it sends this press. Raises LookupError if there is none."""
        return self.find_press(message.content.all_blocks, label, action_id, after).dialog

    async def choose(self, message: Message, place: ElementKey, wanted: Any, *, confirmed: bool = False) -> Delivery:
        """Choose in a select, a picker or boxes below a message: options, an id or a date, or nothing.

        Raises ConfirmationNeeded if Slack asks first, unless the user has `confirmed`.
        """
        each = find_field(find_fields(message.content.all_blocks), place, VALUE_KEYS)
        require_offered(self.slack, self, each, [wanted] if isinstance(wanted, str) else [])
        require_confirmed(each.element, confirmed=confirmed)
        message.chosen.setdefault(self.id, {})[each.key] = each.state_with(wanted)
        action = payloads.action(self.slack, each.block_id, each.element, **{each.value_key: wanted})
        parts = payloads.message_source(message, self)
        parts["response_url"] = self.slack.response_urls.issue(self, message.channel, message)
        return await self.interact("block_actions", f"choice in {each.action_id}", actions=[action], **parts)

    async def search(self, message: Message, place: ElementKey, text: str) -> list[Json]:
        """Type into the search of a select below a message and return the options.

        Raises SuggestionsTimeout after three seconds.
        """
        each = find_field(find_fields(message.content.all_blocks), place, EXTERNAL)
        asked = {"block_id": each.block_id, "action_id": each.action_id, "value": text}
        source = payloads.message_source(message, self)
        delivery = await self.interact("block_suggestion", f"search for {text!r}", **asked, **source)
        return read_offered_options(delivery, self.slack.report_problem)

    async def shortcut(self, callback_id: str, message: Message | None = None) -> Delivery:
        """Use a message shortcut or, without a message, a global one.

        Raises LookupError if the app has no such shortcut. People of other organizations have none.
        """
        what, kind = f"shortcut {callback_id}", "global" if message is None else "message"
        declared = self.slack.shortcuts
        if self.stranger or (declared is not None and declared.get(callback_id) != kind):
            raise LookupError(f"there is no {kind} shortcut {callback_id!r} for {self.name} among {declared}")
        if message is None:
            return await self.send(payloads.global_shortcut(self.slack, self, callback_id), what)
        if message.seen_only_by is not None:
            raise LookupError("there are no shortcuts on messages that only one person sees")
        parts = payloads.message_action(self.slack, self, callback_id, message)
        parts["response_url"] = self.slack.response_urls.issue(self, message.channel, message, shortcut=True)
        return await self.send(parts, what)

    async def post(
        self,
        channel: Channel,
        text: str = "",
        *,
        thread_ts: str | None = None,
        blocks: list[Json] | None = None,
        attachments: list[Json] | None = None,
    ) -> Message:
        """Post a message, and wait until the app has acknowledged its event, if it is subscribed to it."""
        content = self.slack.build_content(text, blocks or _typed_blocks(text), attachments)
        client_msg_id = self.slack.ids.new_id("", 24).lower()
        message = self.slack.post(channel, self.author, content, thread_ts=thread_ts, client_msg_id=client_msg_id)
        await self.slack.wait_for_events()
        return message

    async def sees_form(self, containing: str | None = None, timeout: float = 20.0) -> Form:  # noqa: ASYNC109 - the deadline is the contract here
        """Wait for a modal in front whose title or text contains this."""
        what = f"a form for {self.name}" + (f" containing {containing!r}" if containing else "")
        return await self.slack.wait_for(lambda: self._find_form(containing), what, timeout)

    async def receives(self, containing: str, timeout: float = 20.0) -> Message:  # noqa: ASYNC109 - the deadline is the contract here
        """Wait for an ephemeral message to this user that contains this."""
        return await self.slack.wait_for(
            lambda: self._find_ephemeral(containing), f"an ephemeral message to {self.name}: {containing!r}", timeout
        )

    async def is_notified(self, containing: str, timeout: float = 20.0) -> Message:  # noqa: ASYNC109 - the deadline is the contract here
        """Wait for a notification of a message that contains this: a direct message, or a mention in a new message."""

        def find() -> Message | None:
            return next((message for message in self.notifications if message.content.says(containing)), None)

        return await self.slack.wait_for(find, f"a notification for {self.name}: {containing!r}", timeout)

    async def gets_direct_message(self, containing: str, timeout: float = 20.0) -> Message:  # noqa: ASYNC109 - the deadline is the contract here
        """Wait for a direct message of the bot that contains this."""
        return await self.slack.sees_message(self.slack.dm(self), containing=containing, timeout=timeout)

    async def _open_tab(self, tab: str, *, has_tab: bool) -> None:
        if not has_tab:
            raise LookupError(f"the app has no tab {tab!r}")
        self.slack.emit(payloads.app_home_opened(self.slack, self, tab))
        await self.slack.wait_for_events()

    def _show_answer(self, command: Json, answer: Json, channel: Channel) -> None:
        public = answer.get("response_type") == "in_channel"
        # With response_type in_channel, Slack also shows the command itself to everyone.
        if public:
            typed = f"{command['command']} {command['text']}".strip()
            self.slack.post(channel, self.author, self.slack.build_content(typed))
        if public and not (answer.get("text") or answer.get("blocks")):
            return
        try:
            self.slack.response_urls.show_command_answer(command["response_url"], answer)
        except SlackError as error:
            self.slack.report_problem(f"the answer to {command['command']} was refused: {error.error} {error.extras}")
        self.slack.changes.notify_all()

    def _find_form(self, containing: str | None) -> Form | None:
        fitting = [form for form in self.open_forms if containing is None or form.says(containing)]
        return fitting[-1] if fitting else None

    def _find_ephemeral(self, containing: str) -> Message | None:
        # The newest one counts: earlier answers may contain the same words.
        return next((message for message in reversed(self.ephemerals) if message.content.says(containing)), None)


def _typed_blocks(text: str) -> list[Json]:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return [{"type": "rich_text", "elements": [section]}] if text else []


def _action_label(action: Json) -> str:
    return repr(action.get("text", {}).get("text") or action["action_id"])
