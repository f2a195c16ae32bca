"""The interface of the two transports by which Slack reaches the bot."""

from typing import Protocol

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.slack.client import Client


class Transport(Protocol):
    """A way for Slack to reach the bot: Socket Mode or HTTP."""

    @property
    def is_open(self) -> bool:
        """Return True if Slack can reach the bot now, as far as the transport knows."""

    @property
    def drain_seconds(self) -> float:
        """Return the seconds to remain open at a stop, because load balancers notice it only after a while."""

    @property
    def routes(self) -> list[web.RouteDef]:
        """Return its routes for the bot's HTTP server, which runs only if PORT is set."""

    async def check(self, slack: Client) -> None:
        """Verify the settings before a start.

        Raises ConfigurationError if a setting is wrong, SlackUnavailable if Slack cannot be reached.
        """

    async def serve(self, app: AsyncApp, slack: Client) -> None:
        """Dispatch every payload to the app until cancelled. Raises ConfigurationError if a retry cannot help.

        When this returns, acknowledged payloads are still being handled; unacknowledged ones were never started.
        """


# Slack waits three seconds for an ack, so at a stop requests in progress get as long to finish.
ACK_SECONDS = 3.0
