"""The form *Resend DCV email*: search, choice, recipients, more options and submission."""

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import structlog
from attrs import define, field
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import CooldownActive, InvalidInput, LimitReached, PermissionUnknown, StoreUnavailable
from bot.models import Actor
from bot.services.publishing.result_routes import ResultRoutes
from bot.services.resend.form import ResendFormService
from bot.services.resend.requests import ResendService
from bot.slack.chat import Chat
from bot.views import resend_form
from bot.views.form_input import field_errors, read_form, read_selections, read_typed
from bot.views.resend_form import ModalView
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    Payload,
    read_actor,
    read_choice,
    read_form_id,
    read_index,
    read_trigger,
    read_view,
    read_view_id,
)

log = structlog.get_logger(__name__)

MOST_VIEWS = 1000


class NewestClicks:
    """The newest click in each open view, so that an older one that took longer does not undo it."""

    def __init__(self) -> None:
        self._clicks: dict[str, int] = {}
        self._number = 0

    def add(self, view_id: str) -> int:
        """Record a click and return its number."""
        self._number += 1
        self._clicks.pop(view_id, None)
        self._clicks[view_id] = self._number
        if len(self._clicks) > MOST_VIEWS:
            del self._clicks[next(iter(self._clicks))]
        return self._number

    def is_newest(self, view_id: str, click: int) -> bool:
        """Return True if no newer click in this view was recorded."""
        return self._clicks.get(view_id, click) == click


@define(eq=False, repr=False, slots=False)
class ResendForm:
    """Listeners for the resend form."""

    _form_service: ResendFormService
    _resend: ResendService
    _routes: ResultRoutes
    _chat: Chat
    _boundary: ErrorBoundary
    _newest: NewestClicks = field(factory=NewestClicks, init=False)

    async def search(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Answer with the options that match the typed text, or with none if the user may not see any."""
        actor = read_actor(body)
        async with await self._answer(actor, body):
            try:
                options = await self._form_service.options(actor, read_form_id(body), str(body.get("value") or ""))
            except (InvalidInput, StoreUnavailable) as error:
                # Slack searches on every keystroke: an ephemeral message for each would flood the user.
                log.warning("a search could not be answered", error=str(error))
                options = []
            except Exception:
                await ack(options=[])
                raise
            await ack(options=options)

    async def choose(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Redraw the form with the recipients of the picked order or domain."""
        actor = read_actor(body)
        await ack()
        async with await self._answer(actor, body):
            if key := read_choice(body):
                form = await self._form_service.form(actor, read_form_id(body))
                await self._redraw(body, self._form_service.choose(form, key, read_typed(read_view(body))))

    async def rescope(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Redraw the form with the recipients of the picked name scope."""
        actor = read_actor(body)
        await ack()
        async with await self._answer(actor, body):
            index, typed = read_index(body), read_typed(read_view(body))
            form = await self._form_service.form(actor, read_form_id(body))
            await self._redraw(body, self._form_service.rescope(form, index, typed))

    async def change(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Redraw the form for other recipients: what they validate, and how many emails the button sends."""
        await self._change(ack, body, shows_more=False)

    async def show_more(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Redraw the form with the fields behind *More options*."""
        await self._change(ack, body, shows_more=True)

    async def show_details(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open a view on top of the form with every name and its address."""
        actor = read_actor(body)
        await ack()
        async with await self._answer(actor, body):
            chosen = read_selections(read_view(body))
            details = await self._form_service.recipient_details(actor, read_form_id(body), chosen)
            await self._chat.push_form(read_trigger(body), details)

    async def submit(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Accept the request in one transaction, close the form, and start the request.

        If the input is rejected, report the error at its field and leave the form open.
        """
        actor = read_actor(body)
        async with await self._answer(actor, body):
            try:
                key = await self._accept(ack, actor, body)
            except (LimitReached, InvalidInput, PermissionUnknown, StoreUnavailable) as error:
                if not (errors := field_errors(read_view(body), error)):
                    await ack()
                    raise
                await ack(response_action="errors", errors=errors)
            except Exception:
                await ack()
                raise
            else:
                if key:
                    form = await self._form_service.form(actor, read_form_id(body))
                    drawing = await self._form_service.choose(form, key, read_typed(read_view(body)))
                    await self._chat.update_form(read_view_id(body), drawing)

    async def _change(self, ack: AsyncAck, body: Payload, *, shows_more: bool) -> None:
        actor, view_id = read_actor(body), read_view_id(body)
        click = self._newest.add(view_id)
        await ack()
        async with await self._answer(actor, body):
            chosen = read_selections(read_view(body))
            chosen = replace(chosen, shows_more=chosen.shows_more or shows_more, opened_more=shows_more)
            drawing = await self._form_service.redraw(actor, read_form_id(body), chosen)
            # A newer click in this view draws what it means itself, and this one would undo it.
            if self._newest.is_newest(view_id, click):
                await self._chat.update_form(view_id, drawing)

    async def _accept(self, ack: AsyncAck, actor: Actor, body: Payload) -> str | None:
        """Accept a submission and start its request. Return the chosen key instead if the form has no fields yet."""
        filled = read_form(read_view(body))
        form = await self._form_service.form(actor, filled.form_id)
        if form.plan is None and filled.key:
            await ack(response_action="update", view=dict(resend_form.reloading(form.id)))
            return filled.key
        asked = await self._form_service.submit(actor, read_view_id(body), filled)
        try:
            request_id = await self._resend.accept(asked)
        except CooldownActive as error:
            await ack(
                response_action="update",
                view=dict(await self._form_service.with_cooldown(actor, filled, error.cooldown)),
            )
            return None
        await ack()
        if request_id:
            await self._resend.start(request_id)
            interaction = await self._form_service.interaction(actor, filled.form_id)
            await self._routes.explain(interaction, asked.subject)
        return None

    async def _answer(self, actor: Actor, body: Payload) -> AbstractAsyncContextManager[None]:
        """Return the error boundary for this user, reporting to the channel from which the form was opened."""
        return self._boundary.respond_to(await self._form_service.interaction(actor, read_form_id(body)))

    async def _redraw(self, body: Payload, drawing: Awaitable[ModalView]) -> None:
        """Show a loading state, then the drawn form, unless the user has made another choice meanwhile."""
        view_id = read_view_id(body)
        self._newest.add(view_id)
        since = await self._chat.update_form(view_id, resend_form.reloading(read_form_id(body)))
        await self._chat.update_form(view_id, await drawing, since)


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    form = ResendForm(services.form_service, services.resend, services.result_routes, services.chat, boundary)
    app.options(resend_form.TARGET)(form.search)
    app.action(resend_form.TARGET)(form.choose)
    app.action(resend_form.MATCH)(form.choose)
    app.action(resend_form.AGAIN)(form.choose)
    app.action(resend_form.SCOPE)(form.rescope)
    app.action(resend_form.RECIPIENTS)(form.change)
    app.action(resend_form.MORE)(form.show_more)
    app.action(resend_form.DETAILS)(form.show_details)
    app.view(resend_form.CALLBACK)(form.submit)
