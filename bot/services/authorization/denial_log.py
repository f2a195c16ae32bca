"""The log of denials in the ledger: the first of each kind gets a row at once, equal ones are counted."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.errors import CommitUnknown, StoreUnavailable
from bot.models import LedgerEvent
from bot.store.ledger.entries import Entry, Ledger
from bot.store.schema import canonical_json, format_timestamp

log = structlog.get_logger(__name__)

SPAN = timedelta(hours=1)
# The number of different denials of one user within SPAN that get rows of their own.
MOST_KINDS = 20
MOST_PEOPLE = 1000
MOST_WAITING = 10_000
OTHERS = "other targets"
CLOSE_SECONDS = 0.5
_AT_ONCE = 100
_WORDS = ("subject", "text", "status", "history", "why")


@dataclass(slots=True)
class _Kind:
    """A denial that has a row, and how many equal ones followed."""

    first: Entry
    more: int = 0


@dataclass(slots=True)
class _Span:
    """The denials of one user since `began`.

    `beyond` counts those that exceed MOST_KINDS and have no row of their own.
    """

    began: datetime
    kinds: dict[Hashable, _Kind] = field(default_factory=dict)
    beyond: int = 0
    last: Entry | None = None

    def is_over(self, now: datetime) -> bool:
        """Return True if the span has lasted for SPAN, or if the clock was set back."""
        return not timedelta(0) <= now - self.began < SPAN

    def counts(self, now: datetime) -> list[Entry]:
        """Return the entries with the counts; empty if each denial has a row already."""
        rows = [_count(kind.first, now, kind.more) for kind in self.kinds.values() if kind.more]
        if self.last and self.beyond:
            reason = {name: self.last.detail[name] for name in ("action", "rule") if name in self.last.detail}
            others = Entry(LedgerEvent.DENIED, self.began, self.last.actor, detail={**reason, "text": OTHERS})
            rows.append(_count(others, now, self.beyond))
        return rows


class DenialLog:
    """A rate-limited writer of denials: at most 2 * MOST_KINDS + 1 rows for each user and SPAN.

    The counts are in memory until the span is over. A crash loses counts, but never a row that was written. Each
    instance counts for itself.
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, most_people: int = MOST_PEOPLE) -> None:
        self._ledger = ledger
        self._clock = clock
        self._most_people = most_people
        self._spans: dict[str, _Span] = {}
        self._waiting: list[Entry] = []
        self._in_doubt = False

    async def record(self, entry: Entry) -> None:
        """Append a denial if it is the first of its kind, else count it, without a database call.

        Raises StoreUnavailable if the database does not answer. The denial is then counted for the end of the span.
        """
        if not self.admits(entry):
            return
        try:
            await self._ledger.append(entry)
        except StoreUnavailable:
            # The kind is registered by now, so this second call counts the denial that could not be written.
            self.admits(entry)
            raise

    def admits(self, entry: Entry) -> bool:
        """Count a denial. Return True if it is the first of its kind, so that the caller must write its row."""
        span = self._span(entry.actor.user_id if entry.actor else "")
        key = _key(entry)
        if kind := span.kinds.get(key):
            kind.more += 1
            return False
        if len(span.kinds) >= MOST_KINDS:
            span.beyond += 1
            span.last = entry
            return False
        span.kinds[key] = _Kind(entry)
        return True

    async def settle(self) -> None:
        """Write the counts of the spans that are over. Raises StoreUnavailable; a later call writes the rest."""
        now = self._clock()
        for user_id in [user_id for user_id, span in self._spans.items() if span.is_over(now)]:
            self._end(user_id)
        await self._write()

    async def close(self) -> None:
        """Write all counts when the process stops.

        Counts that are not written within CLOSE_SECONDS are lost, and logged.
        """
        for user_id in list(self._spans):
            self._end(user_id)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._write()
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("counts of refusals are lost", rows=len(self._waiting), error=str(error))

    def _span(self, user_id: str) -> _Span:
        now = self._clock()
        span = self._spans.get(user_id)
        if span and not span.is_over(now):
            return span
        if span:
            self._end(user_id)
        elif len(self._spans) >= self._most_people:
            # Dicts iterate in insertion order, so this ends the oldest span and bounds the memory.
            self._end(next(iter(self._spans)))
        return self._spans.setdefault(user_id, _Span(now))

    def _end(self, user_id: str) -> None:
        self._waiting += self._spans.pop(user_id).counts(self._clock())
        if too_many := self._waiting[MOST_WAITING:]:
            log.warning("counts of refusals are lost", rows=len(too_many), error="too many wait for the database")
            del self._waiting[MOST_WAITING:]

    async def _write(self) -> None:
        while batch := self._waiting[:_AT_ONCE]:
            try:
                await self._ledger.append_all(batch, in_doubt=self._in_doubt)
            except CommitUnknown:
                # The rows may be in the ledger already: the next append must check that before it writes them.
                self._in_doubt = True
                raise
            self._in_doubt = False
            del self._waiting[: len(batch)]


def _key(entry: Entry) -> Hashable:
    """Return the key that equal denials of a user share: the event, the action, the rule and the target."""
    detail = entry.detail
    target = {name: detail[name] for name in ("names", "order", "calls") if detail.get(name)}
    words = {name: detail[name] for name in _WORDS if detail.get(name)}
    # Ids of forms, requests and offers do not count as targets, because each new view of a form has another id.
    return entry.event, canonical_json([detail.get("action"), detail.get("rule"), target or words])


def _count(first: Entry, now: datetime, more: int) -> Entry:
    """Return the entry that says how often a denial was repeated since its own row was written."""
    return replace(
        first, at=now, request_id=None, detail={**first.detail, "times": more, "since": format_timestamp(first.at)}
    )
