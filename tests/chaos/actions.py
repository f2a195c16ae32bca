"""The actions of a schedule, by people and by faults: one method for each step."""

import asyncio
import re
import time
from collections.abc import Iterator

from bot.clock import ends_within
from bot.languages import LANGUAGES
from sandbox.faults import Fault
from sandbox.slack import Channel, Form, FormIncomplete, Message, SimulatedUser, SuggestionsTimeout
from tests.chaos.environment import Environment, addresses, lapsed_name, step_keys, targets
from tests.chaos.faults import PUTS, READS, SLACK
from tests.chaos.schedules import BELOW, MAY, ORDERS, Step

# Of a button whose effect faults may lose. Each refusal of one uses a response_url, which works five times.
PRESSES = 4
SEES_SECONDS = 4.0
# A person without permission gives up so soon.
SOON_SECONDS = 1.0
LATE_SECONDS = 480.0
FLOOD = 40
FLOOD_SECONDS = 1.0
FIRST_UNKNOWN_ORDER = 880001
# How often the colleague asks, and how long they wait each time.
ASKS, SERVED_SECONDS = 3, 6.0
# What must not happen to the person who waits while another one floods the bot, for the bot to be at fault.
MAKES_PEOPLE_WAIT = ("kill", "freeze", "database_away", "trouble_socket", "dismiss", "dismiss_while_busy")


class Actions:
    """Runner of a schedule's steps. A step that a fault makes impossible is skipped."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.slack, self.certcentral = env.slack, env.certcentral
        self._handled: set[str] = set()
        self._languages = {order_id: [code for code in LANGUAGES if code != "en"] for order_id in (*ORDERS, BELOW)}

    async def play(self) -> None:
        """Run all steps, each at its time."""
        began = time.monotonic()
        await asyncio.gather(*(self._step(step, began) for step in self.env.schedule.steps))

    async def late(self) -> None:
        """Move the clocks eight minutes ahead, after the faults, and redeliver some of all envelopes."""
        self.env.pass_time(LATE_SECONDS)
        sent = self.slack.deliveries
        chosen = sent[:: max(1, len(sent) // 8)]
        self.env.injected["envelope 8 minutes late"] += len(chosen)
        await asyncio.gather(*(delivery.redeliver(new_id=number % 2 == 1) for number, delivery in enumerate(chosen)))

    async def _step(self, step: Step, began: float) -> None:
        await asyncio.sleep(began + step.at - time.monotonic())
        try:
            await getattr(self, step.what)(**step.details)
        except (LookupError, TimeoutError, FormIncomplete, SuggestionsTimeout):
            # A fault or a denial removed what the step needs, and a real person would give up as well.
            return

    # People

    async def line(self, person: str, order_id: int, reason: str | None, again: str) -> None:
        """Send a resend command that needs no form."""
        respond_to = " ".join(f"to {address}" for address in addresses(order_id))
        who = self.env.people[person]
        text = f"{order_id} {respond_to} in {self._language(order_id, who)}" + (f" because {reason}" if reason else "")
        self.slack.duplicate_next = self.slack.duplicate_next or again == "sent twice"
        delivery = await who.command("/dcv-resend", text, self._channel(order_id))
        if again == "double click":
            await self._redelivered(delivery)

    async def form(self, person: str, order_id: int, reason: str | None, again: str) -> None:
        """Open the form by command, fill it in, and submit it."""
        who = self.env.people[person]
        before = self._views(who)
        await who.command("/dcv-resend", str(order_id), self._channel(order_id))
        await self._fill(who, before, reason, again, order_id)

    async def shortcut(self, person: str, order_id: int, reason: str | None, again: str) -> None:
        """Use the shortcut on a message of this person, and submit its form."""
        who = self.env.people[person]
        message = await who.post(self.env.pki, f"Order {order_id} hangs")
        before = self._views(who)
        await who.shortcut("dcv_resend_message", message)
        await self._fill(who, before, reason, again, order_id)

    async def revalidate(self, person: str, domain_id: int, again: str) -> None:
        """Revalidate a domain for the mailbox that its form chooses, and continue it if it is interrupted."""
        who, name = self.env.people[person], lapsed_name(domain_id)
        self.env.asked |= dict.fromkeys(step_keys(domain_id), person)
        before = self._views(who)
        await who.command("/dcv-resend", name, self.env.pki)

        def nothing_pending() -> Form | None:
            forms = (form for form in who.open_forms if form.view_id not in before | self._handled)
            return next((form for form in forms if name in form.text and "Revalidate…" in form.buttons), None)

        form = await self.slack.wait_for(nothing_pending, "the button", SEES_SECONDS)
        self._handled.add(form.view_id)
        await form.click("Revalidate…")
        await self.slack.wait_for(lambda: (form.submit_text or "").startswith("Revalidate"), "the form", SEES_SECONDS)
        self.slack.duplicate_next = self.slack.duplicate_next or again == "sent twice"
        times = 2 if again == "double click" else 1
        self.env.injected["double click"] += times - 1
        await asyncio.gather(*(form.submit() for _ in range(times)))
        await self._continue(who, name)

    async def _continue(self, who: SimulatedUser, name: str) -> None:
        def interrupted() -> Message | None:
            return next((each for each in self._messages() if name in each.text and "Continue" in each.buttons), None)

        card = await self.slack.wait_for(interrupted, "an interrupted revalidation", SERVED_SECONDS)
        self.env.injected["revalidation continued"] += 1
        await who.click(card, "Continue")

    async def alert(self, order_id: int) -> None:
        """Post the same alert three times as another app."""
        for _ in range(3):
            self.slack.post_alert(self.env.ops, "monitoring", f"Order {order_id} waits")
            await asyncio.sleep(0.2)

    async def press(self, label: str, pick: int, person: str) -> None:
        """Press a button whose label begins so below some message, and submit the form if one opens."""

        def find() -> list[tuple[Message, str]] | None:
            each = ((message, button) for message in self._messages() for button in message.buttons)
            return [(message, button) for message, button in each if button.startswith(label)] or None

        found = await self.slack.wait_for(find, label, SEES_SECONDS)
        who = self.env.people[person]
        before = self._views(who)
        await who.click(*found[pick % len(found)])
        if label in {"Resend to another address…", "Resend 7"}:
            await self._fill(who, before, "pressed again", "double click")

    async def read(self, person: str) -> None:
        """Send the commands that change nothing."""
        who = self.env.people[person]
        await who.command("/dcv-status", "", self.env.pki)
        await who.command("/dcv-resend", "why", self.env.pki)
        await who.command("/dcv-resend", "history", self.env.pki)

    async def redeliver(self, pick: int, new_id: bool) -> None:
        """Redeliver an envelope."""
        sent = self.slack.deliveries
        if sent:
            await self._redelivered(sent[pick % len(sent)], new_id=new_id)

    async def approve(self, pick: int) -> None:
        """Approve a mail as its recipient."""
        outbox = await self.certcentral.changes.wait_for(lambda: self.certcentral.outbox, what="mail", timeout=2.0)
        self.certcentral.approve(outbox[pick % len(outbox)])

    async def dismiss(self, person: str) -> None:
        """Remove a person's permission."""
        self.env.injected["lost their right"] += 1
        self.env.dismiss(person)

    async def dismiss_while_busy(self) -> None:
        """Remove the permission of the next requester while DigiCert is busy."""
        self.env.plan_dismissal()

    async def flood(self, person: str, colleague: str, order_id: int) -> None:
        """Flood the bot with one person's requests for unknown orders, while a colleague requests a real one."""
        who = self.env.people[person]
        self.env.injected["command of a flood"] += FLOOD
        pause = FLOOD_SECONDS / FLOOD
        asking = []
        for number in range(FLOOD):
            text = str(FIRST_UNKNOWN_ORDER + number)
            asking.append(asyncio.create_task(who.command("/dcv-status", text, self.env.pki)))
            await asyncio.sleep(pause)
        served = await self._is_served(self.env.people[colleague], order_id)
        if not self.env.schedule.has(*MAKES_PEOPLE_WAIT):
            self.env.served.append((colleague, served))
        await asyncio.gather(*asking, return_exceptions=True)

    async def _is_served(self, who: SimulatedUser, order_id: int) -> bool:
        """Return if a person gets the form of an order within ASKS attempts, since faults may hit the first ones."""
        for _ in range(ASKS):
            before = self._views(who)
            try:
                await who.command("/dcv-resend", str(order_id), self.env.pki)
                await self.slack.wait_for(lambda: self._new_form(who, before, order_id), "a form", SERVED_SECONDS)  # noqa: B023 - waited for at once
            except (LookupError, TimeoutError, SuggestionsTimeout):
                continue
            return True
        return False

    # What goes wrong

    async def slack_fault(self, method: str, kind: str) -> None:
        """Inject a fault into the next call of a Slack method."""
        self.env.plan_slack(method, kind, SLACK[kind])

    async def put_fault(self, kind: str) -> None:
        """Inject a fault into the next resend."""
        self.env.plan_certcentral("PUT *", kind, PUTS[kind])

    async def step_fault(self, calls: str, kind: str) -> None:
        """Inject a fault into the next call of a step of a revalidation."""
        self.env.plan_certcentral(calls, kind, PUTS[kind])

    async def read_fault(self, kind: str) -> None:
        """Inject a fault into the next read from DigiCert."""
        self.env.plan_certcentral("GET *", kind, READS[kind])

    async def kill(self, which: int, call: str, effect: bool, pause: float) -> None:
        """Kill an instance, at once or at its next call of this name."""
        instance = self.env.instances[which]
        if call == "any moment":
            self.env.injected["kill -9 at any moment"] += 1
            await instance.kill(pause)
        else:
            self.env.plan_kill(instance, call, pause, effect=effect)

    async def freeze(self, which: int, seconds: float, at_row: bool) -> None:
        """Freeze an instance, at once or when it has written the row before its next call."""
        await self.env.instances[which].freeze(seconds, at_row=at_row)

    async def limit_groups(self, times: int) -> None:
        """Rate-limit the next requests for the members of user groups."""
        for _ in range(times):
            self.env.plan_slack("usergroups.users.list", "429 with Retry-After", SLACK["429 with Retry-After"])

    async def share(self) -> None:
        """Share the channel with another organization."""
        self.env.injected["channel became shared"] += 1
        self.env.pki.ext_shared = True
        self.env.shared_at = time.time() + self.env.leap

    async def database_away(self, seconds: float, how: str) -> None:
        """Make the database unavailable for writers."""
        await self.env.database_away(seconds, how)

    async def trouble_socket(self, how: str) -> None:
        """Break the sockets to Slack."""
        self.env.injected[f"socket: {how}"] += 1
        if how == "freeze":
            self.slack.freeze_sockets()
            return
        if how in {"refresh_requested", "warning"}:
            await self.slack.disconnect(how)
            return
        if how == "no handshake":
            self.slack.faults.plan("socket", Fault(lost=True))
        if how == "no address":
            self.slack.faults.plan("apps.connections.open", SLACK["500"])
        self.slack.drop_sockets()

    async def replay(self) -> None:
        """Replay whole signed requests, as an eavesdropper could."""
        sent = self.slack.deliveries[-8:]
        self.env.injected["request replayed"] += len(sent)
        await asyncio.gather(*(delivery.redeliver() for delivery in sent))

    async def _redelivered(self, delivery: object, *, new_id: bool = False) -> None:
        self.env.injected["envelope redelivered"] += 1
        await delivery.redeliver(new_id=new_id)  # type: ignore[attr-defined]

    async def _fill(
        self, who: SimulatedUser, before: set[str], reason: str | None, again: str, order_id: int | None = None
    ) -> None:
        """Wait for the form, choose a language, give the reason, and submit."""
        timeout = SEES_SECONDS if who.name in MAY else SOON_SECONDS
        form, about = await self.slack.wait_for(lambda: self._new_form(who, before, order_id), "a form", timeout)
        if not await self._show_more(form):
            return
        await form.choose(LANGUAGES[self._language(about, who)], label="Email language")
        if reason:
            form.fill("Reason", reason)
        self.slack.duplicate_next = self.slack.duplicate_next or again == "sent twice"
        times = 2 if again == "double click" else 1
        self.env.injected["double click"] += times - 1
        await asyncio.gather(*(form.submit() for _ in range(times)))
        if form.is_open and reason:
            form.fill("Reason", reason)
            await form.submit()

    async def _show_more(self, form: Form) -> bool:
        """Press *More options* until the language is visible, because a fault may lose the redrawn form.

        Return False if it stays hidden, as for a person who lost the permission while the form was open.
        """
        for _ in range(PRESSES):
            if "Email language" in form.labels:
                return True
            await form.click("More options")
            await ends_within(2.0, self.slack.wait_for(lambda: "Email language" in form.labels, "more options", 10.0))
        return "Email language" in form.labels

    def _new_form(self, who: SimulatedUser, before: set[str], wanted: int | None) -> tuple[Form, int] | None:
        """Return a form that no other step fills in yet, and its order id, or None."""
        for form in who.open_forms:
            about = re.search(r"(\d{6}) · ", form.text)
            if not (form.submit_text or "").startswith("Send ") or not about or form.view_id in before | self._handled:
                continue
            if wanted in {None, int(about[1])}:
                self._handled.add(form.view_id)
                return form, int(about[1])
        return None

    def _language(self, order_id: int, who: SimulatedUser) -> str:
        """Return a language that no other request for this order uses, so that each PUT identifies its requester."""
        language = self._languages[order_id].pop()
        self.env.asked |= {(target, language): who.name for target in targets(order_id)}
        return language

    def _views(self, who: SimulatedUser) -> set[str]:
        return {form.view_id for form in who.open_forms}

    def _channel(self, order_id: int) -> Channel:
        return self.env.closed if order_id % 4 == 0 else self.env.pki

    def _messages(self) -> Iterator[Message]:
        for channel in self.slack.channels.values():
            yield from channel.messages
