"""The Bolt app: the list of features is the map of what the bot listens to."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.metrics import Metrics
from bot.slack.client import Identity
from bot.wiring import Services
from handlers.listeners import (
    alerts,
    fallback,
    history_pages,
    message_shortcut,
    resend_command,
    resend_form,
    result_buttons,
    status_command,
    user_groups,
)
from handlers.listeners.error_boundary import ErrorBoundary

log = structlog.get_logger(__name__)

# The last one takes what no other does.
FEATURES = (
    resend_command,
    message_shortcut,
    alerts,
    resend_form,
    result_buttons,
    status_command,
    history_pages,
    user_groups,
    fallback,
)

# Slack's words for what it delivers; whatever else a payload calls itself is measured as "other".
KINDS = frozenset({"block_actions", "block_suggestion", "event_callback", "message_action", "view_submission"})


class MeasuredApp(AsyncApp):
    """Bolt's app, which notes how long Slack waits for each answer, whatever the door."""

    def __init__(self, metrics: Metrics, **options: Any) -> None:
        super().__init__(**options)
        self._metrics = metrics

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Let the listeners answer; it ends with the ack, not with the work behind it."""
        began = time.perf_counter()
        try:
            return await super().async_dispatch(req)
        finally:
            self._metrics.observe_ack(_kind(req.body), time.perf_counter() - began)


def _kind(body: Mapping[str, Any]) -> str:
    kind = "command" if "command" in body else str(body.get("type"))
    return kind if kind in KINDS or kind == "command" else "other"


def make_app(
    client: AsyncWebClient, identity: Identity, services: Services, boundary: ErrorBoundary, metrics: Metrics
) -> AsyncApp:
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
    app = MeasuredApp(
        metrics,
        # Else Bolt looks for one by reading the source of every caller, which takes a third of a start.
        name="dcv-resend",
        client=client,
        authorize=authorize,
        request_verification_enabled=False,
        raise_error_for_unhandled_request=True,
        logger=bolt,
    )
    bolt.setLevel(logging.WARNING)
    for feature in FEATURES:
        feature.register(app, services, boundary)
    app.error(_log_unhandled)
    return app


async def _log_unhandled(error: Exception, response: BoltResponse | None) -> BoltResponse | None:
    """Ack a payload that no listener took, or that does not even tell whom to answer; after an ack it is a bug."""
    if response is None:
        log.error("a listener failed", exc_info=error)
        return None
    log.warning("a payload was not understood", error=type(error).__name__)
    return BoltResponse(status=200)
