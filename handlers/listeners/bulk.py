"""Plans: the form of `/dcv-resend bulk`, and the buttons of a plan's card."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import BotError, InvalidInput
from bot.models import Actor, Interaction
from bot.services.bulk.plans import BulkService
from bot.services.bulk.result import BulkReporter
from bot.services.resend.form import ResendFormService
from bot.slack.chat import Chat
from bot.views import bulk as views
from bot.views import resend_form
from bot.views.form_input import field_errors
from bot.views.resend_form import ModalView
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    menu_entry,
    read_actor,
    read_choice,
    read_form_id,
    read_list,
    read_menu,
    read_message_interaction,
    read_trigger,
    read_view,
    read_view_id,
)

_Press = Callable[[Actor, str], Awaitable[object]]


@define(eq=False, repr=False, slots=False)
class BulkButtons:
    """Listeners for the form and the card of a plan."""

    _bulk: BulkService
    _form_service: ResendFormService
    _reporter: BulkReporter
    _chat: Chat
    _boundary: ErrorBoundary

    async def submit(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Save the plan, close the form, and have the preview made.

        If the input is rejected, report the error at its field and leave the form open.
        """
        actor = read_actor(body)
        async with self._boundary.respond_to(Interaction(actor, None)):
            try:
                plan_id = await self._bulk.submit(actor, read_view_id(body), views.read_form(read_view(body)))
            except BotError as error:
                await ack(response_action="errors", errors=field_errors(read_view(body), error))
                return
            except Exception:
                await ack()
                raise
            await ack()
            await self._bulk.preview(plan_id)

    async def open_for_message(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Show the form for all targets that a message mentions, in place of the choice of one."""
        actor, form_id = read_actor(body), read_form_id(body)
        await ack()
        async with self._boundary.respond_to(await self._form_service.interaction(actor, form_id)):
            form = await self._form_service.form(actor, form_id)
            view = await self._bulk.open(actor, form.destination, read_list(body), form.response_url)
            await self._chat.update_form(read_view_id(body), view)

    def on(self, press: _Press) -> Callable[..., Awaitable[None]]:
        """Return a listener that runs `press` with the value of the button, then publishes the card.

        It is not published for a user who is refused: edits are limited, and guests see the buttons too.
        """

        async def handle(ack: AsyncAck, body: dict[str, Any]) -> None:
            interaction = read_message_interaction(body)
            await ack()
            async with self._boundary.respond_to(interaction):
                value = read_choice(body) or ""
                plan_id = views.read_plan_value(value)[0]
                try:
                    await press(interaction.actor, value)
                except InvalidInput:
                    # The buttons are those of an earlier state.
                    await self._show(plan_id)
                    raise
                await self._show(plan_id)

        return handle

    async def change(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form of a plan again."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            plan_id, _ = views.read_plan_value(read_choice(body) or "")
            view = await self._bulk.change(interaction.actor, plan_id)
            await self._chat.open_form(read_trigger(body), view)

    async def stop(self, actor: Actor, value: str) -> None:
        """Stop a plan."""
        await self._bulk.stop(actor, views.read_plan_value(value)[0])

    async def discard(self, actor: Actor, value: str) -> None:
        """Discard a plan."""
        await self._bulk.discard(actor, views.read_plan_value(value)[0])

    async def discard_from_menu(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Discard a plan that waits for approval."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            plan_id = read_menu(body)[1]
            await self._bulk.discard(interaction.actor, plan_id)
            await self._show(plan_id)

    async def show_details(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open every row of a plan."""
        await self._open_details(ack, body, read_menu(body)[1], "")

    async def show_unknown(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the rows of unknown outcome."""
        await self._open_details(ack, body, read_choice(body) or "", views.UNKNOWN_ONLY)

    async def turn_page(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Show another page of the rows."""
        interaction = Interaction(read_actor(body), None)
        await ack()
        async with self._boundary.respond_to(interaction):
            page, _, rest = (read_choice(body) or "").partition(":")
            plan_id, _, only = rest.partition(":")
            number = int(page) if page.isascii() and page.isdecimal() else 0
            view = await self._details(interaction.actor, plan_id, number, only)
            await self._chat.update_form(read_view_id(body), view)

    async def _open_details(self, ack: AsyncAck, body: dict[str, Any], plan_id: str, only: str) -> None:
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            view = await self._details(interaction.actor, plan_id, 0, only)
            await self._chat.open_form(read_trigger(body), view)

    async def _details(self, actor: Actor, plan_id: str, page: int, only: str) -> ModalView:
        plan = await self._bulk.plan(plan_id)
        return await self._reporter.details(plan_id, page, only, await self._bulk.view_of(actor, plan))

    async def _show(self, plan_id: str) -> None:
        if await self._bulk.is_known(plan_id):
            await self._reporter.show(plan_id)


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    buttons = BulkButtons(services.bulk, services.form_service, services.bulk_reporter, services.chat, boundary)
    app.view(views.CALLBACK)(buttons.submit)
    app.action(resend_form.RESEND_MANY)(buttons.open_for_message)
    app.action(views.SEND)(buttons.on(services.bulk.send))
    app.action(views.ASK)(buttons.on(services.bulk_approval.ask))
    app.action(views.APPROVE)(buttons.on(services.bulk_approval.approve))
    app.action(views.REJECT)(buttons.on(services.bulk_approval.reject))
    app.action(views.STOP)(buttons.on(buttons.stop))
    app.action(views.CONTINUE)(buttons.on(services.bulk.resume))
    app.action(views.DISCARD)(buttons.on(buttons.discard))
    app.action(views.CHANGE)(buttons.change)
    app.action(views.MENU, matchers=[menu_entry(views.DETAILS)])(buttons.show_details)
    app.action(views.MENU, matchers=[menu_entry(views.DISCARD)])(buttons.discard_from_menu)
    app.action(views.SHOW_UNKNOWN)(buttons.show_unknown)
    app.action(re.compile(rf"{views.DETAILS_PAGE}\."))(buttons.turn_page)
