"""What people do with a plan: form, send, stop, continue, change and discard. Each asks the policy first."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from attrs import define

from bot.bulk import APPROVAL_TIME, Audience, BulkInput, BulkPlan, BulkState
from bot.clock import Clock
from bot.errors import InvalidInput, LimitReached, StaleInteraction
from bot.languages import read_locale
from bot.models import Actor, Destination
from bot.parsing.bulk import BulkFilter, BulkList, read_wish
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input
from bot.services.authorization.visibility import Visibility
from bot.services.bulk.limits import BulkLimits
from bot.services.bulk.people import PlanPeople, ids_of
from bot.services.bulk.preview import BulkPreviews
from bot.services.bulk.runner import BulkRunner, running
from bot.services.resend.requests import id_of_cause
from bot.store import bulk_plans, person_limits
from bot.store.bulk_plans import BulkPlans, Change
from bot.store.database import Database
from bot.store.forms import Form, Forms
from bot.views import bulk as views
from bot.views.blocks import person
from bot.views.bulk import BulkFormInput
from bot.views.resend_form import ModalView

log = structlog.get_logger(__name__)


@define(eq=False, repr=False, slots=False)
class BulkService:
    """The form of a plan, and its buttons for the requester."""

    _authorizer: Authorizer
    _people: PlanPeople
    _limits: BulkLimits
    _plans: BulkPlans
    _forms: Forms
    _previews: BulkPreviews
    _runner: BulkRunner
    _database: Database
    _locale: str
    _clock: Clock
    _person_limits: Sequence[tuple[int, float]] = ()

    async def open(
        self,
        actor: Actor,
        destination: Destination,
        wanted: str,
        response_url: str | None = None,
        *,
        revalidates: bool = False,
        rest: Sequence[str] = (),
    ) -> ModalView:
        """Return the form, filled in with a filter or a list. Raises NotAllowed if the user may not resend anything.

        If it `revalidates`, domains that are not pending are meant too. `rest` are targets for which the list has no
        room.

        Raises InvalidInput if `wanted` is neither.
        """
        about = {"text": wanted[:200], "channel": destination.channel_id}
        await self._authorizer.require(actor, Action.RESEND, about, resource_for_input(destination, None))
        revalidates = revalidates or (bool(wanted) and is_about_ends(wanted))
        form = Form(actor, destination, response_url=response_url)
        await self._forms.save(form, self._clock())
        return views.form(form.id, BulkInput(wanted, Audience.USED, self._locale, revalidates=revalidates), rest=rest)

    async def change(self, actor: Actor, plan_id: str) -> ModalView:
        """Return the form of a plan again, for its requester."""
        plan = await self.plan(plan_id)
        await self._people.require_requester(actor, plan)
        form = Form(actor, plan.destination, changes=plan.id)
        await self._forms.save(form, self._clock())
        return views.form(form.id, plan.asked, plan.everyone)

    async def submit(self, actor: Actor, view_id: str, filled: BulkFormInput) -> str:
        """Save the plan of a submitted form, and return its id. Nothing is looked up before `Previews.start`.

        Safe to repeat: the same view gives the same plan. Raises InvalidInput with the field to correct.
        """
        form = await self._forms.get(filled.form_id)
        destination = form.destination if form else None
        about = {"form": filled.form_id[:32]}
        context = await self._authorizer.require(actor, Action.RESEND, about, resource_for_input(destination, None))
        if form is None or form.actor.user_id != actor.user_id:
            raise StaleInteraction("form")
        self._require_valid(filled.asked)
        grid_id = context.person.grid_id if context.person else ""
        plan = BulkPlan(
            id=id_of_cause(actor, f"view:{view_id}"),
            actor=actor,
            person_id=grid_id or actor.user_id,
            destination=form.destination,
            asked=replace(filled.asked, revalidates=filled.asked.revalidates or is_about_ends(filled.asked.wanted)),
            at=self._clock(),
        )
        if form.changes:
            await self._discard(form.changes, actor.user_id)
        if await self._plans.add(plan):
            log.info("planned", plan=plan.id, user=actor.user_id)
        return plan.id

    async def preview(self, plan_id: str) -> None:
        """Start the preview of a saved plan. Safe to repeat."""
        await self._previews.start(plan_id)

    async def plan(self, plan_id: str) -> BulkPlan:
        """Return a plan. Raises StaleInteraction if it is unknown."""
        if (plan := await self._plans.get(plan_id)) is None:
            raise StaleInteraction("plan")
        return plan

    async def is_known(self, plan_id: str) -> bool:
        """Return True if there is a plan with this id."""
        return await self._plans.get(plan_id) is not None

    async def send(self, actor: Actor, value: str) -> str:
        """Start the run of a plan as it was shown, and return its id.

        Raises InvalidInput if it changed, is not waiting, or needs a reason or an approval. Raises LimitReached.
        """
        plan_id, shown = views.read_plan_value(value)
        plan = await self.plan(plan_id)
        await self._people.require_requester(actor, plan)
        if self._limits.needs_reason(plan.targets, plan.asked.reason):
            raise InvalidInput("A plan of this size needs a reason. Add one with *Change…*.")
        require_shown(plan, shown)
        started = await self._begin(actor, plan_id)
        await self._runner.start(started)
        return plan_id

    async def stop(self, actor: Actor, plan_id: str) -> None:
        """Stop the run of a plan: no new call begins. Anyone who may resend there can do that."""
        plan = await self.plan(plan_id)
        await self._people.require_member(actor, plan)
        note = f"Stopped by {person(actor.user_id)}."
        await self._runner.stop(plan_id, note, actor)

    async def resume(self, actor: Actor, value: str) -> str:
        """Continue a stopped plan with what is left, and return its id.

        If its approval is over, the plan waits for a new one.
        """
        plan_id, shown = views.read_plan_value(value)
        plan, now = await self.plan(plan_id), self._clock()
        await self._people.require_requester(actor, plan)
        require_shown(plan, shown)
        is_approved = plan.approved_at is None or now - plan.approved_at < APPROVAL_TIME

        def decide(stored: BulkPlan) -> Change:
            if stored.state is not BulkState.STOPPED:
                return None
            if not is_approved:
                asking = replace(stored, state=BulkState.ASKING, asked_at=now, approver=None, approved_at=None)
                return replace(asking, note=""), ()
            started, entry = running(stored, actor, now)
            return started, [entry]

        changed = await self._plans.change(plan_id, decide)
        if changed and changed.is_running:
            await self._runner.start(changed)
        return plan_id

    async def discard(self, actor: Actor, plan_id: str) -> None:
        """Discard a plan that was not started."""
        plan = await self.plan(plan_id)
        await self._people.require_requester(actor, plan)
        await self._discard(plan_id, actor.user_id)

    async def view_of(self, actor: Actor, plan: BulkPlan) -> Visibility | None:
        """Return what a person may see of a plan, None if it is the requester, who sees every line.

        Raises NotAllowed if they may see nothing there, and PermissionUnknown if Slack does not say.
        """
        about = {"plan": plan.id, "channel": plan.destination.channel_id}
        resource = resource_for_input(plan.destination, None)
        context = await self._authorizer.require(actor, Action.STATUS, about, resource)
        if plan.is_requester(ids_of(actor, context)):
            return None
        visibility = Visibility(actor, plan.destination, context, Action.APPROVE)
        visibility.require_answer()
        return visibility

    async def _discard(self, plan_id: str, user_id: str) -> None:
        def decide(stored: BulkPlan) -> Change:
            if stored.state not in (BulkState.LOOKING_UP, BulkState.READY, BulkState.ASKING) or stored.run:
                return None
            return replace(stored, state=BulkState.DISCARDED, ended_by=user_id), ()

        await self._plans.change(plan_id, decide)

    async def _begin(self, actor: Actor, plan_id: str) -> BulkPlan:
        """Save that a plan runs, with its row in the ledger. It counts as one request of the person."""
        now, error = self._clock(), None
        async with self._database.write() as transaction:
            stored = await bulk_plans.plan_in(transaction, plan_id)
            if stored is None or stored.state is not BulkState.READY:
                raise InvalidInput("This plan was already sent, changed or discarded.")
            if await self._limits.needs_approval_in(transaction, stored):
                raise InvalidInput("Someone else must approve a plan of this size.")
            limit = await person_limits.reached_limit(transaction, stored.actor, self._person_limits, now)
            if limit is None:
                started, entry = running(stored, actor, now)
                await bulk_plans.begin(transaction, started, entry)
            else:
                error = LimitReached(limit.requests, limit.span, limit.until, now)
        if error:
            raise error
        return started

    def _require_valid(self, asked: BulkInput) -> None:
        try:
            wish = read_wish(asked.wanted)
        except InvalidInput as error:
            raise InvalidInput(str(error), {views.WANTED: str(error)}) from error
        if isinstance(wish, BulkList) and self._limits.needs_reason(len(wish.targets), asked.reason):
            words = f"{len(wish.targets)} targets need a reason."
            raise InvalidInput(words, {views.REASON: words})
        if asked.locale not in (self._locale, read_locale(asked.locale)):
            raise InvalidInput("Choose a language.", {views.LOCALE: "Choose one of the listed languages."})


def is_about_ends(wanted: str) -> bool:
    """Return True for a filter by the end of validations, which pending targets alone cannot answer.

    Raises InvalidInput if `wanted` is neither a filter nor a list.
    """
    wish = read_wish(wanted)
    return isinstance(wish, BulkFilter) and wish.expiring_within is not None


def require_shown(plan: BulkPlan, shown: str) -> None:
    """Raise InvalidInput if a plan is not the one that was shown."""
    if plan.hash != shown:
        raise InvalidInput("This plan changed. Use the newest preview.")
