"""The Bolt app: the list of features is the map of what the bot listens to."""

import logging

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import Identity
from bot.wiring import Services
from handlers import alerts, buttons, commands, form, history, members, shortcut, status, unknown
from handlers.answering import Answering

log = structlog.get_logger(__name__)

# The last one takes what no other does.
FEATURES = (commands, shortcut, alerts, form, buttons, status, history, members, unknown)


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
    app = AsyncApp(
        client=client,
        authorize=authorize,
        request_verification_enabled=False,
        raise_error_for_unhandled_request=True,
        logger=bolt,
    )
    bolt.setLevel(logging.WARNING)
    for feature in FEATURES:
        feature.register(app, services, answering)
    app.error(_unheard)
    return app


async def _unheard(error: Exception, response: BoltResponse | None) -> BoltResponse | None:
    """Ack a payload that no listener took, or that does not even tell whom to answer; after an ack it is a bug."""
    if response is None:
        log.error("a listener failed", exc_info=error)
        return None
    log.warning("a payload was not understood", error=type(error).__name__, words=str(error))
    return BoltResponse(status=200)
