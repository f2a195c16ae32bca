"""The route of a result: whether the bot may post in the channel of a request, known before the request is sent."""

import asyncio

from attrs import define

from bot.errors import SlackRejected, SlackUnavailable
from bot.models import Destination, Interaction, ResultRoute
from bot.slack.chat import DIRECT, Chat
from bot.slack.scopes import POST_IN_PUBLIC
from bot.views.result_route import accepted_elsewhere

# A form waits this long for Slack, and shows both possibilities then.
PATIENCE = 1.0
_EXPLAINED = frozenset({ResultRoute.NOT_A_MEMBER, ResultRoute.SHARED, ResultRoute.ARCHIVED})


@define(eq=False, repr=False, slots=False)
class ResultRoutes:
    """Predictions of where `MessagePublisher` will post a result. `scopes` are those of the bot token."""

    _chat: Chat
    _scopes: frozenset[str] = frozenset()

    async def of(self, destination: Destination) -> ResultRoute:
        """Return the route of a result. It is UNKNOWN if Slack does not answer within PATIENCE seconds."""
        if destination.channel_id.startswith(DIRECT):
            return ResultRoute.DIRECT
        try:
            async with asyncio.timeout(PATIENCE):
                channel = await self._chat.channel(destination.channel_id)
        except SlackRejected as error:
            return ResultRoute.NOT_A_MEMBER if error.code == "channel_not_found" else ResultRoute.DIRECT
        except (SlackUnavailable, TimeoutError):
            return ResultRoute.UNKNOWN
        if channel.is_shared:
            return ResultRoute.SHARED
        if channel.is_archived:
            return ResultRoute.ARCHIVED
        may_post = channel.is_member or (not channel.is_private and POST_IN_PUBLIC in self._scopes)
        return ResultRoute.CHANNEL if may_post else ResultRoute.NOT_A_MEMBER

    async def explain(self, interaction: Interaction, subject: str) -> None:
        """Say in the channel of an accepted request that its result goes to a direct message.

        The bot may not post there, so only the interaction's response_url reaches the user. Without one, the direct
        message alone does. Never raises for Slack.
        """
        if interaction.response_url is None or interaction.destination is None:
            return
        route = await self.of(interaction.destination)
        if route in _EXPLAINED:
            await self._chat.respond(interaction, accepted_elsewhere(subject, interaction.destination, route))
