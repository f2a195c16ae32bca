"""How Slack reaches the bot: two doors, what each stands on, and what a machine may ask beside them."""

from typing import Protocol

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.slack.client import Client


class Transport(Protocol):
    """How Slack reaches the bot."""

    @property
    def is_open(self) -> bool:
        """Whether Slack can reach the bot now, as far as the door can tell."""

    @property
    def drain_seconds(self) -> float:
        """How long the door stays open at a stop, since whoever sends payloads here may hear of it so late."""

    @property
    def routes(self) -> list[web.RouteDef]:
        """What it wants to be served on the bot's site, which is open where PORT is set."""

    async def check(self, slack: Client) -> None:
        """Look before a start; ConfigurationError where a setting must be mended, SlackUnavailable where Slack is
        silent.
        """

    async def serve(self, app: AsyncApp, slack: Client) -> None:
        """Hand to the app whatever arrives, until it is cancelled; ConfigurationError where that has no future.

        Whatever was acknowledged when it ends is being answered; what is not is nobody's.
        """


# How long Slack waits for an ack, and therefore how long whoever is being answered may take at a stop.
ACK_SECONDS = 3.0
