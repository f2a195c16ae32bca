"""The second person of a plan: asked for in the channel, approves what was shown, or rejects it."""

from dataclasses import replace
from datetime import datetime

import structlog
from attrs import define

from bot.bulk import APPROVAL_TIME, BulkItem, BulkPlan, BulkState
from bot.clock import Clock
from bot.errors import InvalidInput, SlackRejected, StaleInteraction
from bot.models import Actor, LedgerEvent
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer, others_who_can
from bot.services.authorization.resources import resource_for_input
from bot.services.bulk.limits import BulkLimits
from bot.services.bulk.people import PlanPeople
from bot.services.bulk.plans import require_shown
from bot.services.bulk.result import BulkReporter
from bot.services.bulk.runner import BulkRunner, running
from bot.services.publishing.publisher import MessagePublisher
from bot.store import bulk_plans
from bot.store.bulk_plans import BulkPlans, Change
from bot.store.database import Database
from bot.store.ledger.entries import Entry, append
from bot.views import bulk as views
from bot.views.policy_explanation import who_can_instead

log = structlog.get_logger(__name__)

_OVER = "This plan is not waiting for approval."


@define(eq=False, repr=False, slots=False)
class BulkApproval:
    """The question for an approval, and its two answers."""

    _authorizer: Authorizer
    _people: PlanPeople
    _limits: BulkLimits
    _plans: BulkPlans
    _reporter: BulkReporter
    _runner: BulkRunner
    _publisher: MessagePublisher
    _database: Database
    _clock: Clock

    async def ask(self, actor: Actor, value: str) -> str:
        """Let a plan wait for another person, and return its id. Raises InvalidInput if it changed or does not wait."""
        plan, _ = await self._shown(value)
        context = await self._people.require_requester(actor, plan)
        if self._limits.needs_reason(plan.targets, plan.asked.reason):
            raise InvalidInput("A plan of this size needs a reason. Add one with *Change…*.")
        now = self._clock()
        changed = await self._plans.change(
            plan.id,
            lambda stored: (
                (replace(stored, state=BulkState.ASKING, asked_at=now), ()) if stored.state is BulkState.READY else None
            ),
        )
        if changed is None or changed.state is not BulkState.ASKING:
            raise InvalidInput(_OVER)
        root = await self._reporter.show(plan.id)
        who = others_who_can(context, Action.APPROVE, resource_for_input(plan.destination, None))
        message = views.approvers_wanted(plan, who_can_instead(who))
        try:
            await self._publisher.publish(f"{plan.id}.ask{plan.run}", root.thread, message, None)
        except SlackRejected as error:
            log.warning("no one could be asked to approve a plan", plan=plan.id, error=error.code)
        return plan.id

    async def approve(self, actor: Actor, value: str) -> str:
        """Start a plan that another person approves as it was shown, and return its id.

        Raises InvalidInput for the requester, for a plan that changed, and for one that does not wait. Raises
        NotAllowed for a person who may not approve all of it.
        """
        plan, items = await self._shown(value)
        await self._people.require_other(actor, plan, items)
        now = self._clock()
        async with self._database.write() as transaction:
            stored = await bulk_plans.plan_in(transaction, plan.id)
            if stored is None or stored.hash != plan.hash or not _is_asking(stored, now):
                raise InvalidInput(_OVER)
            detail = {"hash": stored.hash, "requester": stored.actor.user_id}
            await append(transaction, Entry(LedgerEvent.APPROVED, now, actor, plan.id, detail=detail))
            started, entry = running(replace(stored, approver=actor, approved_at=now), stored.actor, now)
            await bulk_plans.begin(transaction, started, entry)
        log.info("approved", plan=plan.id, user=actor.user_id)
        await self._runner.start(started)
        return plan.id

    async def reject(self, actor: Actor, value: str) -> str:
        """End a plan that another person rejects, and return its id. Raises the errors of `approve`."""
        plan, items = await self._shown(value)
        await self._people.require_other(actor, plan, items)
        now = self._clock()

        def decide(stored: BulkPlan) -> Change:
            if not _is_asking(stored, now):
                raise InvalidInput(_OVER)
            rejected = replace(stored, state=BulkState.REJECTED, ended_by=actor.user_id, ended_at=now)
            return rejected, [Entry(LedgerEvent.REJECTED, now, actor, plan.id, detail={"hash": stored.hash})]

        rejected = await self._plans.change(plan.id, decide)
        if rejected and rejected.run:
            await self._runner.end_left(rejected)
        log.info("rejected", plan=plan.id, user=actor.user_id)
        return plan.id

    async def _shown(self, value: str) -> tuple[BulkPlan, list[BulkItem]]:
        plan_id, shown = views.read_plan_value(value)
        if (plan := await self._plans.get(plan_id)) is None:
            raise StaleInteraction("plan")
        require_shown(plan, shown)
        return plan, await self._plans.items(plan_id)


def _is_asking(plan: BulkPlan, now: datetime) -> bool:
    """Return True if a plan waits for an approval, and its time is not over."""
    return plan.state is BulkState.ASKING and plan.asked_at is not None and now - plan.asked_at < APPROVAL_TIME
