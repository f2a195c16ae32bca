"""The service of the resend form: authorizes the user, saves each drawn form, and turns a submission into calls."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from attrs import define

from bot.clock import Clock
from bot.errors import (
    BotError,
    CaError,
    InvalidInput,
    NotAllowed,
    NotResendable,
    NotVisible,
    PermissionUnknown,
    StoreUnavailable,
)
from bot.languages import read_locale
from bot.models import (
    AccountEntry,
    Actor,
    Call,
    Cooldown,
    Destination,
    Interaction,
    Kind,
    Plan,
    ResendRequest,
    Revalidation,
    TargetKey,
)
from bot.parsing.commands import ResendNow
from bot.parsing.mentions import Mention
from bot.parsing.targets import DomainRef, TargetRef, target_ref_key
from bot.policy.rules import Action, who_can
from bot.recipients import (
    MOST_NAMED,
    calls_for_emails,
    chosen_calls,
    needs_shared_mailbox,
    preselected,
    revalidation_calls,
    shared_calls,
    shared_mailboxes,
)
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input, resource_for_plan
from bot.services.authorization.visibility import Visibility
from bot.services.lookup.finder import DomainChoice, Finder
from bot.services.lookup.pending_mentions import MentionMatch, PendingMentions
from bot.services.publishing.publisher import is_direct
from bot.services.publishing.result_routes import ResultRoutes
from bot.services.resend.requests import NewRequest, ResendService
from bot.store.forms import Form, Forms
from bot.views import resend_form as views
from bot.views.blocks import Message
from bot.views.errors import describe
from bot.views.form_input import NOTHING_TYPED, FormInput, selections
from bot.views.resend_form import ModalView, Notes, Selections
from bot.views.result_route import result_goes
from bot.views.revalidation_card import dns_record


@dataclass(frozen=True, slots=True)
class _Extras:
    """Optional parts of a form: the user's input so far, the previous result, and the part of the message it is from.

    `before` and `found_in` are marked-up text.
    """

    typed: Selections = NOTHING_TYPED
    before: str | None = None
    found_in: str | None = None


_NO_EXTRAS = _Extras()


@define(eq=False, repr=False, slots=False)
class ResendFormService:
    """Service that draws the resend form and reads submissions. It authorizes the user for each of them."""

    _authorizer: Authorizer
    _finder: Finder
    _pending_mentions: PendingMentions
    _resend: ResendService
    _forms: Forms
    _routes: ResultRoutes
    _locale: str
    _clock: Clock
    _contact: str | None = None
    _console_url: str = ""

    async def start(
        self,
        actor: Actor,
        destination: Destination,
        text: str,
        wanted: TargetRef | None = None,
        response_url: str | None = None,
        *,
        action: Action = Action.RESEND,
    ) -> Form:
        """Return a new form. Raises NotAllowed if the user may not resend `wanted`, or, if it is None, anything.

        `response_url` is that of the command or click, for an answer in a channel that the bot is not in. `action` is
        REVALIDATE for a form that `revalidate` draws.
        """
        about = {"text": text[:200], "channel": destination.channel_id}
        await self._authorizer.require(actor, action, about, resource_for_input(destination, wanted))
        return Form(actor, destination, response_url=response_url)

    async def save(self, form: Form) -> None:
        """Save a form that was opened empty."""
        await self._forms.save(form, self._clock())

    async def find_target(self, form: Form, wanted: TargetRef, typed: Selections = NOTHING_TYPED) -> ModalView:
        """Return the form for a typed order or domain."""
        return await self._draw(form, partial(self._finder.find, wanted), target_ref_key(wanted), _Extras(typed))

    async def from_message(self, form: Form, mentions: Sequence[Mention]) -> ModalView:
        """Return the form for what a message mentions: filled in, a choice, or the reason why nothing is pending."""
        try:
            found = await self._pending_mentions.of(mentions)
            visibility = await self._visibility(form.actor, form.destination)
            mine = [(each.match, line) for each in found if (line := visibility.line(each.match.line))]
            if not mine:
                visibility.require_answer()
        except (CaError, PermissionUnknown) as error:
            return await self._nothing(form, describe(error), "Choose an order or domain, or try again in a moment.")
        if len(mine) > 1:
            return await self._choice(form, mine)
        if mine:
            match = mine[0][0]
            find = partial(self._finder.by_key, match.opens)
            return await self._draw(form, find, match.opens, _Extras(found_in=match.where))
        explicit = await self._real([each for each in mentions if each.is_explicit], visibility)
        hides = bool(found) or not visibility.sees_everything
        sentence = views.nothing_named([mention.target for mention in explicit or mentions], hides=hides)
        if mentions and (unreadable := await self._pending_mentions.unreadable()):
            sentence = f"{sentence} {unreadable}"
        if len(explicit) == 1:
            [only] = explicit
            find = partial(self._find_named, only.target, sentence)
            return await self._draw(form, find, target_ref_key(only.target), _Extras(found_in=only.location))
        return await self._nothing(form, sentence, "Choose an order or domain.")

    async def from_keys(self, form: Form, keys: Sequence[str]) -> ModalView:
        """Return the form with a choice of these orders and domains, as far as the user may resend them."""
        try:
            lines = await self._finder.lines(keys)
            visibility = await self._visibility(form.actor, form.destination)
            mine = [line for each in lines if (line := visibility.line(each))]
            if not mine:
                visibility.require_answer()
        except (CaError, PermissionUnknown) as error:
            return await self._nothing(form, describe(error), "Choose an order or domain, or try again in a moment.")
        if not mine:
            return await self._nothing(form, "Nothing here that you can resend is pending.", "Choose something else.")
        if len(mine) == 1:
            return await self.choose(form, mine[0].key)
        drawn = form.redrawn()
        await self.save(drawn)
        return views.listed(drawn.id, mine, self._clock())

    async def choose(self, form: Form, key: str, typed: Selections = NOTHING_TYPED) -> ModalView:
        """Return the form for a picked option, with the user's input so far."""
        if form.revalidates:
            # What is picked instead is resent, which is another permission.
            about = {"text": key[:200], "channel": form.destination.channel_id}
            await self._authorizer.require(form.actor, Action.RESEND, about, resource_for_input(form.destination, None))
        return await self._draw(form, partial(self._finder.by_key, key), key, _Extras(typed))

    async def repeat(self, form: Form, request: ResendRequest, before: str | None) -> ModalView:
        """Return the form for an earlier request, with its result in `before`. The user must give a reason."""
        form = replace(form, follows=request.id, answers=request.answers)
        return await self._draw(form, partial(self._finder.by_key, request.key), request.key, _Extras(before=before))

    async def revalidate(self, form: Form, key: str) -> ModalView:
        """Return the form that revalidates the domain of this key, such as `domain:1234`."""
        return await self._draw(form, partial(self._finder.revalidation, key), key, action=Action.REVALIDATE)

    async def choose_again(self, form: Form, request: ResendRequest) -> ModalView:
        """Return the form for the remaining steps of an interrupted revalidation, to choose recipients again."""
        find = partial(self._finder.continuation, request)
        return await self._draw(form, find, request.key, action=Action.REVALIDATE)

    async def continuation(self, actor: Actor, form: Form, cause: str, request: ResendRequest) -> NewRequest | None:
        """Return the remaining steps of an interrupted revalidation, for the same recipients.

        Returns None if they are no longer allowed. Raises NotResendable if nothing is left to do, and CaError if
        DigiCert does not give the data.
        """
        plan = await self._finder.continuation(
            request, await self._visibility(actor, form.destination, Action.REVALIDATE)
        )
        emails = [recipient.email for recipient in request.calls[-1].recipients]
        try:
            [call] = calls_for_emails(plan, emails)
        except InvalidInput:
            return None
        return NewRequest(
            actor,
            form.destination,
            cause,
            plan.key,
            plan_subject(plan),
            revalidation_calls(call, plan.revalidation or Revalidation()),
            request.locale,
            request.reason,
            # The reason that was given then does not count for a cooldown that began since.
            request.at,
            reach=plan.reach,
            revalidates=True,
            continues=request.id,
        )

    async def dns_record(self, actor: Actor, destination: Destination, request: ResendRequest) -> Message:
        """Return the DNS record that validates the domain of an interrupted revalidation without an email.

        The caller must authorize the user. Raises NotResendable if DigiCert waits for no record.
        """
        visibility = await self._visibility(actor, destination, Action.REVALIDATE)
        return dns_record(*await self._finder.dns_record(request, visibility))

    async def rescope(self, form: Form, index: int, typed: Selections) -> ModalView:
        """Return the form for another name scope of the same domain, with the user's input so far."""
        plan = _planned(form)
        return await self._draw(form, partial(self._finder.with_scope, plan, index), plan.key, _Extras(typed))

    async def redraw(self, actor: Actor, form_id: str, chosen: Selections) -> ModalView:
        """Return the same form for other choices in it: what they validate, and how many emails will be sent.

        Does not call DigiCert. Raises InvalidInput if nothing is drawn in the form.
        """
        form = await self.form(actor, form_id)
        return await self._fields(form, _planned(form), chosen, has_focus=False)

    async def recipient_details(self, actor: Actor, form_id: str, chosen: Selections) -> ModalView:
        """Return every name of a form whose names share a mailbox, with its address."""
        plan = _planned(await self.form(actor, form_id))
        calls = shared_calls(plan, _mailbox(plan, chosen.shared))
        return views.recipient_details(plan, [(each.name, each.email) for call in calls for each in call.recipients])

    async def options(self, actor: Actor, form_id: str, typed: str) -> list[dict[str, Any]]:
        """Return at most 100 options for the text typed so far, the longest pending first. Takes at most 2.5 s.

        Targets that the user may not resend are left out.
        """
        form = await self.form(actor, form_id)
        visibility = await self._visibility(actor, form.destination)
        lines, wanted = await self._finder.search(typed, visibility, views.MOST_OPTIONS)
        if not lines:
            visibility.require_answer()
        return views.suggestions(lines, wanted, self._clock())

    async def from_command(self, actor: Actor, destination: Destination, cause: str, line: ResendNow) -> NewRequest:
        """Return the request of a command that sends without a form, checked as a form would be.

        Raises NotAllowed or NotResendable. Raises InvalidInput if a pending name gets none of the addresses, or if
        several targets match. Raises CaUnavailable or CaRejected if DigiCert does not give the data.
        """
        about = {"text": target_ref_key(line.wanted), "channel": destination.channel_id}
        await self._authorizer.require(actor, Action.RESEND, about, resource_for_input(destination, line.wanted))
        try:
            found = await self._finder.find(line.wanted, await self._visibility(actor, destination), exactly=True)
        except NotVisible as error:
            await self._authorizer.record(actor, Action.RESEND, about, error.rule)
            raise
        if isinstance(found, DomainChoice):
            raise InvalidInput(_ambiguous(found))
        resource = resource_for_plan(destination, found, target_ref_key(line.wanted))
        await self._authorizer.require(actor, Action.RESEND, about, resource)
        calls = calls_for_emails(found, line.emails)
        locale = line.locale or self._locale
        return NewRequest(
            actor, destination, cause, found.key, plan_subject(found), calls, locale, line.reason, reach=found.reach
        )

    async def submit(self, actor: Actor, view_id: str, filled: FormInput) -> NewRequest:
        """Return the request of a submitted form. Raises InvalidInput with the field that the user must correct."""
        form = await self.form(actor, filled.form_id)
        plan = _planned(form)
        locale = filled.locale or self._locale
        if not self._known(locale):
            raise InvalidInput("Choose a language.", {views.LOCALE: "Choose one of the listed languages."})
        calls, revalidation = _calls(plan, filled), plan.revalidation
        if revalidation:
            calls = revalidation_calls(calls[0], revalidation)
        details = (plan.key, plan_subject(plan), calls, locale, filled.reason, form.drawn_at, plan.reach)
        return NewRequest(
            actor,
            form.destination,
            f"view:{view_id}",
            *details,
            requested_by=form.requested_by,
            revalidates=revalidation is not None,
            continues=revalidation.continues if revalidation else None,
            follows=form.follows,
            answers=form.answers,
        )

    async def with_cooldown(self, actor: Actor, filled: FormInput, cooldown: Cooldown) -> ModalView:
        """Return the submitted form again, with a warning about the other resend. Does not call DigiCert.

        The user must give a reason.
        """
        opened = await self.form(actor, filled.form_id)
        before = views.cooldown_warning(cooldown, self._clock())
        form = replace(opened.redrawn(opened.plan, self._drawn_at(cooldown)), before=before)
        await self.save(form)
        return await self._fields(form, _planned(form), selections(filled), has_focus=False)

    async def interaction(self, actor: Actor, form_id: str) -> Interaction:
        """Return the place for answers about a form: its channel, and the address that reaches the user there.

        Without a place if the form is unknown or the database is unavailable.
        """
        try:
            form = await self._forms.get(form_id)
        except StoreUnavailable:
            form = None
        if form is None:
            return Interaction(actor, None)
        # The address shows its message to the user who opened the form.
        url = form.response_url if form.actor.user_id == actor.user_id else None
        return Interaction(actor, form.destination, url)

    async def form(self, actor: Actor, form_id: str) -> Form:
        """Return the stored form with this id to the user who opened it.

        Raises NotAllowed if that user may no longer resend there. Raises InvalidInput for an unknown form, or for
        another user's.
        """
        form = await self._forms.get(form_id)
        destination = form.destination if form else None
        action = Action.REVALIDATE if form and form.revalidates else Action.RESEND
        await self._authorizer.require(actor, action, {"form": form_id[:32]}, resource_for_input(destination, None))
        if form is None or form.actor.user_id != actor.user_id:
            raise InvalidInput("This form has expired. Run /dcv-resend again.")
        return form

    async def _visibility(self, actor: Actor, destination: Destination, action: Action = Action.RESEND) -> Visibility:
        return Visibility(actor, destination, await self._authorizer.context(actor), action)

    async def _real(self, explicit: list[Mention], visibility: Visibility) -> list[Mention]:
        """Return the mentions that are worth an explanation: orders, and the names that match the account best.

        Dotted keys, such as `host.name`, look like names, and a message may carry many of them beside one real name.
        """
        names = [each.target.name for each in explicit if isinstance(each.target, DomainRef)]
        names = [name for name in names if visibility.sees(name)]
        if len(explicit) < 2 or not names:
            return explicit
        try:
            known = await self._finder.known_best(names)
        except CaError:
            known = frozenset()
        if known:
            return [each for each in explicit if not isinstance(each.target, DomainRef) or each.target.name in known]
        return [each for each in explicit if not each.is_key] or explicit

    async def _find_named(self, wanted: TargetRef, sentence: str, visibility: Visibility) -> Plan | DomainChoice:
        """Return what is pending for a mentioned target.

        Raises NotResendable with `sentence`, and the reason as its hint, if nothing is.
        """
        try:
            return await self._finder.find(wanted, visibility)
        except NotResendable as error:
            hint = f"{error} {error.hint}"
            raise NotResendable(sentence, hint, error.kind, error.revalidates, error.page) from error

    async def _nothing(self, opened: Form, sentence: str, hint: str) -> ModalView:
        form = opened.redrawn()
        await self.save(form)
        return views.nothing(form.id, sentence, hint)

    async def _choice(self, opened: Form, found: Sequence[tuple[MentionMatch, AccountEntry]]) -> ModalView:
        form = opened.redrawn()
        await self.save(form)
        matches = [(line, match.opens, match.where) for match, line in found]
        return views.named(form.id, matches, self._clock())

    async def _draw(
        self,
        opened: Form,
        find: Callable[[Visibility], Awaitable[Plan | DomainChoice]],
        key: str,
        extras: _Extras = _NO_EXTRAS,
        action: Action = Action.RESEND,
    ) -> ModalView:
        """Draw the target that `find` returns, or the reason for an error, and save the form under a new id."""
        form = opened.redrawn()
        try:
            found = await find(await self._visibility(opened.actor, opened.destination, action))
            if isinstance(found, Plan):
                about = {"subject": plan_subject(found), "channel": opened.destination.channel_id}
                await self._authorizer.require(
                    opened.actor, action, about, resource_for_plan(opened.destination, found, key)
                )
        except BotError as error:
            drawing = await self._drawn_error(form, error, key, action)
        else:
            if isinstance(found, DomainChoice):
                drawing = views.choice(form.id, found.name, found.matches, self._clock(), is_exact=found.is_exact)
            else:
                continues = found.revalidation.continues if found.revalidation else None
                cooldown = await self._resend.active_cooldown(_likely_calls(found), continues)
                form = replace(opened.redrawn(found, self._drawn_at(cooldown)), found_in=extras.found_in)
                form, drawing = await self._drawn(form, found, cooldown, extras)
        await self.save(form)
        return drawing

    async def _drawn_error(self, form: Form, error: BotError, key: str, action: Action) -> ModalView:
        """Return the view that says why there are no fields. A target that the person may not see is logged."""
        match error:
            case NotResendable():
                return views.nothing(
                    form.id,
                    str(error),
                    error.hint,
                    key,
                    page=error.page,
                    console=self._console_url,
                    revalidates=error.revalidates,
                )
            case CaError() | PermissionUnknown():
                return views.unavailable(form.id, describe(error), key)
            case NotAllowed():
                if isinstance(error, NotVisible):
                    about = {"text": key[:200], "channel": form.destination.channel_id}
                    await self._authorizer.record(form.actor, action, about, error.rule)
                can_ask = not is_direct(form.destination)
                return views.denied(form.id, error, self._contact, can_ask=can_ask, key=key)
            case _:
                return views.nothing(form.id, describe(error), "Choose an order or domain.")

    def _known(self, locale: str) -> bool:
        """Return True if a form may have this language: the configured one, or any well-formed code."""
        return locale in (self._locale, read_locale(locale))

    def _drawn_at(self, cooldown: Cooldown | None) -> datetime:
        """Return the time of drawing: now, or the time of the shown cooldown if that is later.

        Another instance's clock may be ahead. A reason counts only if the form was not drawn before the cooldown.
        """
        now = self._clock()
        return max(now, cooldown.at) if cooldown else now

    async def _drawn(
        self, form: Form, plan: Plan, cooldown: Cooldown | None, extras: _Extras
    ) -> tuple[Form, ModalView]:
        """Return the form to save and its view: the fields, or why the user must wait for the end of the cooldown."""
        now = self._clock()
        if cooldown:
            context = await self._authorizer.context(form.actor)
            resource = resource_for_plan(form.destination, plan, plan.key)
            override = context.decide(Action.OVERRIDE, resource)
            if not override.allowed and not override.is_unknown:
                who = who_can(context.rules, Action.OVERRIDE, resource)
                return form, views.in_cooldown(form.id, plan, cooldown, who, now)
        before = extras.before or (views.cooldown_warning(cooldown, now) if cooldown else None)
        form = replace(form, before=before)
        return form, await self._fields(form, plan, extras.typed)

    async def _fields(self, form: Form, plan: Plan, chosen: Selections, *, has_focus: bool = True) -> ModalView:
        """Return the view with the fields of a plan."""
        if chosen.locale and not self._known(chosen.locale):
            chosen = replace(chosen, locale=None)
        # A language that the command named must be visible.
        is_other = chosen.locale is not None and chosen.locale != self._locale
        chosen = replace(chosen, shows_more=chosen.shows_more or is_other)
        goes = result_goes(form.destination, await self._routes.of(form.destination))
        notes = Notes(goes, form.before, form.found_in)
        return views.resend(form.id, plan, notes, self._locale, self._clock(), selections=chosen, has_focus=has_focus)


def _ambiguous(choice: DomainChoice) -> str:
    """Return why an ambiguous command sends nothing, and what to type instead. A domain cannot be typed by its id."""
    if any(match.kind is Kind.DOMAIN for match in choice.matches):
        return f"Nothing was sent. Several domains are called {choice.name}. Choose one with /dcv-resend {choice.name}."
    ids, more = ", ".join(str(match.id) for match in choice.matches[:MOST_NAMED]), len(choice.matches) - MOST_NAMED
    listed = f"{ids} and {more} more" if more > 0 else ids
    if choice.is_exact:
        on = f"{choice.name} is on {len(choice.matches)} pending orders: {listed}."
        return f"Nothing was sent. {on} Use an order number."
    return f"Nothing was sent. No pending order includes {choice.name} itself. Use an order number: {listed}."


def _planned(form: Form) -> Plan:
    if form.plan is None:
        raise InvalidInput("Choose an order or domain.", {views.TARGET: "Choose an order or domain."})
    return form.plan


def plan_subject(plan: Plan) -> str:
    """Return the order or domain of a plan in words."""
    order_id = TargetKey.parse(plan.key).order_id
    return f"domain {plan.waiting[0].name}" if order_id is None else f"order {order_id}"


def _calls(plan: Plan, filled: FormInput) -> tuple[Call, ...]:
    if not needs_shared_mailbox(plan):
        return chosen_calls(plan, filled.recipients)
    return shared_calls(plan, _mailbox(plan, filled.shared))


def _mailbox(plan: Plan, index: int | None) -> str:
    mailboxes = shared_mailboxes(plan)
    if index is None or not 0 <= index < len(mailboxes):
        raise InvalidInput("Choose a mailbox.", {views.SHARED: "Choose one of the listed mailboxes."})
    return mailboxes[index]


def _likely_calls(plan: Plan) -> tuple[Call, ...]:
    """Return the calls of a form that is submitted without changes. Their cooldowns are the ones to warn about."""
    if needs_shared_mailbox(plan):
        return shared_calls(plan, shared_mailboxes(plan)[0])
    return chosen_calls(plan, {number: preselected(waiting) for number, waiting in enumerate(plan.waiting)})
