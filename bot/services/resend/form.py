"""The form's conversation: who asks is checked first, what is drawn is kept, what comes back is turned into calls."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from attrs import define

from bot.clock import Clock
from bot.errors import (
    BotError,
    CaError,
    Misunderstood,
    NotAllowed,
    NothingToDo,
    NotVisible,
    PermissionUnknown,
    StoreUnavailable,
)
from bot.languages import read_locale
from bot.models import Actor, Call, Cooldown, Kind, Listed, Place, Plan, ResendRequest, TargetKey
from bot.parsing.commands import SendNow
from bot.parsing.mentions import Candidate
from bot.parsing.targets import Wanted, WantedName, wanted_key
from bot.policy.rules import Action, holders
from bot.recipients import (
    MOST_NAMED,
    chosen_calls,
    preselected,
    shared_calls,
    shared_mailboxes,
    shares_a_mailbox,
    typed_calls,
)
from bot.services.authorization.authorizer import Gate
from bot.services.authorization.resources import about_plan, about_typed
from bot.services.authorization.visibility import Access
from bot.services.lookup.finder import Choice, Lookup
from bot.services.lookup.pending_mentions import Confirming, Match
from bot.services.resend.requests import Asked, Resend
from bot.store.forms import Form, Forms
from bot.views import resend_form as views
from bot.views.errors import told
from bot.views.form_input import NOTHING_TYPED, Filled, Typed
from bot.views.resend_form import Drawing


@dataclass(frozen=True, slots=True)
class _Extras:
    """What a drawing shows beside what was found: what was typed, what was sent before, and where it was named."""

    typed: Typed = NOTHING_TYPED
    before: str | None = None
    found_in: str | None = None


@define(eq=False, repr=False, slots=False)
class Dialog:
    """Draws the form for a person, and reads it back; every door to it asks the gate."""

    _gate: Gate
    _lookup: Lookup
    _confirming: Confirming
    _resend: Resend
    _forms: Forms
    _locale: str
    _clock: Clock

    async def start(self, actor: Actor, place: Place, text: str, wanted: Wanted | None = None) -> Form:
        """A new form for somebody who may resend what is `wanted`, or anything at all; NotAllowed for anybody else."""
        about = {"text": text[:200], "channel": place.channel_id}
        await self._gate.require(actor, Action.RESEND, about, about_typed(place, wanted))
        return Form(actor, place)

    async def keep(self, form: Form) -> None:
        """Remember a form that was opened empty."""
        await self._forms.save(form, self._clock())

    async def look_up(self, form: Form, wanted: Wanted, typed: Typed = NOTHING_TYPED) -> Drawing:
        """The drawing for what somebody wrote."""
        return await self._draw(form, partial(self._lookup.find, wanted), wanted_key(wanted), _Extras(typed))

    async def named(self, form: Form, candidates: Sequence[Candidate]) -> Drawing:
        """The drawing for what a message names: filled in, a choice, or why nothing waits."""
        try:
            found = await self._confirming.of(candidates)
            access = await self._access(form.actor, form.place)
            mine = [(each.match, line) for each in found if (line := access.line(each.match.line))]
            if not mine:
                access.require_answer()
        except (CaError, PermissionUnknown) as error:
            return await self._nothing(form, told(error), "Choose an order or a domain, or try again in a moment.")
        if len(mine) > 1:
            return await self._choice(form, mine)
        if mine:
            match = mine[0][0]
            find = partial(self._lookup.chosen, match.opens)
            return await self._draw(form, find, match.opens, _Extras(found_in=match.where))
        strong = await self._real([each for each in candidates if each.is_strong], access)
        hides = bool(found) or not access.sees_everything
        sentence = views.nothing_named([candidate.target for candidate in strong or candidates], hides=hides)
        if candidates and (unreadable := await self._confirming.unreadable()):
            sentence = f"{sentence} {unreadable}"
        if len(strong) == 1:
            [only] = strong
            find = partial(self._find_named, only.target, sentence)
            return await self._draw(form, find, wanted_key(only.target), _Extras(found_in=only.where))
        return await self._nothing(form, sentence, "Choose an order or a domain to go on.")

    async def choose(self, form: Form, key: str, typed: Typed = NOTHING_TYPED) -> Drawing:
        """The drawing for an option that was picked; what was typed stays."""
        return await self._draw(form, partial(self._lookup.chosen, key), key, _Extras(typed))

    async def again(self, form: Form, request: ResendRequest, before: str | None) -> Drawing:
        """The drawing for what was asked before, telling how that ended; a reason is required."""
        return await self._draw(form, partial(self._lookup.chosen, request.key), request.key, _Extras(before=before))

    async def rescope(self, form: Form, index: int, typed: Typed) -> Drawing:
        """The drawing for another name scope of the same domain; what was typed stays."""
        plan = _planned(form)
        return await self._draw(form, partial(self._lookup.rescoped, plan, index), plan.key, _Extras(typed))

    async def options(self, actor: Actor, form_id: str, typed: str) -> list[dict[str, Any]]:
        """At most a hundred options for what was typed so far, the longest waiting first; takes 2.5 s at most.

        What the person may not resend at all is no option.
        """
        form = await self.form(actor, form_id)
        access = await self._access(actor, form.place)
        lines, wanted = await self._lookup.search(typed, access, views.MOST_OPTIONS)
        if not lines:
            access.require_answer()
        return views.suggestions(lines, wanted, self._clock())

    async def one_line(self, actor: Actor, place: Place, cause: str, line: SendNow) -> Asked:
        """What a line without a form asks for, checked as a form would be.

        Raises NotAllowed, NothingToDo, Misunderstood where a waiting name is left without one of the addresses, and
        CaUnavailable or CaRefused where DigiCert cannot tell.
        """
        about = {"text": wanted_key(line.wanted), "channel": place.channel_id}
        await self._gate.require(actor, Action.RESEND, about, about_typed(place, line.wanted))
        try:
            found = await self._lookup.find(line.wanted, await self._access(actor, place), exactly=True)
        except NotVisible as error:
            await self._gate.record(actor, Action.RESEND, about, error.rule)
            raise
        if isinstance(found, Choice):
            raise Misunderstood(_ambiguous(found))
        await self._gate.require(actor, Action.RESEND, about, about_plan(place, found))
        calls = typed_calls(found, line.emails)
        locale = line.locale or self._locale
        return Asked(actor, place, cause, found.key, _subject(found), calls, locale, line.reason, reach=found.reach)

    async def submit(self, actor: Actor, view_id: str, filled: Filled) -> Asked:
        """What a submitted form asks for; Misunderstood names the field that must be mended."""
        form = await self.form(actor, filled.form_id)
        plan = _planned(form)
        locale = filled.locale or self._locale
        if not self._known(locale):
            raise Misunderstood("Choose a language.", {views.LOCALE: "Choose one of the listed languages."})
        what = (plan.key, _subject(plan), _calls(plan, filled), locale, filled.reason, form.drawn_at, plan.reach)
        return Asked(actor, form.place, f"view:{view_id}", *what)

    async def cooled(self, actor: Actor, filled: Filled, cooldown: Cooldown) -> Drawing:
        """The submitted form once more, with what was sent meanwhile; a reason is required, DigiCert is not asked."""
        opened = await self.form(actor, filled.form_id)
        form = Form(opened.actor, opened.place, opened.plan, self._drawn_at(cooldown))
        await self.keep(form)
        before = views.cooled(cooldown, self._clock())
        locale = filled.locale or self._locale
        return views.resend(form.id, _planned(form), form.place, locale=locale, reason=filled.reason, before=before)

    async def place(self, form_id: str) -> Place | None:
        """Where the result of a form belongs; None where nobody remembers."""
        try:
            form = await self._forms.get(form_id)
        except StoreUnavailable:
            return None
        return form.place if form else None

    async def form(self, actor: Actor, form_id: str) -> Form:
        """The form behind an id, for the person who opened it and may still resend there."""
        form = await self._forms.get(form_id)
        place = form.place if form else None
        await self._gate.require(actor, Action.RESEND, {"form": form_id[:32]}, about_typed(place, None))
        if form is None or form.actor.user_id != actor.user_id:
            raise Misunderstood("This form is too old. Open it again with /dcv-resend.")
        return form

    async def _access(self, actor: Actor, place: Place) -> Access:
        return Access(actor, place, await self._gate.standing(actor))

    async def _real(self, strong: list[Candidate], access: Access) -> list[Candidate]:
        """Return the candidates that are worth an explanation: orders, and the names that the account knows best.

        Dotted keys, such as `host.name`, look like names, and a message may carry many of them beside one real name.
        """
        names = [each.target.name for each in strong if isinstance(each.target, WantedName)]
        names = [name for name in names if access.sees(name)]
        if len(strong) < 2 or not names:
            return strong
        try:
            known = await self._lookup.known_best(names)
        except CaError:
            known = frozenset()
        if known:
            return [each for each in strong if not isinstance(each.target, WantedName) or each.target.name in known]
        return [each for each in strong if not each.is_key] or strong

    async def _find_named(self, wanted: Wanted, sentence: str, access: Access) -> Plan | Choice:
        """What waits after all for what a message names; else NothingToDo with that sentence, and the reason."""
        try:
            return await self._lookup.find(wanted, access)
        except NothingToDo as error:
            raise NothingToDo(sentence, f"{error} {error.instead}") from error

    async def _nothing(self, opened: Form, sentence: str, instead: str) -> Drawing:
        form = Form(opened.actor, opened.place)
        await self.keep(form)
        return views.nothing(form.id, sentence, instead)

    async def _choice(self, opened: Form, found: Sequence[tuple[Match, Listed]]) -> Drawing:
        form = Form(opened.actor, opened.place)
        await self.keep(form)
        matches = [(line, match.opens, match.where) for match, line in found]
        return views.named(form.id, matches, self._clock())

    async def _draw(
        self, opened: Form, find: Callable[[Access], Awaitable[Plan | Choice]], key: str, extras: _Extras
    ) -> Drawing:
        """Draw what was found for `key`, or why there is nothing to draw, and keep it under an id of its own."""
        form = Form(opened.actor, opened.place)
        try:
            found = await find(await self._access(opened.actor, opened.place))
            if isinstance(found, Plan):
                about = {"subject": _subject(found), "channel": opened.place.channel_id}
                await self._gate.require(opened.actor, Action.RESEND, about, about_plan(opened.place, found))
        except NothingToDo as error:
            drawing = views.nothing(form.id, str(error), error.instead)
        except (CaError, PermissionUnknown) as error:
            drawing = views.away(form.id, told(error), key)
        except NotAllowed as error:
            if isinstance(error, NotVisible):
                about = {"text": key[:200], "channel": opened.place.channel_id}
                await self._gate.record(opened.actor, Action.RESEND, about, error.rule)
            drawing = views.refused(form.id, error)
        except BotError as error:
            drawing = views.nothing(form.id, told(error), "Choose an order or a domain to go on.")
        else:
            if isinstance(found, Choice):
                drawing = views.choice(form.id, found.name, found.matches, self._clock(), is_exact=found.is_exact)
            else:
                cooldown = await self._resend.cooling(_likely_calls(found))
                form = Form(opened.actor, opened.place, found, self._drawn_at(cooldown))
                drawing = await self._drawn(form, found, cooldown, extras)
        await self.keep(form)
        return drawing

    def _known(self, locale: str) -> bool:
        """Whether a form may carry this language: ours, or a code of the usual shape."""
        return locale in (self._locale, read_locale(locale))

    def _drawn_at(self, cooldown: Cooldown | None) -> datetime:
        """Now, and not before what the drawing tells of, which another instance's clock may put into the future."""
        now = self._clock()
        return max(now, cooldown.at) if cooldown else now

    async def _drawn(self, form: Form, plan: Plan, cooldown: Cooldown | None, extras: _Extras) -> Drawing:
        now, typed = self._clock(), extras.typed
        if cooldown:
            standing, matter = await self._gate.standing(form.actor), about_plan(form.place, plan)
            override = standing.decide(Action.OVERRIDE, matter)
            if not override.allowed and not override.could_not_tell:
                who = holders(standing.rules, Action.OVERRIDE, matter)
                return views.rests(form.id, plan, cooldown, who, now)
        locale = typed.locale if typed.locale and self._known(typed.locale) else self._locale
        before, where = extras.before or (views.cooled(cooldown, now) if cooldown else None), extras.found_in
        reason, place = typed.reason, form.place
        return views.resend(form.id, plan, place, locale=locale, reason=reason, before=before, found_in=where)


def _ambiguous(choice: Choice) -> str:
    """Why a line without a form sends nothing, and what to type instead. A domain cannot be typed by its id."""
    if any(match.kind is Kind.DOMAIN for match in choice.matches):
        return f"Nothing was sent: several domains are called {choice.name}. Choose one with /dcv-resend {choice.name}."
    ids = ", ".join(str(match.id) for match in choice.matches[:MOST_NAMED])
    if choice.is_exact:
        return f"Nothing was sent: several orders carry {choice.name}. Name one of them: {ids}."
    return f"Nothing was sent: no pending order carries {choice.name} itself. Name the order that you mean: {ids}."


def _planned(form: Form) -> Plan:
    if form.plan is None:
        raise Misunderstood("Choose an order or a domain first.")
    return form.plan


def _subject(plan: Plan) -> str:
    order_id = TargetKey.parse(plan.key).order_id
    return f"domain {plan.waiting[0].name}" if order_id is None else f"order {order_id}"


def _calls(plan: Plan, filled: Filled) -> tuple[Call, ...]:
    if not shares_a_mailbox(plan):
        return chosen_calls(plan, filled.recipients)
    mailboxes = shared_mailboxes(plan)
    if filled.shared is None or not 0 <= filled.shared < len(mailboxes):
        raise Misunderstood("Choose a mailbox.", {views.SHARED: "Choose one of the listed mailboxes."})
    return shared_calls(plan, mailboxes[filled.shared])


def _likely_calls(plan: Plan) -> tuple[Call, ...]:
    """The calls of a form that is submitted as it is drawn: whose cooldown counts."""
    if shares_a_mailbox(plan):
        return shared_calls(plan, shared_mailboxes(plan)[0])
    return chosen_calls(plan, {number: preselected(waiting) for number, waiting in enumerate(plan.waiting)})
