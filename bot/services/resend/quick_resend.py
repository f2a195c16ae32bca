"""One tap: send one email after a confirmation, exactly as its dialog said, else leave it to the form."""

from collections.abc import Collection

from attrs import define

from bot.clock import Clock
from bot.errors import CaError, InvalidInput, NotResendable, NotVisible, PermissionUnknown
from bot.models import Actor, Call, Destination, Plan, TargetKey
from bot.parsing.targets import OrderRef
from bot.policy.rules import Action
from bot.recipients import chosen_calls
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input, resource_for_plan
from bot.services.authorization.visibility import Visibility
from bot.services.lookup.finder import Finder
from bot.services.resend.form import plan_subject
from bot.services.resend.requests import NewRequest, ResendService
from bot.views.quick_resend import quick_resend_value


@define(eq=False, repr=False, slots=False)
class QuickResend:
    """The request of a press on *Resend to admin@…*. Everything is read and asked again at the press."""

    _authorizer: Authorizer
    _finder: Finder
    _resend: ResendService
    _alert_channels: Collection[str]
    _locale: str
    _clock: Clock

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
        try:
            found = await self._finder.by_key(key, Visibility(actor, destination, context))
        except (NotResendable, NotVisible, PermissionUnknown, InvalidInput, CaError):
            # The form says it, and records a denial.
            return None
        if not isinstance(found, Plan) or (call := _call(found, key, value)) is None:
            return None
        await self._authorizer.require(actor, Action.RESEND, about, resource_for_plan(destination, found, key))
        if await self._resend.active_cooldown([call]):
            return None
        subject, now = plan_subject(found), self._clock()
        return NewRequest(
            actor, destination, cause, found.key, subject, (call,), self._locale, None, now, reach=found.reach
        )


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
