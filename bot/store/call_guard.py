"""The last check before a call to DigiCert: the database must confirm that this process may still make it.

The `sending` row guards the start of an attempt. After that row is written, the process may be frozen or lose its
database before it writes the request. The other instances then consider it dead and end the call as unknown. If a user
now presses *Send again*, the first call must not go out as well.
"""

from collections.abc import Callable

import structlog
from attrs import define
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import seconds_since_boot
from bot.errors import StoreUnavailable
from bot.store.cluster.membership import Membership
from bot.store.database import Database
from bot.store.ledger.entries import has_ended

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 1.0
# The greatest age of an answer when the request is written. Together with HELD_SECONDS of `bot.digicert.send_guard` it
# is less than a lease: before the lease expires and others take over, the request has left this machine, or never will.
FRESH_SECONDS = 2.0
_TRIES = 3
_NO_ANSWER = "The database didn't confirm the email in time."
_TAKEN_FOR_DEAD = "The bot didn't respond for some seconds, so another instance took over."


class CallEnded(Exception):
    """Another process has ended the call."""


class NotConfirmed(StoreUnavailable):
    """The call must not be made now. Nothing of it has been written."""


@define(eq=False, repr=False, slots=False)
class Permit:
    """The right of this process to make one call. It can be lost at any time, so it is confirmed repeatedly."""

    _database: Database
    _membership: Membership
    _request_id: str
    _call_no: int
    _now: Callable[[], float]

    def __attrs_post_init__(self) -> None:
        self._term = self._membership.term
        self._confirmed_at = float("-inf")

    async def confirm(self) -> None:
        """Return if the call may be made at this moment. Cheap to repeat within FRESH_SECONDS.

        Raises CallEnded if another process has ended the call. Raises NotConfirmed if the database does not answer in
        time, or if the other instances have considered this process dead since the permit was made.
        """
        if self._now() - self._confirmed_at < FRESH_SECONDS:
            return
        for _ in range(_TRIES):
            asked_at = self._now()
            await self._ask()
            if self._now() - asked_at <= ANSWER_SECONDS:
                self._confirmed_at = asked_at
                return
        log.warning("the answer of the database was too old each time", request_id=self._request_id)
        raise NotConfirmed(_NO_ANSWER)

    async def confirm_in(self, transaction: AsyncConnection) -> None:
        """Confirm within the transaction that writes the `sending` row, so that a prompt call needs no second query.

        It counts only if that transaction is committed. It does not raise if this process is no longer a member:
        `confirm` does.
        """
        self._confirmed_at = float("-inf")
        asked_at = self._now()
        if await self._membership.renew(transaction) and self._membership.term == self._term:
            self._confirmed_at = asked_at

    async def _ask(self) -> None:
        try:
            async with self._database.write_unlocked(ANSWER_SECONDS) as connection:
                is_member = await self._membership.renew(connection)
                ended = await has_ended(connection, self._request_id, self._call_no)
        except StoreUnavailable as error:
            raise NotConfirmed(_NO_ANSWER) from error
        if ended:
            raise CallEnded
        if not is_member or self._membership.term != self._term:
            raise NotConfirmed(_TAKEN_FOR_DEAD)


@define(eq=False, repr=False, slots=False)
class CallGuard:
    """Factory of the permits of this process."""

    _database: Database
    _membership: Membership
    _now: Callable[[], float] = seconds_since_boot

    def permit(self, request_id: str, call_no: int) -> Permit:
        """Return a permit for a call. Create it before the call's `sending` row is written."""
        return Permit(self._database, self._membership, request_id, call_no, self._now)
