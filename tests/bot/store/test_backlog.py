"""The counts of pending work."""

from datetime import timedelta

import pytest

from bot.models import Backlog
from bot.store import follow_ups, requests
from bot.store.alerts import Alert, Alerts
from bot.store.backlog import BacklogReader

SOON = timedelta(minutes=2)


@pytest.fixture
def depth(database):
    return BacklogReader(database)


async def test_nothing_waits_at_first_and_the_database_answers(depth, clock):
    await depth.refresh()

    assert await depth.read(clock()) == Backlog(0, 0, 0, 0)


async def test_an_accepted_request_waits_until_it_is_reported(depth, database, make_request, clock):
    async with database.write() as transaction:
        await requests.add(transaction, make_request("r1"))
        await requests.add(transaction, make_request("r2"))

    await requests.Requests(database).reported("r1", clock())

    assert (await depth.read(clock())).requests == 1


async def test_an_alert_waits_until_it_was_processed(depth, database, clock):
    alerts = [Alert("C1", f"{number}.0", clock(), ()) for number in range(3)]
    await Alerts(database).add(alerts)

    await Alerts(database).done(alerts[:1])

    assert (await depth.read(clock())).alerts == 2


async def test_a_follow_up_is_due_when_its_time_has_come(depth, database, make_request, clock):
    request = make_request("r1")
    async with database.write() as transaction:
        await requests.add(transaction, request)
        await follow_ups.begin(transaction, request, 0, clock(), clock() + SOON)

    before, then = await depth.read(clock()), await depth.read(clock() + SOON)

    assert [(each.follow_ups, each.due) for each in (before, then)] == [(1, 0), (1, 1)]
