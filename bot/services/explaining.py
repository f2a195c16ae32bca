"""`/dcv-resend why`: which rule decides for somebody, and who could do it instead."""

from bot.command import AskWhy
from bot.models import Actor, Place
from bot.policy import OUTSIDERS, Action
from bot.services.gate import Gate
from bot.services.matters import about_typed
from bot.services.rulebook import Rulebook
from bot.views import permission
from bot.views.blocks import Message


class Explaining:
    """Tells what somebody may do and why: everybody of themselves, of others whoever may see how it stands."""

    def __init__(self, gate: Gate, rulebook: Rulebook) -> None:
        self._gate = gate
        self._rulebook = rulebook

    async def why(self, actor: Actor, place: Place, asked: AskWhy) -> Message:
        """The answer for the asker alone; NotAllowed where they may not ask about somebody else."""
        matter = about_typed(place, asked.wanted)
        user_id = asked.user_id or actor.user_id
        if user_id != actor.user_id:
            about = {"why": user_id, "channel": place.channel_id}
            await self._gate.require(actor, Action.LOOK, about, about_typed(place, None))
        standing = await self._gate.standing(Actor(user_id, actor.team_id))
        # What is wrong with the file is told with words out of it, which are not for outsiders.
        may_read = user_id != actor.user_id or standing.decide(Action.LOOK, matter).rule not in OUTSIDERS
        return permission.explained(user_id, standing, matter, self._rulebook.problems if may_read else ())
