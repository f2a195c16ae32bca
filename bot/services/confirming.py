"""Which of the orders and names that a message mentions really wait for a mail, by one listing and few reads."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from async_lru import alru_cache

from bot.candidates import Candidate
from bot.digicert.client import CertCentral
from bot.errors import CaRefused, NothingToDo
from bot.models import Domain, Kind, Listed, Order
from bot.services import states
from bot.services.listing import Account, Listing
from bot.targets import WantedName, WantedOrder

REMEMBERED = 60.0
_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Match:
    """A line of the listing that a message names; `opens` is the key of its form, `where` says where it was named.

    With `exactly`, only that very name counts.
    """

    line: Listed
    opens: str
    where: str
    exactly: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A match for which DigiCert says that these names wait, and that a mail validates them."""

    match: Match
    waiting: tuple[str, ...]


class Confirming:
    """Reads DigiCert for what a message names; whoever calls it for a person has asked the gate first."""

    def __init__(self, certcentral: CertCentral, listing: Listing) -> None:
        self._certcentral = certcentral
        self._listing = listing
        self._waiting = alru_cache(maxsize=1024, ttl=REMEMBERED)(self._read_waiting)

    async def matches(self, candidates: Sequence[Candidate], *, young: bool = False) -> tuple[Match, ...]:
        """What of the cached listing a message names; with `young` the listing is some seconds old at most.

        Raises CaError when DigiCert cannot tell.
        """
        return matching(await self._listing.account(young=young), candidates)

    async def of(self, candidates: Sequence[Candidate]) -> list[Confirmed]:
        """All that waits of what a message names, for a person who wants to know now; CaError as above."""
        if not candidates:
            return []
        found = await self.matches(candidates) or await self.matches(candidates, young=True)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def confirm(match: Match) -> Confirmed | None:
            async with limit:
                return await self.confirm(match)

        return [confirmed for confirmed in await asyncio.gather(*map(confirm, found)) if confirmed]

    async def confirm(self, match: Match) -> Confirmed | None:
        """The match with the names that wait for a mail; None where none does. Reads at most once a minute.

        Raises CaUnavailable when DigiCert cannot tell.
        """
        try:
            waiting = await self._waiting(match.line.key)
        except CaRefused:
            # Gone since it was listed, or not for this key to see: not confirmed.
            return None
        if not waiting or match.exactly not in {None, *waiting}:
            return None
        return Confirmed(match, waiting)

    async def _read_waiting(self, key: str) -> tuple[str, ...]:
        account = await self._listing.account()
        order = account.order_by_key.get(key)
        if order is not None:
            return await self._of_order(order)
        domain = await self._certcentral.domain(int(key.partition(":")[2]))
        return (domain.name,) if domain.is_pending and not states.domain_has_nothing(domain) else ()

    async def _of_order(self, order: Order) -> tuple[str, ...]:
        validation = await self._certcentral.order_validation(order.id)
        now = replace(order, status=validation.status or order.status)
        open_names = [entry for entry in validation.names if entry.is_open]
        try:
            by_email = [] if states.order_has_nothing(now) else states.only_email(now, validation, open_names)[0]
        except NothingToDo:
            by_email = []
        return tuple(dict.fromkeys(name.removeprefix("*.") for entry in by_email for name in entry.names))


def matching(account: Account, candidates: Sequence[Candidate]) -> tuple[Match, ...]:
    """The lines that candidates name and that may wait, each once, in the message's order."""
    found: dict[str, Match] = {}
    for candidate in candidates:
        for match in _matches(account, candidate):
            known = found.setdefault(match.line.key, match)
            if known.exactly and not match.exactly:
                found[match.line.key] = match
    return tuple(found.values())


def _matches(account: Account, candidate: Candidate) -> list[Match]:
    exactly = None
    match candidate.target:
        case WantedOrder(order_id):
            keys = [f"{Kind.ORDER}:{order_id}"]
        case WantedName(name):
            exactly = None if candidate.is_strong else name
            keys = [f"{Kind.ORDER}:{order.id}" for order in account.orders_by_name.get(name, ())]
            if not keys and (domain := _domain(account, name, candidate.is_strong)):
                opens = f"{Kind.DOMAIN}:{domain.id}" if domain.name == name else f"name:{name}"
                line = account.line_by_key[f"{Kind.DOMAIN}:{domain.id}"]
                return [Match(line, opens, candidate.where)]
    lines = [account.line_by_key[key] for key in keys if key in account.line_by_key]
    return [Match(line, line.key, candidate.where, exactly) for line in lines]


def _domain(account: Account, name: str, is_strong: bool) -> Domain | None:
    """The domain of this name that may wait for a mail, else, for a strong candidate, that of its nearest parent."""
    labels = name.split(".")
    for start in range(len(labels) if is_strong else 1):
        if domain := account.domain_by_name.get(".".join(labels[start:])):
            waits = domain.is_pending is not False and domain.method in {None, states.EMAIL}
            return domain if waits else None
    return None
