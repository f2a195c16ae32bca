"""The ingestion of alerts: a message that may need an offer is saved before the bot acknowledges it to Slack."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
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
from bot.store.retention import ALERT_MAX_AGE

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 200
MOST_WAITING = 5000
_WORDS = {SpanKind.PROSE, SpanKind.CODE}


@define(eq=False, repr=False, slots=False)
class AlertIngester:
    """The receiver of messages from the configured alert channels. Messages of other channels are not even read."""

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
        """Set when there may be new alerts to process."""

    async def ingest(self, channel_id: str, message: dict[str, Any]) -> None:
        """Save a message if it mentions anything, and return when it is stored.

        Safe to repeat: the message is processed once. Messages that arrive together are saved in one batch, because
        one by one a flood would take too long.

        Raises StoreUnavailable if the database does not answer in time, or too many wait. Slack then delivers it again.
        """
        if channel_id not in self._channels or any(message.get(by) in self._ours for by in ("bot_id", "user")):
            return
        ts, now = str(message["ts"]), self._clock()
        author = read_author(message, self._team_id)
        if author is None or now - datetime.fromtimestamp(float(ts), UTC) > ALERT_MAX_AGE:
            return
        async with self._reading:
            # The longest messages take some hundredths of a second each, so a flood would block the event loop.
            mentions, about_certificates = await asyncio.to_thread(_read, message)
        if mentions:
            await self._enqueue(Alert(channel_id, ts, now, mentions, author, about_certificates))

    async def _enqueue(self, alert: Alert) -> None:
        if len(self._waiting) >= self._most_waiting:
            raise StoreUnavailable("Too many alerts wait to be written down.")
        saved = asyncio.get_running_loop().create_future()
        self._waiting.append((alert, saved))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await saved

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
        for _, saved in batch:
            # The caller may have been cancelled meanwhile, which ended its future.
            if saved.done():
                continue
            if error is None:
                saved.set_result(None)
            else:
                saved.set_exception(error)
        self.arrived.set()


def _read(message: dict[str, Any]) -> tuple[tuple[Mention, ...], bool]:
    """Return the mentions of an alert, and True if its words are about certificates or validation.

    The URL behind a link's label was not written for people to read, so its mentions are not explicit.
    """
    found = [replace(each, is_explicit=False) if each.is_link else each for each in find_mentions(message)]
    may_be_below = any(each.is_explicit and isinstance(each.target, DomainRef) for each in found)
    return tuple(found), may_be_below and _is_about_certificates(message)


def _is_about_certificates(message: dict[str, Any]) -> bool:
    """Return True if the prose or code of a message is about certificates. URLs and the sender's name do not count."""
    words = (span.text for span in read_spans(message) if span.kind in _WORDS)
    return any(map(is_about_certificates, words))
