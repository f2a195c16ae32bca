"""The Bolt app: the list of features is the map of what the bot listens to."""

import logging

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import Identity
from bot.wiring import Services
from handlers import buttons, commands, form, members, status
from handlers.answering import Answering

log = structlog.get_logger(__name__)

FEATURES = (commands, form, buttons, status, members)


def make_app(client: AsyncWebClient, identity: Identity, services: Services, answering: Answering) -> AsyncApp:
    """An app with every feature; Slack was asked already who we are, so that no request waits for it."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=identity.enterprise_id,
            team_id=identity.team_id,
            bot_id=identity.bot_id,
            bot_user_id=identity.bot_user_id,
            bot_token=client.token,
        )

    # Bolt warns that it will not use the SLACK_BOT_TOKEN that it finds in the environment; that is meant so.
    bolt = logging.getLogger("slack_bolt.app")
    bolt.setLevel(logging.ERROR)
    app = AsyncApp(client=client, authorize=authorize, request_verification_enabled=False, logger=bolt)
    bolt.setLevel(logging.WARNING)
    for feature in FEATURES:
        feature.register(app, services, answering)
    app.error(_bug)
    return app


async def _bug(error: Exception) -> None:
    """What the boundary could not catch: a payload that has not even the shape to answer it."""
    log.error("a listener failed", exc_info=error)
