"""Payloads of a shape that Slack never sends: each is acknowledged, none is a bug, and nobody is mailed by them."""

import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers
from sandbox.slack import Channel, Delivery, Form, Person, Slack
from tests.e2e.kit import sees_end

Json = dict[str, Any]
Path = tuple[str | int, ...]
Changes = list[tuple[int | Path, Any]]
Deliver = Callable[..., Awaitable[Delivery]]

ORDER, DOMAIN = 700001, 1234
MAILED = {"shop.example.com", "example.com", "example.net"}
JUNK: list[Any] = [
    None,
    True,
    -1,
    10**30,
    "",
    " ",
    "x" * 4000,
    "a\x00\x1b[31m\nb",
    "\u202egnp.exe\u200f",
    "🔥",
    "<script>alert(1)</script>",
    "*.*",
    "\ud800",
    "http://[",
    [],
    [None],
    [[], {}],
    {},
    {"id": None},
    {"": {"": {}}},
]
GONE = "gone"
CHANGES = st.lists(st.tuples(st.integers(0, 60), st.sampled_from([GONE, *JUNK])), min_size=1, max_size=3)
STORY = (
    "/dcv-resend",
    "/dcv-status",
    "target",
    "match",
    "again",
    "scope",
    "check_now",
    "send_again",
    "stop_following",
    "status_next",
    "history_older",
    "offer_resend",
    "offer_not_now",
    "message_action",
    "block_suggestion",
    "view_submission",
)
TOO_OLD = "This form is too old. Open it again with /dcv-resend."
CANNOT_READ = "This form cannot be read any more. Open it again with /dcv-resend."
NO_CHOICE = "That is not one of the choices."
FORGOTTEN = "The bot does not remember this request. Ask anew with /dcv-resend."
UNREADABLE = "Slack sent something that the bot cannot read. Begin anew with /dcv-resend."
OTHER_VERSION = "The bot does not know this button or form any more. Begin anew with /dcv-resend."
FORM_ID: Path = ("view", "private_metadata")
PICKED: Path = ("actions", 0, "selected_option")
VALUE: Path = ("actions", 0, "value")
STATE: Path = ("view", "state", "values")
CHOICES: list[tuple[str, Path, Any, str]] = [
    *((name, FORM_ID, "f1", TOO_OLD) for name in ("target", "match", "again", "scope")),
    *(("target", FORM_ID, value, TOO_OLD) for value in ("", None, "x" * 3000, "\u202e", "\ud800", ["f1"])),
    ("target", PICKED, {"value": "order:*.*"}, NO_CHOICE),
    ("target", PICKED, {"value": "order:" + "9" * 40}, NO_CHOICE),
    ("match", PICKED, {"value": "<script>"}, NO_CHOICE),
    ("match", PICKED, {"value": 7}, UNREADABLE),
    ("again", VALUE, "name:*.*", "has a wildcard elsewhere"),
    ("again", VALUE, "🔥", NO_CHOICE),
    ("scope", PICKED, {"value": "9"}, NO_CHOICE),
    ("scope", PICKED, {"value": "-1"}, NO_CHOICE),
    ("scope", PICKED, None, NO_CHOICE),
    ("status_next", VALUE, "page:-1", "That is no page of this list."),
    ("status_next", VALUE, "x" * 2000, "give one order id or one domain name"),
    ("check_now", VALUE, "r1", FORGOTTEN),
    ("check_now", VALUE, None, FORGOTTEN),
    ("send_again", VALUE, "\u202er1", UNREADABLE),
    ("stop_following", VALUE, "\u202er1", UNREADABLE),
    ("stop_following", VALUE, "r1", "This is not followed any longer"),
    ("history_older", VALUE, "x" * 2000, "That is no page of this list."),
    ("offer_not_now", VALUE, "o1", "This offer was made long ago"),
    ("offer_resend", VALUE, "order:*.*", NO_CHOICE),
    ("check_now", ("actions", 0, "action_id"), "follow_v0", OTHER_VERSION),
    ("target", ("actions", 0, "action_id"), "x" * 255, OTHER_VERSION),
]
SUBMISSIONS: list[tuple[Changes, str]] = [
    *(([(FORM_ID, value)], TOO_OLD) for value in ("f1", "", "x" * 3000)),
    ([(FORM_ID, "\ud800")], CANNOT_READ),
    ([(STATE, {})], "Choose who gets the mail."),
    ([(STATE, None)], CANNOT_READ),
    ([(("view", "state"), None)], CANNOT_READ),
    ([((*STATE, "reason", "reason", "value"), "x" * 4000)], "It may have 300 characters."),
    ([(("view", "id"), None)], UNREADABLE),
    ([(STATE, {}), (("view", "blocks"), None)], "Choose a recipient."),
    ([(("view", "callback_id"), "other_form")], OTHER_VERSION),
]
SLOW_DISK = "a refusal could not be written to the ledger"
forged = settings(
    max_examples=120,
    deadline=None,
    phases=[Phase.generate],  # an envelope that is not acknowledged takes three seconds, and so would each smaller one
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Genuine:
    """A payload as Slack sends it, and the kind of its envelope."""

    kind: str
    payload: Json

    @property
    def name(self) -> str:
        """What it is about: a command, what was used, or else the type of the payload."""
        if "command" in self.payload:
            return str(self.payload["command"])
        actions = self.payload.get("actions") or [{"action_id": self.payload.get("type")}]
        return str(actions[0]["action_id"])

    def by(self, person: Person) -> "Genuine":
        """The same, done by somebody else."""
        payload = copy.deepcopy(self.payload)
        if "user" in payload:
            payload["user"] |= {"id": person.id, "team_id": person.team_id}
        else:
            payload |= {"user_id": person.id, "team_id": person.team_id}
        return Genuine(self.kind, payload)


@pytest.fixture
def ops(slack: Slack) -> Channel:
    """A channel of alerts."""
    return slack.add_channel("ops")


@pytest.fixture
async def bot(make_bot: Callable[..., BotProcess], slack: Slack, pki: Channel, ops: Channel) -> BotProcess:
    """A bot that is connected, and offers in #ops."""
    bot = make_bot(DCV_ALERT_CHANNELS=ops.id)
    await bot.start()
    await slack.connected(60)
    return bot


@pytest.fixture
async def genuine(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: Person,
    pki: Channel,
    ops: Channel,
    ask: Callable[[str], Awaitable[Form]],
) -> Callable[[str], Genuine]:
    """One payload of every kind that the bot listens to, as a story brings them up."""
    certcentral.add_order(ORDER, ["shop.example.com"])
    certcentral.add_domain(DOMAIN, "example.net")
    for number in range(2, 14):
        certcentral.add_order(ORDER + number, ["twice.example.org"])
    await ana.command("/dcv-status", "", pki)
    await ana.click(await ana.hears("orders wait"), "Next")
    form = await ask("twice.example.org")
    await form.choose(str(ORDER + 2), action_id="match")
    certcentral.faults.plan(f"GET /order/certificate/{ORDER + 3}", answers(403))
    await (await ask(str(ORDER + 3))).click("Try again")
    form = await ask("www.example.net")
    await form.choose("www.example.net", action_id="scope")
    form = await ask("")
    await form.search(str(ORDER))
    await form.choose(str(ORDER), action_id="target")
    form = await ask(str(ORDER))
    form.fill("Reason", "a new mailbox")
    await form.submit()
    root = await sees_end(slack, pki, ORDER)
    detail = await slack.sees_message(pki, "What now", thread=root)
    await ana.click(detail, "Check now")
    await ana.click(detail, "Send again")
    await ana.sees_form("DigiCert accepted the resend")
    line = f"{ORDER} to admin@example.com in de"
    await ana.command("/dcv-resend", line, pki)
    await ana.hears("Nothing was sent")
    alert = slack.alert(ops, "monitoring", f"Order {ORDER + 2} is pending")
    offer = await slack.sees_message(ops, "waits for e-mail validation", thread=alert)
    await ana.click(offer, "Resend DCV email")
    await ana.sees_form("Recipients for twice.example.org")
    await ana.click(offer, "Not now")
    await ana.shortcut("dcv_resend_message", alert)
    pam = slack.add_person("pam")
    for number in range(12):
        await pam.command("/dcv-resend", str(ORDER + number), pki)
    await ana.command("/dcv-resend", "history", pki)
    await ana.click(await ana.hears("What was asked"), "Older")
    # The last one: what is followed is asked for by the bot itself now and then.
    await ana.click(root, "Stop following")
    await slack.sees_message(pki, "stopped following this", thread=root)

    found = [Genuine(delivery.kind, copy.deepcopy(delivery.sent)) for delivery in slack.deliveries]
    assert slack.problems == []
    return lambda name: next(each for each in found if each.name == name)


@pytest.fixture
async def deliver(
    bot: BotProcess, slack: Slack, ana: Person, genuine: Callable[[str], Genuine]
) -> AsyncIterator[Deliver]:
    """Deliver a payload of the story with changes; the log shows no bug meanwhile, and none at the end of the test.

    It is Ana's, or else that of a colleague whom nobody listed.
    """
    eve = slack.add_person("eve")

    async def deliver(name: str, changes: Changes, *, is_listed: bool = True) -> Delivery:
        by = ana if is_listed else eve
        one = genuine(name).by(by)
        payload = forge(one.payload, changes)
        if isinstance(payload.get("trigger_id"), str) and len(payload["trigger_id"]) < 99:
            payload["trigger_id"] = slack.triggers.issue(by)
        delivery = await slack.socket_mode.deliver(one.kind, payload, f"a forged {name}")
        assert _bugs(bot) == []
        return delivery

    yield deliver
    assert _bugs(bot) == []


def _bugs(bot: BotProcess) -> list[Json]:
    """What the log tells of bugs; that a slow disk did not take the row of a refusal in time is none."""
    errors = [line for line in bot.log.splitlines() if '"level": "error"' in line or "Traceback" in line]
    lines = [json.loads(line) for line in errors if SLOW_DISK not in line]
    return [{"event": line["event"], "frames": [part["frames"][-2:] for part in line["exception"]]} for line in lines]


def forge(genuine: Json, changes: Changes) -> Json:
    """The payload with some of its parts taken away, or something else in their place; shallow ones come first."""
    payload = copy.deepcopy(genuine)
    for part, junk in changes:
        paths = sorted(_paths(payload), key=lambda path: (len(path), str(path)))
        if isinstance(part, tuple):
            _change(payload, part, junk)
        elif paths:
            _change(payload, paths[part % len(paths)], junk)
    return payload


def _paths(value: Any, above: Path = ()) -> list[Path]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, part in inside:
        if key not in {"blocks", "message"} or not above:
            found.append((*above, key))
            found += _paths(part, (*above, key)) if len(above) < 6 else []
    return found


def _change(payload: Json, path: Path, junk: Any) -> None:
    place: Any = payload
    for key in path[:-1]:
        place = place[key]
    if junk is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = copy.deepcopy(junk)


@forged
@given(name=st.sampled_from(STORY), changes=CHANGES)
async def test_a_forged_payload_is_acknowledged_and_no_bug(
    name: str, changes: Changes, certcentral: CertCentral, deliver: Deliver
) -> None:
    delivery = await deliver(name, changes)

    assert delivery.acked
    assert {mail.recipient.partition("@")[2] for mail in certcentral.outbox} <= MAILED


@forged
@given(name=st.sampled_from(STORY), changes=CHANGES)
async def test_a_forged_payload_of_somebody_who_is_not_listed_lets_digicert_hear_nothing(
    name: str, changes: Changes, certcentral: CertCentral, deliver: Deliver
) -> None:
    before = len(certcentral.calls)

    delivery = await deliver(name, changes, is_listed=False)

    assert delivery.acked
    assert [call.name for call in certcentral.calls[before:]] == []


async def test_a_forged_choice_is_answered_by_a_sentence(deliver: Deliver, slack: Slack, ana: Person) -> None:
    for name, part, value, words in CHOICES:
        before = _heard(slack, ana)
        await deliver(name, [(part, value)])
        await _hears(slack, ana, words, before)


async def test_a_forged_submission_is_answered_at_its_field_or_by_a_sentence(
    deliver: Deliver, slack: Slack, certcentral: CertCentral, ana: Person
) -> None:
    sent = len(certcentral.resends)

    for changes, words in SUBMISSIONS:
        before = _heard(slack, ana)
        answer = (await deliver("view_submission", changes)).payload
        if answer:
            assert list(answer["errors"].values()) == [words], changes
        else:
            await _hears(slack, ana, words, before)

    assert len(certcentral.resends) == sent


async def _hears(slack: Slack, person: Person, words: str, before: dict[str, str]) -> None:
    """Wait until these words are new to the person."""

    def look() -> bool:
        return any(words in text for key, text in _heard(slack, person).items() if key not in before)

    await slack.wait(look, f"{words!r}", 10.0)


def _heard(slack: Slack, person: Person) -> dict[str, str]:
    """All that the person alone was told: whispers, direct messages, and each form as it is drawn now."""
    messages = {message.ts: message.text for message in (*person.whispers, *slack.dm(person).messages)}
    return messages | {form.view["hash"]: form.text for form in person.open_forms}
