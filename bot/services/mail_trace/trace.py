"""The answer to *Where did the email go?*: authorizes, then reads DigiCert, the ledger and DNS. Sends nothing."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from attrs import define

from bot.clock import Clock
from bot.dns.checks import DnsChecks
from bot.dns.mail_findings import MailFinding, MailSituation, judge_contact, judge_mail, judge_mailbox
from bot.dns.record_findings import Gap
from bot.errors import CaError
from bot.models import Actor, Address, Destination, Plan, ResendRequest, TargetKey
from bot.parsing.targets import OrderRef, TargetRef, target_ref_key
from bot.policy.rules import Action
from bot.recipients import folded
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input, resource_for_plan
from bot.services.authorization.visibility import Visibility
from bot.services.lookup.allowed_emails import AllowedEmails
from bot.services.lookup.finder import DomainChoice, Finder
from bot.services.mail_trace.check_limits import CheckLimits
from bot.store.ledger.mailbox_history import MailboxHistory
from bot.track_records import PastEmail, track_record
from bot.views import mail_trace as views
from bot.views.blocks import Message
from bot.views.mail_trace import MailboxLine, TracedTarget

# Slack shows an ephemeral answer for three seconds after the command at best.
DNS_SECONDS = 2.0
_MOST_DOMAINS = 8
_UNCHECKED = MailFinding(MailSituation.NOT_CHECKED, gap=Gap.LIMIT)


@dataclass(frozen=True, slots=True)
class _Lists:
    """DigiCert's lists for a plan: what its settings permit, and everything possible.

    Not `is_complete` if DigiCert did not give all of the latter.
    """

    permitted: Mapping[str, Address]
    possible: Mapping[str, Address]
    is_complete: bool


@define(eq=False, repr=False, slots=False)
class MailTrace:
    """The report on the mailboxes of an order or a domain. Requires the permission to resend, as the form does."""

    _authorizer: Authorizer
    _finder: Finder
    _allowed: AllowedEmails
    _history: MailboxHistory
    _checks: DnsChecks
    _limits: CheckLimits
    _clock: Clock

    async def report(self, actor: Actor, destination: Destination, wanted: TargetRef) -> Message:
        """Return one line for each mailbox of a typed order or name.

        Raises NotAllowed, NotResendable if nothing is pending, LimitReached, and CaError.
        """
        key = target_ref_key(wanted)
        visibility = await self._visibility(actor, destination, key, wanted)
        found = await self._finder.find(wanted, visibility)
        return await self._answer(visibility, destination, key, found)

    async def of_request(self, actor: Actor, destination: Destination, request: ResendRequest) -> Message:
        """Return the same for the target of a request, which the caller has authorized."""
        order_id = request.order_id
        wanted = OrderRef(order_id) if order_id is not None else None
        visibility = await self._visibility(actor, destination, request.key, wanted)
        found = await self._finder.by_key(request.key, visibility)
        return await self._answer(visibility, destination, request.key, found)

    async def _visibility(
        self, actor: Actor, destination: Destination, key: str, wanted: TargetRef | None
    ) -> Visibility:
        about = {"text": key[:200], "channel": destination.channel_id}
        context = await self._authorizer.require(actor, Action.RESEND, about, resource_for_input(destination, wanted))
        self._limits.count(actor.user_id)
        return Visibility(actor, destination, context)

    async def _answer(
        self, visibility: Visibility, destination: Destination, key: str, found: Plan | DomainChoice
    ) -> Message:
        if isinstance(found, DomainChoice):
            return views.choice(found.name, found.matches)
        about = {"text": key[:200], "channel": destination.channel_id}
        await self._authorizer.require(
            visibility.actor, Action.RESEND, about, resource_for_plan(destination, found, key)
        )
        lists, past = await asyncio.gather(self._lists(found), self._past(found, visibility))
        sent = _sent(found, past)
        shown = views.most_telling(_mailboxes(lists, sent), sent)
        mail, contacts = await self._in_dns(shown, lists)
        now = self._clock()
        lines = [
            MailboxLine(
                email,
                _is_contact(lists, email),
                _situation(lists, email, contacts, sent, now),
                _emailed_at(sent, email),
                mail.get(_domain(email), _UNCHECKED),
                track_record(email, past, now),
                email in {each for waiting in found.waiting for each in waiting.preferred},
            )
            for email in shown
        ]
        asked = max((each for each in sent), key=lambda each: each.at, default=None)
        target = TracedTarget(found, len(_mailboxes(lists, sent)) - len(shown), asked.request_id if asked else None)
        return views.report(target, lines, now)

    async def _past(self, plan: Plan, visibility: Visibility) -> list[PastEmail]:
        """Return the past emails for names that the user may see: a mailbox of a parent domain serves others too."""
        domains = {address.domain for waiting in plan.waiting for address in waiting.allowed}
        past = await self._history.emails(sorted(domains | {waiting.scope for waiting in plan.waiting})[:_MOST_DOMAINS])
        return [each for each in past if visibility.sees(each.name, TargetKey.parse(each.target).order_id)]

    async def _lists(self, plan: Plan) -> _Lists:
        """Return DigiCert's two lists. They differ by the account's settings."""
        permitted = {folded(each.email): each for waiting in plan.waiting for each in waiting.allowed}
        domains = dict.fromkeys(each.domain for each in permitted.values())
        found = await asyncio.gather(*map(self._possible, list(domains)[:_MOST_DOMAINS]))
        every = {folded(each.email): each for addresses in found for each in addresses or ()}
        return _Lists(permitted, permitted | every, None not in found)

    async def _possible(self, domain: str) -> tuple[Address, ...] | None:
        try:
            return await self._allowed.possible(domain)
        except CaError:
            return None

    async def _in_dns(
        self, emails: Sequence[str], lists: _Lists
    ) -> tuple[dict[str, MailFinding], dict[str, MailSituation]]:
        """Return the findings by mail domain, and by contact, as far as they arrive within DNS_SECONDS."""
        domains = list(dict.fromkeys(filter(str.isascii, map(_domain, emails))))[:_MOST_DOMAINS]
        contacts = [each for email in emails if (each := _listed(lists, email)) and each.txt]
        of_domains = {each: asyncio.ensure_future(self._checks.mail(each)) for each in domains}
        of_contacts = {each: asyncio.ensure_future(self._checks.contact(each.domain)) for each in contacts}
        tasks = [*of_domains.values(), *of_contacts.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=DNS_SECONDS)
        for task in tasks:
            if not task.done():
                task.cancel()
        return (
            {each: judge_mail(task.result()) for each, task in of_domains.items() if _has_ended(task)},
            {
                folded(each.email): judge_contact(task.result(), each.email)
                for each, task in of_contacts.items()
                if _has_ended(task)
            },
        )


def _has_ended(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled()


def _domain(email: str) -> str:
    return email.rpartition("@")[2].lower()


def _listed(lists: _Lists, email: str) -> Address | None:
    return lists.possible.get(folded(email))


def _is_contact(lists: _Lists, email: str) -> bool:
    listed = _listed(lists, email)
    return listed is not None and listed.txt


def _mailboxes(lists: _Lists, sent: Iterable[PastEmail]) -> list[str]:
    """Return each address once: those that were emailed, those that may be, and those that the settings leave out."""
    emailed = [email for each in sent for email in each.emails]
    others = [each.email for each in (*lists.permitted.values(), *lists.possible.values())]
    return list({folded(email): email for email in (*others, *emailed)}.values())


def _sent(plan: Plan, past: Iterable[PastEmail]) -> list[PastEmail]:
    """Return the emails for what is pending now."""
    targets = {waiting.target.key for waiting in plan.waiting}
    return [each for each in past if each.target in targets]


def _emailed_at(sent: Iterable[PastEmail], email: str) -> datetime | None:
    return max((each.at for each in sent if folded(email) in map(folded, each.emails)), default=None)


def _situation(
    lists: _Lists, email: str, contacts: Mapping[str, MailSituation], sent: Sequence[PastEmail], now: datetime
) -> MailSituation:
    permitted = [each.email for each in lists.permitted.values()]
    possible = [each.email for each in lists.possible.values()]
    situation = judge_mailbox(email, possible, permitted, _emailed_at(sent, email), now)
    if situation is MailSituation.NEVER_ALLOWED and not lists.is_complete:
        return MailSituation.NOT_CHECKED
    return contacts.get(folded(email), situation) if situation is MailSituation.FINE else situation
