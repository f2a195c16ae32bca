"""The boundary: nothing escapes it, the right words reach the right person, and a stop can wait for it."""

import asyncio

import pytest
import structlog

from bot.errors import CaUnavailable, InvalidInput, NotAllowed, NotResendable, StoreUnavailable
from bot.models import Actor, Destination, Interaction
from handlers.listeners.error_boundary import ErrorBoundary

ORIGIN = Interaction(Actor("U0ANA", "T0HOME"), Destination("C0PKI"), "https://hooks.example/1")


class RecordingChat:
    """A fake chat that records ephemeral messages."""

    def __init__(self):
        self.whispers = []

    async def send_ephemeral(self, interaction, message):
        self.whispers.append((interaction, message.text))


@pytest.fixture
def chat():
    return RecordingChat()


@pytest.fixture
def boundary(chat):
    return ErrorBoundary(chat)


@pytest.fixture(autouse=True)
def logged():
    """The logged events, with the values that were bound meanwhile."""
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        yield logged


@pytest.fixture
def fail(boundary):
    async def fail_with(error):
        async with boundary.respond_to(ORIGIN):
            raise error

    return fail_with


async def test_where_all_goes_well_nothing_is_whispered(boundary, chat, logged):
    async with boundary.respond_to(ORIGIN):
        pass

    assert chat.whispers == []
    assert logged == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InvalidInput("That is HTML: give one name."), "That is HTML: give one name."),
        (
            NotAllowed("You can't resend for 7.", "not-listed"),
            "You can't resend for 7. For access, ask the bot admins.",
        ),
        (NotResendable("Order 1 is issued.", "Reissue it."), "Order 1 is issued. Reissue it."),
        (StoreUnavailable("The database is away."), "The database is away."),
        (
            CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False),
            "DigiCert cannot be reached. Nothing was sent. Try again in a moment.",
        ),
    ],
)
async def test_what_a_person_can_mend_is_whispered_to_them(fail, chat, logged, error, words):
    await fail(error)

    assert chat.whispers == [(ORIGIN, words)]
    assert [line["log_level"] for line in logged] == ["info"]


async def test_a_bug_is_whispered_as_a_reference_that_the_log_knows(fail, chat, logged):
    await fail(ValueError("a secret of ours"))

    ((interaction, words),) = chat.whispers
    (line,) = logged
    assert interaction == ORIGIN
    assert "a secret of ours" not in words
    assert line["reference"] in words
    assert (line["log_level"], line["exc_info"]) == ("error", True)


async def test_each_bug_has_a_reference_of_its_own(fail, logged):
    for _ in range(3):
        await fail(ValueError("again"))

    assert len({line["reference"] for line in logged}) == 3


async def test_a_line_of_the_log_names_who_is_answered(boundary, fail, logged):
    await fail(InvalidInput("That is HTML."))
    async with boundary.respond_to(ORIGIN):
        structlog.get_logger("test").info("inside")
    structlog.get_logger("test").info("outside")

    assert [line.get("user") for line in logged] == ["U0ANA", "U0ANA", None]


async def test_a_stop_goes_through(boundary, chat):
    async def wait_for_ever():
        async with boundary.respond_to(ORIGIN):
            await asyncio.Event().wait()

    answer = asyncio.create_task(wait_for_ever())
    await asyncio.sleep(0)
    answer.cancel()

    with pytest.raises(asyncio.CancelledError):
        await answer
    assert chat.whispers == []
    await asyncio.wait_for(boundary.idle(10), 1)


async def test_a_stop_waits_until_everybody_was_answered(boundary):
    finished, release = [], asyncio.Event()

    async def answer(name):
        async with boundary.respond_to(ORIGIN):
            await release.wait()
            finished.append(name)

    answers = [asyncio.create_task(answer(number)) for number in range(3)]
    await asyncio.sleep(0)
    idle = asyncio.create_task(boundary.idle(10))
    await asyncio.sleep(0)
    was_waiting = not idle.done()
    release.set()

    await idle

    assert was_waiting
    assert finished == [0, 1, 2]
    await asyncio.gather(*answers)


async def test_a_stop_does_not_wait_for_ever(boundary, logged):
    async with boundary.respond_to(ORIGIN):
        await boundary.idle(0.01)

    assert [line["event"] for line in logged] == ["stopping while a user is waiting for an answer"]


async def test_where_nobody_is_answered_a_stop_waits_for_nobody(boundary):
    await asyncio.wait_for(boundary.idle(10), 1)


async def test_who_is_not_answered_by_the_end_of_a_stop_is_notified_once(boundary, chat):
    async with boundary.respond_to(ORIGIN), boundary.respond_to(ORIGIN):
        await boundary.notify_shutdown()
    await boundary.notify_shutdown()

    [(interaction, words)] = chat.whispers
    assert interaction == ORIGIN
    assert "I'm restarting" in words


async def test_a_slack_that_is_silent_holds_up_no_stop(boundary, chat):
    async def send_ephemeral(*_):
        await asyncio.Event().wait()

    chat.send_ephemeral = send_ephemeral

    async with boundary.respond_to(ORIGIN):
        await asyncio.wait_for(boundary.notify_shutdown(), 5)
