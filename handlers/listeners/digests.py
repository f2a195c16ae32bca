"""The buttons of a digest: revalidate or resend one of its domains, or snooze some of them."""

from collections.abc import Sequence
from typing import Any

import structlog
from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import BotError, NotAllowed
from bot.expiry.domain_expiry import DomainExpiry
from bot.models import Interaction, domain_key, order_key
from bot.parsing.bulk import listed
from bot.policy.rules import Action
from bot.services.bulk.plans import BulkService
from bot.services.expiry.digests import DigestWorker
from bot.services.expiry.snoozing import SnoozeService
from bot.services.resend.form import ResendFormService
from bot.slack.chat import Chat
from bot.store.forms import Form
from bot.views import digest, digest_forms, resend_form
from bot.views.form_input import field_errors
from bot.views.resend_form import ModalView
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    read_actor,
    read_choice,
    read_form_id,
    read_message_interaction,
    read_thread,
    read_trigger,
    read_view,
    read_view_id,
)

log = structlog.get_logger(__name__)

DIGEST = "this digest"


@define(eq=False, repr=False, slots=False)
class DigestButtons:
    """Listeners for the buttons below a digest, and for the forms that they open."""

    _worker: DigestWorker
    _snoozing: SnoozeService
    _form_service: ResendFormService
    _bulk: BulkService
    _chat: Chat
    _boundary: ErrorBoundary

    async def resend(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form with a choice of what is waiting for approval. Results go to the digest's thread."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            form = await self._form_service.start(interaction.actor, read_thread(body), "a digest")
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, DIGEST))
            if view_id:
                found = await self._worker.content(read_choice(body) or "", form.destination.channel_id)
                keys = found[0].to_resend if found else ()
                if len(keys) > 1 and found:
                    wanted = [*(row.domain.name for row in found[0].rows if domain_key(row.domain.id) in keys)]
                    wanted += [str(order.id) for order in found[0].orders if order_key(order.id) in keys]
                    shown, rest = listed(wanted)
                    view = await self._bulk.open(interaction.actor, form.destination, shown, rest=rest)
                else:
                    view = await self._form_service.from_keys(form, keys)
                await self._chat.update_form(view_id, view)

    async def revalidate(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form with a choice of the domains for which a revalidation is worthwhile."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            form = await self._form_service.start(
                interaction.actor, read_thread(body), "a digest", action=Action.REVALIDATE
            )
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, DIGEST))
            if view_id:
                await self._form_service.save(form)
                found = await self._worker.content(read_choice(body) or "", form.destination.channel_id)
                rows = found[0].to_revalidate if found else ()
                await self._chat.update_form(view_id, await self._to_revalidate(form, rows))

    async def _to_revalidate(self, form: Form, rows: Sequence[DomainExpiry]) -> ModalView:
        """Return the form for all of these domains, or a choice of one for a user who may not resend."""
        if len(rows) > 1:
            try:
                shown, rest = listed([row.domain.name for row in rows])
                return await self._bulk.open(form.actor, form.destination, shown, revalidates=True, rest=rest)
            except NotAllowed:
                log.info("a user may revalidate, but not resend, so one domain at a time", user=form.actor.user_id)
        return digest_forms.choice_to_revalidate(form.id, rows)

    async def choose(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Redraw the form for the domain that was chosen."""
        actor, form_id, view_id = read_actor(body), read_form_id(body), read_view_id(body)
        await ack()
        async with self._boundary.respond_to(await self._form_service.interaction(actor, form_id)):
            form = await self._form_service.form(actor, form_id)
            since = await self._chat.update_form(view_id, resend_form.reloading(form.id))
            drawing = await self._form_service.revalidate(form, read_choice(body) or "")
            await self._chat.update_form(view_id, drawing, since)

    async def open_snooze(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form that snoozes domains in this channel."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            channel_id = read_thread(body).channel_id
            await self._snoozing.require(interaction.actor, channel_id)
            view_id = await self._chat.open_form(read_trigger(body), digest_forms.loading())
            if view_id:
                form = await self._snoozing.form(read_choice(body) or "", channel_id)
                await self._chat.update_form(view_id, form)

    async def submit_snooze(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Snooze what was chosen, close the form, and confirm it in the channel to the user alone.

        If the input is rejected, report the error at its field and leave the form open.
        """
        actor = read_actor(body)
        async with self._boundary.respond_to(Interaction(actor, None)):
            try:
                channel, confirmation = await self._snoozing.snooze(actor, digest_forms.read_snooze(read_view(body)))
            except BotError as error:
                await ack(response_action="errors", errors=field_errors(read_view(body), error))
                return
            except Exception:
                await ack()
                raise
            await ack()
            await self._chat.send_ephemeral(Interaction(actor, channel), confirmation)


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    buttons = DigestButtons(
        services.digest_worker, services.snoozing, services.form_service, services.bulk, services.chat, boundary
    )
    app.action(digest.RESEND)(buttons.resend)
    app.action(digest.REVALIDATE)(buttons.revalidate)
    app.action(digest_forms.CHOICE)(buttons.choose)
    app.action(digest.SNOOZE)(buttons.open_snooze)
    app.view(digest_forms.SNOOZE)(buttons.submit_snooze)
