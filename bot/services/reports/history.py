"""The report of `/dcv-resend history`: authorizes the user and reads the ledger. Changes nothing."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from attrs import define

from bot.clock import Clock
from bot.errors import InvalidInput
from bot.models import Actor, Destination, LedgerEvent, PastRequest, TargetKey
from bot.parsing.commands import PersonRef
from bot.parsing.targets import TargetRef, target_ref_key
from bot.policy.rules import AccessContext, Action, Resource
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input, resource_for_past_request
from bot.services.authorization.visibility import Visibility
from bot.services.publishing.delivery import root_key
from bot.services.publishing.publisher import MessagePublisher
from bot.store.ledger.history import RequestHistory
from bot.timings import PRODUCTION, Timings
from bot.views import history as views
from bot.views.blocks import Message
from bot.views.history import PageLinks

# The most rows that are read for one page.
MOST_READ = 2000
_FIRST_READ, _NEXT_READ = 3 * views.PER_PAGE, 250
_PAGE_VALUE = re.compile(
    r"""
    ((?:order|name|user):[A-Za-z0-9._-]{1,253}|)  # the subject's key, or nothing for the requests of all
    \|(before|after)                              # towards older or newer rows
    :([0-9]{1,9})                                 # the ledger row from which the page begins
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The user who asks, the channel, and the rules that decide what the user may see."""

    actor: Actor
    destination: Destination | None
    context: AccessContext

    def sees(self, past: PastRequest) -> bool:
        """Return True if the user may see a past request: all of its names and orders, with any outcome.

        Users always see their own accepted requests, because the outcome was sent to them anyway. Their denied
        requests need the rules, because they may name what the user may not see. A denial without names is visible
        only to its own user.
        """
        is_own = past.user_id == self.actor.user_id
        if is_own and past.decision is not LedgerEvent.DENIED:
            return True
        resources = resource_for_past_request(self.destination, past)
        return all(map(self._may_see, resources)) if resources else is_own

    def _may_see(self, resource: Resource) -> bool:
        """Return True if the rules allow it. An order with unknown names needs a rule that allows the order itself."""
        if resource.resolved:
            return self.context.permits(Action.STATUS, resource)
        decision = self.context.decide(Action.STATUS, resource)
        return decision.allowed and any(rule.matches(None, resource, if_unknown=False) for rule in decision.by)

    def select(self, found: Sequence[PastRequest]) -> list[PastRequest]:
        """Return the requests that the user may see."""
        return [past for past in found if self.sees(past)]


@dataclass(frozen=True, slots=True)
class _Batch:
    """One batch of ledger rows: those that the user may see, and the number of the last row.

    `is_cut` means that the bound of rows is reached, although there may be more.
    """

    visible: list[PastRequest]
    last: int
    is_cut: bool


@dataclass(slots=True)
class _Lines:
    """The lines of a page in the order in which they are found. The next page begins behind row `until`, if any.

    All items of one plan share a line. If `shares` is True, all denials of one user share one too, so that they cannot
    fill a page.
    """

    shares: bool
    room: int = views.PER_PAGE
    lines: list[PastRequest] = field(default_factory=list)
    until: int | None = None

    def add(self, past: PastRequest) -> bool:
        """Add a request. Returns False if the page has no room for its line."""
        same = next((line for line in self.lines if _is_like(line, past, denials=self.shares)), None)
        if same is None and len(self.lines) == self.room:
            return False
        if same is None:
            self.lines.append(past)
        elif past.seq < same.seq:
            self.lines[self.lines.index(same)] = _merged(same, past)
        else:
            self.lines.remove(same)
            self.lines.append(_merged(past, same))
        return True


@dataclass(frozen=True, slots=True)
class _Page:
    """The lines of a page, the newest first, and the values of its buttons."""

    lines: tuple[PastRequest, ...]
    turn: PageLinks


@define(eq=False, repr=False, slots=False)
class HistoryReport:
    """The history of requests, for one user. Each method authorizes the user before it reads the ledger.

    Pages hold only what the user may see. An empty answer does not show if requests exist: its text and time are the
    same either way.
    """

    _authorizer: Authorizer
    _past: RequestHistory
    _publisher: MessagePublisher
    _clock: Clock
    _most_read: int = MOST_READ
    _timings: Timings = PRODUCTION

    async def report(
        self, actor: Actor, destination: Destination | None, about: TargetRef | PersonRef | None
    ) -> Message:
        """Return the newest requests for an order or a name, by a user, or of everyone.

        Raises NotAllowed, after the denial is in the ledger.
        """
        key = _key(about)
        wanted = None if isinstance(about, PersonRef) else about
        asker = await self._asker(actor, destination, key, resource_for_input(destination, wanted))
        return await self._answer(asker, key, None, is_older=True)

    async def page(self, actor: Actor, destination: Destination | None, value: str) -> Message:
        """Return the page of a button. Raises InvalidInput if its value is malformed, and NotAllowed."""
        asker = await self._asker(actor, destination, value[:200], resource_for_input(destination, None))
        if not (wanted := _PAGE_VALUE.fullmatch(value)):
            raise InvalidInput("This list has changed. Run `/dcv-resend history` again.")
        return await self._answer(asker, wanted[1], int(wanted[3]), is_older=wanted[2] == "before")

    async def newest(
        self, actor: Actor, destination: Destination, context: AccessContext, key: str, most: int
    ) -> list[PastRequest]:
        """Return at most `most` lines of the newest accepted requests that the user may see, without links.

        The caller must ask the authorizer first.
        """
        found = _Lines(shares=False, room=most)
        async for batch in self._batches(_Reader(actor, destination, context), key, None, is_older=True):
            accepted = [past for past in batch.visible if past.decision is LedgerEvent.ACCEPTED]
            # A plan that continues behind this batch still gets its other items, as far as they are read.
            if not all(map(found.add, accepted)) or (len(found.lines) == most and not found.lines[-1].plan):
                break
        return found.lines

    async def linked(self, actor: Actor, requests: Sequence[PastRequest]) -> list[PastRequest]:
        """Return the requests with a link to each thread, if the user may read it."""
        links = await asyncio.gather(*(self._link(actor, each) for each in requests))
        return [replace(each, link=link) for each, link in zip(requests, links, strict=True)]

    async def _asker(self, actor: Actor, destination: Destination | None, key: str, resource: Resource) -> _Reader:
        about = {"history": key or "all", "channel": destination.channel_id if destination else ""}
        context = await self._authorizer.require(actor, Action.STATUS, about, resource)
        Visibility(actor, destination, context, Action.STATUS).require_answer()
        return _Reader(actor, destination, context)

    async def _answer(self, asker: _Reader, key: str, seq: int | None, *, is_older: bool) -> Message:
        """Return the page on one side of a row, or the newest page if no newer row is left."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        page = await (self._page_before(asker, key, seq) if is_older else self._page_after(asker, key, seq or 0))
        if not page.lines and not is_older:
            page = await self._page_before(asker, key, None)
        if not page.lines:
            # A constant time, since the time taken would show if there are rows that the user may not see.
            await asyncio.sleep(began + self._timings.empty_history_delay - loop.time())
        return views.page(key, await self.linked(asker.actor, page.lines), page.turn)

    async def _page_before(self, asker: _Reader, key: str, seq: int | None) -> _Page:
        found = await self._lines(asker, key, seq, is_older=True)
        newer = None
        if seq and await self._is_any(asker, key, seq - 1, is_older=False):
            newer = f"{key}|after:{seq - 1}"
        older = f"{key}|before:{found.until}" if found.until is not None else None
        return _Page(tuple(found.lines), PageLinks(newer, older))

    async def _page_after(self, asker: _Reader, key: str, seq: int) -> _Page:
        found = await self._lines(asker, key, seq, is_older=False)
        is_older = await self._is_any(asker, key, seq + 1, is_older=True)
        newer = f"{key}|after:{found.until}" if found.until is not None else None
        older = f"{key}|before:{seq + 1}" if is_older else None
        return _Page(tuple(reversed(found.lines)), PageLinks(newer, older))

    async def _lines(self, asker: _Reader, key: str, seq: int | None, *, is_older: bool) -> _Lines:
        """Return the lines of the page on one side of a row, and the row behind which the next page begins."""
        found, at = _Lines(shares=not key.startswith("user:")), seq or 0
        batch = None
        async for batch in self._batches(asker, key, seq, is_older=is_older):
            for past in batch.visible:
                if not found.add(past):
                    found.until = at
                    return found
                at = past.seq
            at = batch.last
        # An empty page about one order, name or person must not show that there are rows.
        if batch and batch.is_cut and (found.lines or not key):
            found.until = at
        return found

    async def _is_any(self, asker: _Reader, key: str, seq: int, *, is_older: bool) -> bool:
        """Return True if the user may see any of the rows that are read for a page."""
        async for batch in self._batches(asker, key, seq, is_older=is_older):
            if batch.visible:
                return True
        return False

    async def _batches(self, asker: _Reader, key: str, seq: int | None, *, is_older: bool) -> AsyncIterator[_Batch]:
        """Yield the rows on one side of a row in batches, up to the bound of rows for a page."""
        number, size = 0, min(_FIRST_READ, self._most_read)
        while size and (rows := await self._rows(key, seq, size, is_older=is_older)):
            # In a thread, because many rules take tenths of a second for so many rows.
            visible = await asyncio.to_thread(asker.select, rows)
            number, seq, is_end = number + len(rows), rows[-1].seq, len(rows) < size
            size = 0 if is_end else min(_NEXT_READ, self._most_read - number)
            yield _Batch(visible, seq, is_cut=not is_end and size == 0)

    async def _rows(self, key: str, seq: int | None, size: int, *, is_older: bool) -> list[PastRequest]:
        """Return rows on one side of a row, the nearest first."""
        if is_older:
            return await self._past.before(key, seq, size)
        return (await self._past.after(key, seq or 0, size))[::-1]

    async def _link(self, actor: Actor, past: PastRequest) -> str | None:
        if past.request_id is None:
            return None
        return await self._publisher.link(
            root_key(past.plan or past.request_id), to_its_own=past.user_id == actor.user_id
        )


def _is_like(one: PastRequest, other: PastRequest, *, denials: bool) -> bool:
    """Return True if both are items of one plan or, if `denials` share a line, denials of the same user."""
    if one.plan or other.plan:
        return one.plan == other.plan
    return denials and one.decision is other.decision is LedgerEvent.DENIED and one.user_id == other.user_id


def _merged(newer: PastRequest, older: PastRequest) -> PastRequest:
    """Return the newer of two requests on one line, with the items or the number of denials that it replaces."""
    if newer.plan:
        return replace(newer, others=(*newer.others, replace(older, others=()), *older.others))
    return replace(newer, merged=newer.merged + older.merged + older.times)


def _key(about: TargetRef | PersonRef | None) -> str:
    match about:
        case None:
            return ""
        case PersonRef(user_id):
            return str(TargetKey("user", user_id))
        case _:
            return target_ref_key(about)
