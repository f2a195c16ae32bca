"""The people of a plan: all ids of one person, and what the two of them may do."""

from attrs import define

from bot.bulk import BulkItem, BulkPlan
from bot.errors import InvalidInput, PermissionUnknown
from bot.models import Actor, Call, Reach, ResendRequest
from bot.policy.rules import AccessContext, Action
from bot.services.authorization.authorizer import Authorizer, refusal
from bot.services.authorization.resources import resource_for_calls, resource_for_input
from bot.services.resend.sender import PlanPaused
from bot.store.bulk_plans import BulkPlans
from bot.store.retry import until_available
from bot.views.blocks import person

NOT_RUNNING = "The plan was not continued."


@define(eq=False, repr=False, slots=False)
class PlanPeople:
    """Checks of the requester and of the person who approves."""

    _authorizer: Authorizer
    _plans: BulkPlans

    async def require_requester(self, actor: Actor, plan: BulkPlan) -> AccessContext:
        """Return the context of the requester who acts on their plan.

        Raises InvalidInput for another person, NotAllowed for one who may not resend there.
        """
        context = await self._require(actor, plan)
        if not plan.is_requester(ids_of(actor, context)):
            raise InvalidInput(f"Only {person(plan.actor.user_id)} can do that.")
        return context

    async def require_other(self, actor: Actor, plan: BulkPlan, items: list[BulkItem]) -> None:
        """Require that someone else may approve every email of a plan.

        Raises InvalidInput for the requester, under either id, and NotAllowed for a person who may not approve.
        """
        channel = resource_for_input(plan.destination, None)
        about = {"plan": plan.id, "channel": plan.destination.channel_id}
        context = await self._authorizer.require(actor, Action.APPROVE, about, channel)
        if plan.is_requester(ids_of(actor, context)):
            raise InvalidInput("You asked for these emails, so someone else must decide.")
        for item in items:
            resource = resource_for_calls(plan.destination, item.calls, item.reach)
            decision = context.decide(Action.APPROVE, resource)
            self._authorizer.require_answer(decision)
            if not decision.allowed:
                await self._authorizer.record(actor, Action.APPROVE, about, decision.rule, resource)
                raise refusal(context, Action.APPROVE, resource, decision)

    async def require_member(self, actor: Actor, plan: BulkPlan) -> None:
        """Require that a person may resend in the channel of a plan."""
        await self._require(actor, plan)

    async def lost(self, plan: BulkPlan) -> str | None:
        """Return why a plan must stop because of its people, as marked-up text, or None.

        Raises PermissionUnknown if Slack does not say.
        """
        wanted = [(plan.actor, Action.RESEND, "can no longer resend here")]
        if plan.approver:
            wanted.append((plan.approver, Action.APPROVE, "can no longer approve it"))
        for actor, action, words in wanted:
            resource = resource_for_input(plan.destination, None)
            decision = await self._authorizer.decide(actor, action, resource, afresh=True)
            if decision.is_unknown:
                raise PermissionUnknown(decision.sentence, self._authorizer.retry_after)
            if not decision.allowed:
                return f"Stopped, because {person(actor.user_id)} {words}."
        return None

    async def objection(self, request: ResendRequest, call: Call, reach: Reach) -> str | None:
        """Return why a call of a plan must not be made now, or None. Asked right before the call.

        Raises PlanPaused if the plan is stopped, and PermissionUnknown if Slack does not say.
        """
        plan = await until_available(self._plans.get, request.plan or "")
        if plan is None or plan.is_over:
            return NOT_RUNNING
        if not plan.is_running:
            raise PlanPaused
        if plan.approver is None:
            return None
        resource = resource_for_calls(request.destination, [call], reach)
        decision = await self._authorizer.decide(plan.approver, Action.APPROVE, resource, afresh=True)
        if decision.is_unknown:
            raise PermissionUnknown(decision.sentence, self._authorizer.retry_after)
        return None if decision.allowed else "The person who approved it lost permission before the email was sent."

    async def _require(self, actor: Actor, plan: BulkPlan) -> AccessContext:
        about = {"plan": plan.id, "channel": plan.destination.channel_id}
        resource = resource_for_input(plan.destination, None)
        return await self._authorizer.require(actor, Action.RESEND, about, resource)


def ids_of(actor: Actor, context: AccessContext) -> set[str]:
    """Return every id of a person."""
    known = context.person
    return {actor.user_id, *({known.user_id, known.grid_id} if known else ())} - {""}
