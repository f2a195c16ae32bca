"""One tap: send after a confirmation exactly what its dialog said, else leave it to the form."""

import asyncio
from collections.abc import Awaitable, Collection

from attrs import define

from bot.clock import Clock
from bot.errors import CaError, CooldownActive, InvalidInput, NotResendable, NotVisible, PermissionUnknown
from bot.models import Actor, Call, Destination, Plan, ResendRequest, TargetKey
from bot.parsing.targets import OrderRef
from bot.policy.rules import Action
from bot.recipients import chosen_calls, repeated_calls
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input, resource_for_plan, resource_for_request
from bot.services.authorization.visibility import Visibility
from bot.services.lookup.finder import Finder
from bot.services.resend.form import plan_subject
from bot.services.resend.requests import NewRequest, ResendService
from bot.views.quick_resend import quick_resend_value

# A trigger opens a form for three seconds. Half of them remain for Slack.
PATIENCE = 1.5


@define(eq=False, repr=False, slots=False)
class QuickResend:
    """The request of a press on *Resend to admin@…* or *Try again*. Everything is read and asked again at the press."""

    _authorizer: Authorizer
    _finder: Finder
    _resend: ResendService
    _alert_channels: Collection[str]
    _locale: str
    _clock: Clock

    async def send(self, prepared: Awaitable[NewRequest | None]) -> NewRequest | None:
        """Send what is prepared within PATIENCE, and return it. Return None if the user must use the form."""
        try:
            async with asyncio.timeout(PATIENCE):
                asked = await prepared
        except TimeoutError:
            return None
        if asked is None:
            return None
        try:
            await self._resend.send(asked)
        except CooldownActive:
            # Another user was faster. The form says who, and asks for a reason.
            return None
        return asked

    async def prepare(self, actor: Actor, destination: Destination, cause: str, value: str) -> NewRequest | None:
        """Return the request that the dialog described, or None if the user must use the form.

        That is if anything differs from the dialog, during the cooldown, in an alert channel, or if DigiCert cannot be
        asked. Raises NotAllowed if the user may not resend, and PermissionUnknown if Slack could not answer.
        """
        key = value.partition("|")[0]
        order_id = TargetKey.parse(key).order_id
        about = {"text": key[:200], "channel": destination.channel_id}
        wanted = OrderRef(order_id) if order_id is not None else None
        context = await self._authorizer.require(actor, Action.RESEND, about, resource_for_input(destination, wanted))
        if destination.channel_id in self._alert_channels:
            return None
        found = await self._plan(key, Visibility(actor, destination, context))
        if found is None or (call := _call(found, key, value)) is None:
            return None
        await self._authorizer.require(actor, Action.RESEND, about, resource_for_plan(destination, found, key))
        if await self._resend.active_cooldown([call]):
            return None
        subject, now = plan_subject(found), self._clock()
        return NewRequest(
            actor, destination, cause, found.key, subject, (call,), self._locale, None, now, reach=found.reach
        )

    async def again(
        self, actor: Actor, destination: Destination, cause: str, request: ResendRequest
    ) -> NewRequest | None:
        """Return a request for exactly the emails of an earlier one that were not sent, or None for the form.

        That is if anything differs by now, during the cooldown, or if DigiCert cannot be asked. Raises NotAllowed if
        the user may not resend, and PermissionUnknown if Slack could not answer.
        """
        about = {"request": request.id, "channel": destination.channel_id}
        context = await self._authorizer.require(actor, Action.RESEND, about, resource_for_request(request))
        tried = () if request.revalidates else await self._resend.not_sent(request)
        found = await self._plan(request.key, Visibility(actor, destination, context)) if tried else None
        if found is None:
            return None
        try:
            calls = repeated_calls(found, tried)
        except InvalidInput:
            return None
        await self._authorizer.require(actor, Action.RESEND, about, resource_for_plan(destination, found, request.key))
        if await self._resend.active_cooldown(calls):
            return None
        # A reason that was given then does not count for a cooldown that began since.
        details = (found.key, plan_subject(found), calls, request.locale, request.reason, request.at, found.reach)
        return NewRequest(actor, destination, cause, *details, follows=request.id, answers=request.answers)

    async def _plan(self, key: str, visibility: Visibility) -> Plan | None:
        """Return what is pending for a key; None if the form has to say why not, and to record a denial."""
        try:
            found = await self._finder.by_key(key, visibility)
        except (NotResendable, NotVisible, PermissionUnknown, InvalidInput, CaError):
            return None
        return found if isinstance(found, Plan) else None


def _call(plan: Plan, key: str, value: str) -> Call | None:
    """Return the call that sends exactly the email of the dialog, or None if there is no such call now."""
    if plan.key != key or len(plan.waiting) != 1 or len(plan.waiting[0].preferred) != 1:
        return None
    [waiting] = plan.waiting
    emails = [address.email for address in waiting.allowed]
    [email] = waiting.preferred
    if email not in emails or value != quick_resend_value(key, waiting.name, email):
        return None
    try:
        calls = chosen_calls(plan, {0: [emails.index(email)]})
    except InvalidInput:
        return None
    is_exact = len(calls) == 1 and len(calls[0].recipients) == 1 and not calls[0].audience_uncertain
    return calls[0] if is_exact else None
