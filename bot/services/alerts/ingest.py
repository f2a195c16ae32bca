"""The way in for alerts: what may need an offer is written down before Slack is told that it arrived."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from attrs import define

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.parsing.certificate_words import is_about_certificates
from bot.parsing.mentions import Mention, find_mentions
from bot.parsing.message_authors import read_author
from bot.parsing.message_text import SpanKind, read_spans
from bot.parsing.targets import DomainRef
from bot.slack.client import Identity
from bot.store.alerts import Alert, Alerts

log = structlog.get_logger(__name__)

TOO_OLD = timedelta(hours=1)
MOST_AT_ONCE = 200
MOST_WAITING = 5000
_WORDS = {SpanKind.PROSE, SpanKind.CODE}


@define(eq=False, repr=False, slots=False)
class AlertIngester:
    """Takes messages of the channels that an owner of the bot listed; everything else it does not even read."""

    _channels: frozenset[str]
    _identity: Identity
    _alerts: Alerts
    _clock: Clock
    _most_waiting: int = MOST_WAITING

    def __attrs_post_init__(self) -> None:
        self._ours = tuple(filter(None, (self._identity.bot_id, self._identity.bot_user_id)))
        self._team_id = None if self._identity.enterprise_id else self._identity.team_id
        self._reading = asyncio.Lock()
        self._waiting: list[tuple[Alert, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self.arrived = asyncio.Event()
        """Set when there is something to look at."""

    async def ingest(self, channel_id: str, message: dict[str, Any]) -> None:
        """Return when the message is written down, if it names anything; safe to repeat, it is looked at once.

        Those that arrive together are written together: in a flood each alone would wait too long. StoreUnavailable
        when the database does not answer in time; then Slack delivers it again.
        """
        if channel_id not in self._channels or any(message.get(by) in self._ours for by in ("bot_id", "user")):
            return
        ts, now = str(message["ts"]), self._clock()
        author = read_author(message, self._team_id)
        if author is None or now - datetime.fromtimestamp(float(ts), UTC) > TOO_OLD:
            return
        async with self._reading:
            # The longest messages take some hundredths of a second, and a flood of them nobody should wait for.
            mentions, about_certificates = await asyncio.to_thread(_read, message)
        if mentions:
            await self._enqueue(Alert(channel_id, ts, now, mentions, author, about_certificates))

    async def _enqueue(self, alert: Alert) -> None:
        if len(self._waiting) >= self._most_waiting:
            raise StoreUnavailable("Too many alerts wait to be written down.")
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((alert, kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await kept

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: list[tuple[Alert, asyncio.Future[None]]]) -> None:
        error: Exception | None = None
        try:
            await self._alerts.add([alert for alert, _ in batch])
        except Exception as failure:
            error = failure
        for _, kept in batch:
            if kept.done():
                continue
            if error is None:
                kept.set_result(None)
            else:
                kept.set_exception(error)
        self.arrived.set()


def _read(message: dict[str, Any]) -> tuple[tuple[Mention, ...], bool]:
    """Return what an alert may name, and whether its words are about certificates or validation.

    An address behind a label was not written for people to read, so that it counts as little as the path of a link.
    """
    found = [replace(each, is_explicit=False) if each.is_link else each for each in find_mentions(message)]
    may_be_below = any(each.is_explicit and isinstance(each.target, DomainRef) for each in found)
    return tuple(found), may_be_below and _is_about_certificates(message)


def _is_about_certificates(message: dict[str, Any]) -> bool:
    """Addresses and the sender's own name do not say what a message is about."""
    words = (span.text for span in read_spans(message) if span.kind in _WORDS)
    return any(map(is_about_certificates, words))
