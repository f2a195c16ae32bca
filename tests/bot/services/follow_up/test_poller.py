"""One query for all followed orders: changed orders are checked at once, and no call is wasted."""

from datetime import timedelta

import pytest

from bot.errors import CaUnavailable
from bot.models import StatusChange
from bot.services.follow_up.poller import MARGIN, StatusPoller
from bot.store import follow_ups as rows
from bot.store import requests


class CountingWorker:
    """A follow-up worker that counts its wake-ups."""

    def __init__(self):
        self.times = 0

    def wake(self):
        self.times += 1


@pytest.fixture
def follow_up_worker():
    return CountingWorker()


@pytest.fixture
def status_poller(certcentral, follow_ups, follow_up_worker, clock):
    return StatusPoller(certcentral, follow_ups, follow_up_worker, clock, clock)


@pytest.fixture
def start_follow_up(database, stored, make_request, clock):
    """Return a function that starts the follow-up of a reported request."""

    async def begin(request_id="r1", **changes):
        request = make_request(request_id, **changes)
        async with database.write() as transaction:
            await requests.add(transaction, request)
            await rows.begin(transaction, request, 0, clock(), clock() + timedelta(hours=1))
        await stored.reported(request.id, clock())

    return begin


async def test_an_order_whose_status_changed_is_due_at_once(
    status_poller, start_follow_up, follow_ups, follow_up_worker, certcentral, clock
):
    await start_follow_up()
    certcentral.changes = {StatusChange(700001, "issued"), StatusChange(5, "issued")}

    await status_poller.poll()

    assert [each.id for each in await follow_ups.due(clock(), 9)] == ["r1.0"]
    assert follow_up_worker.times == 1


async def test_it_asks_since_it_was_last_answered(status_poller, start_follow_up, certcentral, clock):
    await start_follow_up()
    clock.advance(minutes=10)
    await status_poller.poll()
    clock.advance(minutes=1)
    certcentral.failures["status_changes"] = [CaUnavailable("There was no answer.", may_have_arrived=False)]
    with pytest.raises(CaUnavailable):
        await status_poller.poll()
    clock.advance(minutes=1)
    await status_poller.poll()

    spans = [call[1] - MARGIN for call in certcentral.asked if call[0] == "status_changes"]
    assert spans == [timedelta(minutes=10), timedelta(minutes=1), timedelta(minutes=2)]


async def test_a_known_change_makes_no_follow_up_due_twice(
    status_poller, start_follow_up, follow_up_worker, certcentral
):
    await start_follow_up()
    certcentral.changes = {StatusChange(700001, "processing")}

    await status_poller.poll()
    await status_poller.poll()

    assert follow_up_worker.times == 1


async def test_digicert_is_not_called_while_no_order_is_followed(
    status_poller, start_follow_up, certcentral, domain_call
):
    await start_follow_up(calls=(domain_call,), key="domain:1234")

    await status_poller.poll()

    assert certcentral.asked == []


@pytest.mark.fault("L5")
async def test_it_asks_for_what_truly_passed_although_the_clock_was_set_back(
    follow_ups, start_follow_up, follow_up_worker, certcentral, clock
):
    passed = [clock()]
    status_poller = StatusPoller(certcentral, follow_ups, follow_up_worker, clock, steady=lambda: passed[0])
    await start_follow_up()
    await status_poller.poll()
    clock.advance(hours=-1)
    passed[0] += timedelta(minutes=5)

    await status_poller.poll()

    assert [call[1] - MARGIN for call in certcentral.asked if call[0] == "status_changes"][-1] == timedelta(minutes=5)
