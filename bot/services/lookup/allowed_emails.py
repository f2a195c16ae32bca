"""The recipients that DigiCert allows for a domain, cached for ten minutes."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.async_cache import cached
from bot.clock import Clock
from bot.digicert.client import CertCentral
from bot.errors import CaRejected, CaUnreadable
from bot.models import Address, DomainTarget, Recipient
from bot.recipients import folded

REMEMBERED = 600.0
# The most that a list may be old right before a call.
FRESH = timedelta(seconds=60)
MOST_READS = 20


@dataclass(frozen=True, slots=True)
class AllowedEmailList:
    """DigiCert's answer for one domain. `known` is False if DigiCert has no list for it.

    `refusal` is the reason: DigiCert rejected the call, or its answer could not be read. `read_at` comes from a steady
    clock, so it measures only the age of the answer.
    """

    addresses: tuple[Address, ...]
    read_at: datetime
    known: bool = True
    refusal: CaRejected | CaUnreadable | None = None


class AllowedEmails:
    """A cache of `GET /domain/{id or FQDN}/dcv/emails`, one entry per domain."""

    def __init__(self, certcentral: CertCentral, clock: Clock) -> None:
        self._certcentral = certcentral
        self._clock = clock
        self._remembered = cached(self._read, maxsize=4096, ttl=REMEMBERED)
        self._remembered_possible = cached(self._read_possible, maxsize=1024, ttl=REMEMBERED)

    async def get(self, domain: int | str) -> AllowedEmailList:
        """Return the addresses of a domain, at most ten minutes old.

        Raises CaUnavailable if DigiCert cannot be reached.
        """
        return await self._remembered(domain)

    async def get_all(self, domains: Iterable[int | str]) -> dict[int | str, AllowedEmailList]:
        """Return the addresses of the first MOST_READS of these domains.

        A domain that DigiCert rejects, or answers unreadably, gets an empty list with its `refusal`. Raises CaRejected
        if DigiCert rejects the API key, and CaUnavailable if it cannot be reached.
        """
        asked: Sequence[int | str] = list(dict.fromkeys(domains))[:MOST_READS]
        answers = await asyncio.gather(*map(self._of_one, asked))
        return dict(zip(asked, answers, strict=True))

    async def _of_one(self, domain: int | str) -> AllowedEmailList:
        try:
            return await self.get(domain)
        except (CaRejected, CaUnreadable) as error:
            if isinstance(error, CaRejected) and error.is_about_the_key:
                raise
            return AllowedEmailList((), self._clock(), known=False, refusal=error)

    async def audience_objection(self, target: DomainTarget, recipients: Sequence[Recipient]) -> str | None:
        """Return why DigiCert could email others than the chosen addresses, or None. Lists are at most a minute old.

        DigiCert drops addresses that are not allowed, and emails everyone allowed if none is left. It does not
        document whether the list of the domain or of the name scope counts, so each must hold a chosen address.
        Raises CaUnavailable if DigiCert cannot be reached.
        """
        lists = [await self._fresh(target.domain_id)]
        if any(address.domain != target.name_scope for address in lists[0]):
            lists.append(await self._fresh(target.name_scope))
        allowed = {folded(address.email) for each in lists for address in each}
        if dropped := [each.email for each in recipients if folded(each.email) not in allowed]:
            return f"DigiCert no longer allows {', '.join(dropped)} as a recipient. Choose another one."
        chosen = {folded(recipient.email) for recipient in recipients}
        if any(chosen.isdisjoint(folded(address.email) for address in each) for each in lists):
            return (
                f"DigiCert's lists for {target.name_scope} changed, so it could email others. Choose recipients again."
            )
        return None

    async def _fresh(self, domain: int | str) -> Sequence[Address]:
        answer = await self.get(domain)
        if self._clock() - answer.read_at > FRESH:
            answer = await self.refresh(domain)
        return answer.addresses

    async def refresh(self, domain: int | str) -> AllowedEmailList:
        """Return the addresses of a domain, read from DigiCert now. Raises CaUnavailable if it cannot be reached."""
        self._remembered.cache_invalidate(domain)
        return await self.get(domain)

    async def possible(self, domain: int | str) -> tuple[Address, ...]:
        """Return every address that DigiCert could email for a domain, whatever the account's settings leave out.

        Raises CaError if DigiCert does not say.
        """
        return await self._remembered_possible(domain)

    async def _read_possible(self, domain: int | str) -> tuple[Address, ...]:
        return await self._certcentral.allowed_addresses(domain, with_preferences=False)

    async def _read(self, domain: int | str) -> AllowedEmailList:
        try:
            return AllowedEmailList(await self._certcentral.allowed_addresses(domain), self._clock())
        except CaRejected as error:
            if error.status != 404:
                raise
            return AllowedEmailList((), self._clock(), known=False)
