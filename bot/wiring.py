"""Everything is made here, once: from settings to the services that the front doors hold."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from bot.clock import Clock, OnDate
from bot.digicert.client import CertCentral, OnCall, open_http
from bot.digicert.rate_limits import LocalRateLimiter, SharedRateLimiter
from bot.follow_up_schedule import FollowUpSchedule
from bot.metrics import Metrics
from bot.policy.rules import Rules
from bot.services.alerts.authors import AlertAuthors
from bot.services.alerts.ingest import AlertIngester
from bot.services.alerts.offers import IDLE_SECONDS, OfferWorker
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.denial_log import DenialLog
from bot.services.authorization.explain import PolicyExplainer
from bot.services.authorization.policy_loader import PolicyLoader
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
from bot.services.operations.health import HealthChecks
from bot.services.operations.ledger_audit import HeadLog, compare_with_head_file
from bot.services.operations.workflow_recovery import WorkflowRecovery
from bot.services.publishing.publisher import MessagePublisher
from bot.services.reports.history import HistoryReport
from bot.services.reports.status import StatusReport
from bot.services.resend.form import ResendFormService
from bot.services.resend.reporter import ResultReporter
from bot.services.resend.requests import ResendService
from bot.services.resend.sender import CallSender
from bot.settings import Settings
from bot.slack.chat import Chat
from bot.slack.client import Client, Identity
from bot.slack.directory import Directory
from bot.store.alerts import Alerts
from bot.store.backlog import BacklogReader
from bot.store.call_guard import CallGuard
from bot.store.cluster.membership import Leadership, Membership
from bot.store.cluster.rate_limit_slots import RateLimitSlots
from bot.store.cooldowns import Cooldowns
from bot.store.database import Database, open_database
from bot.store.follow_ups import FollowUps
from bot.store.forms import Forms
from bot.store.ledger.entries import Ledger
from bot.store.ledger.history import LastResends, RequestHistory
from bot.store.offers import Offers
from bot.store.posts import Posts
from bot.store.requests import Requests
from bot.store.retry import until_begun
from bot.timings import PRODUCTION, Timings
from bot.workflow_engine import WorkflowEngine

# How soon the leader looks at alerts that another instance heard.
OTHER_INSTANCE_SECONDS = 1.0
STOP_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Services:
    """What the front doors may use."""

    chat: Chat
    check_now: CheckNow
    history_report: HistoryReport
    form_service: ResendFormService
    directory: Directory
    policy_explainer: PolicyExplainer
    follow_up_worker: FollowUpWorker
    head_log: HeadLog
    alert_ingester: AlertIngester
    leadership: Leadership
    offer_worker: OfferWorker
    status_poller: StatusPoller
    denial_log: DenialLog
    resend: ResendService
    status: StatusReport
    health_checks: HealthChecks
    workflow_recovery: WorkflowRecovery


@asynccontextmanager
async def open_certcentral(
    settings: Settings, on_date: OnDate | None = None, on_call: OnCall | None = None
) -> AsyncIterator[CertCentral]:
    """The DigiCert client, within the limits it allows itself.

    `on_date` hears the Date header of every answer, `on_call` of every call.
    """
    async with open_http(settings.digicert_base_url, settings.digicert_api_key, on_date) as http:
        yield CertCentral(http, LocalRateLimiter(settings.digicert_limits), on_call=on_call)


async def open_policy_loader(settings: Settings, identity: Identity) -> PolicyLoader:
    """Read the rules of the settings and of the policy file; raises ConfigurationError if the file cannot be used."""
    lists = Rules(settings.dcv_allowed_users, settings.dcv_allowed_usergroups, identity.home)
    return await asyncio.to_thread(PolicyLoader, lists, settings.dcv_policy_file)


@dataclass(frozen=True, slots=True)
class Outside:
    """What services are made of, and who opens it closes it.

    `clock` says what is written down and shown, `steady` how old things in memory are, whatever the clock is set to.
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


@asynccontextmanager
async def build(outside: Outside) -> AsyncIterator[Services]:
    """Open the database, make every service, join the others on it, and begin what nobody began.

    A database that goes away meanwhile is waited for, as by a bot that runs: then all of it begins again.
    At the end running steps have STOP_SECONDS; what is left another instance goes on with, or the next start.
    """
    async with AsyncExitStack() as stack:

        async def begin() -> Services:
            return await stack.enter_async_context(_begun(outside))

        yield await until_begun(begin)


@asynccontextmanager
async def _begun(outside: Outside) -> AsyncIterator[Services]:
    settings, membership = outside.settings, outside.membership
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
        outside = replace(outside, certcentral=outside.certcentral.with_limiter(limits))
    engine = WorkflowEngine(url, membership.executor)
    try:
        services = _services(outside, await open_policy_loader(settings, outside.identity), database, engine)
        await membership.join()
        await engine.launch()
        await services.resend.start_pending()
        try:
            yield services
        finally:
            await services.denial_log.close()
    finally:
        await engine.close(STOP_SECONDS)
        await membership.release()
        await database.close()


def _services(outside: Outside, policy_loader: PolicyLoader, database: Database, engine: WorkflowEngine) -> Services:
    settings, slack, certcentral, metrics = outside.settings, outside.slack, outside.certcentral, outside.metrics
    membership, clock, steady, timings = outside.membership, outside.clock, outside.steady, outside.timings
    ledger, stored, posts, follow_ups = Ledger(database), Requests(database), Posts(database), FollowUps(database)
    alerts, directory, chat = Alerts(database), Directory(slack), Chat(slack)
    schedule = FollowUpSchedule(settings.dcv_follow_ups, settings.dcv_nudges)
    authorizer = Authorizer(policy_loader, directory, ledger, metrics, clock)
    addresses = AllowedEmails(certcentral, steady)
    account_cache = AccountCache(certcentral, clock, steady)
    reach = ReachReader(certcentral, account_cache)
    finder = Finder(certcentral, account_cache, RecipientOptions(addresses, stored), reach, settings.console_url)
    publisher = MessagePublisher(chat, posts, clock, membership.locks)
    note = settings.dcv_email_end_note
    reporter = ResultReporter(stored, ledger, follow_ups, publisher, clock, email_end_note=note, timings=timings)
    parts = (database, stored, ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock)
    sender = CallSender(*parts, membership.executor, CallGuard(database, membership), steady, timings)
    limits = settings.dcv_cooldown, clock, settings.dcv_person_limits
    held = Cooldowns(database)
    resend = ResendService(
        authorizer, database, ledger, stored, held, publisher, engine, sender, reporter, metrics, *limits
    )
    pending_mentions = PendingMentions(certcentral, account_cache)
    form_service = ResendFormService(
        authorizer, finder, pending_mentions, resend, Forms(database), settings.dcv_locale, clock
    )
    observer = ValidationObserver(certcentral, clock)
    check_now = CheckNow(authorizer, stored, follow_ups, observer, publisher, reporter, schedule, clock)
    background = certcentral.in_background()
    follow_up_worker = FollowUpWorker(
        authorizer,
        stored,
        follow_ups,
        ValidationObserver(background, clock),
        reporter,
        publisher,
        engine,
        schedule,
        clock,
    )
    channels, offers = settings.dcv_alert_channels, Offers(database)
    alert_ingester, waiting = (
        AlertIngester(channels, outside.identity, alerts, clock),
        PendingMentions(background, account_cache),
    )
    authors = AlertAuthors(authorizer, outside.identity.team_id)
    delays = timings.offer_retry_delay, IDLE_SECONDS if database.is_sqlite else OTHER_INSTANCE_SECONDS
    said = (channels, alert_ingester, authorizer, waiting, chat, publisher, database, alerts, offers, clock, authors)
    offer_worker = OfferWorker(*said, *delays)
    return Services(
        chat=chat,
        check_now=check_now,
        history_report=HistoryReport(authorizer, RequestHistory(database), publisher, clock, timings=timings),
        form_service=form_service,
        directory=directory,
        policy_explainer=PolicyExplainer(authorizer, policy_loader),
        follow_up_worker=follow_up_worker,
        head_log=HeadLog(ledger),
        alert_ingester=alert_ingester,
        leadership=membership.leadership,
        offer_worker=offer_worker,
        status_poller=StatusPoller(background, follow_ups, follow_up_worker, clock, steady),
        denial_log=authorizer.denial_log,
        resend=resend,
        status=StatusReport(
            authorizer, certcentral, account_cache, LastResends(database), publisher, clock, settings.console_url
        ),
        health_checks=HealthChecks(slack, BacklogReader(database), engine, background, clock, timings),
        workflow_recovery=WorkflowRecovery(membership, engine),
    )
