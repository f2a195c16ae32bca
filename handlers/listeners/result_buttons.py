"""The buttons and the ⋯ menu of a card and of its reminders."""

import re
from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.models import Actor, Interaction, ResendRequest
from bot.policy.rules import Action
from bot.services.follow_up.check_now import CheckNow
from bot.services.follow_up.worker import FollowUpWorker
from bot.services.mail_trace.trace import MailTrace
from bot.services.resend.form import ResendFormService
from bot.services.resend.quick_resend import QuickResend
from bot.services.resend.reporter import ResultReporter
from bot.services.resend.requests import ResendService
from bot.slack.chat import Chat
from bot.views import console_links, request_details, resend_form, resend_messages
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    Payload,
    menu_entry,
    read_actor,
    read_choice,
    read_form_id,
    read_menu,
    read_message_interaction,
    read_thread,
    read_trigger,
    read_view_id,
)

_DETAILS_PAGES = re.compile(rf"{request_details.DETAILS_PAGE}\.[0-9]+")


@define(eq=False, repr=False, slots=False)
class ResultButtons:
    """Listeners for the buttons and the menu of a request."""

    _check_now: CheckNow
    _follow_up_worker: FollowUpWorker
    _reporter: ResultReporter
    _form_service: ResendFormService
    _resend: ResendService
    _mail_trace: MailTrace
    _quick_resend: QuickResend
    _chat: Chat
    _boundary: ErrorBoundary

    async def check(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Check the request with DigiCert now, show the state on its card, and answer the user."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            message = await self._check_now.check(interaction.actor, _request_id(body))
            await self._chat.send_ephemeral(interaction, message)

    async def trace_email(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Answer the user with one line for each mailbox of the request's target."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            request = await self._check_now.request(interaction.actor, _request_id(body), Action.RESEND)
            message = await self._mail_trace.of_request(interaction.actor, read_thread(body), request)
            await self._chat.send_ephemeral(interaction, message)

    async def send_again(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form again for the same request. Its result becomes a new card in the thread of the old one."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            request = await self._check_now.request(interaction.actor, _request_id(body), Action.RESEND)
            await self._open_again(interaction.actor, request, body)

    async def try_again(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Send what was not sent, or open the form if that is not possible in time, or not exactly."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            actor = interaction.actor
            request = await self._check_now.request(actor, _request_id(body), Action.RESEND)
            thread = await self._reporter.thread(request)
            prepared = self._quick_resend.again(actor, thread, f"trigger:{read_trigger(body)}", request)
            if await self._quick_resend.send(prepared) is None:
                await self._open_again(actor, request, body)

    async def _open_again(self, actor: Actor, request: ResendRequest, body: Payload) -> None:
        form = await self._form_service.start(actor, await self._reporter.thread(request), request.subject)
        view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, request.subject))
        if view_id:
            before = await self._resend.previous_result(request)
            await self._chat.update_form(view_id, await self._form_service.repeat(form, request, before))

    async def details(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the modal with everything that the card leaves out."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            request = await self._check_now.request(interaction.actor, _request_id(body))
            if view := await self._reporter.details(request, 0):
                await self._chat.open_form(read_trigger(body), view)

    async def turn_page(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Show another page of the details."""
        actor = read_actor(body)
        await ack()
        async with self._boundary.respond_to(Interaction(actor, None)):
            page, _, request_id = (read_choice(body) or "").partition(":")
            request = await self._check_now.request(actor, request_id)
            number = int(page) if page.isdecimal() and len(page) < 4 else 0
            if view := await self._reporter.details(request, number):
                await self._chat.update_form(read_view_id(body), view)

    async def ask_to_stop(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the question before tracking stops."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            request, unapproved = await self._follow_up_worker.stoppable(interaction.actor, _request_id(body))
            view = request_details.stop_tracking(request, unapproved)
            await self._chat.open_form(read_trigger(body), view)

    async def stop(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Stop tracking. The card names the user who stopped it."""
        actor = read_actor(body)
        await ack()
        async with self._boundary.respond_to(Interaction(actor, None)):
            await self._follow_up_worker.stop(actor, read_form_id(body))

    async def resume(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Track the request again, with a check at once."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            await self._follow_up_worker.resume(interaction.actor, _request_id(body))


def _request_id(body: Payload) -> str:
    """Return the request of a pressed button or of a picked entry of the menu."""
    return read_menu(body)[1] or read_choice(body) or ""


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    buttons = ResultButtons(
        services.check_now,
        services.follow_up_worker,
        services.reporter,
        services.form_service,
        services.resend,
        services.mail_trace,
        services.quick_resend,
        services.chat,
        boundary,
    )
    app.action(resend_messages.CHECK_NOW)(buttons.check)
    app.action(resend_messages.SEND_AGAIN)(buttons.send_again)
    app.action(resend_messages.TRY_AGAIN)(buttons.try_again)
    app.action(resend_messages.STOP_FOLLOWING)(buttons.ask_to_stop)
    app.action(resend_messages.RESUME_TRACKING)(buttons.resume)
    entries = {
        resend_messages.CHECK_NOW: buttons.check,
        resend_messages.DETAILS: buttons.details,
        resend_messages.TRACE_EMAIL: buttons.trace_email,
        resend_messages.STOP_TRACKING: buttons.ask_to_stop,
    }
    for entry, listener in entries.items():
        app.action(resend_messages.REQUEST_MENU, matchers=[menu_entry(entry)])(listener)
    app.action(_DETAILS_PAGES)(buttons.turn_page)
    app.view(request_details.STOP_CALLBACK)(buttons.stop)
    app.action(console_links.OPEN_IN_CONSOLE)(_only_ack)


async def _only_ack(ack: AsyncAck) -> None:
    """Acknowledge a button that is a link: Slack has opened the page."""
    await ack()
