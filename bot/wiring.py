"""Everything is made here, once: from settings to the services that the front doors hold."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.clock import Clock, OnDate, steady_clock
from bot.digicert.client import CertCentral, OnCall, open_http
from bot.digicert.rate_limits import Limits, SharedLimits
from bot.follow_up_schedule import Schedule
from bot.metrics import Metrics
from bot.policy.rules import Rules
from bot.services.alerts.authors import AlertAuthors
from bot.services.alerts.ingest import Intake
from bot.services.alerts.offers import IDLE_SECONDS, Offering
from bot.services.authorization.authorizer import Gate
from bot.services.authorization.denial_log import RefusalLog
from bot.services.authorization.explain import Explaining
from bot.services.authorization.policy_loader import Rulebook
from bot.services.follow_up.check_now import Checking
from bot.services.follow_up.observer import Looking
from bot.services.follow_up.poller import Polling
from bot.services.follow_up.worker import Follower
from bot.services.lookup.account import Listing
from bot.services.lookup.allowed_emails import AddressBook
from bot.services.lookup.finder import Lookup
from bot.services.lookup.pending_mentions import Confirming
from bot.services.lookup.reach import ReachReader
from bot.services.lookup.recipient_options import WaitingNames
from bot.services.operations.health import Vitals
from bot.services.operations.ledger_audit import HeadLog, compare_with_head_file
from bot.services.operations.workflow_recovery import WorkflowRecovery
from bot.services.publishing.publisher import Board
from bot.services.reports.history import Chronicle
from bot.services.reports.status import Status
from bot.services.resend.form import Dialog
from bot.services.resend.reporter import Reporting
from bot.services.resend.requests import Resend
from bot.services.resend.sender import Sending
from bot.settings import Settings
from bot.slack.chat import Chat
from bot.slack.client import Client, Identity
from bot.slack.directory import Directory
from bot.store.alerts import Alerts
from bot.store.backlog import Depth
from bot.store.call_guard import CallGuard
from bot.store.cluster.membership import Leadership, Membership
from bot.store.cluster.rate_limit_slots import Slots
from bot.store.cooldowns import Claims
from bot.store.database import Database, open_database
from bot.store.follow_ups import Followings
from bot.store.forms import Forms
from bot.store.ledger.entries import Ledger
from bot.store.ledger.history import History, Past
from bot.store.offers import Offers
from bot.store.posts import Posts
from bot.store.requests import Requests
from bot.store.retry import until_begun
from bot.timings import PRODUCTION, Timings
from bot.workflow_engine import Engine

# How soon the leader looks at alerts that another instance heard.
HEARD_ELSEWHERE_SECONDS = 1.0
STOP_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Services:
    """What the front doors may use."""

    chat: Chat
    checking: Checking
    chronicle: Chronicle
    dialog: Dialog
    directory: Directory
    explaining: Explaining
    follower: Follower
    head_log: HeadLog
    intake: Intake
    leadership: Leadership
    offering: Offering
    polling: Polling
    refusals: RefusalLog
    resend: Resend
    status: Status
    vitals: Vitals
    workflow_recovery: WorkflowRecovery


@asynccontextmanager
async def open_certcentral(
    settings: Settings, on_date: OnDate | None = None, on_call: OnCall | None = None
) -> AsyncIterator[CertCentral]:
    """The DigiCert client, within the limits it allows itself.

    `on_date` hears the Date header of every answer, `on_call` of every call.
    """
    async with open_http(settings.digicert_base_url, settings.digicert_api_key, on_date) as http:
        yield CertCentral(http, Limits(settings.digicert_limits), on_call=on_call)


async def open_rulebook(settings: Settings, identity: Identity) -> Rulebook:
    """Read the rules of the settings and of the policy file; raises CannotStart if the file cannot be used."""
    lists = Rules(settings.dcv_allowed_users, settings.dcv_allowed_usergroups, identity.home)
    return await asyncio.to_thread(Rulebook, lists, settings.dcv_policy_file)


@asynccontextmanager
async def build(
    settings: Settings,
    slack: Client,
    certcentral: CertCentral,
    identity: Identity,
    metrics: Metrics,
    membership: Membership,
    *,
    clock: Clock,
    steady: Clock | None = None,
    timings: Timings = PRODUCTION,
) -> AsyncIterator[Services]:
    """Open the database, make every service, join the others on it, and begin what nobody began.

    `clock` says what is written down and shown, `steady` how old things in memory are, whatever the clock is set to.
    A database that goes away meanwhile is waited for, as by a bot that runs: then all of it begins again.
    At the end running steps have STOP_SECONDS; what is left another instance goes on with, or the next start.
    """
    async with AsyncExitStack() as stack:

        async def begin() -> Services:
            begun = _begun(
                settings,
                slack,
                certcentral,
                identity,
                metrics,
                membership,
                clock,
                steady or steady_clock(clock),
                timings,
            )
            return await stack.enter_async_context(begun)

        yield await until_begun(begin)


@asynccontextmanager
async def _begun(
    settings: Settings,
    slack: Client,
    certcentral: CertCentral,
    identity: Identity,
    metrics: Metrics,
    membership: Membership,
    clock: Clock,
    steady: Clock,
    timings: Timings,
) -> AsyncIterator[Services]:
    url = settings.database_url.get_secret_value()
    database = open_database(url)
    try:
        await database.migrate()
        await compare_with_head_file(database)
    except BaseException:
        await database.close()
        raise
    if not database.is_sqlite:
        certcentral = certcentral.within(
            SharedLimits(settings.digicert_limits, Slots(database, settings.digicert_limits))
        )
    engine = Engine(url, membership.executor)
    try:
        rulebook = await open_rulebook(settings, identity)
        services = _services(
            settings,
            slack,
            certcentral,
            identity,
            rulebook,
            metrics,
            membership,
            database,
            engine,
            clock,
            steady,
            timings,
        )
        await membership.join()
        await engine.launch()
        await services.resend.begin_all()
        try:
            yield services
        finally:
            await services.refusals.close()
    finally:
        await engine.close(STOP_SECONDS)
        await membership.release()
        await database.close()


def _services(
    settings: Settings,
    slack: Client,
    certcentral: CertCentral,
    identity: Identity,
    rulebook: Rulebook,
    metrics: Metrics,
    membership: Membership,
    database: Database,
    engine: Engine,
    clock: Clock,
    steady: Clock,
    timings: Timings,
) -> Services:
    ledger, stored, posts, followings = Ledger(database), Requests(database), Posts(database), Followings(database)
    directory = Directory(slack)
    schedule = Schedule(settings.dcv_follow_ups, settings.dcv_nudges)
    chat = Chat(slack)
    gate = Gate(rulebook, directory, ledger, metrics, clock)
    addresses = AddressBook(certcentral, steady)
    listing = Listing(certcentral, clock, steady)
    reach = ReachReader(certcentral, listing)
    lookup = Lookup(certcentral, listing, WaitingNames(addresses, stored), reach, settings.console_url)
    board = Board(chat, posts, clock, membership.locks)
    reporting = Reporting(
        stored, ledger, followings, board, clock, email_end_note=settings.dcv_email_end_note, timings=timings
    )
    resend = Resend(
        gate=gate,
        database=database,
        ledger=ledger,
        stored=stored,
        held=Claims(database),
        board=board,
        engine=engine,
        sending=Sending(
            database,
            stored,
            ledger,
            gate,
            certcentral,
            addresses,
            reach,
            schedule,
            metrics,
            clock,
            membership.executor,
            CallGuard(database, membership),
            steady=steady,
            timings=timings,
        ),
        reporting=reporting,
        metrics=metrics,
        cooldown=settings.dcv_cooldown,
        person_limits=settings.dcv_person_limits,
        clock=clock,
    )
    confirming = Confirming(certcentral, listing)
    dialog = Dialog(gate, lookup, confirming, resend, Forms(database), settings.dcv_locale, clock)
    looking = Looking(certcentral, clock)
    checking = Checking(gate, stored, followings, looking, board, reporting, schedule, clock)
    background = certcentral.in_background()
    follower = Follower(gate, stored, followings, Looking(background, clock), reporting, board, engine, schedule, clock)
    channels, alerts, offers = settings.dcv_alert_channels, Alerts(database), Offers(database)
    intake, confirmed = Intake(channels, identity, alerts, clock), Confirming(background, listing)
    offering = Offering(
        channels,
        intake,
        gate,
        confirmed,
        chat,
        board,
        database,
        alerts,
        offers,
        clock,
        AlertAuthors(gate, identity.team_id),
        retry_seconds=timings.offer_retry_delay,
        look_seconds=IDLE_SECONDS if database.is_sqlite else HEARD_ELSEWHERE_SECONDS,
    )
    return Services(
        chat=chat,
        checking=checking,
        chronicle=Chronicle(gate, Past(database), board, clock, timings=timings),
        dialog=dialog,
        directory=directory,
        explaining=Explaining(gate, rulebook),
        follower=follower,
        head_log=HeadLog(ledger),
        intake=intake,
        leadership=membership.leadership,
        offering=offering,
        polling=Polling(background, followings, follower, clock, steady),
        refusals=gate.refusals,
        resend=resend,
        status=Status(gate, certcentral, listing, History(database), board, clock, settings.console_url),
        vitals=Vitals(slack, Depth(database), engine, background, clock, timings),
        workflow_recovery=WorkflowRecovery(membership, engine),
    )
