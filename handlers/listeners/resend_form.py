"""The form *Resend DCV emails*: search, choice, name scope and submission."""

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import CooldownActive, InvalidInput, LimitReached, PermissionUnknown, StoreUnavailable
from bot.models import Actor, Interaction
from bot.services.resend.form import ResendFormService
from bot.services.resend.requests import ResendService
from bot.slack.chat import Chat
from bot.views import resend_form
from bot.views.form_input import field_errors, read_form, read_typed
from bot.views.resend_form import ModalView
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    Payload,
    read_actor,
    read_choice,
    read_form_id,
    read_index,
    read_view,
    read_view_id,
)

log = structlog.get_logger(__name__)


class ResendForm:
    """Listeners for the resend form."""

    def __init__(
        self, form_service: ResendFormService, resend: ResendService, chat: Chat, boundary: ErrorBoundary
    ) -> None:
        self._form_service = form_service
        self._resend = resend
        self._chat = chat
        self._boundary = boundary

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

    async def submit(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Accept the request in one transaction, close the form, and start the request.

        If the input is rejected, report the error at its field and leave the form open.
        """
        actor = read_actor(body)
        async with await self._answer(actor, body):
            try:
                await self._accept(ack, actor, body)
            except (LimitReached, InvalidInput, PermissionUnknown, StoreUnavailable) as error:
                if not (errors := field_errors(read_view(body), error)):
                    await ack()
                    raise
                await ack(response_action="errors", errors=errors)
            except Exception:
                await ack()
                raise

    async def _accept(self, ack: AsyncAck, actor: Actor, body: Payload) -> None:
        filled = read_form(read_view(body))
        try:
            request_id = await self._resend.accept(await self._form_service.submit(actor, read_view_id(body), filled))
        except CooldownActive as error:
            await ack(
                response_action="update",
                view=dict(await self._form_service.with_cooldown(actor, filled, error.cooldown)),
            )
            return
        await ack()
        if request_id:
            await self._resend.start(request_id)

    async def _answer(self, actor: Actor, body: Payload) -> AbstractAsyncContextManager[None]:
        """Return the error boundary for this user, reporting to the channel from which the form was opened."""
        destination = await self._form_service.destination(read_form_id(body))
        return self._boundary.respond_to(Interaction(actor, destination))

    async def _redraw(self, body: Payload, drawing: Awaitable[ModalView]) -> None:
        """Show a loading state, then the drawn form, unless the user has made another choice meanwhile."""
        view_id = read_view_id(body)
        since = await self._chat.update_form(view_id, resend_form.reloading(read_form_id(body)))
        await self._chat.update_form(view_id, await drawing, since)


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    form = ResendForm(services.form_service, services.resend, services.chat, boundary)
    app.options(resend_form.TARGET)(form.search)
    app.action(resend_form.TARGET)(form.choose)
    app.action(resend_form.MATCH)(form.choose)
    app.action(resend_form.AGAIN)(form.choose)
    app.action(resend_form.SCOPE)(form.rescope)
    app.view(resend_form.CALLBACK)(form.submit)
