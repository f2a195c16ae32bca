"""Whom DigiCert allows to be mailed, read sparingly and remembered for ten minutes."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from async_lru import alru_cache

from bot.clock import Clock
from bot.digicert.client import CertCentral
from bot.errors import CaRefused, CaUnreadable
from bot.models import Address

REMEMBERED = 600.0
MOST_READS = 20


@dataclass(frozen=True, slots=True)
class AllowedAddresses:
    """DigiCert's answer for one domain, and when it gave it; `known` is False where DigiCert does not list anyone.

    `refusal` is why: DigiCert refused to tell, or told something that cannot be read.
    `read_at` is of a clock that nobody sets, and good for the answer's age alone.
    """

    addresses: tuple[Address, ...]
    read_at: datetime
    known: bool = True
    refusal: CaRefused | CaUnreadable | None = None


class AddressBook:
    """Asks `GET /domain/{id or FQDN}/dcv/emails`, once per name."""

    def __init__(self, certcentral: CertCentral, clock: Clock) -> None:
        self._certcentral = certcentral
        self._clock = clock
        self._remembered = alru_cache(maxsize=4096, ttl=REMEMBERED)(self._read)

    async def of(self, domain: int | str) -> AllowedAddresses:
        """The addresses of a domain, ten minutes old at most; CaUnavailable when DigiCert cannot tell."""
        return await self._remembered(domain)

    async def of_all(self, domains: Iterable[int | str]) -> dict[int | str, AllowedAddresses]:
        """Return the addresses of the first MOST_READS of these domains; one that fails does not end the others.

        Raises CaRefused if DigiCert does not accept the key, CaUnavailable if it does not answer.
        """
        asked: Sequence[int | str] = list(dict.fromkeys(domains))[:MOST_READS]
        answers = await asyncio.gather(*map(self._of_one, asked))
        return dict(zip(asked, answers, strict=True))

    async def _of_one(self, domain: int | str) -> AllowedAddresses:
        try:
            return await self.of(domain)
        except (CaRefused, CaUnreadable) as error:
            if isinstance(error, CaRefused) and error.is_about_the_key:
                raise
            return AllowedAddresses((), self._clock(), known=False, refusal=error)

    async def afresh(self, domain: int | str) -> AllowedAddresses:
        """The addresses as DigiCert tells them now."""
        self._remembered.cache_invalidate(domain)
        return await self.of(domain)

    async def _read(self, domain: int | str) -> AllowedAddresses:
        try:
            return AllowedAddresses(await self._certcentral.allowed_addresses(domain), self._clock())
        except CaRefused as error:
            if error.status != 404:
                raise
            return AllowedAddresses((), self._clock(), known=False)
