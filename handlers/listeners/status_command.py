"""`/dcv-status`: a read-only report of pending targets and their last resends, visible to the user alone."""

from dataclasses import replace
from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.models import Interaction, TargetKey
from bot.parsing.commands import STATUS_COMMAND, ShowExpiring, ShowStatus, read_status
from bot.services.authorization.explain import PolicyExplainer
from bot.services.expiry.expiring import ExpiringReport
from bot.services.reports.status import StatusReport
from bot.services.resend.form import ResendFormService
from bot.slack.chat import Chat
from bot.views import expiring, resend_form
from bot.views import status as views
from bot.views.pending_rows import DETAILS, RESEND
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    read_choice,
    read_command_interaction,
    read_ephemeral_interaction,
    read_form_destination,
    read_screen_interaction,
    read_trigger,
)


@define(eq=False, repr=False, slots=False)
class StatusCommand:
    """Listeners for the slash command, and for the buttons of its rows and answers."""

    _status: StatusReport
    _expiring: ExpiringReport
    _form_service: ResendFormService
    _policy_explainer: PolicyExplainer
    _chat: Chat
    _boundary: ErrorBoundary

    async def handle(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Ack at once, then send the report as an ephemeral message."""
        interaction = read_command_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            await self.run(interaction, str(body.get("text") or ""))

    async def run(self, interaction: Interaction, text: str) -> None:
        """Run the parsed command, and send its answer as an ephemeral message."""
        actor, destination = interaction.actor, interaction.destination
        match read_status(text):
            case ShowStatus(wanted):
                answer = await self._status.report(actor, destination, wanted)
            case ShowExpiring(days):
                answer = await self._expiring.report(actor, destination, days)
            case _:
                answer = await self._policy_explainer.help(actor, destination)
        await self._chat.send_ephemeral(interaction, answer)

    async def show_page(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Replace the ephemeral message whose button was pressed with another page, or with a refreshed one."""
        interaction = replace(read_ephemeral_interaction(body), replaces=True)
        await ack()
        async with self._boundary.respond_to(interaction):
            message = await self._status.page(interaction.actor, interaction.destination, read_choice(body) or "")
            await self._chat.send_ephemeral(interaction, message)

    async def show_expiring(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Replace the ephemeral message whose button was pressed with another page of the domains that end soon."""
        interaction = replace(read_ephemeral_interaction(body), replaces=True)
        await ack()
        async with self._boundary.respond_to(interaction):
            message = await self._expiring.turn(interaction.actor, interaction.destination, read_choice(body) or "")
            await self._chat.send_ephemeral(interaction, message)

    async def resend(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form for the order or domain of a row."""
        interaction, destination = read_screen_interaction(body), read_form_destination(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            key = read_choice(body) or ""
            url = interaction.response_url
            form = await self._form_service.start(interaction.actor, destination, key, response_url=url)
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, _words(key)))
            if view_id:
                await self._chat.update_form(view_id, await self._form_service.choose(form, key))


def _words(key: str) -> str:
    """Return what the loading form says that it looks up."""
    order_id = TargetKey.parse(key).order_id
    return "the domain" if order_id is None else f"order {order_id}"


def make(services: Services, boundary: ErrorBoundary) -> StatusCommand:
    """Return the command with its services."""
    return StatusCommand(
        services.status_report,
        services.expiring_report,
        services.form_service,
        services.policy_explainer,
        services.chat,
        boundary,
    )


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    command = make(services, boundary)
    app.command(STATUS_COMMAND)(command.handle)
    for button in (views.PREVIOUS, views.NEXT, views.AGAIN, views.ALL, DETAILS):
        app.action(button)(command.show_page)
    for button in (expiring.PREVIOUS, expiring.NEXT):
        app.action(button)(command.show_expiring)
    app.action(RESEND)(command.resend)
