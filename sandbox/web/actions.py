"""What people do on the page, done by the same hands as in the tests."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from sandbox.certcentral import CertCentral
from sandbox.json_types import Json
from sandbox.slack import Channel, Delivery, Form, FormIncomplete, Message, Slack, Submitted, Unanswered
from sandbox.slack.blockkit.interactive_elements import Place
from sandbox.web.fault_presets import Switch
from sandbox.web.messages import escaped, say
from sandbox.web.open_modals import Hands
from sandbox.web.personas import Role, sees
from sandbox.web.sample_alerts import ALERTS

Act = Callable[[Role, Json], Awaitable[Json]]

REQUIRED = "Please complete this required field."


class Acts:
    """Everything that can be done, by name; each takes what the page sent and returns what it wants to know.

    LookupError, ValueError and KeyError mean that it cannot be done.
    """

    def __init__(
        self,
        slack: Slack,
        certcentral: CertCentral,
        hands: Hands,
        switch: Switch,
        *,
        alerts: Channel,
        commands: Collection[str],
    ) -> None:
        self._slack, self._certcentral = slack, certcentral
        self._hands, self._switch = hands, switch
        self._alerts, self._commands = alerts, commands
        self.by_name: dict[str, Act] = {
            "post": self.post,
            "command": self.command,
            "click": self.click,
            "shortcut": self.shortcut,
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
            "turn": self.turn,
            "alert": self.alert,
        }

    async def post(self, role: Role, body: Json) -> Json:
        """Write a message."""
        channel, text = self._channel(role, body), str(body["text"])
        return {"ts": say(self._slack, role.person, channel, text, body.get("thread_ts")).ts}

    async def command(self, role: Role, body: Json) -> Json:
        """Type a slash command; Slack tells what went wrong where no ack came in time."""
        channel, command, thread_ts = self._channel(role, body), str(body["command"]), body.get("thread_ts")
        if thread_ts:
            words = f"{escaped(command)} is not supported in threads. Sorry!"
            self._hands.notify(role.person, channel, words, thread_ts)
            return {}
        if role.is_from_elsewhere or command not in self._commands:
            self._hands.notify(role.person, channel, f"{escaped(command)} is not a valid command.")
            return {}
        connected = self._slack.sockets > 0
        delivery = await role.person.command(command, escaped(str(body["text"])), channel)
        if not delivery.acked:
            error = "operation_timeout" if connected else "dispatch_failed"
            self._hands.notify(role.person, channel, f'{command} failed with the error "{error}"')
        return _acked(delivery)

    async def click(self, role: Role, body: Json) -> Json:
        """Press a button, or choose from an overflow menu, below a message."""
        return _acked(await role.person.click(self._message(role, body), body.get("option") or _place(body)))

    async def shortcut(self, role: Role, body: Json) -> Json:
        """Use a message shortcut; people from elsewhere have none."""
        if role.is_from_elsewhere:
            raise LookupError("there are no shortcuts for people of other workspaces")
        return _acked(await role.person.shortcut(str(body["callback_id"]), self._message(role, body)))

    async def choose_below(self, role: Role, body: Json) -> Json:
        """Choose in a select below a message."""
        return _acked(await role.person.choose(self._message(role, body), _place(body), body["wanted"]))

    async def search_below(self, role: Role, body: Json) -> Json:
        """Type into the search of a select below a message; no options where the app stayed silent."""
        try:
            found = await role.person.search(self._message(role, body), _place(body), str(body["text"]))
        except Unanswered:
            return {"options": None}
        return {"options": [{"text": option["text"]["text"], "value": option["value"]} for option in found]}

    async def fill(self, role: Role, body: Json) -> Json:
        """Type into a text field of a modal."""
        self._form(role, body).fill(_place(body), str(body["text"]))
        return {}

    async def enter(self, role: Role, body: Json) -> Json:
        """Press Enter in a text field of a modal."""
        delivery = await self._form(role, body).press_enter(_place(body))
        return _acked(delivery) if delivery else {"acked": True}

    async def search(self, role: Role, body: Json) -> Json:
        """Type into the search of a select; no options where the app stayed silent."""
        try:
            return {"options": await self._form(role, body).search(str(body["text"]), _place(body))}
        except Unanswered:
            return {"options": None}

    async def choose(self, role: Role, body: Json) -> Json:
        """Choose in a modal: an option, several, an id, a date, or nothing."""
        delivery = await self._form(role, body).choose(body["wanted"], label=_place(body))
        return _acked(delivery) if delivery else {"acked": True}

    async def press(self, role: Role, body: Json) -> Json:
        """Press a button inside a modal, or choose from its overflow menu."""
        return _acked(await self._form(role, body).click(body.get("option") or _place(body)))

    async def submit(self, role: Role, body: Json) -> Json:
        """Submit a modal; what must be mended comes back by block."""
        try:
            submitted = await self._form(role, body).submit()
        except FormIncomplete as incomplete:
            return {"acked": True, "errors": dict.fromkeys(incomplete.block_ids, REQUIRED)}
        return {"acked": _took_effect(submitted), "errors": submitted.errors or {}}

    async def close(self, role: Role, body: Json) -> Json:
        """Cancel one modal, or close all that lie upon each other."""
        await self._form(role, body).close(everything=bool(body.get("everything")))
        return {}

    async def approve(self, _role: Role, body: Json) -> Json:
        """Follow the link of a mail in the outbox, as its recipient."""
        mail = next((mail for mail in self._certcentral.outbox if mail.id == body["mail"]), None)
        if mail is None:
            raise LookupError("there is no such mail")
        self._certcentral.approve(mail)
        return {}

    async def turn(self, _role: Role, body: Json) -> Json:
        """Change how CertCentral treats its callers."""
        self._switch.turn(str(body["mood"]))
        return {}

    async def alert(self, _role: Role, body: Json) -> Json:
        """Let another app post an alert."""
        message = ALERTS[str(body["name"])].post(self._slack, self._alerts)
        return {"channel": message.channel.id, "ts": message.ts}

    def _channel(self, role: Role, body: Json) -> Channel:
        channel = self._slack.channels.get(str(body["channel"]))
        if channel is None or not sees(role, channel):
            raise LookupError("there is no such channel")
        return channel

    def _message(self, role: Role, body: Json) -> Message:
        channel, ts = self._channel(role, body), body["ts"]
        shown: Sequence[Message] = (*channel.messages, *role.person.whispers)
        for message in shown:
            if message.ts == ts and message.channel is channel:
                return message
        raise LookupError("the message is gone")

    def _form(self, role: Role, body: Json) -> Form:
        return self._hands.form(role.person, body["view"])


def _place(body: Json) -> Place:
    return str(body["block_id"]), str(body["action_id"])


def _acked(delivery: Delivery) -> Json:
    return {"acked": delivery.acked}


def _took_effect(submitted: Submitted) -> Any:
    return submitted.acked and (submitted.closed or submitted.errors or submitted.view) is not None
