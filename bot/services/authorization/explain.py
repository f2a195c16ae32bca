"""`/dcv-resend why`: which rule decides for somebody, and who could do it instead."""

from bot.models import Actor, Destination
from bot.parsing.commands import ExplainPolicy
from bot.policy.rules import INELIGIBLE, Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.authorization.resources import resource_for_input
from bot.views import policy_explanation
from bot.views.blocks import Message


class PolicyExplainer:
    """Tells what somebody may do and why: everybody of themselves, of others whoever may see how it stands."""

    def __init__(self, authorizer: Authorizer, policy_loader: PolicyLoader) -> None:
        self._authorizer = authorizer
        self._policy_loader = policy_loader

    async def explain(self, actor: Actor, destination: Destination, asked: ExplainPolicy) -> Message:
        """The answer for the asker alone; NotAllowed where they may not ask about somebody else."""
        resource = resource_for_input(destination, asked.wanted)
        reader = await self._authorizer.context(actor)
        user_id = asked.user_id or actor.user_id
        if user_id != actor.user_id:
            about = {"why": user_id, "channel": destination.channel_id}
            await self._authorizer.require(actor, Action.STATUS, about, resource_for_input(destination, None))
        context = await self._authorizer.context(Actor(user_id, actor.team_id))
        problems = self._policy_loader.problems
        if reader.decide(Action.STATUS, resource_for_input(destination, None)).rule in INELIGIBLE:
            problems = ()
        elif not reader.is_unrestricted(Action.STATUS, destination.channel_id):
            # The problems quote the file, which is for those from whom it hides nothing.
            problems = ("",) if problems else ()
        return policy_explanation.explained(user_id, context, resource, reader, problems)
