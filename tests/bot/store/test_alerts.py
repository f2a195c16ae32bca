"""Alerts are processed once each, in the order of arrival."""

from datetime import timedelta

import pytest

from bot.parsing.mentions import Mention
from bot.parsing.message_authors import Author
from bot.parsing.targets import DomainRef, OrderRef
from bot.store.alerts import Alert, Alerts

CANDIDATES = (Mention(OrderRef(700001), True, "the title"), Mention(DomainRef("a.example"), False, "a “link”"))


@pytest.fixture
def alerts(database):
    return Alerts(database)


@pytest.fixture
def alert(clock):
    return Alert("C0OPS", "17.5", clock(), CANDIDATES, Author("B0MON", "U0MON"), about_certificates=True)


async def test_an_alert_comes_back_as_it_was_written(alerts, alert):
    await alerts.add([alert])

    assert await alerts.unread(10) == [alert]


async def test_an_alert_that_arrives_again_stays_as_it_was(alerts, alert, clock):
    await alerts.add([alert])
    clock.advance(seconds=1)
    again = Alert("C0OPS", "17.5", clock(), ())
    other = Alert("C0DEV", "17.5", clock(), CANDIDATES[:1])

    await alerts.add([again, other])
    assert await alerts.unread(10) == [alert, other]
    await alerts.done([alert, other])
    await alerts.add([again, other])

    assert await alerts.unread(10) == []


async def test_the_first_that_arrived_are_read_first(alerts, clock):
    kept = []
    for number in (3, 1, 2):
        kept.append(Alert("C0OPS", f"1{number}.5", clock(), CANDIDATES))
        clock.advance(seconds=1)
    await alerts.add(kept[::-1])

    assert await alerts.unread(2) == kept[:2]


async def test_what_another_version_wrote_names_nothing(alerts, alert, database):
    await alerts.add([alert])
    async with database.write() as transaction:
        await transaction.exec_driver_sql("UPDATE alerts SET mentions = '[{\"colour\": 1}]'")

    [read] = await alerts.unread(10)

    assert read.mentions == ()


async def test_old_alerts_are_forgotten(alerts, alert, clock):
    young = Alert("C0OPS", "18.5", clock() + timedelta(hours=1), CANDIDATES)
    await alerts.add([alert, young])

    await alerts.tidy(clock() + timedelta(minutes=1))

    assert await alerts.unread(10) == [young]


async def test_an_alert_that_an_older_version_wrote_down_has_no_author(alerts, alert, database):
    await alerts.add([alert])
    async with database.write() as transaction:
        await transaction.exec_driver_sql("UPDATE alerts SET bot_id = NULL, user_id = NULL, about_certificates = NULL")

    [read] = await alerts.unread(10)

    assert (read.author, read.about_certificates, read.mentions) == (None, False, CANDIDATES)
