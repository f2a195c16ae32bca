"""The ingestion of alerts: other messages are not read, and concurrent alerts are written together."""

import asyncio

import pytest

from bot.errors import StoreUnavailable
from bot.services.alerts.ingest import AlertIngester
from bot.slack.client import Identity
from bot.store.alerts import Alerts

US = Identity("B0US", "U0US", "T0HOME", None, frozenset())


class WatchedAlerts(Alerts):
    """Alerts that record the size of each batch. Writing can fail."""

    def __init__(self, database):
        super().__init__(database)
        self.written, self.failure = [], None

    async def add(self, new):
        if self.failure:
            raise self.failure
        self.written.append(len(new))
        await super().add(new)


@pytest.fixture
def alerts(database):
    return WatchedAlerts(database)


@pytest.fixture
def alert_ingester(alerts, clock):
    return AlertIngester(frozenset({"C0OPS"}), US, alerts, clock)


@pytest.fixture
def message(clock):
    """Return a message that was posted so many seconds ago."""

    def create(text="Order 700001 waits", seconds=0.0, **more):
        return {"ts": f"{clock().timestamp() - seconds:.6f}", "text": text, "user": "U0ANA", **more}

    return create


async def test_an_alert_is_stored_when_it_is_acknowledged(alert_ingester, alerts, message):
    await alert_ingester.ingest("C0OPS", message())

    [alert] = await alerts.unread(10)
    assert (alert.channel_id, [str(each.target.order_id) for each in alert.mentions]) == ("C0OPS", ["700001"])
    assert alert_ingester.arrived.is_set()


@pytest.mark.parametrize("forged", [{"user": ["U0US"]}, {"user": {}}, {"bot_id": []}])
async def test_a_sender_that_is_no_id_writes_nothing(alert_ingester, alerts, message, forged):
    await alert_ingester.ingest("C0OPS", message(**forged))

    assert await alerts.unread(10) == []


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
async def test_what_is_no_alert_writes_nothing(alert_ingester, alerts, message, channel, more):
    await alert_ingester.ingest(channel, message(**more))

    assert await alerts.unread(10) == []
    assert not alert_ingester.arrived.is_set()


async def test_a_flood_needs_few_transactions(alert_ingester, alerts, message):
    await asyncio.gather(*(alert_ingester.ingest("C0OPS", message(seconds=number / 1000)) for number in range(500)))

    assert sum(alerts.written) == 500
    assert len(alerts.written) < 250
    assert len(await alerts.unread(1000)) == 500


async def test_every_waiter_gets_the_error_of_an_unavailable_database_and_can_retry(alert_ingester, alerts, message):
    alerts.failure = StoreUnavailable("The database is away.")
    taken = await asyncio.gather(
        *(alert_ingester.ingest("C0OPS", message(seconds=number)) for number in range(3)), return_exceptions=True
    )
    assert taken == [alerts.failure] * 3

    alerts.failure = None
    await alert_ingester.ingest("C0OPS", message())

    assert len(await alerts.unread(10)) == 1


async def test_no_more_wait_than_memory_allows(alerts, message, clock):
    alert_ingester = AlertIngester(frozenset({"C0OPS"}), US, alerts, clock, most_waiting=0)

    with pytest.raises(StoreUnavailable):
        await alert_ingester.ingest("C0OPS", message())


UNREADABLE = {"type": "section", "text": {"type": "mrkdwn", "text": "See <https://deep.example.org|the dashboard>"}}


@pytest.mark.parametrize(
    ("more", "strong", "about_certificates"),
    [
        ({"text": "The certificate of deep.example.org expires"}, {"deep.example.org"}, True),
        ({"text": "deep.example.org is down"}, {"deep.example.org"}, False),
        ({"text": "cert.example.org is down"}, {"cert.example.org"}, False),
        ({"text": "Certificate expires", "blocks": [UNREADABLE]}, set(), False),
        ({"text": "Certificate of deep.example.org", "blocks": [UNREADABLE]}, {"deep.example.org"}, True),
        (
            {"text": "", "attachments": [{"title": "Zertifikat", "text": "deep.example.org"}]},
            {"deep.example.org"},
            True,
        ),
        ({"text": "deep.example.org", "attachments": [{"footer": "SSL monitor"}]}, {"deep.example.org"}, False),
        ({"text": "Certificate of order 700001"}, {700001}, False),
    ],
)
async def test_what_a_parent_may_count_for_is_written_down(
    alert_ingester, alerts, message, more, strong, about_certificates
):
    await alert_ingester.ingest("C0OPS", message(**more))

    [alert] = await alerts.unread(10)
    targets = [each.target for each in alert.mentions if each.is_explicit]
    assert {getattr(target, "name", None) or target.order_id for target in targets} == strong
    assert alert.about_certificates is about_certificates
    assert (alert.author.bot_id, alert.author.user_id) == (None, "U0ANA")


@pytest.mark.parametrize(
    ("enterprise", "team", "kept"), [(None, "T0HOME", 1), (None, "T0OTHER", 0), ("E0ORG", "T0SISTER", 1)]
)
async def test_a_message_of_another_workspace_writes_nothing(alerts, clock, message, enterprise, team, kept):
    identity = Identity("B0US", "U0US", "T0HOME", enterprise, frozenset())
    alert_ingester = AlertIngester(frozenset({"C0OPS"}), identity, alerts, clock)

    await alert_ingester.ingest("C0OPS", message(team=team, user_team=team))

    assert len(await alerts.unread(10)) == kept
