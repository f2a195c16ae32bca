"""The composition root: builds every service once, from the settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial

from bot.clock import Clock, OnDate
from bot.digicert.client import CertCentral, OnCall, open_http
from bot.digicert.rate_limits import LocalRateLimiter, SharedRateLimiter
from bot.dns.checks import DnsChecks, DnsMode
from bot.dns.paths import network_paths
from bot.expiry.calendar import Calendar
from bot.follow_up_schedule import FollowUpSchedule
from bot.metrics import Metrics
from bot.policy.rules import Rules
from bot.services.alerts.authors import AlertAuthors
from bot.services.alerts.ingest import AlertIngester
from bot.services.alerts.offer_refresh import OfferRefresher
from bot.services.alerts.offers import IDLE_SECONDS, OfferWorker
from bot.services.approvals.answers import ApprovalAnswers
from bot.services.approvals.asks import ApprovalAskService
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.denial_log import DenialLog
from bot.services.authorization.explain import PolicyExplainer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.bulk.approval import BulkApproval
from bot.services.bulk.limits import BulkLimits
from bot.services.bulk.people import PlanPeople
from bot.services.bulk.plans import BulkService
from bot.services.bulk.preview import BulkPreviews
from bot.services.bulk.result import BulkReporter
from bot.services.bulk.runner import BulkRunner
from bot.services.bulk.selection import BulkSelection
from bot.services.expiry.digest_loader import DigestLoader
from bot.services.expiry.digests import DigestWorker
from bot.services.expiry.expiring import ExpiringReport
from bot.services.expiry.inventory import InventoryReader
from bot.services.expiry.snoozing import SnoozeService
from bot.services.follow_up.check_now import CheckNow
from bot.services.follow_up.observer import ValidationObserver
from bot.services.follow_up.poller import StatusPoller
from bot.services.follow_up.worker import FollowUpWorker
from bot.services.lookup.account import AccountCache
from bot.services.lookup.allowed_emails import AllowedEmails
from bot.services.lookup.finder import Finder
from bot.services.lookup.pending_mentions import PendingMentions
from bot.services.lookup.reach import ReachReader
from bot.services.lookup.recipient_options import RecipientOptions
from bot.services.mail_trace.check_limits import CheckLimits
from bot.services.mail_trace.trace import MailTrace
from bot.services.operations.config_files import read_calendar
from bot.services.operations.health import HealthChecks
from bot.services.operations.ledger_audit import HeadLog, compare_with_head_file
from bot.services.operations.workflow_recovery import WorkflowRecovery
from bot.services.publishing.edit_limiter import MOST, EditLimiter
from bot.services.publishing.publisher import MessagePublisher
from bot.services.publishing.result_routes import ResultRoutes
from bot.services.reports.history import HistoryReport
from bot.services.reports.home import HomeReport
from bot.services.reports.pending_orders import PendingOrders
from bot.services.reports.status import StatusReport
from bot.services.resend.asks import ResendAskService
from bot.services.resend.form import ResendFormService
from bot.services.resend.quick_resend import QuickResend
from bot.services.resend.reporter import ResultReporter
from bot.services.resend.requests import ResendService
from bot.services.resend.sender import CallSender
from bot.settings import Settings
from bot.slack.channels import get_channel
from bot.slack.chat import Chat
from bot.slack.client import Client, Identity
from bot.slack.directory import Directory
from bot.store.alerts import Alerts
from bot.store.approval_asks import ApprovalAsks
from bot.store.backlog import BacklogReader
from bot.store.bulk_plans import BulkPlans
from bot.store.call_guard import CallGuard
from bot.store.cluster.membership import Leadership, Membership
from bot.store.cluster.rate_limit_slots import RateLimitSlots
from bot.store.cooldowns import Cooldowns
from bot.store.database import Database, open_database
from bot.store.digests import Digests
from bot.store.follow_ups import FollowUps
from bot.store.forms import Forms
from bot.store.ledger.entries import Ledger
from bot.store.ledger.history import LastResends, RequestHistory
from bot.store.ledger.mailbox_history import MailboxHistory
from bot.store.offers import Offers
from bot.store.posts import Posts
from bot.store.requests import Requests
from bot.store.resend_asks import ResendAsks
from bot.store.retry import until_begun
from bot.store.schema import edit_slots
from bot.timings import PRODUCTION, Timings
from bot.workflow_engine import WorkflowEngine

# The seconds in which the leader finds alerts that another instance received.
OTHER_INSTANCE_SECONDS = 1.0
STOP_SECONDS = 3
# The time in which a recipient is expected to approve, if there are no nudges.
APPROVAL_TIME = timedelta(minutes=30)


@asynccontextmanager
async def open_certcentral(
    settings: Settings, on_date: OnDate | None = None, on_call: OnCall | None = None
) -> AsyncIterator[CertCentral]:
    """Open the DigiCert client with the configured rate limits of this process.

    `on_date` receives the Date header of each answer. `on_call` is notified of each call.
    """
    async with open_http(settings.digicert_base_url, settings.digicert_api_key, on_date) as http:
        yield CertCentral(http, LocalRateLimiter(settings.digicert_limits), on_call=on_call)


async def open_policy_loader(settings: Settings, identity: Identity) -> PolicyLoader:
    """Load the rules of the settings and the policy file. Raises ConfigurationError if the file cannot be used."""
    lists = Rules(settings.dcv_allowed_users, settings.dcv_allowed_usergroups, identity.home)
    return await asyncio.to_thread(PolicyLoader, lists, settings.dcv_policy_file)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts that services are made of; their owner closes them.

    `clock` gives the times that are stored and shown. `steady` measures ages in memory, and no change of the system
    clock affects it.
    """

    settings: Settings
    slack: Client
    certcentral: CertCentral
    identity: Identity
    metrics: Metrics
    membership: Membership
    clock: Clock
    steady: Clock
    timings: Timings = PRODUCTION


class Services:
    """The services for the listeners, the server and its background tasks. Each is created when it is first needed."""

    def __init__(
        self,
        dependencies: Dependencies,
        policy_loader: PolicyLoader,
        database: Database,
        engine: WorkflowEngine,
        calendar: Calendar,
        digest_loader: DigestLoader,
    ) -> None:
        self.dependencies = dependencies
        self.calendar = calendar
        self.digest_loader = digest_loader
        self.settings = dependencies.settings
        self.clock = dependencies.clock
        self.certcentral = dependencies.certcentral
        self.background = dependencies.certcentral.in_background()
        self.policy_loader = policy_loader
        self.database = database
        self.engine = engine
        self.ledger = Ledger(database)
        self.requests = Requests(database)
        self.follow_ups = FollowUps(database)
        self.stored_approval_asks = ApprovalAsks(database)
        self.mailbox_history = MailboxHistory(database)
        self.directory = Directory(dependencies.slack)
        self.chat = Chat(dependencies.slack)
        self.schedule = FollowUpSchedule(self.settings.dcv_follow_ups, self.settings.dcv_nudges)
        self.account = AccountCache(self.certcentral, self.clock, dependencies.steady, self.background)
        self.allowed_emails = AllowedEmails(self.certcentral, dependencies.steady)
        self.reach = ReachReader(self.certcentral, self.account)
        self.result_routes = ResultRoutes(self.chat, dependencies.identity.scopes)
        edits = _edit_limiter(database, dependencies.timings.edit_window)
        locks = dependencies.membership.locks
        self.publisher = MessagePublisher(self.chat, Posts(database), self.clock, locks, edits)
        self.authorizer = Authorizer(policy_loader, self.directory, self.ledger, dependencies.metrics, self.clock)

    @property
    def leadership(self) -> Leadership:
        return self.dependencies.membership.leadership

    @property
    def denial_log(self) -> DenialLog:
        return self.authorizer.denial_log

    @cached_property
    def head_log(self) -> HeadLog:
        return HeadLog(self.ledger)

    @cached_property
    def health_checks(self) -> HealthChecks:
        timings, slack = self.dependencies.timings, self.dependencies.slack
        return HealthChecks(slack, BacklogReader(self.database), self.engine, self.background, self.clock, timings)

    @cached_property
    def policy_explainer(self) -> PolicyExplainer:
        return PolicyExplainer(self.authorizer, self.policy_loader)

    @cached_property
    def status_poller(self) -> StatusPoller:
        steady = self.dependencies.steady
        return StatusPoller(self.background, self.follow_ups, self.follow_up_worker, self.clock, steady)

    @cached_property
    def snoozing(self) -> SnoozeService:
        return SnoozeService(self.authorizer, self.digest_worker, self.database, self.clock)

    @cached_property
    def workflow_recovery(self) -> WorkflowRecovery:
        return WorkflowRecovery(self.dependencies.membership, self.engine)

    @cached_property
    def approval_answers(self) -> ApprovalAnswers:
        return ApprovalAnswers(
            self.authorizer,
            self.stored_approval_asks,
            self.requests,
            self.follow_ups,
            self.follow_up_worker,
            self.check_now,
            self.publisher,
            self.clock,
        )

    @cached_property
    def bulk_approval(self) -> BulkApproval:
        return BulkApproval(
            self.authorizer,
            self.plan_people,
            self.bulk_limits,
            self.bulk_plans,
            self.bulk_reporter,
            self.bulk_runner,
            self.publisher,
            self.database,
            self.clock,
        )

    @cached_property
    def finder(self) -> Finder:
        options = RecipientOptions(self.allowed_emails, self.requests, self.mailbox_history, self.clock)
        return Finder(self.certcentral, self.account, options, self.reach, self.clock, self.calendar)

    @cached_property
    def resend_asks(self) -> ResendAskService:
        return ResendAskService(self.authorizer, ResendAsks(self.database), self.publisher, self.clock)

    @cached_property
    def reporter(self) -> ResultReporter:
        return ResultReporter(
            self.requests,
            self.ledger,
            self.follow_ups,
            self.publisher,
            self.schedule,
            self.clock,
            email_end_note=self.settings.dcv_email_end_note,
            asks=self.resend_asks,
            console_url=self.settings.console_url,
            timings=self.dependencies.timings,
        )

    @cached_property
    def sender(self) -> CallSender:
        membership = self.dependencies.membership
        return CallSender(
            self.database,
            self.requests,
            self.ledger,
            self.authorizer,
            self.certcentral,
            self.allowed_emails,
            self.reach,
            self.schedule,
            self.dependencies.metrics,
            self.clock,
            membership.executor,
            CallGuard(self.database, membership),
            self.dependencies.steady,
            self.dependencies.timings,
            self.plan_people.objection,
        )

    @cached_property
    def bulk_plans(self) -> BulkPlans:
        return BulkPlans(self.database)

    @cached_property
    def bulk_limits(self) -> BulkLimits:
        settings = self.settings
        return BulkLimits(self.database, settings.dcv_bulk_reason_over, settings.dcv_bulk_approve_over, self.clock)

    @cached_property
    def plan_people(self) -> PlanPeople:
        return PlanPeople(self.authorizer, self.bulk_plans)

    @cached_property
    def bulk_selection(self) -> BulkSelection:
        return BulkSelection(self.finder, self.account, self.resend, self.clock, self.calendar)

    @cached_property
    def bulk_reporter(self) -> BulkReporter:
        return BulkReporter(
            self.bulk_plans,
            self.bulk_limits,
            self.follow_ups,
            self.reporter,
            self.publisher,
            self.chat,
            self.clock,
        )

    @cached_property
    def bulk_previews(self) -> BulkPreviews:
        return BulkPreviews(
            self.authorizer, self.bulk_plans, self.bulk_selection, self.bulk_reporter, self.engine, self.clock
        )

    @cached_property
    def bulk_runner(self) -> BulkRunner:
        return BulkRunner(
            self.authorizer,
            self.plan_people,
            self.bulk_plans,
            self.bulk_selection,
            self.resend,
            self.bulk_reporter,
            self.engine,
            self.clock,
        )

    @cached_property
    def bulk(self) -> BulkService:
        return BulkService(
            self.authorizer,
            self.plan_people,
            self.bulk_limits,
            self.bulk_plans,
            Forms(self.database),
            self.bulk_previews,
            self.bulk_runner,
            self.database,
            self.settings.dcv_locale,
            self.clock,
            self.settings.dcv_person_limits,
        )

    @cached_property
    def resend(self) -> ResendService:
        return ResendService(
            self.authorizer,
            self.database,
            self.ledger,
            self.requests,
            Cooldowns(self.database),
            self.publisher,
            self.engine,
            self.sender,
            self.reporter,
            self.dependencies.metrics,
            self.settings.dcv_cooldown,
            self.clock,
            self.settings.dcv_person_limits,
        )

    @cached_property
    def form_service(self) -> ResendFormService:
        return ResendFormService(
            self.authorizer,
            self.finder,
            PendingMentions(self.certcentral, self.account),
            self.resend,
            Forms(self.database),
            self.result_routes,
            self.settings.dcv_locale,
            self.clock,
            self.settings.dcv_contact,
            self.settings.console_url,
        )

    @cached_property
    def quick_resend(self) -> QuickResend:
        return QuickResend(
            self.authorizer,
            self.finder,
            self.resend,
            self.settings.dcv_alert_channels,
            self.settings.dcv_locale,
            self.clock,
        )

    @cached_property
    def dns_checks(self) -> DnsChecks:
        paths = network_paths(self.settings.dcv_dns_resolvers, self.settings.dcv_dns_sandbox)
        return DnsChecks(paths, DnsMode(self.settings.dcv_dns))

    @cached_property
    def mail_trace(self) -> MailTrace:
        return MailTrace(
            self.authorizer,
            self.finder,
            self.allowed_emails,
            self.mailbox_history,
            self.dns_checks,
            CheckLimits(self.settings.dcv_person_limits, self.clock),
            self.clock,
        )

    @cached_property
    def check_now(self) -> CheckNow:
        return CheckNow(
            self.authorizer,
            self.requests,
            self.follow_ups,
            ValidationObserver(self.certcentral, self.clock, self.calendar),
            self.reporter,
            self.schedule,
            self.clock,
        )

    @cached_property
    def approval_asks(self) -> ApprovalAskService:
        return ApprovalAskService(
            self.authorizer,
            self.check_now,
            self.reach,
            self.requests,
            self.follow_ups,
            self.ledger,
            self.stored_approval_asks,
            self.database,
            self.publisher,
            self.chat,
            partial(get_channel, self.dependencies.slack),
            self.engine,
            self.clock,
        )

    @cached_property
    def follow_up_worker(self) -> FollowUpWorker:
        return FollowUpWorker(
            self.authorizer,
            self.requests,
            self.follow_ups,
            ValidationObserver(self.background, self.clock, self.calendar),
            self.reporter,
            self.publisher,
            self.engine,
            self.schedule,
            self.clock,
            self.bulk_reporter,
        )

    @cached_property
    def alerts(self) -> Alerts:
        return Alerts(self.database)

    @cached_property
    def alert_ingester(self) -> AlertIngester:
        return AlertIngester(self.settings.dcv_alert_channels, self.dependencies.identity, self.alerts, self.clock)

    @cached_property
    def offer_worker(self) -> OfferWorker:
        offers, pending_mentions = Offers(self.database), PendingMentions(self.background, self.account)
        timings = self.dependencies.timings
        refresher = OfferRefresher(
            offers,
            LastResends(self.database),
            self.follow_ups,
            pending_mentions,
            self.clock,
            timedelta(seconds=timings.offer_check_delay),
        )
        return OfferWorker(
            self.settings.dcv_alert_channels,
            self.alert_ingester,
            self.authorizer,
            pending_mentions,
            self.chat,
            self.publisher,
            self.database,
            self.alerts,
            offers,
            self.clock,
            AlertAuthors(self.authorizer, self.dependencies.identity.team_id),
            refresher,
            timings.offer_retry_delay,
            IDLE_SECONDS if self.database.is_sqlite else OTHER_INSTANCE_SECONDS,
            timings.offer_refresh,
        )

    @cached_property
    def history_report(self) -> HistoryReport:
        past = RequestHistory(self.database)
        return HistoryReport(self.authorizer, past, self.publisher, self.clock, timings=self.dependencies.timings)

    @cached_property
    def status_report(self) -> StatusReport:
        return StatusReport(
            self.authorizer,
            self.certcentral,
            self.account,
            LastResends(self.database),
            self.pending_orders,
            self.clock,
            self.settings.console_url,
            self.calendar,
        )

    @cached_property
    def expiring_report(self) -> ExpiringReport:
        return ExpiringReport(self.authorizer, self.account, LastResends(self.database), self.calendar, self.clock)

    @cached_property
    def digest_worker(self) -> DigestWorker:
        timings = self.dependencies.timings
        inventory = InventoryReader(
            self.account,
            self.calendar,
            LastResends(self.database),
            self.follow_ups,
            self.clock,
            timings.digest_retry,
            timings.digest_first_read,
        )
        return DigestWorker(
            self.digest_loader,
            inventory,
            self.calendar,
            Digests(self.database),
            self.publisher,
            self.chat,
            self.directory.handle,
            self.dependencies.metrics,
            self.clock,
            timings.digest_round,
        )

    @cached_property
    def home_report(self) -> HomeReport:
        return HomeReport(
            self.authorizer,
            self.account,
            self.pending_orders,
            self.history_report,
            self.expiring_report,
            self.follow_ups,
            self.clock,
            self.settings.dcv_nudges[0] if self.settings.dcv_nudges else APPROVAL_TIME,
        )

    @cached_property
    def pending_orders(self) -> PendingOrders:
        return PendingOrders(
            self.certcentral, LastResends(self.database), self.publisher, self.settings.dcv_alert_channels
        )


@asynccontextmanager
async def build(dependencies: Dependencies) -> AsyncIterator[Services]:
    """Open the database, build every service, join the cluster, and start accepted requests that never started.

    If the database goes away meanwhile, wait for it and start again from the beginning. At the end running steps have
    STOP_SECONDS. Another instance, or the next start, continues what remains.
    """
    async with AsyncExitStack() as stack:

        async def begin() -> Services:
            return await stack.enter_async_context(_begun(dependencies))

        yield await until_begun(begin)


@asynccontextmanager
async def _begun(dependencies: Dependencies) -> AsyncIterator[Services]:
    settings, membership = dependencies.settings, dependencies.membership
    url = settings.database_url.get_secret_value()
    database = open_database(url)
    try:
        await database.migrate()
        await compare_with_head_file(database)
    except BaseException:
        await database.close()
        raise
    if not database.is_sqlite:
        limits = SharedRateLimiter(settings.digicert_limits, RateLimitSlots(database, settings.digicert_limits))
        dependencies = replace(dependencies, certcentral=dependencies.certcentral.with_limiter(limits))
    engine = WorkflowEngine(url, membership.executor)
    try:
        policy_loader = await open_policy_loader(settings, dependencies.identity)
        calendar = await asyncio.to_thread(read_calendar, settings.dcv_validity_file)
        digests = await asyncio.to_thread(DigestLoader, settings.dcv_digest_file, settings.dcv_digest_channel)
        dependencies = replace(dependencies, certcentral=dependencies.certcentral.with_calendar(calendar))
        services = Services(dependencies, policy_loader, database, engine, calendar, digests)
        # Each registers its workflow, which the engine must know before it starts.
        started = (services.resend, services.bulk_previews, services.bulk_runner)
        await membership.join()
        await engine.launch()
        for service in started:
            await service.start_pending()
        try:
            yield services
        finally:
            await services.denial_log.close()
    finally:
        await engine.close(STOP_SECONDS)
        await membership.release()
        await database.close()


def _edit_limiter(database: Database, seconds: float) -> EditLimiter:
    """Return the limiter of edits in Slack, which the instances on a PostgreSQL database share."""
    shared = None if database.is_sqlite else RateLimitSlots(database, [(MOST, seconds)], edit_slots)
    return EditLimiter(seconds, shared)
