"""The buttons below an open end: *Check now*, *Send again* and *Stop following*."""

from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.policy.rules import Action
from bot.services.follow_up.check_now import Checking
from bot.services.follow_up.worker import Follower
from bot.services.resend.form import Dialog
from bot.services.resend.requests import Resend
from bot.slack.chat import Chat
from bot.views import resend_form, resend_messages
from bot.wiring import Services
from handlers.listeners.error_boundary import Answering
from handlers.listeners.payloads import read_choice, read_message_origin, read_thread, read_trigger


@define(eq=False, repr=False, slots=False)
class OpenEnd:
    """Listeners for the buttons of a request that is not validated yet."""

    _checking: Checking
    _follower: Follower
    _dialog: Dialog
    _resend: Resend
    _chat: Chat
    _answering: Answering

    async def check(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Tell in the thread what DigiCert says now."""
        origin = read_message_origin(body)
        await ack()
        async with self._answering.to(origin):
            await self._checking.check(origin.actor, read_choice(body) or "", read_thread(body))

    async def send_again(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form once more, with what happened before."""
        origin = read_message_origin(body)
        await ack()
        async with self._answering.to(origin):
            request = await self._checking.request(origin.actor, read_choice(body) or "", Action.RESEND)
            form = await self._dialog.start(origin.actor, request.place, request.subject)
            view_id = await self._chat.open_form(read_trigger(body), resend_form.looking_up(form.id, request.subject))
            if view_id:
                before = await self._resend.before(request)
                await self._chat.update_form(view_id, await self._dialog.again(form, request, before))

    async def stop(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Follow no longer; who stopped it is told in the thread."""
        origin = read_message_origin(body)
        await ack()
        async with self._answering.to(origin):
            await self._follower.stop(origin.actor, read_choice(body) or "")


def register(app: AsyncApp, services: Services, answering: Answering) -> None:
    """Attach this feature's listeners."""
    checking, follower = services.checking, services.follower
    buttons = OpenEnd(checking, follower, services.dialog, services.resend, services.chat, answering)
    app.action(resend_messages.CHECK_NOW)(buttons.check)
    app.action(resend_messages.SEND_AGAIN)(buttons.send_again)
    app.action(resend_messages.STOP_FOLLOWING)(buttons.stop)
