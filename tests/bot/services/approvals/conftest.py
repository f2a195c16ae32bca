"""A sent request whose email waits for approval, and the services that ask people about it."""

import pytest

from bot.errors import SlackRejected
from bot.models import LedgerEvent
from bot.policy.rules import Rules
from bot.services.approvals.answers import ApprovalAnswers
from bot.services.approvals.asks import ApprovalAskService
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.follow_up.check_now import CheckNow
from bot.services.follow_up.observer import ValidationObserver
from bot.slack.channels import Channel
from bot.store import follow_ups as rows
from bot.store.approval_asks import ApprovalAsks
from bot.store.ledger.entries import Entry
from bot.views.approvals import ApprovalInput


class Woken:
    """A follow-up worker that notes that it was woken."""

    def __init__(self):
        self.count = 0

    def wake(self):
        self.count += 1


class Channels:
    """Slack's channels, by id."""

    def __init__(self):
        self.by_id = {"C0NET": Channel("C0NET", "net", is_member=True, is_shared=False)}

    async def __call__(self, channel_id):
        if channel_id not in self.by_id:
            raise SlackRejected("channel_not_found")
        return self.by_id[channel_id]


@pytest.fixture
def channels():
    return Channels()


@pytest.fixture
def worker():
    return Woken()


@pytest.fixture
def ask_rows(database):
    return ApprovalAsks(database)


@pytest.fixture
def check_now(authorizer, stored, follow_ups, certcentral, reporter, schedule, clock):
    observer = ValidationObserver(certcentral, clock)
    return CheckNow(authorizer, stored, follow_ups, observer, reporter, schedule, clock)


@pytest.fixture
def make_asks(
    authorizer,
    check_now,
    reach,
    stored,
    follow_ups,
    ledger,
    ask_rows,
    database,
    publisher,
    chat,
    channels,
    engine,
    clock,
):
    def create(authorizer=authorizer):
        parts = (reach, stored, follow_ups, ledger, ask_rows, database, publisher, chat, channels, engine, clock)
        return ApprovalAskService(authorizer, check_now, *parts)

    return create


@pytest.fixture
def asks(make_asks):
    return make_asks()


@pytest.fixture
def answers(authorizer, ask_rows, stored, follow_ups, worker, check_now, publisher, clock):
    return ApprovalAnswers(authorizer, ask_rows, stored, follow_ups, worker, check_now, publisher, clock)


@pytest.fixture
def make_policy(directory, ledger, metrics, clock):
    """Return a function that makes an authorizer with Ana on the list and these rules of the file."""

    def create(*of_file):
        rules = Rules(frozenset({"U0ANA"}), frozenset(), frozenset({"T0HOME"}), of_file)
        return Authorizer(PolicyLoader(rules), directory, ledger, metrics, clock)

    return create


@pytest.fixture
async def request_sent(accept, make_request, database, ledger, reporter, clock, ana, certcentral, order_call):
    """Return a request of Ana's for order 700001, sent to admin@example.com and tracked."""
    request = await accept(make_request("r1"))
    await ledger.append(Entry(LedgerEvent.SENT, clock(), ana, request.id, 0, 1))
    async with database.write() as transaction:
        await rows.begin(transaction, request, 0, clock(), clock.now.replace(hour=12))
    certcentral.add_order(700001, *order_call.names)
    await reporter.report(request.id)
    return request


@pytest.fixture
def ask(asks, request_sent, ana, engine, steps, directory):
    """Return a function that asks a person or a channel, and posts the question."""
    engine.steps = steps
    for user_id in ("U0EVE", "U0BOB"):
        directory.add(user_id)

    async def ask_it(asked="U0EVE", view_id="V1", by=ana):
        ask_id = await asks.accept(by, view_id, ApprovalInput("r1", 0, asked))
        await asks.post(ask_id)
        return ask_id

    return ask_it
