"""The recipients that the user may choose for each pending name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.clock import Clock, utc_now
from bot.errors import CaError
from bot.models import Address, DomainTarget, NameValidation, OrderTarget, WaitingName
from bot.parsing.domain_names import ancestors, without_wildcard
from bot.recipients import SINGLE_CHOICES, constructed
from bot.services.lookup.allowed_emails import MOST_READS, AllowedEmailList, AllowedEmails
from bot.services.lookup.eligibility import excluded_names, some
from bot.store.ledger.mailbox_history import MailboxHistory
from bot.store.requests import Requests
from bot.track_records import PastEmail, proven

Answers = Mapping[int | str, AllowedEmailList]
Found = tuple[tuple[WaitingName, ...], tuple[str, ...]]


class RecipientOptions:
    """Reads of the allowed recipients for each pending name, with the most recent ones preselected."""

    def __init__(
        self, addresses: AllowedEmails, requests: Requests, history: MailboxHistory, clock: Clock = utc_now
    ) -> None:
        self._addresses = addresses
        self._requests = requests
        self._history = history
        self._clock = clock

    async def refresh(self, domain: int) -> None:
        """Read the allowed addresses of a domain again, so that the next choice offers the present ones."""
        await self._addresses.refresh(domain)

    async def of_order(self, target: OrderTarget, entries: Sequence[NameValidation]) -> Found:
        """Return one choice per name of a DV order, and remarks on what could not be offered.

        If DigiCert lists no address for a name that only an order has, offer the five constructed addresses. This is
        safe: the order endpoint rejects an address that is not allowed, and never adds recipients.
        """
        scopes = {
            without_wildcard(name): (without_wildcard(entry.name_scope), entry.covers_below)
            for entry in entries
            for name in entry.names
        }
        answers = await self._addresses.get_all(_to_read(scopes))
        waiting = [
            WaitingName(name, scope, target, covers_below, _for_order(name, scope, answers))
            for name, (scope, covers_below) in scopes.items()
        ]
        unread = len({scope for scope, _ in scopes.values()}) - MOST_READS
        remark = (
            f"I couldn't check the addresses for {unread} domains. DigiCert will reject any that aren't allowed."
            if unread > 0
            else None
        )
        refused = {scope: answers[scope].refusal for scope, _ in scopes.values() if scope in answers}
        return await self._addressed(waiting, *_usable_lists(refused), *filter(None, [remark]))

    async def of_domains(self, targets: Iterable[tuple[DomainTarget, bool]]) -> Found:
        """Return one choice per domain, with the addresses that DigiCert lists for it.

        DigiCert silently drops every other address. If none is left, it emails every recipient that it may. Its
        documentation does not say if the list of the domain or that of the name scope decides. If the two differ, offer
        both, and require an address of each (docs/decisions/003).

        If DigiCert rejects the read of a list, leave the domain out, with DigiCert's reason as a remark. Raises that
        error if no other domain is left.
        """
        chosen = list(targets)
        answers = await self._addresses.get_all(target.domain_id for target, _ in chosen)
        scopes = [target.name_scope for target, _ in chosen if not _is_of(answers[target.domain_id], target.name_scope)]
        answers |= await self._addresses.get_all(scopes)
        waiting = [_for_domain(target, below, answers) for target, below in chosen]
        unlisted = [scope for scope in scopes if not answers[scope].addresses]
        refused = _refused(chosen, answers)
        hidden = {*unlisted, *refused}
        able, remarks = await self._addressed([each for each in waiting if each.scope not in hidden])
        if refused and not able:
            raise next(iter(refused.values()))
        unlisted = [scope for scope in unlisted if scope not in refused]
        remarks += tuple(excluded_names(unlisted, "DigiCert lists no recipients for this name"))
        for name, error in refused.items():
            remarks += tuple(excluded_names([name], str(error).rstrip(".")))
        return able, remarks

    async def _addressed(self, waiting: Sequence[WaitingName], *more: str) -> Found:
        """Return the names that have recipients, with those used last, and a remark on the names that have none."""
        last = await self._requests.last_recipients([name.name for name in waiting])
        domains = {address.domain for name in waiting for address in name.allowed}
        past = await self._history.emails(domains) if len(domains) <= MOST_READS else []
        able = tuple(_with_last(name, last.get(name.name, ()), past, self._clock()) for name in waiting if name.allowed)
        remarks = excluded_names([name.name for name in waiting if not name.allowed], "DigiCert allows no recipient")
        return able, (*remarks, *more)


def _is_of(answer: AllowedEmailList, name_scope: str) -> bool:
    """Return True if the list was made for this name scope, so that it holds under both readings.

    An empty one counts.
    """
    return all(address.domain == name_scope for address in answer.addresses)


def _for_domain(target: DomainTarget, covers_below: bool, answers: Answers) -> WaitingName:
    scope = target.name_scope
    lists = [answers[target.domain_id].addresses]
    if not _is_of(answers[target.domain_id], scope):
        lists.append(answers[scope].addresses)
    audiences = tuple(tuple(address.email for address in each) for each in lists) if len(lists) > 1 else ()
    return WaitingName(scope, scope, target, covers_below, _merged(lists), audiences=audiences)


def _refused(chosen: Iterable[tuple[DomainTarget, bool]], answers: Answers) -> dict[str, CaError]:
    """Return the name scopes for which a required list could not be read, each with DigiCert's error."""
    found: dict[str, CaError] = {}
    for target, _ in chosen:
        for asked in (target.domain_id, target.name_scope):
            if asked in answers and (error := answers[asked].refusal):
                found.setdefault(target.name_scope, error)
    return found


def _usable_lists(refused: Mapping[str, CaError | None]) -> list[str]:
    """Return a remark on the names for which constructed addresses are offered, with DigiCert's first reason."""
    errors = {name: error for name, error in refused.items() if error}
    if not errors:
        return []
    reason = str(next(iter(errors.values())))
    return [f"DigiCert didn't list the addresses for {some(list(errors))}, so usual mailboxes are offered: {reason}"]


def _with_last(waiting: WaitingName, emails: tuple[str, ...], past: Sequence[PastEmail], now: datetime) -> WaitingName:
    allowed = [address.email for address in waiting.allowed]
    return replace(waiting, preferred=emails, proven=proven(allowed, emails, past, now))


def _to_read(scopes: Mapping[str, tuple[str, bool]]) -> list[int | str]:
    """Return the domains to read: every scope, and the names and their parents if each name has its own choice."""
    wanted: list[int | str] = [scope for scope, _ in scopes.values()]
    if len(scopes) <= SINGLE_CHOICES:
        wanted += [*scopes, *(above for name in scopes for above in ancestors(name)[1:])]
    return wanted


def _for_order(name: str, scope: str, answers: Answers) -> tuple[Address, ...]:
    domains = dict.fromkeys([name, *ancestors(name), scope])
    return _merged(_or_constructed(domain, scope, answers) for domain in domains)


def _or_constructed(domain: str, scope: str, answers: Answers) -> tuple[Address, ...]:
    answer = answers.get(domain)
    if answer is None:
        return constructed(domain) if domain == scope else ()
    return answer.addresses if answer.known else constructed(domain)


def _merged(groups: Iterable[Sequence[Address]]) -> tuple[Address, ...]:
    once: dict[str, Address] = {}
    for group in groups:
        for address in group:
            once.setdefault(address.email.lower(), address)
    return tuple(once.values())
