"""The actions of the page, carried out by the same simulated users as in the tests."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from sandbox.certcentral import CertCentral
from sandbox.json_types import Json
from sandbox.slack import (
    Channel,
    Delivery,
    Form,
    FormIncomplete,
    HomeTab,
    Message,
    Slack,
    SubmissionResult,
    SuggestionsTimeout,
)
from sandbox.slack.blockkit.interactive_elements import ElementKey, OptionKey
from sandbox.web.fault_presets import FaultSwitch
from sandbox.web.messages import escape_mentions, escape_text, post_as
from sandbox.web.open_modals import OpenModals
from sandbox.web.personas import Persona, can_see
from sandbox.web.sample_alerts import SAMPLE_ALERTS

Action = Callable[[Persona, Json], Awaitable[Json]]

REQUIRED = "Please complete this required field."


class Actions:
    """The actions by name. Each takes the JSON that the page sent, and returns the JSON of the answer.

    An action raises LookupError, ValueError or KeyError if it is not possible.
    """

    def __init__(
        self,
        slack: Slack,
        certcentral: CertCentral,
        modals: OpenModals,
        switch: FaultSwitch,
        *,
        alerts: Channel,
        commands: Collection[str],
    ) -> None:
        self._slack, self._certcentral = slack, certcentral
        self._modals, self._switch = modals, switch
        self._alerts, self._commands = alerts, commands
        self.by_name: dict[str, Action] = {
            "post": self.post,
            "command": self.command,
            "click": self.click,
            "shortcut": self.shortcut,
            "open_app": self.open_app,
            "fill": self.fill,
            "choose_below": self.choose_below,
            "search_below": self.search_below,
            "enter": self.enter,
            "search": self.search,
            "choose": self.choose,
            "press": self.press,
            "submit": self.submit,
            "close": self.close,
            "approve": self.approve,
            "apply_preset": self.apply_preset,
            "alert": self.alert,
        }

    async def post(self, persona: Persona, body: Json) -> Json:
        """Post a message."""
        channel, text = self._find_channel(persona, body), str(body["text"])
        return {"ts": post_as(self._slack, persona.person, channel, text, body.get("thread_ts")).ts}

    async def command(self, persona: Persona, body: Json) -> Json:
        """Type a slash command. Without an ack, Slackbot reports the error as Slack does."""
        channel, command, thread_ts = self._find_channel(persona, body), str(body["command"]), body.get("thread_ts")
        # Slack supports no slash commands in threads.
        if thread_ts:
            words = f"{escape_text(command)} is not supported in threads. Sorry!"
            self._modals.post_notice(persona.person, channel, words, thread_ts)
            return {}
        if persona.is_external or command not in self._commands:
            self._modals.post_notice(persona.person, channel, f"{escape_text(command)} is not a valid command.")
            return {}
        # Read before the command: a socket that opens meanwhile must not change the error.
        connected = self._slack.sockets > 0
        delivery = await persona.person.command(command, escape_mentions(self._slack, str(body["text"])), channel)
        if not delivery.acked:
            # These are the two errors that Slack shows for a slash command.
            error = "operation_timeout" if connected else "dispatch_failed"
            self._modals.post_notice(persona.person, channel, f'{command} failed with the error "{error}"')
        return _acked(delivery)

    async def click(self, persona: Persona, body: Json) -> Json:
        """Press a button or choose from an overflow menu below a message. The page has asked for confirmation."""
        message = self._find_message(persona, body)
        return _acked(await persona.person.click(message, _press_key(body), confirmed=True))

    async def shortcut(self, persona: Persona, body: Json) -> Json:
        """Use a message shortcut or, without a message, a global one. External users have none."""
        if persona.is_external:
            raise LookupError("People in other workspaces have no shortcuts of this app.")
        message = self._find_message(persona, body) if "ts" in body else None
        return _acked(await persona.person.shortcut(str(body["callback_id"]), message))

    async def open_app(self, persona: Persona, body: Json) -> Json:
        """Open the Home tab or the Messages tab of the app."""
        await (persona.person.opens_home() if body["tab"] == "home" else persona.person.opens_messages())
        return {}

    async def choose_below(self, persona: Persona, body: Json) -> Json:
        """Choose in a select below a message."""
        return _acked(
            await persona.person.choose(
                self._find_message(persona, body), _element_key(body), body["wanted"], confirmed=True
            )
        )

    async def search_below(self, persona: Persona, body: Json) -> Json:
        """Type into the search of a select below a message. `options` is None if the app did not answer."""
        try:
            found = await persona.person.search(
                self._find_message(persona, body), _element_key(body), str(body["text"])
            )
        except SuggestionsTimeout:
            return {"options": None}
        return {"options": [{"text": option["text"]["text"], "value": option["value"]} for option in found]}

    async def fill(self, persona: Persona, body: Json) -> Json:
        """Type into a text field of a modal or of the Home tab."""
        self._find_view(persona, body).fill(_element_key(body), str(body["text"]))
        return {}

    async def enter(self, persona: Persona, body: Json) -> Json:
        """Press Enter in a text field of a modal or of the Home tab."""
        delivery = await self._find_view(persona, body).press_enter(_element_key(body))
        return _acked(delivery) if delivery else {"acked": True}

    async def search(self, persona: Persona, body: Json) -> Json:
        """Type into the search of a select in a modal or on the Home tab.

        `options` is None if the app did not answer.
        """
        try:
            return {"options": await self._find_view(persona, body).search(str(body["text"]), _element_key(body))}
        except SuggestionsTimeout:
            return {"options": None}

    async def choose(self, persona: Persona, body: Json) -> Json:
        """Choose in a modal or on the Home tab: options, an id or a date, or nothing."""
        view = self._find_view(persona, body)
        delivery = await view.choose(body["wanted"], label=_element_key(body), confirmed=True)
        return _acked(delivery) if delivery else {"acked": True}

    async def press(self, persona: Persona, body: Json) -> Json:
        """Press a button or choose from an overflow menu in a modal or on the Home tab."""
        view = self._find_view(persona, body)
        return _acked(await view.click(_press_key(body), confirmed=True))

    async def submit(self, persona: Persona, body: Json) -> Json:
        """Submit a modal. Returns the errors by block_id."""
        try:
            submitted = await self._find_form(persona, body).submit()
        except FormIncomplete as incomplete:
            return {"acked": True, "errors": dict.fromkeys(incomplete.block_ids, REQUIRED)}
        return {"acked": _is_complete(submitted), "errors": submitted.errors or {}}

    async def close(self, persona: Persona, body: Json) -> Json:
        """Close one modal, or with `everything` the whole stack."""
        await self._find_form(persona, body).close(everything=bool(body.get("everything")))
        return {}

    async def approve(self, _role: Persona, body: Json) -> Json:
        """Follow the link of an email in the outbox, as its recipient."""
        mail = next((mail for mail in self._certcentral.outbox if mail.id == body["mail"]), None)
        if mail is None:
            raise LookupError("This email does not exist.")
        self._certcentral.approve(mail)
        return {}

    async def apply_preset(self, _role: Persona, body: Json) -> Json:
        """Select how CertCentral answers from now on."""
        self._switch.select(str(body["preset"]))
        return {}

    async def alert(self, _role: Persona, body: Json) -> Json:
        """Post an alert as another app."""
        message = SAMPLE_ALERTS[str(body["name"])].post(self._slack, self._alerts)
        return {"channel": message.channel.id, "ts": message.ts}

    def _find_channel(self, persona: Persona, body: Json) -> Channel:
        channel = self._slack.channels.get(str(body["channel"]))
        if channel is None or not can_see(persona, channel):
            raise LookupError("This channel does not exist, or you are not in it.")
        return channel

    def _find_message(self, persona: Persona, body: Json) -> Message:
        channel, ts = self._find_channel(persona, body), body["ts"]
        # Ephemeral messages are not in the channel, yet they have buttons too.
        shown: Sequence[Message] = (*channel.messages, *persona.person.ephemerals)
        for message in shown:
            if message.ts == ts and message.channel is channel:
                return message
        raise LookupError("This message was deleted.")

    def _find_view(self, persona: Persona, body: Json) -> Form | HomeTab:
        return self._modals.find_view(persona.person, body["view"])

    def _find_form(self, persona: Persona, body: Json) -> Form:
        return self._modals.find_form(persona.person, body["view"])


def _element_key(body: Json) -> ElementKey:
    return str(body["block_id"]), str(body["action_id"])


def _press_key(body: Json) -> ElementKey | OptionKey:
    return (*_element_key(body), str(body["option"])) if body.get("option") else _element_key(body)


def _acked(delivery: Delivery) -> Json:
    return {"acked": delivery.acked}


def _is_complete(submitted: SubmissionResult) -> Any:
    return submitted.acked and (submitted.closed or submitted.errors or submitted.view) is not None
