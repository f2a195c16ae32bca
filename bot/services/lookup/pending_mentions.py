"""The orders and names mentioned in a message that are pending, found with one inventory and few reads."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.async_cache import cached
from bot.digicert.client import CertCentral
from bot.errors import CaRejected, NotResendable
from bot.models import VALIDATED, AccountEntry, Domain, Order, TargetKey, Valid, domain_key, name_key, order_key
from bot.parsing.domain_names import without_wildcard
from bot.parsing.mentions import Mention
from bot.parsing.targets import DomainRef, OrderRef
from bot.services.lookup import eligibility
from bot.services.lookup.account import AccountCache, AccountSnapshot
from bot.services.lookup.name_resolution import exact_domains, exact_orders, may_wait, nearest_domains, related_orders

REMEMBERED = 60.0
_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class MentionMatch:
    """A line of the inventory that a message mentions. `opens` is the key of its form, `where` the part of the message.

    If `exactly` is set, only that very name counts. `is_related` marks an order that the mentioned name belongs to
    without being written on it, and `is_parent` a domain that is a parent of the mentioned name.
    """

    line: AccountEntry
    opens: str
    where: str
    exactly: str | None = None
    is_parent: bool = False
    is_related: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmedMention:
    """A match whose `waiting` names are pending at DigiCert, and validated by email.

    `emails` are the keys of what these emails are for: a DV order itself, or the domains of another order.
    """

    match: MentionMatch
    waiting: tuple[str, ...]
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _PendingEmails:
    """The pending names of an order or domain, and the keys of what their emails are for."""

    names: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class PendingMentions:
    """Confirmation of mentions at DigiCert. On behalf of a user, the caller must ask the authorizer first."""

    def __init__(self, certcentral: CertCentral, account_cache: AccountCache) -> None:
        self._certcentral = certcentral
        self._account_cache = account_cache
        self._waiting = cached(self._read_waiting, maxsize=1024, ttl=REMEMBERED)

    async def matches(self, mentions: Sequence[Mention], *, young: bool = False) -> tuple[MentionMatch, ...]:
        """Return the lines of the cached inventory that a message mentions.

        If `young`, the inventory is at most some seconds old. Raises CaError if DigiCert cannot be reached or does not
        answer.
        """
        return matching(await self._account_cache.account(young=young), mentions)

    async def unreadable(self) -> str:
        """Return a sentence on the rows of the inventory that the bot could not read; empty if it read all of them."""
        return (await self._account_cache.account()).unreadable

    async def of(self, mentions: Sequence[Mention]) -> list[ConfirmedMention]:
        """Return all mentions of a message that are pending, for a user who waits for the answer.

        Raises CaError if DigiCert cannot be reached or does not answer.
        """
        if not mentions:
            return []
        found = await self.matches(mentions) or await self.matches(mentions, young=True)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def confirm(match: MentionMatch) -> ConfirmedMention | None:
            async with limit:
                return await self.confirm(match)

        return [confirmed for confirmed in await asyncio.gather(*map(confirm, found)) if confirmed]

    async def confirm(self, match: MentionMatch) -> ConfirmedMention | None:
        """Return the match with its pending names, or None if there are none. Reads at most once a minute.

        Raises CaUnavailable if DigiCert cannot be reached.
        """
        try:
            waiting = await self._waiting(match.line.key)
        except CaRejected:
            # Deleted since the inventory was read, or hidden from this API key: not confirmed.
            return None
        if not waiting.names or match.exactly not in {None, *waiting.names}:
            return None
        return ConfirmedMention(match, waiting.names, waiting.keys)

    async def closed_status(self, key: str) -> str | None:
        """Return why a target that was pending is not any more, in one word; None while it may still be.

        An issued order counts as validated. Raises CaUnavailable if DigiCert cannot be reached.
        """
        try:
            return await self._closed_status(TargetKey.parse(key))
        except CaRejected as error:
            if error.status != 404:
                raise
            return "removed"

    async def _closed_status(self, target: TargetKey) -> str | None:
        if target.order_id is None:
            domain = await self._certcentral.domain(target.number or 0)
            return VALIDATED if isinstance(domain.validation, Valid) else None
        validation = await self._certcentral.order_validation(target.order_id)
        if validation.status in eligibility.OVER:
            return VALIDATED if validation.status == "issued" else validation.status
        is_read = bool(validation.names) and not validation.unreadable
        return VALIDATED if is_read and not any(entry.is_open for entry in validation.names) else None

    async def _read_waiting(self, key: str) -> _PendingEmails:
        account = await self._account_cache.account()
        order = account.order_by_key.get(key)
        if order is not None:
            return await self._of_order(order)
        domain = await self._certcentral.domain(TargetKey.parse(key).number or 0)
        if not domain.is_pending or not eligibility.is_domain_eligible(domain):
            return _PendingEmails()
        return _PendingEmails((domain.name,), (key,))

    async def _of_order(self, order: Order) -> _PendingEmails:
        validation = await self._certcentral.order_validation(order.id)
        now = replace(order, status=validation.status or order.status)
        open_names = [entry for entry in validation.names if entry.is_open]
        try:
            by_email = (
                [] if eligibility.order_ineligible(now) else eligibility.email_validated(now, validation, open_names)[0]
            )
        except NotResendable:
            by_email = []
        names = dict.fromkeys(without_wildcard(name) for entry in by_email for name in entry.names)
        keys = dict.fromkeys(
            order_key(order.id) if order.is_dv or entry.domain_id is None else domain_key(entry.domain_id)
            for entry in by_email
        )
        return _PendingEmails(tuple(names), tuple(keys))


def matching(account: AccountSnapshot, mentions: Sequence[Mention]) -> tuple[MentionMatch, ...]:
    """Return the lines that mentions name and that may be pending, each once, in the message's order."""
    found: dict[str, MentionMatch] = {}
    for mention in mentions:
        for match in _matches(account, mention):
            known = found.setdefault(match.line.key, match)
            if distance(match) < distance(known):
                found[match.line.key] = match
    return tuple(found.values())


def distance(match: MentionMatch) -> tuple[bool, bool, bool]:
    """Return how far a match is from what the message mentions, to sort by: the exact ones come first."""
    return match.is_parent, match.is_related, match.exactly is not None


def _matches(account: AccountSnapshot, mention: Mention) -> list[MentionMatch]:
    match mention.target:
        case OrderRef(order_id):
            line = account.line_by_key.get(order_key(order_id))
            return [MentionMatch(line, line.key, mention.location)] if line else []
        case DomainRef(name):
            return _named(account, name, mention)


def _named(account: AccountSnapshot, name: str, mention: Mention) -> list[MentionMatch]:
    """Return the closest match of a name: an order, its domain, an order it belongs to, or a parent's domain.

    A mention that is not explicit matches only an order or a domain of that very name.
    """
    if orders := exact_orders(account, name):
        exactly = None if mention.is_explicit else name
        return [MentionMatch(line, line.key, mention.location, exactly) for line in _lines(account, orders)]
    domains = [domain for domain in exact_domains(account, name) if may_wait(domain)]
    # The inventory may not show if a domain is pending. In that case, match the related orders, too.
    is_settled = not mention.is_explicit or any(domain.is_pending for domain in domains)
    related = () if is_settled else related_orders(account, name)
    found = [MentionMatch(line, line.key, mention.location) for line in _lines(account, domains)]
    found += [MentionMatch(line, line.key, mention.location, is_related=True) for line in _lines(account, related)]
    if found or not mention.is_explicit:
        return found
    parents = list(filter(may_wait, nearest_domains(account, name)))
    return [MentionMatch(line, name_key(name), mention.location, is_parent=True) for line in _lines(account, parents)]


def _lines(account: AccountSnapshot, found: Sequence[Order | Domain]) -> list[AccountEntry]:
    return [account.line_of(each) for each in found]
