"""Policy explanations for `/dcv-resend why`: the rule that decides for a user, and who may do it instead."""

from bot.models import Actor, Destination
from bot.parsing.commands import ExplainPolicy
from bot.policy.rules import INELIGIBLE, Action
from bot.services.authorization.authorizer import Authorizer, refusal
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.authorization.resources import resource_for_input
from bot.views import policy_explanation
from bot.views.blocks import Message
from bot.views.help import usage


class PolicyExplainer:
    """Explanations of what a user may do, and why.

    All users may ask about themselves. To ask about another user, they need the `status` action.
    """

    def __init__(self, authorizer: Authorizer, policy_loader: PolicyLoader) -> None:
        self._authorizer = authorizer
        self._policy_loader = policy_loader

    async def help(self, actor: Actor, destination: Destination | None) -> Message:
        """Return what the user can type. Raises NotAllowed for guests and people of other workspaces."""
        context = await self._authorizer.context(actor)
        resource = resource_for_input(destination, None)
        decision = context.decide(Action.STATUS, resource)
        self._authorizer.require_answer(decision)
        if decision.rule in INELIGIBLE:
            raise refusal(context, Action.STATUS, resource, decision)
        return usage(context, destination.channel_id if destination else None)

    async def explain(self, actor: Actor, destination: Destination | None, asked: ExplainPolicy) -> Message:
        """Return the explanation, which only the asking user may see.

        Raises NotAllowed if the user may not ask about another user.
        """
        resource = resource_for_input(destination, asked.wanted)
        reader = await self._authorizer.context(actor)
        user_id = asked.user_id or actor.user_id
        if user_id != actor.user_id:
            about = {"why": user_id, "channel": destination.channel_id if destination else ""}
            await self._authorizer.require(actor, Action.STATUS, about, resource_for_input(destination, None))
        context = await self._authorizer.context(Actor(user_id, actor.team_id))
        is_member = reader.decide(Action.STATUS, resource_for_input(destination, None)).rule not in INELIGIBLE
        is_outdated = is_member and bool(self._policy_loader.problems)
        return policy_explanation.explained(user_id, context, resource, reader, is_outdated=is_outdated)
