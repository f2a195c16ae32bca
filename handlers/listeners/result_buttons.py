"""The buttons below a result that is not validated yet: *Check now*, *Send again* and *Stop following*."""

from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.policy.rules import Action
from bot.services.follow_up.check_now import CheckNow
from bot.services.follow_up.worker import FollowUpWorker
from bot.services.resend.form import ResendFormService
from bot.services.resend.requests import ResendService
from bot.slack.chat import Chat
from bot.views import console_links, resend_form, resend_messages
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import read_choice, read_message_interaction, read_thread, read_trigger


@define(eq=False, repr=False, slots=False)
class ResultButtons:
    """Listeners for the buttons of a request that is not validated yet."""

    _check_now: CheckNow
    _follow_up_worker: FollowUpWorker
    _form_service: ResendFormService
    _resend: ResendService
    _chat: Chat
    _boundary: ErrorBoundary

    async def check(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Check the request with DigiCert now, and report its state in the thread."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            await self._check_now.check(interaction.actor, read_choice(body) or "", read_thread(body))

    async def send_again(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form again for the same request, with its previous result."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            request = await self._check_now.request(interaction.actor, read_choice(body) or "", Action.RESEND)
            form = await self._form_service.start(interaction.actor, request.destination, request.subject)
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, request.subject))
            if view_id:
                before = await self._resend.previous_result(request)
                await self._chat.update_form(view_id, await self._form_service.repeat(form, request, before))

    async def stop(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Stop the follow-up. A message in the thread names the person who stopped it."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            await self._follow_up_worker.stop(interaction.actor, read_choice(body) or "")


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    check_now, follow_up_worker = services.check_now, services.follow_up_worker
    buttons = ResultButtons(
        check_now, follow_up_worker, services.form_service, services.resend, services.chat, boundary
    )
    app.action(resend_messages.CHECK_NOW)(buttons.check)
    app.action(resend_messages.SEND_AGAIN)(buttons.send_again)
    app.action(resend_messages.STOP_FOLLOWING)(buttons.stop)
    app.action(console_links.OPEN_IN_CONSOLE)(_only_ack)


async def _only_ack(ack: AsyncAck) -> None:
    """Acknowledge a button that is a link: Slack has opened the page."""
    await ack()
