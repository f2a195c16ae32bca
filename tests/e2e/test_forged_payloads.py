"""Payloads of a shape that Slack never sends: each is acknowledged, none is logged as a bug, and none sends a mail."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Delivery, Form, SimulatedUser, Slack
from tests.e2e.helpers import serving
from tests.e2e.recorded_payloads import (
    CHANGES,
    COMMANDS,
    EVENTS,
    GONE,
    HUGE,
    JUNK,
    STORY,
    UNHANDLED,
    Changes,
    Genuine,
    Json,
    Path,
    forge,
    record,
)

Deliver = Callable[..., Awaitable[Delivery]]

MAILED = {"shop.example.com", "example.com", "example.net"}
TOO_OLD = "This form has expired. Run /dcv-resend again."
CANNOT_READ = "This form has expired. Run /dcv-resend again."
NO_CHOICE = "Choose "
FORGOTTEN = "This request is no longer stored."
UNREADABLE = "I couldn't read that request. Run /dcv-resend again."
OTHER_VERSION = "This button has expired. Run /dcv-resend again."
FORM_ID: Path = ("view", "private_metadata")
PICKED: Path = ("actions", 0, "selected_option")
VALUE: Path = ("actions", 0, "value")
STATE: Path = ("view", "state", "values")
CHOICES: list[tuple[str, Path, Any, str]] = [
    *((name, FORM_ID, "f1", TOO_OLD) for name in ("target", "match", "again", "scope", "recipients", "more_options")),
    *(("target", FORM_ID, value, TOO_OLD) for value in ("", None, "x" * 3000, "\u202e", "\ud800", ["f1"])),
    ("target", PICKED, {"value": "order:*.*"}, NO_CHOICE),
    ("target", PICKED, {"value": "order:" + "9" * 40}, NO_CHOICE),
    ("match", PICKED, {"value": "<script>"}, NO_CHOICE),
    ("match", PICKED, {"value": 7}, UNREADABLE),
    ("again", VALUE, "name:*.*", "can have a wildcard only at the start"),
    ("again", VALUE, "🔥", NO_CHOICE),
    ("scope", PICKED, {"value": "9"}, NO_CHOICE),
    ("scope", PICKED, {"value": "-1"}, NO_CHOICE),
    ("scope", PICKED, None, NO_CHOICE),
    ("status_next", VALUE, "page:-1", "This list has changed."),
    ("status_next", VALUE, "x" * 2000, "Enter one order number or domain"),
    ("request_menu", PICKED, {"value": "check_now:r1"}, FORGOTTEN),
    ("request_menu", PICKED, {"value": "check_now"}, FORGOTTEN),
    ("request_menu", PICKED, None, OTHER_VERSION),
    ("send_again", VALUE, "\u202er1", UNREADABLE),
    ("request_menu", PICKED, {"value": "stop_tracking:\u202er1"}, OTHER_VERSION),
    ("request_menu", PICKED, {"value": "stop_tracking:r1"}, "Tracking has already ended"),
    ("history_older", VALUE, "x" * 2000, "This list has changed."),
    ("offer_not_now", VALUE, "o1", "This suggestion has expired."),
    ("offer_resend_0", VALUE, "order:*.*", NO_CHOICE),
    ("request_menu", ("actions", 0, "action_id"), "follow_v0", OTHER_VERSION),
    ("target", ("actions", 0, "action_id"), "x" * 255, OTHER_VERSION),
]
SUBMISSIONS: list[tuple[Changes, str]] = [
    *(([(FORM_ID, value)], TOO_OLD) for value in ("f1", "", "x" * 3000)),
    ([(FORM_ID, "\ud800")], CANNOT_READ),
    ([(STATE, {})], "Choose a recipient."),
    ([(STATE, None)], CANNOT_READ),
    ([(("view", "state"), None)], CANNOT_READ),
    ([((*STATE, "reason", "reason", "value"), "x" * 4000)], "Shorten the reason to 300 characters or fewer."),
    ([(("view", "id"), None)], UNREADABLE),
    ([(STATE, {}), (("view", "blocks"), None)], "Choose a recipient."),
    ([(("view", "callback_id"), "other_form")], OTHER_VERSION),
]
HUGE_PARTS: list[tuple[str, Path]] = [
    *((command, (part,)) for command in COMMANDS for part in ("text", "user_id", "trigger_id", "response_url")),
    ("message_action", ("message", "text")),
    ("message_action", ("message", "blocks")),
    ("message_action", ("user",)),
    ("block_suggestion", ("value",)),
    ("view_submission", (*STATE, "reason", "reason", "value")),
    ("view_submission", STATE),
    ("view_submission", ("view", "blocks")),
    ("target", PICKED),
    ("request_menu", PICKED),
    ("history_older", VALUE),
    ("status_next", VALUE),
    ("message", ("event", "text")),
    ("message", ("event", "attachments")),
]
EVENT_PARTS: dict[str, list[Path]] = {
    "message": [
        ("event",),
        ("is_ext_shared_channel",),
        ("authorizations",),
        ("event_id",),
        *(("event", part) for part in ("type", "subtype", "ts", "thread_ts", "channel", "user", "bot_id", "hidden")),
    ],
    "subteam_members_changed": [("event",), ("event", "subteam_id")],
}
PAYLOADS: list[Any] = [None, [], [{}], "x", 7, 0.5, True, {}, {"type": []}, {"command": {}}, {"event": []}]
ENVELOPES: list[Json] = [
    *({"type": junk} for junk in (None, "", "events_api", "interactive", "nothing", 7, [], {})),
    *({"retry_attempt": junk, "retry_reason": junk} for junk in (None, -1, "x", [], {})),
    {"accepts_response_payload": "no"},
]
SLOW_DISK = "a refusal could not be written to the ledger"
forged = settings(
    max_examples=150,
    deadline=None,
    phases=[Phase.generate],  # an envelope that is not acknowledged takes three seconds, and so would each smaller one
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


OVER_HTTP = pytest.mark.parametrize("bot", ["serve"], indirect=True)


@pytest.fixture
async def bot(
    request: pytest.FixtureRequest, make_bot: Callable[..., BotProcess], slack: Slack, pki: Channel, ops: Channel
) -> BotProcess:
    """A bot that is connected, and offers in #ops; over HTTP in a test that is parametrized with `OVER_HTTP`."""
    transport = getattr(request, "param", "run")
    bot = make_bot(transport, DCV_ALERT_CHANNELS=ops.id)
    if transport == "serve":
        slack.request_url = f"http://127.0.0.1:{bot.settings['PORT']}/slack/events"
    await bot.start()
    await (serving(bot) if transport == "serve" else slack.wait_for_connection(60))
    return bot


@pytest.fixture
async def genuine(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ops: Channel,
    ask: Callable[[str], Awaitable[Form]],
) -> Callable[[str], Genuine]:
    """One payload of every kind that the bot listens to, as a story brings them up."""
    return await record(slack, certcentral, ana, pki, ops, ask)


@pytest.fixture
async def deliver(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, genuine: Callable[[str], Genuine]
) -> AsyncIterator[Deliver]:
    """Deliver a recorded payload with changes. The log must show no bug, neither meanwhile nor at the end of the test.

    It is Ana's, or else that of a colleague without permission.
    """
    eve = slack.add_person("eve")

    async def deliver(name: str, changes: Changes, *, is_listed: bool = True) -> Delivery:
        one = genuine(name).by(ana if is_listed else eve)
        delivery = await slack.deliver(one.kind, forge(one.payload, changes), f"a forged {name}")
        assert _bugs(bot) == []
        return delivery

    yield deliver
    assert _bugs(bot) == []


def _bugs(bot: BotProcess) -> list[Json]:
    """Return the log's lines about bugs. A denial row that a slow disk did not accept in time is none."""
    errors = [line for line in bot.log.splitlines() if '"level": "error"' in line or "Traceback" in line]
    lines = [json.loads(line) for line in errors if SLOW_DISK not in line]
    return [{"event": line["event"], "frames": [part["frames"][-2:] for part in line["exception"]]} for line in lines]


@forged
@given(name=st.sampled_from([*STORY, *EVENTS, *UNHANDLED]), changes=CHANGES)
async def test_a_forged_payload_is_acknowledged_and_no_bug(
    name: str, changes: Changes, certcentral: CertCentral, deliver: Deliver
) -> None:
    delivery = await deliver(name, changes)

    assert delivery.acked
    assert {mail.recipient.partition("@")[2] for mail in certcentral.outbox} <= MAILED


@OVER_HTTP
@forged
@given(name=st.sampled_from([*STORY, *EVENTS, *UNHANDLED]), changes=CHANGES)
async def test_over_http_a_forged_payload_is_answered_and_no_bug(
    name: str, changes: Changes, certcentral: CertCentral, deliver: Deliver, slack: Slack
) -> None:
    complaints = len(slack.problems)

    await deliver(name, changes)

    # A command that has lost what makes it one is turned away, and that is an answer.
    may_be_turned_away = name.startswith("/")
    assert [each for each in slack.problems[complaints:] if not (may_be_turned_away and "HTTP 4" in each)] == []
    assert {mail.recipient.partition("@")[2] for mail in certcentral.outbox} <= MAILED


@forged
@given(name=st.sampled_from([*STORY, *UNHANDLED]), changes=CHANGES)
async def test_a_forged_payload_of_a_person_who_is_not_listed_reaches_digicert_never(
    name: str, changes: Changes, certcentral: CertCentral, deliver: Deliver
) -> None:
    before = len(certcentral.calls)

    delivery = await deliver(name, changes, is_listed=False)

    assert delivery.acked
    assert [call.name for call in certcentral.calls[before:]] == []


async def test_a_huge_part_is_no_bug_and_holds_nobody_up(certcentral: CertCentral, deliver: Deliver) -> None:
    mails = len(certcentral.outbox)

    for number, (name, path) in enumerate(HUGE_PARTS):
        for huge in HUGE[number % 2 :: 2]:
            assert (await deliver(name, [(path, huge)])).acked, path

    assert len(certcentral.outbox) == mails


async def test_whatever_an_event_holds_in_place_of_its_parts_is_no_bug(
    slack: Slack, deliver: Deliver, ops: Channel
) -> None:
    posted = len(ops.messages)

    for name, parts in EVENT_PARTS.items():
        for part in parts:
            for junk in [GONE, *JUNK]:
                assert (await deliver(name, [(part, junk)])).acked, (part, junk)

    assert len(ops.messages) == posted


async def test_an_envelope_of_a_shape_that_slack_never_sends_is_acknowledged_where_it_has_an_id(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, genuine: Callable[[str], Genuine]
) -> None:
    command, asked = genuine("/dcv-status"), len(certcentral.calls)

    for payload, changes in [*((payload, {}) for payload in PAYLOADS), *(({}, changes) for changes in ENVELOPES)]:
        delivery = await slack.socket_mode.deliver(command.kind, payload, f"{payload} in {changes}", **changes)
        assert delivery.acked, (payload, changes)
    unasked = certcentral.calls[asked:]
    for frame in ("", "x", "[]", "{}", '{"type": "hello"}', '{"envelope_id": "1"}', '{"type": {}, "payload": []}'):
        await slack.socket_mode.sockets[0].ws.send_str(frame)
    delivery = await slack.socket_mode.deliver(command.kind, command.payload, "a command after all that")

    assert delivery.acked
    assert (unasked, _bugs(bot)) == ([], [])


async def test_a_forged_choice_is_answered_by_a_sentence(deliver: Deliver, slack: Slack, ana: SimulatedUser) -> None:
    for name, part, value, words in CHOICES:
        before = _known_changes(slack, ana)
        await deliver(name, [(part, value)])
        await _hears(slack, ana, words, before)


async def test_a_forged_submission_is_answered_at_its_field_or_by_a_sentence(
    deliver: Deliver, slack: Slack, certcentral: CertCentral, ana: SimulatedUser
) -> None:
    sent = len(certcentral.resends)

    for changes, words in SUBMISSIONS:
        before = _known_changes(slack, ana)
        answer = (await deliver("view_submission", changes)).payload
        if answer:
            assert list(answer["errors"].values()) == [words], changes
        else:
            await _hears(slack, ana, words, before)

    assert len(certcentral.resends) == sent


async def _hears(slack: Slack, person: SimulatedUser, words: str, before: dict[str, str]) -> None:
    """Wait until these words are new to the person."""

    def is_new() -> bool:
        return any(words in text for key, text in _known_changes(slack, person).items() if key not in before)

    await slack.wait_for(is_new, f"{words!r}", 10.0)


def _known_changes(slack: Slack, person: SimulatedUser) -> dict[str, str]:
    """All that the person alone was told: whispers, direct messages, and each form as it is drawn now."""
    messages = {message.ts: message.text for message in (*person.ephemerals, *slack.dm(person).messages)}
    return messages | {form.view["hash"]: form.text for form in person.open_forms}
