"""`/dcv-resend`: open the resend form prefilled from the command, or run one of its subcommands."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.models import Destination, Interaction
from bot.parsing.commands import EXAMPLE, WHY_EXAMPLE, ExplainPolicy, OpenForm, ResendNow, ShowHistory, read_command
from bot.parsing.targets import DomainRef, OrderRef, TargetRef
from bot.views import resend_form
from bot.views.resend_form import Selections
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.help import Help
from handlers.listeners.payloads import read_command_interaction, read_destination, read_trigger

HELP = Help(
    "/dcv-resend",
    "Resends DigiCert's validation mails. Name an order or a domain to have the form filled in, or nothing to search. "
    "With `to` and an address it is sent at once, without a form; `in` names a language, `because` a reason. "
    "`history` tells you alone what was asked so far, of an order, of a domain, by a person, or lately. "
    "`why` tells which rule lets you or a colleague do it, and who else may; anybody may ask about themselves, and "
    "about others whoever may use /dcv-status. From a message, use its shortcut Resend DCV email.",
    examples=(
        "/dcv-resend",
        "/dcv-resend 700001",
        "/dcv-resend shop.example.com",
        EXAMPLE,
        "/dcv-resend history",
        WHY_EXAMPLE,
    ),
)


class ResendCommand:
    """Listener for the slash command."""

    def __init__(self, services: Services, boundary: ErrorBoundary) -> None:
        self._form_service = services.form_service
        self._resend = services.resend
        self._routes = services.result_routes
        self._history_report = services.history_report
        self._policy_explainer = services.policy_explainer
        self._chat = services.chat
        self._boundary = boundary

    async def handle(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Ack at once, then run the parsed command. Invalid input and other errors become ephemeral messages."""
        interaction = read_command_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            match read_command(str(body.get("text") or "")):
                case OpenForm(wanted, locale, reason):
                    typed = Selections(locale, reason)
                    await self._open(interaction, read_destination(body), read_trigger(body), wanted, typed)
                case ResendNow() as line:
                    cause = f"trigger:{read_trigger(body)}"
                    asked = await self._form_service.from_command(
                        interaction.actor, read_destination(body), cause, line
                    )
                    await self._resend.send(asked)
                    await self._routes.explain(interaction, asked.subject)
                case ShowHistory(about):
                    await self._chat.send_ephemeral(
                        interaction,
                        await self._history_report.report(interaction.actor, interaction.destination, about),
                    )
                case ExplainPolicy() as asked_why:
                    why = await self._policy_explainer.explain(interaction.actor, read_destination(body), asked_why)
                    await self._chat.send_ephemeral(interaction, why)
                case _:
                    await self._chat.send_ephemeral(interaction, HELP.message())

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


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    command = ResendCommand(services, boundary)
    app.command(HELP.command)(command.handle)
