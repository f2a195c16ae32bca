"""The Bolt app, with the list of all features that listen to Slack."""

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
    approvals,
    bulk,
    command_buttons,
    digests,
    fallback,
    global_shortcut,
    history_pages,
    home,
    message_shortcut,
    quick_resend,
    resend_asks,
    resend_command,
    resend_form,
    result_buttons,
    revalidation,
    status_command,
    user_groups,
)
from handlers.listeners.error_boundary import ErrorBoundary

log = structlog.get_logger(__name__)

# Bolt calls the first listener that matches, so the fallback must be registered last.
FEATURES = (
    resend_command,
    message_shortcut,
    global_shortcut,
    alerts,
    approvals,
    resend_form,
    bulk,
    result_buttons,
    quick_resend,
    revalidation,
    digests,
    resend_asks,
    status_command,
    command_buttons,
    history_pages,
    home,
    user_groups,
    fallback,
)

# Slack's names for payload types. Any other type is measured as "other": a forged one must not create a metric label.
KINDS = frozenset(
    {"block_actions", "block_suggestion", "event_callback", "message_action", "shortcut", "view_submission"}
)


class MeasuredApp(AsyncApp):
    """A Bolt app that measures the time to each ack, in Socket Mode and over HTTP."""

    def __init__(self, metrics: Metrics, **options: Any) -> None:
        super().__init__(**options)
        self._metrics = metrics

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Dispatch to the listeners and observe the time to the ack. The work after the ack is not included."""
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
    """Return an app with every feature registered.

    `identity` was read from Slack before, so no request has to wait for `auth.test`.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=identity.enterprise_id,
            team_id=identity.team_id,
            bot_id=identity.bot_id,
            bot_user_id=identity.bot_user_id,
            bot_token=client.token,
        )

    # Bolt warns that it ignores the SLACK_BOT_TOKEN in the environment. That is intended here.
    bolt = logging.getLogger("slack_bolt.app")
    bolt.setLevel(logging.ERROR)
    app = MeasuredApp(
        metrics,
        # Without a name, Bolt derives one by reading the source of every caller, which takes a third of the start.
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
    """Ack a payload that no listener accepted or that names no user to answer. After an ack, log the error as a bug."""
    if response is None:
        log.error("a listener failed", exc_info=error)
        return None
    log.warning("a payload could not be read", error=type(error).__name__)
    return BoltResponse(status=200)
