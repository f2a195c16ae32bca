"""The Home tab of one user: what needs them, what is waiting, and what was requested. Changes nothing."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta

import structlog
from attrs import define

from bot.clock import Clock
from bot.errors import CaError, PermissionUnknown, StoreUnavailable
from bot.models import Actor, Destination, Order, PastRequest, TargetKey, domain_key
from bot.policy.rules import INELIGIBLE, AccessContext, Action, Resource, who_can
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.visibility import Visibility
from bot.services.expiry.expiring import ExpiringReport
from bot.services.lookup.account import AccountCache, AccountSnapshot
from bot.services.reports.history import HistoryReport
from bot.services.reports.pending_orders import (
    PendingOrders,
    PendingTarget,
    domains_of,
    listed_need,
    may_resend,
    visible_targets,
)
from bot.store.follow_ups import FollowUps
from bot.views import home as views
from bot.views.blocks import without_internals
from bot.views.errors import describe
from bot.views.home import HomePage, HomeView, PendingLists, RowGroup
from bot.views.pending_rows import PendingRow, target_key
from bot.views.policy_explanation import who_can_instead

log = structlog.get_logger(__name__)

# The time for DigiCert's answers about the rows. Without them, a row says less.
ROW_SECONDS = 2.0
_SLOW = "Still reading the pending orders from DigiCert."
# Some rows may turn out to need no email, so more are read than are shown.
_MOST_READ = views.MOST_ROWS + 3
_MOST_REQUESTS_READ = 30


@define(eq=False, repr=False, slots=False)
class HomeReport:
    """The content of Home. It authorizes the user before it reads anything for them.

    Home is no channel: the destination of what a user does there is their direct messages, so rules that are limited
    to channels do not count.
    """

    _authorizer: Authorizer
    _account_cache: AccountCache
    _pending: PendingOrders
    _history_report: HistoryReport
    _expiring: ExpiringReport
    _follow_ups: FollowUps
    _clock: Clock
    _approval_time: timedelta

    async def draw(self, actor: Actor, *, afresh: bool = False) -> tuple[HomeView, bool]:
        """Return the tab, and True if the pending orders are still being read.

        They are at most ten minutes old, or read now if `afresh`. Never raises for DigiCert, Slack or the database.
        """
        destination = Destination(actor.user_id)
        context = await self._authorizer.context(actor)
        decision = context.decide(Action.STATUS, Resource(destination.channel_id))
        if decision.rule in INELIGIBLE and not decision.is_unknown:
            return views.outsider(), False
        if decision.is_unknown:
            return views.unknown(decision.sentence), False
        mine = context.decide(Action.RESEND, Resource(destination.channel_id)).allowed
        channels = context.limited_to_channels
        if not decision.allowed:
            who = who_can_instead(who_can(context.rules, Action.STATUS, Resource(destination.channel_id)))
            return views.no_permission(mine, channels, who), False
        asker = Visibility(actor, destination, context, Action.STATUS)
        (pending, problem), (requests, running, recent) = await asyncio.gather(
            self._orders(asker, afresh=afresh), self._requests(actor, destination, context)
        )
        page = HomePage(pending, problem, mine, requests, running, recent, channels)
        return views.home(page, self._clock()), problem == _SLOW

    async def _orders(self, asker: Visibility, *, afresh: bool) -> tuple[PendingLists | None, str]:
        """Return the pending orders, or the reason why they could not be read."""
        try:
            asker.require_answer()
            account = await (self._account_cache.account(young=True) if afresh else self._account_cache.recent())
            return (await self._pending_of(asker, account), "") if account else (None, _SLOW)
        except CaError as error:
            return None, f"Can't load the pending orders right now. {without_internals(str(error))}"
        except (PermissionUnknown, StoreUnavailable) as error:
            return None, describe(error)

    async def _pending_of(self, asker: Visibility, account: AccountSnapshot) -> PendingLists:
        emailed = await self._follow_ups.targets_since(self._clock() - self._approval_time)
        # In a thread, because many orders under many rules would block the event loop.
        needs, waits = await asyncio.to_thread(_sorted_out, asker, account, emailed)
        needs_rows = await self._rows(asker, needs[:_MOST_READ], account)
        waits_rows = await self._rows(asker, waits[: views.MOST_ROWS], account)
        expiring, expiring_total = await self._expiring.nearest(asker, account, views.MOST_ROWS)
        mine = [row for row in needs_rows if not row.need]
        others = [row for row in needs_rows if row.need]
        return PendingLists(
            RowGroup(tuple(mine[: views.MOST_ROWS]), len(needs) - len(others)),
            RowGroup(tuple([*waits_rows, *others][: views.MOST_ROWS]), len(waits) + len(others)),
            account.read_at,
            account.unreadable,
            expiring,
            expiring_total,
        )

    async def _rows(
        self, asker: Visibility, targets: Sequence[PendingTarget], account: AccountSnapshot
    ) -> list[PendingRow]:
        try:
            async with asyncio.timeout(ROW_SECONDS):
                return await self._pending.rows(asker, targets, account)
        except TimeoutError:
            return await self._pending.rows(asker, targets, account, asks_digicert=False)

    async def _requests(
        self, actor: Actor, destination: Destination, context: AccessContext
    ) -> tuple[list[PastRequest], frozenset[str], list[PastRequest]]:
        """Return the user's requests with the tracked ones first, the ids of the tracked ones, and others' requests.

        All are empty if the database does not answer.
        """
        try:
            return await self._requests_of(actor, destination, context)
        except StoreUnavailable as error:
            log.warning("Home shows no requests", error=str(error))
            return [], frozenset(), []

    async def _requests_of(
        self, actor: Actor, destination: Destination, context: AccessContext
    ) -> tuple[list[PastRequest], frozenset[str], list[PastRequest]]:
        key = str(TargetKey("user", actor.user_id))
        report = self._history_report
        mine = await report.newest(actor, destination, context, key, _MOST_REQUESTS_READ)
        others = await report.newest(actor, destination, context, "", _MOST_REQUESTS_READ)
        others = [past for past in others if past.user_id != actor.user_id][: views.MOST_RECENT]
        running = await self._follow_ups.tracked([each for past in (*mine, *others) for each in past.request_ids])
        mine = sorted(mine, key=lambda past: running.isdisjoint(past.request_ids))[: views.MOST_REQUESTS]
        return await report.linked(actor, mine), running, await report.linked(actor, others)


def _sorted_out(
    asker: Visibility, account: AccountSnapshot, emailed: Collection[str]
) -> tuple[list[PendingTarget], list[PendingTarget]]:
    """Return the orders and domains that need an email from this user, and the others, each the most urgent first.

    One whose last email is recent is waiting for its recipient.
    """
    needs: list[PendingTarget] = []
    waits: list[PendingTarget] = []
    for target in visible_targets(asker, account):
        domains = domains_of(target, account) if isinstance(target, Order) else [target]
        keys = {target_key(target), *(domain_key(domain.id) for domain in domains)}
        scopes = [domain.name for domain in domains]
        may = may_resend(asker, target, scopes) if isinstance(target, Order) else asker.may_resend_below(target.name)
        is_mine = keys.isdisjoint(emailed) and not listed_need(target) and may
        (needs if is_mine else waits).append(target)
    return needs, waits
