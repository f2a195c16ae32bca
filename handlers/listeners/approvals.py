"""*Ask someone to approve…* in a card's menu and below a nudge, its form, and the two buttons of the question."""

from typing import Any

import structlog
from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import BotError
from bot.models import Destination, Interaction
from bot.services.approvals.answers import ApprovalAnswers
from bot.services.approvals.asks import ApprovalAskService
from bot.slack.chat import Chat
from bot.views import approvals as views
from bot.views import resend_messages
from bot.views.form_input import field_errors
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    menu_entry,
    read_actor,
    read_choice,
    read_menu,
    read_message_interaction,
    read_thread,
    read_trigger,
    read_view,
    read_view_id,
)

log = structlog.get_logger(__name__)


@define(eq=False, repr=False, slots=False)
class Approvals:
    """Listeners for asking people to approve an email, and for their answers."""

    _asks: ApprovalAskService
    _answers: ApprovalAnswers
    _chat: Chat
    _boundary: ErrorBoundary

    async def open(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form for the request of a card or a nudge."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            request = await self._asks.start(interaction.actor, read_menu(body)[1])
            view_id = await self._chat.open_form(read_trigger(body), views.loading(request.id))
            if view_id:
                await self._chat.update_form(view_id, await self._asks.form(interaction.actor, request))

    async def submit(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Save the question, close the form, and have the question posted.

        If the input is rejected, report the error at its field and leave the form open.
        """
        actor = read_actor(body)
        async with self._boundary.respond_to(Interaction(actor, None)):
            try:
                filled = views.read_form(read_view(body))
                ask_id = await self._asks.accept(actor, read_view_id(body), filled)
            except BotError as error:
                await ack(response_action="errors", errors=field_errors(read_view(body), error))
                return
            except Exception:
                await ack()
                raise
            await ack()
            await self._asks.post(ask_id)

    async def approved(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Check the request soon, and thank."""
        interaction = _in_channel(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            answer = await self._answers.approved(interaction.actor, read_choice(body) or "", _channel_id(body))
            await self._chat.send_ephemeral(interaction, answer)

    async def missing(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Answer with what to try, and add a line to the thread of the request."""
        interaction = _in_channel(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            answer = await self._answers.missing(interaction.actor, read_choice(body) or "", _channel_id(body))
            await self._chat.send_ephemeral(interaction, answer)


def _in_channel(body: dict[str, Any]) -> Interaction:
    """Return the user who answers. The answer is shown below the question, which is no reply."""
    return Interaction(read_actor(body), Destination(_channel_id(body)))


def _channel_id(body: dict[str, Any]) -> str:
    return read_thread(body).channel_id


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    approvals = Approvals(services.approval_asks, services.approval_answers, services.chat, boundary)
    app.action(resend_messages.REQUEST_MENU, matchers=[menu_entry(resend_messages.ASK_TO_APPROVE)])(approvals.open)
    app.action(resend_messages.ASK_TO_APPROVE)(approvals.open)
    app.view(views.CALLBACK)(approvals.submit)
    app.action(views.APPROVED)(approvals.approved)
    app.action(views.MISSING)(approvals.missing)
