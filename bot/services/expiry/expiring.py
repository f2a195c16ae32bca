"""The domains whose validation ends soon, as far as one user may see them. Changes nothing."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import define

from bot.clock import Clock
from bot.errors import CaUnavailable, InvalidInput
from bot.expiry.calendar import Calendar
from bot.expiry.domain_expiry import DomainExpiry, ExpiryState, expiries, nearest_first
from bot.models import Actor, Destination, LastResend, domain_key
from bot.parsing.commands import EXPIRING_DAYS
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input
from bot.services.authorization.visibility import Visibility
from bot.services.lookup.account import AccountCache, AccountSnapshot
from bot.store.ledger.history import LastResends
from bot.views import expiring as views
from bot.views.blocks import Message, section
from bot.views.expiring import ExpiringPage, ExpiringRow


@define(eq=False, repr=False, slots=False)
class ExpiringReport:
    """The report of `/dcv-status expiring`, and a part of Home."""

    _authorizer: Authorizer
    _account_cache: AccountCache
    _last_resends: LastResends
    _calendar: Calendar
    _clock: Clock

    async def report(self, actor: Actor, destination: Destination | None, days: int, number: int = 0) -> Message:
        """Return one page of the domains that end within `days`, those that the user may see.

        Raises NotAllowed, after the denial is in the ledger, and PermissionUnknown if Slack could not answer.
        """
        about = {"status": "expiring", "channel": destination.channel_id if destination else ""}
        context = await self._authorizer.require(actor, Action.STATUS, about, resource_for_input(destination, None))
        asker = Visibility(actor, destination, context, Action.STATUS)
        asker.require_answer()
        try:
            account = await self._account_cache.recent()
        except CaUnavailable:
            account = None
        if account is None:
            words = "Can't load the domains right now. Try again in a minute."
            return Message(words, (section(words),))
        return views.page(await self._page(asker, account, days, number))

    async def turn(self, actor: Actor, destination: Destination | None, key: str) -> Message:
        """Return the page for a button."""
        days, _, number = key.partition(":")
        if not all(part.isascii() and part.isdecimal() and len(part) <= 6 for part in (days, number)):
            raise InvalidInput("This list has changed. Run `/dcv-status expiring` again.")
        return await self.report(actor, destination, int(days), int(number))

    async def nearest(self, asker: Visibility, account: AccountSnapshot, most: int) -> tuple[list[ExpiringRow], int]:
        """Return the first `most` domains that end within EXPIRING_DAYS, and how many there are."""
        found = await asyncio.to_thread(self._visible, asker, account, EXPIRING_DAYS)
        return await self._rows(asker, found[:most]), len(found)

    async def _page(self, asker: Visibility, account: AccountSnapshot, days: int, number: int) -> ExpiringPage:
        # In a thread, as thousands of domains under many rules would block the event loop.
        found = await asyncio.to_thread(self._visible, asker, account, days)
        pages = max(1, -(-len(found) // views.PER_PAGE))
        number = min(number, pages - 1)
        rows = await self._rows(asker, found[number * views.PER_PAGE :][: views.PER_PAGE])
        return ExpiringPage(days, number, pages, len(found), rows, account.read_at, account.unreadable)

    def _visible(self, asker: Visibility, account: AccountSnapshot, days: int) -> list[DomainExpiry]:
        now, window = self._clock(), timedelta(days=days)
        rows = expiries(account.domains, self._calendar, now)
        return nearest_first(row for row in rows if _ends_in(row, now, window) and asker.sees(row.domain.name))

    async def _rows(self, asker: Visibility, found: Sequence[DomainExpiry]) -> list[ExpiringRow]:
        last = await self._last_resends.last(domains=[row.domain.id for row in found])
        newest: dict[str, LastResend] = {}
        for key, resend in last.items():
            target = ":".join(key.split(":")[:2])
            if asker.sees(resend.name) and (target not in newest or newest[target].at < resend.at):
                newest[target] = resend
        return [self._row(asker, row, newest.get(domain_key(row.domain.id))) for row in found]

    def _row(self, asker: Visibility, row: DomainExpiry, last: LastResend | None) -> ExpiringRow:
        name, is_waiting = row.domain.name, row.state is ExpiryState.WAITING
        return ExpiringRow(
            row,
            last,
            row.renewed_until is not None and asker.may_revalidate_below(name),
            is_waiting and asker.may_resend_below(name),
        )


def _ends_in(row: DomainExpiry, now: datetime, window: timedelta) -> bool:
    """Return True if a validation ends within the window, or ended within as long a time before."""
    return row.end is not None and abs(row.end.at - now) <= window
