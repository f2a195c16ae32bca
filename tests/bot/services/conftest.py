"""Small fakes of the outside world: DigiCert, Slack's users and channels, and the workflow engine."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

import pytest
import sqlalchemy as sa
import stamina
import structlog

from bot.errors import CaError, CaRejected, CaUnavailable, SlackRejected
from bot.follow_up_schedule import FollowUpSchedule
from bot.metrics import Metrics
from bot.models import (
    Address,
    Destination,
    Domain,
    LedgerEvent,
    NameValidation,
    Order,
    OrderValidation,
    Pending,
    Unclear,
    Valid,
)
from bot.policy.principal import Principal
from bot.policy.rules import Rules
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.bulk.limits import BulkLimits
from bot.services.bulk.result import BulkReporter
from bot.services.lookup.account import AccountCache
from bot.services.lookup.allowed_emails import AllowedEmails
from bot.services.lookup.finder import Finder
from bot.services.lookup.pending_mentions import PendingMentions
from bot.services.lookup.recipient_options import RecipientOptions
from bot.services.publishing.publisher import MessagePublisher
from bot.services.resend.reporter import ResultReporter
from bot.services.resend.requests import ResendService
from bot.services.resend.sender import CallSender
from bot.slack.channels import Channel
from bot.store import cooldowns, requests, schema
from bot.store.bulk_plans import BulkPlans
from bot.store.cooldowns import Cooldowns
from bot.store.follow_ups import FollowUps
from bot.store.ledger.entries import Entry, Ledger, append
from bot.store.ledger.mailbox_history import MailboxHistory
from bot.store.posts import Posts
from bot.store.requests import Requests

LONG_AGO = datetime(2026, 6, 1, tzinfo=UTC)
COOLDOWN = timedelta(minutes=15)


class FakeCertCentral:
    """An account in memory. `asked` lists all calls, `sent` the resends.

    Each entry of `failures` is raised once. If an entry is None, one call succeeds.
    Each of `always` is raised at every call.
    """

    def __init__(self):
        self.orders, self.validations, self.account_domains, self.allowed = {}, {}, {}, {}
        # What DigiCert could email beyond the account's settings, if that is more.
        self.possible = {}
        self.asked, self.sent = [], []
        self.failures, self.always = defaultdict(list), {}
        self.changes = set()
        self.before_put = None
        self.during_put = None
        self.during_turn = None
        self.hold = None
        # True if a call takes effect although its answer is lost.
        self.lost_takes_effect = False

    async def acquire_slot(self):
        """Return at once. `meanwhile` runs once."""
        if happens := self.during_turn:
            self.during_turn = None
            await happens()

    def add_order(self, order_id, *names, status="pending", is_dv=True, method=None, entries=None, since=LONG_AGO):
        """Add an order. Unless `entries` says otherwise, each name is pending at its own scope."""
        order = Order(order_id, status, names[0] if names else "", tuple(names), is_dv, "a product", method, since)
        waiting = [self.entry(name) for name in names] if entries is None else entries
        self.orders[order_id] = order
        self.validations[order_id] = OrderValidation(order_id, status, None, tuple(waiting))
        return order

    def entry(self, scope, *names, is_open=True, method=None, domain_id=None, covers_below=True):
        return NameValidation(scope, names or (scope,), is_open, method, domain_id, covers_below)

    def add_domain(self, domain_id, name, *emails, is_active=True, is_pending=True, method="email", until=None):
        """Add a domain. DigiCert allows these addresses for its id and its name."""
        validation = {True: Pending(until), False: Valid(until), None: Unclear()}[is_pending]
        domain = Domain(domain_id, name, is_active, validation, method, LONG_AGO)
        self.account_domains[domain_id] = domain
        self.allow(domain_id, *emails, of=name)
        self.allow(name, *emails)
        return domain

    def allow(self, key, *emails, of=None):
        """Set the answer of "Domain emails" for an id or a name."""
        known = self.account_domains.get(key)
        self.allowed[key] = tuple(Address(email, of or (known.name if known else str(key))) for email in emails)

    def count(self, method):
        return sum(call[0] == method for call in self.asked)

    async def pending_orders(self):
        await self._asked("pending_orders")
        return [order for order in self.orders.values() if order.status in {"pending", "reissue_pending"}]

    async def orders_named(self, name):
        await self._asked("orders_named", name)
        return [order for order in self.orders.values() if name in {own.removeprefix("*.") for own in order.names}]

    async def order(self, order_id):
        await self._asked("order", order_id)
        return self._found(self.orders, order_id)

    async def order_validation(self, order_id):
        await self._asked("order_validation", order_id)
        return self.validations[order_id]

    async def status_changes(self, span):
        await self._asked("status_changes", span)
        return frozenset(self.changes)

    async def domains(self):
        await self._asked("domains")
        return list(self.account_domains.values())

    async def domain(self, domain_id):
        await self._asked("domain", domain_id)
        return self._found(self.account_domains, domain_id)

    async def allowed_addresses(self, domain, *, with_preferences=True):
        await self._asked("allowed_addresses", domain)
        return self._found(self.allowed if with_preferences or domain not in self.possible else self.possible, domain)

    async def resend_order(self, order_id, recipients, locale, confirm):
        await self._put(confirm, "resend_order", order_id, tuple(recipients), locale)

    async def resend_domain(self, domain_id, name_scope, emails, locale, confirm):
        await self._put(confirm, "resend_domain", domain_id, name_scope, tuple(emails), locale)

    async def submit_domain(self, domain_id, types, confirm):
        await self._put(confirm, "submit_domain", domain_id, tuple(types), validation=Pending(), method="dns-txt-token")

    async def change_domain_to_email(self, domain_id, emails, locale, confirm):
        await self._put(confirm, "change_domain_to_email", domain_id, tuple(emails), locale, method="email")

    async def _put(self, confirm, *call, **changes):
        """Make a call, which changes these attributes of its domain if it takes effect."""
        if self.before_put:
            await self.before_put()
        if confirm:
            await confirm()
        self.sent.append(call)
        if self.during_put:
            await self.during_put()
        try:
            await self._asked(*call)
        except CaError as error:
            if self.lost_takes_effect and isinstance(error, CaUnavailable) and error.may_have_arrived:
                self.change_domain(call[1], **changes)
            raise
        self.change_domain(call[1], **changes)

    def change_domain(self, domain_id, **changes):
        """Change attributes of a domain."""
        if changes:
            self.account_domains[domain_id] = replace(self.account_domains[domain_id], **changes)

    async def _asked(self, method, *args):
        self.asked.append((method, *args))
        if self.hold:
            await self.hold.wait()
        if self.failures[method] and (failure := self.failures[method].pop(0)):
            raise failure
        if method in self.always:
            raise self.always[method]

    @staticmethod
    def _found(among, key):
        if key not in among:
            raise CaRejected("Nothing goes by that.", status=404, codes=["not_found"])
        return among[key]


class FakeDirectory:
    """The members of the workspace. A person can be changed, and reading can fail or hang."""

    retry_after = 0.0

    def __init__(self):
        self.people, self.failure, self.hangs, self.asked = {}, None, False, []

    def add(self, user_id, **changes):
        flags = {"deleted": False, "bot": False, "guest": False, "stranger": False, "groups": frozenset()}
        self.people[user_id] = Principal(user_id=user_id, teams=frozenset({"T0HOME"}), **{**flags, **changes})

    async def person(self, user_id, groups=(), *, afresh=False):
        self.asked.append((user_id, afresh))
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        return self.people[user_id]


class FakeSlackChat:
    """Slack's channels. `closed` maps a channel to its error code, `failures` lists the errors of the next calls.

    With `lose_next` the next post is stored, but its response is lost. A post that `began` waits for `hold`.
    """

    def __init__(self):
        self.messages, self.shared, self.closed = {}, set(), {}
        self.posts, self.edits, self.looks = [], [], []
        self.failures, self.lose_next = [], None
        # Channels that the bot is not in, private ones, and answers by response_url.
        self.strange, self.private, self.responses = set(), set(), []
        self.hold, self.began = None, asyncio.Event()
        self.ephemerals = []

    async def send_ephemeral(self, interaction, message, *, replace=False):
        self.ephemerals.append((interaction.actor.user_id, interaction.destination, message.text))

    @property
    def texts(self):
        """Return the present texts by channel, oldest first."""
        return [(destination.channel_id, message.text) for destination, message, _ in self.messages.values()]

    async def is_shared(self, destination):
        await self._called(destination)
        return destination.channel_id in self.shared

    async def channel(self, channel_id):
        await self._called(Destination(channel_id))
        is_member = channel_id not in self.strange
        return Channel(channel_id, "a name", is_member, channel_id in self.shared, channel_id in self.private)

    async def respond(self, interaction, message, *, replace=False):
        self.responses.append((interaction.response_url, message.text))
        return True

    async def post(self, destination, message, key):
        self.posts.append((destination, message.text, key))
        self.began.set()
        if self.hold:
            await self.hold.wait()
        await self._called(destination)
        channel = (
            f"D0{destination.channel_id[2:]}" if destination.channel_id.startswith("U") else destination.channel_id
        )
        ts = f"{len(self.messages) + 1}.0"
        stands = Destination(channel, destination.thread_ts)
        self.messages[ts] = (stands, message, key)
        if self.lose_next:
            error, self.lose_next = self.lose_next, None
            raise error
        return stands, ts

    async def edit(self, destination, ts, message):
        self.edits.append((destination, ts, message.text))
        await self._called(destination)
        if ts not in self.messages:
            raise SlackRejected("message_not_found")
        self.messages[ts] = (destination, message, self.messages[ts][2])

    async def find(self, destination, key, since):
        self.looks.append((destination, key, since))
        await self._called(destination)
        return next((ts for ts, (where, _, own) in self.messages.items() if own == key and where == destination), None)

    async def permalink(self, destination, ts):
        return f"https://slack.test/{destination.channel_id}/{ts}"

    async def _called(self, destination):
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        if destination.channel_id in self.closed:
            raise SlackRejected(self.closed[destination.channel_id])


class FakeEngine:
    """An engine that runs a workflow only if it has `steps`. `started` lists the ids of started workflows."""

    def __init__(self):
        self.flows, self.started, self.steps = {}, [], None
        self.purged_before = None

    def define(self, name, flow):
        self.flows[name] = flow

    async def start(self, name, flow_id):
        self.started.append((name, flow_id))
        if self.steps:
            await self.flows[name](self.steps, flow_id)

    async def purge(self, before):
        self.purged_before = before


class FakeSteps:
    """Steps that run at once. A sleep advances the clock."""

    def __init__(self, clock):
        self.ran, self.slept, self._clock = [], [], clock

    async def run(self, name, step, *args):
        self.ran.append(name)
        return await step(*args)

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self._clock.advance(seconds=seconds)


@pytest.fixture(autouse=True)
def logged():
    """Capture the logs of the services. Nothing is printed."""
    with structlog.testing.capture_logs() as logged:
        yield logged


@pytest.fixture
def certcentral():
    return FakeCertCentral()


@pytest.fixture
def directory(ana):
    directory = FakeDirectory()
    directory.add(ana.user_id)
    return directory


@pytest.fixture
def chat():
    return FakeSlackChat()


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def steps(clock):
    return FakeSteps(clock)


@pytest.fixture
def ledger(database):
    return Ledger(database)


@pytest.fixture
def stored(database):
    return Requests(database)


@pytest.fixture
def follow_ups(database):
    return FollowUps(database)


@pytest.fixture
def posts(database):
    return Posts(database)


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def authorizer(directory, ledger, metrics, clock):
    """Return an authorizer whose list has Ana and Bob."""
    rules = Rules(frozenset({"U0ANA", "U0BOB"}), frozenset(), frozenset({"T0HOME"}))
    return Authorizer(PolicyLoader(rules), directory, ledger, metrics, clock)


@pytest.fixture
def addresses(certcentral, clock):
    return AllowedEmails(certcentral, clock)


@pytest.fixture
def waiting_names(addresses, stored, database, clock):
    return RecipientOptions(addresses, stored, MailboxHistory(database), clock)


@pytest.fixture
def account_cache(certcentral, clock):
    return AccountCache(certcentral, clock)


@pytest.fixture
def reach(certcentral, account_cache):
    # Imported here, so that the tests can be collected on older code.
    from bot.services.lookup.reach import ReachReader

    return ReachReader(certcentral, account_cache)


@pytest.fixture
async def visibility(authorizer, ana):
    """Return the visibility of Ana, who may see everything."""
    from bot.services.authorization.visibility import Visibility

    return Visibility(ana, Destination("C0PKI"), await authorizer.context(ana))


@pytest.fixture
def finder(certcentral, account_cache, waiting_names, reach):
    return Finder(certcentral, account_cache, waiting_names, reach)


@pytest.fixture
def pending_mentions(certcentral, account_cache):
    return PendingMentions(certcentral, account_cache)


@pytest.fixture
def publisher(chat, posts, clock):
    return MessagePublisher(chat, posts, clock)


@pytest.fixture
def bulk_plans(database):
    return BulkPlans(database)


@pytest.fixture
def bulk_limits(database, clock):
    return BulkLimits(database, 10, 25, clock)


@pytest.fixture
def bulk_reporter(bulk_plans, bulk_limits, follow_ups, reporter, publisher, chat, clock):
    return BulkReporter(bulk_plans, bulk_limits, follow_ups, reporter, publisher, chat, clock)


@pytest.fixture
def reporter(stored, ledger, follow_ups, publisher, schedule, clock):
    return ResultReporter(stored, ledger, follow_ups, publisher, schedule, clock, email_end_note=False)


@pytest.fixture
def schedule():
    """Return a schedule of four checks, with the reminder at the third."""
    return FollowUpSchedule(tuple(timedelta(minutes=after) for after in (2, 5, 10, 20)), (timedelta(minutes=10),))


@pytest.fixture(autouse=True)
def impatient():
    """Retry without pauses what is retried until it succeeds."""
    with stamina.set_testing(True, attempts=1000, cap=True):
        yield


def shortened(**seconds):
    """Return the argument that shortens a service's waits, or none for older code without it."""
    if not find_spec("bot.timings"):
        return {}
    from bot.timings import Timings

    return {"timings": Timings(**seconds)}


@pytest.fixture(autouse=True)
def patient_guard(monkeypatch):
    """Give a loaded machine more time for the last check before a call, which has tests of its own."""
    # Older code, on which the tests of faults run, has no such check.
    if find_spec("bot.store.call_guard"):
        monkeypatch.setattr("bot.store.call_guard.ANSWER_SECONDS", 10.0)


@pytest.fixture
def sender(database, stored, ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock):
    return CallSender(database, stored, ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock)


@pytest.fixture
def make_resend(authorizer, chat, engine, sender, reporter, metrics, clock):
    """Return a function that makes a resend service with any database, policy or limits."""

    def create(database, policy=None, **limits):
        return ResendService(
            **limits,
            authorizer=policy or authorizer,
            database=database,
            ledger=Ledger(database),
            stored=Requests(database),
            held=Cooldowns(database),
            publisher=MessagePublisher(chat, Posts(database), clock),
            engine=engine,
            sender=sender,
            reporter=reporter,
            metrics=metrics,
            cooldown=COOLDOWN,
            clock=clock,
        )

    return create


@pytest.fixture
def resend(make_resend, database):
    return make_resend(database)


@pytest.fixture
def accept(database, clock):
    """Return a function that stores an accepted request with its cooldowns."""

    async def accept_it(request):
        async with database.write() as transaction:
            await append(transaction, Entry(LedgerEvent.ACCEPTED, clock(), request.actor, request.id))
            await cooldowns.acquire(transaction, request, request.at + COOLDOWN)
            await requests.add(transaction, request)
        return request

    return accept_it


@pytest.fixture
def rows(database):
    """Read every row of the ledger, oldest first."""

    async def read():
        async with database.read() as connection:
            return list((await connection.execute(sa.select(schema.ledger).order_by(schema.ledger.c.seq))).mappings())

    return read
