"""The Home tab: draw it when a user opens it, and the buttons on it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import BotError
from bot.models import Actor, Destination, Interaction, TargetKey
from bot.parsing.commands import ExplainPolicy
from bot.services.authorization.explain import PolicyExplainer
from bot.services.reports.home import HomeReport
from bot.services.reports.status import StatusReport
from bot.services.resend.form import ResendFormService
from bot.slack.chat import Chat
from bot.views import home as views
from bot.views import resend_form
from bot.views.blocks import Message
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    Payload,
    read_actor,
    read_choice,
    read_home_opening,
    read_trigger,
    read_view_hash,
)

log = structlog.get_logger(__name__)


@define(eq=False, repr=False, slots=False)
class HomeTab:
    """Listeners for the tab. Answers of its buttons go to the tab, to a modal, or to a direct message."""

    _home: HomeReport
    _status: StatusReport
    _form_service: ResendFormService
    _policy_explainer: PolicyExplainer
    _chat: Chat
    _boundary: ErrorBoundary

    async def open(self, body: dict[str, Any]) -> None:
        """Draw the tab when its user opens it. Bolt has acknowledged the event."""
        if opening := read_home_opening(body):
            actor, since = opening
            async with self._boundary.respond_to(Interaction(actor, None)):
                await self._publish(actor, since)

    async def refresh(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Draw the tab again, with the pending orders as DigiCert lists them now."""
        actor = read_actor(body)
        await ack()
        async with self._boundary.respond_to(Interaction(actor, None)):
            await self._publish(actor, read_view_hash(body), afresh=True)

    async def resend(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the empty form. Its result goes to a direct message."""
        actor = read_actor(body)
        await ack()
        async with self._boundary.respond_to(Interaction(actor, None)):
            form = await self._form_service.start(actor, Destination(actor.user_id), "")
            # An empty form is searchable as soon as it is open, so it must be stored before.
            await self._form_service.save(form)
            await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, None))

    async def explain(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Show in a modal what the user may do here, and who can do the rest."""
        actor = read_actor(body)
        await ack()
        async with self._boundary.respond_to(Interaction(actor, None)):
            why = partial(self._policy_explainer.explain, actor, Destination(actor.user_id), ExplainPolicy())
            await self._show(body, "Who can do what", why)

    async def details(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Show the status of an order or a domain in a modal."""
        actor, key = read_actor(body), read_choice(body) or ""
        await ack()
        async with self._boundary.respond_to(Interaction(actor, None)):
            asked = TargetKey.parse(key)
            title = f"Order {asked.order_id}" if asked.order_id else "Domain"
            await self._show(body, title, partial(self._status.page, actor, Destination(actor.user_id), key))

    async def _publish(self, actor: Actor, since: str | None, *, afresh: bool = False) -> None:
        """Publish the tab. If reading the pending orders takes long, publish it again with them."""
        view, is_loading = await self._home.draw(actor, afresh=afresh)
        drawn = await self._chat.publish_home(actor.user_id, view, since)
        if is_loading and drawn:
            view, _ = await self._home.draw(actor, afresh=True)
            await self._chat.publish_home(actor.user_id, view, drawn)

    async def _show(self, body: Payload, title: str, read: Callable[[], Awaitable[Message]]) -> None:
        """Open a modal at once, because a trigger expires after three seconds, and then show what was read."""
        view_id = await self._chat.open_form(read_trigger(body), views.modal(title, views.loading()))
        if view_id is None:
            return
        try:
            message = await read()
        except BotError as error:
            log.info("reported to the user", problem=type(error).__name__, words=str(error))
            message = self._boundary.message_for(error)
        await self._chat.update_form(view_id, views.modal(title, message))


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    tab = HomeTab(
        services.home_report,
        services.status_report,
        services.form_service,
        services.policy_explainer,
        services.chat,
        boundary,
    )
    app.event("app_home_opened")(tab.open)
    app.action(views.REFRESH)(tab.refresh)
    app.action(views.RESEND)(tab.resend)
    app.action(views.WHO_CAN)(tab.explain)
    app.action(views.DETAILS)(tab.details)
