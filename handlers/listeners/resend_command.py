"""`/dcv-resend`: open the resend form prefilled from the command, or run one of its subcommands."""

from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import StaleInteraction
from bot.models import Destination, Interaction
from bot.parsing.commands import (
    RESEND_COMMAND,
    ExplainPolicy,
    OpenForm,
    PlanMany,
    ResendNow,
    ShowHelp,
    ShowHistory,
    TraceEmail,
    read_command,
)
from bot.parsing.targets import DomainRef, OrderRef, TargetRef
from bot.views import resend_form
from bot.views.blocks import Message
from bot.views.resend_form import Selections
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import read_command_interaction, read_trigger


class ResendCommand:
    """Listener for the slash command."""

    def __init__(self, services: Services, boundary: ErrorBoundary) -> None:
        self._form_service = services.form_service
        self._resend = services.resend
        self._routes = services.result_routes
        self._bulk = services.bulk
        self._history_report = services.history_report
        self._policy_explainer = services.policy_explainer
        self._mail_trace = services.mail_trace
        self._chat = services.chat
        self._boundary = boundary

    async def handle(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Ack at once, then run the command. Invalid input and other errors become ephemeral messages."""
        interaction = read_command_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            await self.run(interaction, str(body.get("text") or ""), read_trigger(body))

    async def run(self, interaction: Interaction, text: str, trigger_id: str) -> None:
        """Run the parsed command. An answer replaces the ephemeral message whose button was pressed, if there is one.

        A form or a request leaves no ephemeral message.
        """
        command = read_command(text)
        if isinstance(command, OpenForm | ResendNow):
            await self._resend_or_open(interaction, command, trigger_id)
        elif isinstance(command, PlanMany):
            if (destination := interaction.destination) is None:
                raise StaleInteraction("button")
            view = await self._bulk.open(interaction.actor, destination, command.wanted, interaction.response_url)
            await self._chat.open_form(trigger_id, view)
            await self._chat.remove_ephemeral(interaction)
        else:
            await self._chat.send_ephemeral(interaction, await self._answer(interaction, command))

    async def _resend_or_open(self, interaction: Interaction, command: OpenForm | ResendNow, trigger_id: str) -> None:
        if (destination := interaction.destination) is None:
            raise StaleInteraction("button")
        match command:
            case OpenForm(wanted, locale, reason):
                await self._open(interaction, destination, trigger_id, wanted, Selections(locale, reason))
                await self._chat.remove_ephemeral(interaction)
            case ResendNow():
                cause = f"trigger:{trigger_id}"
                asked = await self._form_service.from_command(interaction.actor, destination, cause, command)
                await self._resend.send(asked)
                await self._chat.remove_ephemeral(interaction)
                await self._routes.explain(replace(interaction, replaces=False), asked.subject)

    async def _answer(
        self, interaction: Interaction, command: ShowHistory | ExplainPolicy | TraceEmail | ShowHelp
    ) -> Message:
        actor, destination = interaction.actor, interaction.destination
        match command:
            case ShowHistory(about):
                return await self._history_report.report(actor, destination, about)
            case ExplainPolicy():
                return await self._policy_explainer.explain(actor, destination, command)
            case TraceEmail(wanted):
                if destination is None:
                    raise StaleInteraction("button")
                return await self._mail_trace.report(actor, destination, wanted)
            case ShowHelp():
                return await self._policy_explainer.help(actor, destination)

    async def _open(
        self,
        interaction: Interaction,
        destination: Destination,
        trigger_id: str,
        wanted: TargetRef | None,
        typed: Selections,
    ) -> None:
        """Open a loading form at once, because a trigger expires after three seconds. Then update it from DigiCert."""
        words, url = _words(wanted), interaction.response_url
        form = await self._form_service.start(interaction.actor, destination, words, wanted, url)
        if wanted is None:
            # An empty form is searchable as soon as it is open, so it must be stored before.
            await self._form_service.save(form)
        view_id = await self._chat.open_form(trigger_id, resend_form.loading(form.id, words or None))
        if view_id and wanted:
            await self._chat.update_form(view_id, await self._form_service.find_target(form, wanted, typed))


def _words(wanted: TargetRef | None) -> str:
    match wanted:
        case OrderRef(order_id):
            return f"order {order_id}"
        case DomainRef(name):
            return name
        case None:
            return ""


def make(services: Services, boundary: ErrorBoundary) -> ResendCommand:
    """Return the command with its services."""
    return ResendCommand(services, boundary)


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    app.command(RESEND_COMMAND)(make(services, boundary).handle)
