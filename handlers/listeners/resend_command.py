"""`/dcv-resend`: open the form, filled in with what was typed."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.models import Origin, Place
from bot.parsing.commands import EXAMPLE, WHY_EXAMPLE, AskWhy, LookBack, OpenForm, SendNow, read_command
from bot.parsing.targets import Wanted, WantedName, WantedOrder
from bot.views import resend_form
from bot.views.form_input import Typed
from bot.wiring import Services
from handlers.listeners.error_boundary import Answering
from handlers.listeners.help import Help
from handlers.listeners.payloads import read_command_origin, read_place, read_trigger

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

    def __init__(self, services: Services, answering: Answering) -> None:
        self._dialog = services.dialog
        self._resend = services.resend
        self._chronicle = services.chronicle
        self._explaining = services.explaining
        self._chat = services.chat
        self._answering = answering

    async def hear(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Ack at once; help and what cannot be understood is whispered."""
        origin = read_command_origin(body)
        await ack()
        async with self._answering.to(origin):
            match read_command(str(body.get("text") or "")):
                case OpenForm(wanted, locale, reason):
                    typed = Typed(locale, reason)
                    await self._open(origin, read_place(body), read_trigger(body), wanted, typed)
                case SendNow() as line:
                    cause = f"trigger:{read_trigger(body)}"
                    asked = await self._dialog.one_line(origin.actor, read_place(body), cause, line)
                    await self._resend.send(asked)
                case LookBack(about):
                    await self._chat.whisper(origin, await self._chronicle.of(origin.actor, origin.place, about))
                case AskWhy() as asked_why:
                    why = await self._explaining.why(origin.actor, read_place(body), asked_why)
                    await self._chat.whisper(origin, why)
                case _:
                    await self._chat.whisper(origin, HELP.message())

    async def _open(self, origin: Origin, place: Place, trigger_id: str, wanted: Wanted | None, typed: Typed) -> None:
        """A form first, since a trigger lives three seconds; then what DigiCert says."""
        form = await self._dialog.start(origin.actor, place, _words(wanted), wanted)
        if wanted is None:
            # An empty form can be searched as soon as it is there.
            await self._dialog.keep(form)
        view_id = await self._chat.open_form(trigger_id, resend_form.looking_up(form.id, _words(wanted) or None))
        if view_id and wanted:
            await self._chat.update_form(view_id, await self._dialog.look_up(form, wanted, typed))


def _words(wanted: Wanted | None) -> str:
    match wanted:
        case WantedOrder(order_id):
            return f"order {order_id}"
        case WantedName(name):
            return name
        case None:
            return ""


def register(app: AsyncApp, services: Services, answering: Answering) -> None:
    """Attach this feature's listeners."""
    command = ResendCommand(services, answering)
    app.command(HELP.command)(command.hear)
