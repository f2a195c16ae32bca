"""What people do in a schedule, and what goes wrong meanwhile: one method for each step."""

import asyncio
import re
import time
from collections.abc import Iterator

from bot.languages import LANGUAGES
from sandbox.faults import Fault
from sandbox.slack import Channel, Form, FormIncomplete, Message, SimulatedUser, SuggestionsTimeout
from tests.chaos.environment import World, addresses, targets
from tests.chaos.faults import PUTS, READS, SLACK
from tests.chaos.schedules import BELOW, MAY, ORDERS, Step

SEES_SECONDS = 4.0
# So soon does somebody give up who may not anyway.
SOON_SECONDS = 1.0
LATE_SECONDS = 480.0
FLOOD = 40
FLOOD_SECONDS = 1.0
FIRST_UNKNOWN_ORDER = 880001
# How often the colleague asks, and how long they wait each time.
ASKS, SERVED_SECONDS = 3, 6.0
# What must not happen to the person who waits while another one floods the bot, for the bot to be at fault.
MAKES_PEOPLE_WAIT = ("kill", "freeze", "database_away", "trouble_socket", "dismiss", "dismiss_while_busy")


class Story:
    """Plays the steps of a schedule in a world; what people cannot do because of a fault they leave."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.slack, self.certcentral = world.slack, world.certcentral
        self._handled: set[str] = set()
        self._languages = {order_id: [code for code in LANGUAGES if code != "en"] for order_id in (*ORDERS, BELOW)}

    async def play(self) -> None:
        """All steps, each at its moment."""
        began = time.monotonic()
        await asyncio.gather(*(self._step(step, began) for step in self.world.schedule.steps))

    async def late(self) -> None:
        """Eight minutes later, with the faults over: some of all envelopes arrive once more."""
        self.world.pass_time(LATE_SECONDS)
        sent = self.slack.deliveries
        chosen = sent[:: max(1, len(sent) // 8)]
        self.world.injected["envelope 8 minutes late"] += len(chosen)
        await asyncio.gather(*(delivery.redeliver(new_id=number % 2 == 1) for number, delivery in enumerate(chosen)))

    async def _step(self, step: Step, began: float) -> None:
        await asyncio.sleep(began + step.at - time.monotonic())
        try:
            await getattr(self, step.what)(**step.details)
        except (LookupError, TimeoutError, FormIncomplete, SuggestionsTimeout):
            # It is not there, since something failed or was refused; a person gives up as well.
            return

    # People

    async def line(self, person: str, order_id: int, reason: str | None, again: str) -> None:
        """One line without a form."""
        respond_to = " ".join(f"to {address}" for address in addresses(order_id))
        who = self.world.people[person]
        text = f"{order_id} {respond_to} in {self._language(order_id, who)}" + (f" because {reason}" if reason else "")
        self.slack.duplicate_next = self.slack.duplicate_next or again == "sent twice"
        delivery = await who.command("/dcv-resend", text, self._channel(order_id))
        if again == "double click":
            await self._redelivered(delivery)

    async def form(self, person: str, order_id: int, reason: str | None, again: str) -> None:
        """The form, filled in and submitted."""
        who = self.world.people[person]
        before = self._views(who)
        await who.command("/dcv-resend", str(order_id), self._channel(order_id))
        await self._fill(who, before, reason, again, order_id)

    async def shortcut(self, person: str, order_id: int, reason: str | None, again: str) -> None:
        """The shortcut on somebody's message."""
        who = self.world.people[person]
        message = await who.post(self.world.pki, f"Order {order_id} hangs")
        before = self._views(who)
        await who.shortcut("dcv_resend_message", message)
        await self._fill(who, before, reason, again, order_id)

    async def alert(self, order_id: int) -> None:
        """Another app says that an order waits, three times."""
        for _ in range(3):
            self.slack.post_alert(self.world.ops, "monitoring", f"Order {order_id} waits")
            await asyncio.sleep(0.2)

    async def press(self, label: str, pick: int, person: str) -> None:
        """A button below some message; a form that opens is submitted."""

        def look() -> list[Message] | None:
            return [message for message in self._messages() if label in message.buttons] or None

        found = await self.slack.wait_for(look, label, SEES_SECONDS)
        who = self.world.people[person]
        before = self._views(who)
        await who.click(found[pick % len(found)], label)
        if label in {"Send again", "Resend DCV email"}:
            await self._fill(who, before, "pressed again", "double click")

    async def look(self, person: str) -> None:
        """Commands that only look."""
        who = self.world.people[person]
        await who.command("/dcv-status", "", self.world.pki)
        await who.command("/dcv-resend", "why", self.world.pki)
        await who.command("/dcv-resend", "history", self.world.pki)

    async def redeliver(self, pick: int, new_id: bool) -> None:
        """Slack sends an envelope once more."""
        sent = self.slack.deliveries
        if sent:
            await self._redelivered(sent[pick % len(sent)], new_id=new_id)

    async def approve(self, pick: int) -> None:
        """A recipient opens a mail."""
        outbox = await self.certcentral.changes.wait_for(lambda: self.certcentral.outbox, what="mail", timeout=2.0)
        self.certcentral.approve(outbox[pick % len(outbox)])

    async def dismiss(self, person: str) -> None:
        """Somebody is taken off the list."""
        self.world.injected["lost their right"] += 1
        self.world.dismiss(person)

    async def dismiss_while_busy(self) -> None:
        """Whoever asks next is taken off the list while DigiCert is busy."""
        self.world.plan_dismissal()

    async def flood(self, person: str, colleague: str, order_id: int) -> None:
        """One person asks for many orders that are not there; a colleague asks for one that is."""
        who = self.world.people[person]
        self.world.injected["command of a flood"] += FLOOD
        pause = FLOOD_SECONDS / FLOOD
        asking = []
        for number in range(FLOOD):
            text = str(FIRST_UNKNOWN_ORDER + number)
            asking.append(asyncio.create_task(who.command("/dcv-status", text, self.world.pki)))
            await asyncio.sleep(pause)
        served = await self._is_served(self.world.people[colleague], order_id)
        if not self.world.schedule.has(*MAKES_PEOPLE_WAIT):
            self.world.served.append((colleague, served))
        await asyncio.gather(*asking, return_exceptions=True)

    async def _is_served(self, who: SimulatedUser, order_id: int) -> bool:
        """Whether a person gets the form of an order, who asks again where a fault met the first times."""
        for _ in range(ASKS):
            before = self._views(who)
            try:
                await who.command("/dcv-resend", str(order_id), self.world.pki)
                await self.slack.wait_for(lambda: self._new_form(who, before, order_id), "a form", SERVED_SECONDS)  # noqa: B023 - waited for at once
            except (LookupError, TimeoutError, SuggestionsTimeout):
                continue
            return True
        return False

    # What goes wrong

    async def slack_fault(self, method: str, kind: str) -> None:
        """The next call of a method meets it."""
        self.world.plan_slack(method, kind, SLACK[kind])

    async def put_fault(self, kind: str) -> None:
        """The next resend meets it."""
        self.world.plan_certcentral("PUT *", kind, PUTS[kind])

    async def read_fault(self, kind: str) -> None:
        """The next read meets it."""
        self.world.plan_certcentral("GET *", kind, READS[kind])

    async def kill(self, which: int, call: str, effect: bool, pause: float) -> None:
        """An instance ends without a word."""
        instance = self.world.instances[which]
        if call == "any moment":
            self.world.injected["kill -9 at any moment"] += 1
            await instance.kill(pause)
        else:
            self.world.plan_kill(instance, call, pause, effect=effect)

    async def freeze(self, which: int, seconds: float, at_row: bool) -> None:
        """An instance does not run for so long, at once or when it has written the row before its next call."""
        await self.world.instances[which].freeze(seconds, at_row=at_row)

    async def limit_groups(self, times: int) -> None:
        """Slack turns questions for the members of groups away."""
        for _ in range(times):
            self.world.plan_slack("usergroups.users.list", "429 with Retry-After", SLACK["429 with Retry-After"])

    async def share(self) -> None:
        """People of another organization come into the channel."""
        self.world.injected["channel became shared"] += 1
        self.world.pki.ext_shared = True
        self.world.shared_at = time.time() + self.world.leap

    async def database_away(self, seconds: float, how: str) -> None:
        """Nobody can write."""
        await self.world.database_away(seconds, how)

    async def trouble_socket(self, how: str) -> None:
        """The link to Slack fails."""
        self.world.injected[f"socket: {how}"] += 1
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
        """Somebody who listened sends whole requests again, as they were signed."""
        sent = self.slack.deliveries[-8:]
        self.world.injected["request replayed"] += len(sent)
        await asyncio.gather(*(delivery.redeliver() for delivery in sent))

    async def _redelivered(self, delivery: object, *, new_id: bool = False) -> None:
        self.world.injected["envelope redelivered"] += 1
        await delivery.redeliver(new_id=new_id)  # type: ignore[attr-defined]

    async def _fill(
        self, who: SimulatedUser, before: set[str], reason: str | None, again: str, order_id: int | None = None
    ) -> None:
        """Wait for the form, choose a language, give the reason, and submit."""
        patience = SEES_SECONDS if who.name in MAY else SOON_SECONDS
        form, about = await self.slack.wait_for(lambda: self._new_form(who, before, order_id), "a form", patience)
        await form.choose(LANGUAGES[self._language(about, who)], label="Language")
        if reason:
            form.fill("Reason", reason)
        self.slack.duplicate_next = self.slack.duplicate_next or again == "sent twice"
        times = 2 if again == "double click" else 1
        self.world.injected["double click"] += times - 1
        await asyncio.gather(*(form.submit() for _ in range(times)))
        if form.is_open and reason:
            form.fill("Reason", reason)
            await form.submit()

    def _new_form(self, who: SimulatedUser, before: set[str], wanted: int | None) -> tuple[Form, int] | None:
        """A form that nobody fills in yet, and the order that it is about."""
        for form in who.open_forms:
            about = re.search(r"(\d{6}) · ", form.text)
            if not form.submit_text or not about or form.view_id in before | self._handled:
                continue
            if wanted in {None, int(about[1])}:
                self._handled.add(form.view_id)
                return form, int(about[1])
        return None

    def _language(self, order_id: int, who: SimulatedUser) -> str:
        """A language that no other request for this order has, so that each PUT tells whose it is."""
        language = self._languages[order_id].pop()
        self.world.asked |= {(target, language): who.name for target in targets(order_id)}
        return language

    def _views(self, who: SimulatedUser) -> set[str]:
        return {form.view_id for form in who.open_forms}

    def _channel(self, order_id: int) -> Channel:
        return self.world.closed if order_id % 4 == 0 else self.world.pki

    def _messages(self) -> Iterator[Message]:
        for channel in self.slack.channels.values():
            yield from channel.messages
