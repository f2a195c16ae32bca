"""The way in: what is no alert is not even read, and what arrives together is written together."""

import asyncio

import pytest

from bot.errors import StoreUnavailable
from bot.services.intake import Intake
from bot.slack.client import Identity
from bot.store.alerts import Alerts

US = Identity("B0US", "U0US", "T0HOME", None, frozenset())


class WatchedAlerts(Alerts):
    """Counts what is written at once; writing can fail."""

    def __init__(self, database):
        super().__init__(database)
        self.written, self.failure = [], None

    async def keep(self, new):
        if self.failure:
            raise self.failure
        self.written.append(len(new))
        await super().keep(new)


@pytest.fixture
def alerts(database):
    return WatchedAlerts(database)


@pytest.fixture
def intake(alerts, clock):
    return Intake(frozenset({"C0OPS"}), US, alerts, clock)


@pytest.fixture
def message(clock):
    """A message that was posted so many seconds ago."""

    def make(text="Order 700001 waits", seconds=0.0, **more):
        return {"ts": f"{clock().timestamp() - seconds:.6f}", "text": text, "user": "U0ANA", **more}

    return make


async def test_an_alert_is_there_when_it_was_taken(intake, alerts, message):
    await intake.take("C0OPS", message())

    [alert] = await alerts.unread(10)
    assert (alert.channel_id, [str(each.target.order_id) for each in alert.candidates]) == ("C0OPS", ["700001"])
    assert intake.arrived.is_set()


@pytest.mark.parametrize("forged", [{"user": ["U0US"]}, {"user": {}}, {"bot_id": []}])
async def test_a_sender_that_is_no_id_is_nobody_of_ours(intake, alerts, message, forged):
    await intake.take("C0OPS", message(**forged))

    assert len(await alerts.unread(10)) == 1


@pytest.mark.parametrize(
    ("channel", "more"),
    [
        ("C0PKI", {}),
        ("C0OPS", {"text": "Good morning"}),
        ("C0OPS", {"user": "U0US"}),
        ("C0OPS", {"user": None, "bot_id": "B0US"}),
        ("C0OPS", {"seconds": 3601}),
    ],
)
async def test_what_is_no_alert_leaves_nothing_behind(intake, alerts, message, channel, more):
    await intake.take(channel, message(**more))

    assert await alerts.unread(10) == []
    assert not intake.arrived.is_set()


async def test_a_flood_takes_few_transactions(intake, alerts, message):
    await asyncio.gather(*(intake.take("C0OPS", message(seconds=number / 1000)) for number in range(500)))

    assert sum(alerts.written) == 500
    assert len(alerts.written) < 250
    assert len(await alerts.unread(1000)) == 500


async def test_everybody_hears_of_a_database_that_is_away_and_can_come_again(intake, alerts, message):
    alerts.failure = StoreUnavailable("The database is away.")
    taken = await asyncio.gather(
        *(intake.take("C0OPS", message(seconds=number)) for number in range(3)), return_exceptions=True
    )
    assert taken == [alerts.failure] * 3

    alerts.failure = None
    await intake.take("C0OPS", message())

    assert len(await alerts.unread(10)) == 1


async def test_no_more_wait_than_memory_allows(alerts, message, clock):
    intake = Intake(frozenset({"C0OPS"}), US, alerts, clock, most_waiting=0)

    with pytest.raises(StoreUnavailable):
        await intake.take("C0OPS", message())
