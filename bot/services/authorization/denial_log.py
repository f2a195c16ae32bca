"""Refusals on their way into the ledger: the first of its kind is a row at once, equal ones are counted."""

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
# So many different refusals of one person within the span get rows of their own.
MOST_KINDS = 20
MOST_PEOPLE = 1000
MOST_WAITING = 10_000
OTHERS = "other targets"
CLOSE_SECONDS = 0.5
_AT_ONCE = 100
_WORDS = ("subject", "text", "status", "history", "why")


@dataclass(slots=True)
class _Kind:
    """A refusal that has a row, and how many equal ones came after it."""

    first: Entry
    more: int = 0


@dataclass(slots=True)
class _Span:
    """The refusals of one person since `began`; `beyond` counts those that are too many for rows of their own."""

    began: datetime
    kinds: dict[Hashable, _Kind] = field(default_factory=dict)
    beyond: int = 0
    last: Entry | None = None

    def is_over(self, now: datetime) -> bool:
        """Return if it has lasted for SPAN; also if the clock was set back."""
        return not timedelta(0) <= now - self.began < SPAN

    def counts(self, now: datetime) -> list[Entry]:
        """Return the rows with the counts; none if each refusal has a row already."""
        rows = [_count(kind.first, now, kind.more) for kind in self.kinds.values() if kind.more]
        if self.last and self.beyond:
            reason = {name: self.last.detail[name] for name in ("action", "rule") if name in self.last.detail}
            others = Entry(LedgerEvent.DENIED, self.began, self.last.actor, detail={**reason, "text": OTHERS})
            rows.append(_count(others, now, self.beyond))
        return rows


class DenialLog:
    """Writes refusals, at most 2 * MOST_KINDS + 1 rows for each person and SPAN, however many there are.

    The counts are in memory until the span is over. A crash loses them, and never a row that was written. Each
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
        """Append a refusal if it is the first of its kind, else count it; a counted one costs no call.

        Raises StoreUnavailable if the database does not answer; then the refusal is counted, for the end of the span.
        """
        if not self.admits(entry):
            return
        try:
            await self._ledger.append(entry)
        except StoreUnavailable:
            self.admits(entry)
            raise

    def admits(self, entry: Entry) -> bool:
        """Count a refusal, and return if it is the first of its kind, whose row the caller must write."""
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
        """Write the counts of the spans that are over; StoreUnavailable leaves the rest for the next time."""
        now = self._clock()
        for user_id in [user_id for user_id, span in self._spans.items() if span.is_over(now)]:
            self._end(user_id)
        await self._write()

    async def close(self) -> None:
        """Write all counts, for a process that stops; what is not written in CLOSE_SECONDS is lost, and logged."""
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
                self._in_doubt = True
                raise
            self._in_doubt = False
            del self._waiting[: len(batch)]


def _key(entry: Entry) -> Hashable:
    """Return what equal refusals of a person share: the event, the action, the rule and the target."""
    detail = entry.detail
    target = {name: detail[name] for name in ("names", "order", "calls") if detail.get(name)}
    words = {name: detail[name] for name in _WORDS if detail.get(name)}
    # The ids of forms, requests and offers are no targets: each drawing of a form has another one.
    return entry.event, canonical_json([detail.get("action"), detail.get("rule"), target or words])


def _count(first: Entry, now: datetime, more: int) -> Entry:
    """Return the row that says how often a refusal came again since its own row was written."""
    return replace(
        first, at=now, request_id=None, detail={**first.detail, "times": more, "since": format_timestamp(first.at)}
    )
