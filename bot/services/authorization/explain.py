"""`/dcv-resend why`: which rule decides for somebody, and who could do it instead."""

from bot.models import Actor, Place
from bot.parsing.commands import AskWhy
from bot.policy.rules import OUTSIDERS, Action
from bot.services.authorization.authorizer import Gate
from bot.services.authorization.policy_loader import Rulebook
from bot.services.authorization.resources import about_typed
from bot.views import policy_explanation
from bot.views.blocks import Message


class Explaining:
    """Tells what somebody may do and why: everybody of themselves, of others whoever may see how it stands."""

    def __init__(self, gate: Gate, rulebook: Rulebook) -> None:
        self._gate = gate
        self._rulebook = rulebook

    async def why(self, actor: Actor, place: Place, asked: AskWhy) -> Message:
        """The answer for the asker alone; NotAllowed where they may not ask about somebody else."""
        matter = about_typed(place, asked.wanted)
        reader = await self._gate.standing(actor)
        user_id = asked.user_id or actor.user_id
        if user_id != actor.user_id:
            about = {"why": user_id, "channel": place.channel_id}
            await self._gate.require(actor, Action.LOOK, about, about_typed(place, None))
        standing = await self._gate.standing(Actor(user_id, actor.team_id))
        problems = self._rulebook.problems
        if reader.decide(Action.LOOK, about_typed(place, None)).rule in OUTSIDERS:
            problems = ()
        elif not reader.is_unrestricted(Action.LOOK, place.channel_id):
            # The problems quote the file, which is for those from whom it hides nothing.
            problems = ("",) if problems else ()
        return policy_explanation.explained(user_id, standing, matter, reader, problems)
