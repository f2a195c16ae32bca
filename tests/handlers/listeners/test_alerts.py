"""Which events tell of a new message at the top of a channel that no stranger reads."""

import pytest

from bot.errors import StoreUnavailable
from handlers.listeners.alerts import AlertChannels, read_new_message

TS = "1764000000.000100"
MESSAGE = {"type": "message", "channel": "C0OPS", "user": "U0ANA", "text": "Order 700001 waits", "ts": TS}


def event(**changes):
    return {"type": "event_callback", "is_ext_shared_channel": False, "event": {**MESSAGE, **changes}}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"bot_id": "B0MON", "bot_profile": {"app_id": "A0MON"}},
        {"subtype": "bot_message", "user": None, "username": "monitoring", "bot_id": "B0MON"},
        {"subtype": "file_share", "files": []},
        {"subtype": "me_message"},
        {"thread_ts": TS},
        {"subtype": None, "thread_ts": None},
    ],
)
def test_a_new_message_of_a_person_an_app_or_a_webhook_is_read(changes):
    assert read_new_message(event(**changes)) == {**MESSAGE, **changes}


@pytest.mark.parametrize(
    "body",
    [
        event(subtype="message_changed", message=MESSAGE),
        event(subtype="message_deleted"),
        event(subtype="message_replied"),
        event(subtype="channel_join"),
        event(subtype="group_join"),
        event(subtype="channel_topic"),
        event(subtype="bot_add"),
        event(subtype="reminder_add"),
        event(subtype="thread_broadcast", thread_ts="1763999999.000100"),
        event(subtype="something_new"),
        event(thread_ts="1763999999.000100"),
        event(hidden=True),
        {**event(), "is_ext_shared_channel": True},
        event(ts=None),
        event(ts="now"),
        event(subtype=["bot_message"]),
        event(subtype={}),
        event(thread_ts=[TS]),
        event(thread_ts={}),
        event(ts="1764000000"),
        event(ts="-1764000000.0001"),
        event(ts="²²²²²²²².1"),
        event(ts=1764000000.0001),
        event(channel=None),
        event(channel={"id": "C0OPS"}),
        {"event": None},
        {"event": []},
        {},
    ],
)
def test_everything_else_is_not(body):
    assert read_new_message(body) is None


class FakeIntake:
    def __init__(self, error=None):
        self.taken, self._error = [], error

    async def ingest(self, channel_id, message):
        self.taken.append((channel_id, message["ts"]))
        if self._error:
            raise self._error


@pytest.fixture
def went_on():
    """Notes when Bolt is let go on, to its ack."""
    noted = []

    async def next_():
        noted.append(True)

    next_.noted = noted
    return next_


async def test_a_message_is_written_down_before_the_ack(went_on):
    alert_ingester = FakeIntake()

    answer = await AlertChannels(alert_ingester, None, None, None, None, None).ingest(event(), went_on)

    assert alert_ingester.taken == [("C0OPS", TS)]
    assert (answer, went_on.noted) == (None, [True])


async def test_where_the_database_is_away_there_is_no_ack_so_that_slack_delivers_again(went_on):
    alert_ingester = FakeIntake(StoreUnavailable("The database is away."))

    answer = await AlertChannels(alert_ingester, None, None, None, None, None).ingest(event(), went_on)

    assert (answer.status, went_on.noted) == (503, [])


async def test_an_event_that_is_no_new_message_is_only_acked(went_on):
    alert_ingester = FakeIntake()

    await AlertChannels(alert_ingester, None, None, None, None, None).ingest(event(subtype="message_changed"), went_on)

    assert (alert_ingester.taken, went_on.noted) == ([], [True])
