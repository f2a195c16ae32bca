"""The current validation state of a request's names, by one read of its order or one read per domain."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

from bot.async_cache import cached
from bot.clock import Clock
from bot.digicert.client import CertCentral
from bot.expiry.calendar import Calendar, shipped_calendar
from bot.expiry.effective_end import end_of_domain
from bot.follow_up_schedule import NOT_SUBMITTED
from bot.models import (
    Call,
    Domain,
    DomainTarget,
    Expired,
    NameValidation,
    NeverValidated,
    Observation,
    OrderTarget,
    OrderValidation,
    ResendRequest,
    Valid,
)
from bot.parsing.domain_names import without_wildcard
from bot.services.lookup.eligibility import OVER
from bot.store.follow_ups import order_behind

Reading = tuple[datetime, OrderValidation]
Read = Callable[[int], Awaitable[Reading]]

# Calls of one request come due together, so those of the same order share one answer.
_SHARED_SECONDS = 1.0


class ValidationObserver:
    """A reader of validation states. Changes nothing. Its methods raise CaError if DigiCert does not give the data."""

    def __init__(self, certcentral: CertCentral, clock: Clock, calendar: Calendar | None = None) -> None:
        self._certcentral = certcentral
        self._clock = clock
        self._calendar = calendar or shipped_calendar()
        self._shared = cached(self._read, maxsize=256, ttl=_SHARED_SECONDS)

    async def observe_request(self, request: ResendRequest) -> dict[int, Observation]:
        """Return the current state of each call of a request that sends emails, by call number."""
        read = cached(self._read)
        return {number: await self._observe(request, number, read) for number, _ in request.emailing}

    async def observe_call(self, request: ResendRequest, number: int) -> Observation:
        """Return the state of one call, from an answer that is at most one second old."""
        return await self._observe(request, number, self._shared)

    async def _read(self, order_id: int) -> Reading:
        at = self._clock()
        return at, await self._certcentral.order_validation(order_id)

    async def _observe(self, request: ResendRequest, number: int, read: Read) -> Observation:
        call, order_id = request.calls[number], order_behind(request, number)
        if order_id is None:
            return await self._domain(call, None, request.at)
        at, validation = await read(order_id)
        over = validation.status if validation.status in OVER else None
        if isinstance(call.target, OrderTarget):
            return Observation(at, _validated(call.names, validation.names), over)
        mine = [entry for entry in validation.names if _is_of(entry, call.target)]
        # An entry that cannot be read may be about this domain, so read the domain itself then.
        if over or (mine and not validation.unreadable):
            closed = mine and not any(entry.is_open for entry in mine)
            return Observation(at, call.names if closed else (), over)
        return await self._domain(call, over, request.at)

    async def _domain(self, call: Call, over: str | None, since: datetime) -> Observation:
        """Return the state of a call by its domain, if it has no order or its order does not list the domain."""
        if not isinstance(call.target, DomainTarget):
            raise TypeError("only a domain can be looked at without an order")
        at = self._clock()
        domain = await self._certcentral.domain(call.target.domain_id)
        if _is_validated(domain, since):
            end = end_of_domain(domain, self._calendar)
            return Observation(at, call.names, over, *((end.at, end.reason.value) if end else ()))
        lapsed = isinstance(domain.validation, Expired | NeverValidated | Valid)
        return Observation(at, (), over or (NOT_SUBMITTED if lapsed else None))


def _is_validated(domain: Domain, since: datetime) -> bool:
    """Return True if nothing is pending for the domain, and its validation is newer than the resend or still valid.

    A domain that is merely not pending is not validated: its validation may have lapsed, or it was never submitted.
    """
    if domain.is_pending is not False:
        return False
    is_newer = domain.approved_at is not None and domain.approved_at >= since
    return is_newer or (isinstance(domain.validation, Valid) and not domain.validation.lapsed)


def _validated(names: Iterable[str], entries: Sequence[NameValidation]) -> tuple[str, ...]:
    """Return the names that DigiCert lists as validated. A name that it does not list does not count."""
    closed = {without_wildcard(name) for entry in entries if not entry.is_open for name in entry.names}
    still_open = {without_wildcard(name) for entry in entries if entry.is_open for name in entry.names}
    return tuple(name for name in names if without_wildcard(name) in closed - still_open)


def _is_of(entry: NameValidation, target: DomainTarget) -> bool:
    scope = without_wildcard(entry.name_scope)
    return entry.domain_id == target.domain_id and scope == without_wildcard(target.name_scope)
