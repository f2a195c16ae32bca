"""*Revalidate…*, which opens the form for its domain, and the buttons on the card of an interrupted revalidation."""

from dataclasses import replace
from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import BotError
from bot.policy.rules import Action
from bot.services.bulk.result import BulkReporter
from bot.services.follow_up.check_now import CheckNow
from bot.services.resend.form import ResendFormService
from bot.services.resend.reporter import ResultReporter
from bot.services.resend.requests import ResendService
from bot.slack.chat import Chat
from bot.views import resend_form, revalidation_card
from bot.views.home import loading, modal
from bot.views.revalidation import REVALIDATE
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    read_actor,
    read_choice,
    read_form_destination,
    read_form_id,
    read_message_interaction,
    read_screen_interaction,
    read_thread,
    read_trigger,
    read_view,
    read_view_id,
)

DOMAIN = "the domain"
RECORD = "DNS record"


@define(eq=False, repr=False, slots=False)
class RevalidationButtons:
    """Listeners for the buttons."""

    _form_service: ResendFormService
    _resend: ResendService
    _check_now: CheckNow
    _reporter: ResultReporter
    _bulk_reporter: BulkReporter
    _chat: Chat
    _boundary: ErrorBoundary

    async def press(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Show the form that revalidates the domain of the button."""
        if read_view(body).get("callback_id") == resend_form.CALLBACK:
            await self._in_form(ack, body)
            return
        interaction, destination = read_screen_interaction(body), read_form_destination(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            key, url = read_choice(body) or "", interaction.response_url
            form = await self._form_service.start(
                interaction.actor, destination, key, response_url=url, action=Action.REVALIDATE
            )
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, DOMAIN))
            if view_id:
                await self._chat.update_form(view_id, await self._form_service.revalidate(form, key))

    async def _in_form(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Redraw the form that said that nothing is pending."""
        actor, view_id = read_actor(body), read_view_id(body)
        await ack()
        async with self._boundary.respond_to(await self._form_service.interaction(actor, read_form_id(body))):
            form = await self._form_service.form(actor, read_form_id(body))
            since = await self._chat.update_form(view_id, resend_form.reloading(form.id))
            drawing = await self._form_service.revalidate(form, read_choice(body) or "")
            await self._chat.update_form(view_id, drawing, since)

    async def proceed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Carry out the remaining steps for the same recipients, or ask for others if these are no longer allowed."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            actor, trigger = interaction.actor, read_trigger(body)
            request = await self._check_now.request(actor, read_choice(body) or "", Action.REVALIDATE)
            await self._reporter.require_interrupted(request)
            thread = await self._reporter.thread(request)
            form = await self._form_service.start(actor, thread, request.subject, action=Action.REVALIDATE)
            if asked := await self._form_service.continuation(actor, form, f"trigger:{trigger}", request):
                await self._resend.send(asked)
                if request.plan:
                    self._bulk_reporter.refresh_soon(request.plan)
                return
            view_id = await self._chat.open_form(trigger, resend_form.loading(form.id, request.subject))
            if view_id:
                await self._chat.update_form(view_id, await self._form_service.choose_again(form, request))

    async def again(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form again for a revalidation that had no effect. Its result is a new card in the same thread."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            actor = interaction.actor
            request = await self._check_now.request(actor, read_choice(body) or "", Action.REVALIDATE)
            thread = await self._reporter.thread(request)
            form = await self._form_service.start(actor, thread, request.subject, action=Action.REVALIDATE)
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, request.subject))
            if view_id:
                drawing = await self._form_service.revalidate(replace(form, follows=request.id), request.key)
                await self._chat.update_form(view_id, drawing)

    async def show_record(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Show the DNS record that would validate the domain of an interrupted revalidation."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            actor, destination = interaction.actor, read_thread(body)
            request = await self._check_now.request(actor, read_choice(body) or "", Action.REVALIDATE)
            # A trigger expires after three seconds, so the modal opens before DigiCert is asked.
            view_id = await self._chat.open_form(read_trigger(body), modal(RECORD, loading()))
            if view_id is None:
                return
            try:
                message = await self._form_service.dns_record(actor, destination, request)
            except BotError as error:
                message = self._boundary.message_for(error)
            await self._chat.update_form(view_id, modal(RECORD, message))


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    buttons = RevalidationButtons(
        services.form_service,
        services.resend,
        services.check_now,
        services.reporter,
        services.bulk_reporter,
        services.chat,
        boundary,
    )
    app.action(REVALIDATE)(buttons.press)
    app.action(revalidation_card.CONTINUE)(buttons.proceed)
    app.action(revalidation_card.REVALIDATE_AGAIN)(buttons.again)
    app.action(revalidation_card.SHOW_RECORD)(buttons.show_record)
