"""The digest worker: posts each digest once at its time, edits it while it is the newest, and warns in its thread."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog
from attrs import define

from bot.clock import Clock, ends_within
from bot.errors import BotError, SlackRejected
from bot.expiry.calendar import Calendar
from bot.expiry.digest_content import Coverage, DigestContent, cover, digest_content
from bot.expiry.digest_file import DigestRule
from bot.expiry.digest_schedule import LATEST, due_since
from bot.expiry.domain_expiry import count_domains
from bot.metrics import Metrics
from bot.models import Destination
from bot.services.expiry.digest_loader import DigestLoader
from bot.services.expiry.inventory import Inventory, InventoryReader
from bot.services.publishing.publisher import MessagePublisher
from bot.slack.chat import Chat
from bot.store.digests import POST, DigestRow, Digests, DigestState, WarningRow
from bot.store.retention import DIGEST_RETENTION
from bot.timings import PRODUCTION
from bot.views import digest as views
from bot.views.blocks import Message
from bot.views.digest import DigestExtras

log = structlog.get_logger(__name__)

# After LATEST a digest that waited for DigiCert is posted with what is known. The bot may be busy at that moment.
_GRACE = timedelta(minutes=15)
_LEAST_HORIZON = timedelta(days=30)

OwnerName = Callable[[str], Awaitable[str]]
Digest = tuple[DigestRule, DigestRow | None]


@define(eq=False, repr=False, slots=False)
class DigestWorker:
    """The worker of the leading instance. It reads from DigiCert, and never sends an email.

    Each message has a key that is saved before it is posted. So a crash, or a former leader that wakes up, causes no
    second one.
    """

    _loader: DigestLoader
    _inventory: InventoryReader
    _calendar: Calendar
    _digests: Digests
    _publisher: MessagePublisher
    _chat: Chat
    _owner_name: OwnerName
    _metrics: Metrics
    _clock: Clock
    _round_seconds: float = PRODUCTION.digest_round

    def __attrs_post_init__(self) -> None:
        self._woken = asyncio.Event()
        # Digests may be in Slack with buttons of which the settings no longer speak.
        self._may_have_open = True

    async def run(self) -> None:
        """Serve the digests until cancelled. Errors are logged, and the next round repeats what failed."""
        try:
            while True:
                self._woken.clear()
                try:
                    await self.run_once()
                except BotError as error:
                    log.warning("the digests are delayed", error=str(error))
                except Exception:
                    log.exception("the digests failed")
                await ends_within(self._round_seconds, self._woken.wait())
        finally:
            # Another instance counts now.
            self._metrics.show_domains(None)

    def wake(self) -> None:
        """Draw the digests again now."""
        self._woken.set()

    async def run_once(self) -> None:
        """Post what is due, edit what has changed, and warn."""
        rules = await self._loader.digests()
        begun = [(rule, await self._begin(rule)) for rule in rules]
        due = [row.due_at for _, row in begun if row and row.state is DigestState.DUE]
        horizon = max([_LEAST_HORIZON, *(timedelta(days=rule.horizon) for rule in rules)])
        inventory = await self._inventory.read(max(due, default=None), horizon)
        if inventory:
            self._metrics.show_domains(count_domains(inventory.rows, self._clock()))
        for digest in begun:
            try:
                await self._serve(digest, rules, inventory)
            except BotError as error:
                log.warning("a digest is delayed", channel=digest[0].channel, error=str(error))
        if rules or self._may_have_open:
            await self._close_earlier(rules)
        self._may_have_open = bool(rules)

    async def content(self, key: str, channel_id: str | None = None) -> tuple[DigestContent, DigestRow] | None:
        """Return the content of the digest with this message now; None if it is not the newest of its channel.

        With `channel_id`, return only a digest of that channel: keys can be guessed, and name other channels.
        """
        rules = await self._loader.digests()
        for rule in rules:
            if channel_id not in (None, rule.channel):
                continue
            row = await self._digests.newest(rule.channel)
            # A DUE one may be in Slack already, and is saved as POSTED in a moment.
            if row and row.post == key:
                inventory = await self._inventory.read(None, timedelta(days=rule.horizon))
                coverage = await self._coverage(rule, rules, inventory) if inventory else None
                return (await self._content(coverage, row), row) if coverage else None
        return None

    async def clean_up(self) -> None:
        """Delete digests after DIGEST_RETENTION, and snoozes that are over."""
        now = self._clock()
        await self._digests.prune(now - DIGEST_RETENTION, now)

    async def _begin(self, rule: DigestRule) -> DigestRow | None:
        """Return the newest digest of a channel, which begins now if it is due. One that is too late is missed."""
        now = self._clock()
        row, moment = await self._digests.newest(rule.channel), due_since(rule, now)
        if moment and (row is None or row.due_at < moment):
            row = await self._digests.begin(rule.channel, moment)
        if row and row.state is DigestState.DUE and now > row.due_at + LATEST + _GRACE:
            row = replace(row, state=DigestState.MISSED)
            await self._digests.save(row)
            log.warning("a digest was missed", channel=rule.channel, due_at=row.due_at)
        return row

    async def _serve(self, digest: Digest, rules: Sequence[DigestRule], inventory: Inventory | None) -> None:
        rule, row = digest
        coverage = await self._coverage(rule, rules, inventory) if inventory else None
        if row and row.state is DigestState.DUE:
            await self._post_if_ready(row, coverage, inventory, rules)
        elif row and row.state is DigestState.POSTED:
            await self._refresh(row, coverage, inventory)
        if coverage and (row is None or row.state is not DigestState.DUE):
            await self._warn(coverage)

    async def _coverage(self, rule: DigestRule, rules: Sequence[DigestRule], inventory: Inventory) -> Coverage:
        snoozed = {each.target for each in await self._digests.snoozes([rule.channel], self._clock())}
        # In a thread, as thousands of names are compared with the names of each digest.
        return await asyncio.to_thread(cover, rule, tuple(rules), inventory.rows, inventory.orders, snoozed)

    async def _content(self, coverage: Coverage, row: DigestRow) -> DigestContent:
        previous = await self._digests.newest_posted(row.channel_id, row.due_at)
        return digest_content(
            coverage, self._calendar, row.due_at, self._clock(), previous.due_at if previous else None
        )

    async def _draw(self, row: DigestRow, coverage: Coverage | None, inventory: Inventory | None) -> Message:
        if coverage is None or inventory is None:
            return views.no_data(row.due_at)
        owner = coverage.rule.owner
        extras = DigestExtras(
            row.post,
            inventory.last,
            await self._owner_name(owner) if owner else "",
            inventory.unreadable,
            inventory.read_at if inventory.read_at < row.due_at else None,
        )
        return views.digest(await self._content(coverage, row), extras, self._clock())

    async def _post_if_ready(
        self, row: DigestRow, coverage: Coverage | None, inventory: Inventory | None, rules: Sequence[DigestRule]
    ) -> None:
        """Post a digest with data of its own time. If DigiCert does not answer until LATEST, post what is known."""
        is_fresh = inventory is not None and inventory.read_at >= row.due_at
        if not is_fresh and self._clock() < row.due_at + LATEST:
            return
        message = await self._draw(row, coverage, inventory)
        reason = await self._closed_reason(row.channel_id) or await self._publish(row.post, row.channel_id, message)
        if reason:
            await self._block(row, reason, rules)
            return
        await self._digests.save(replace(row, state=DigestState.POSTED, body=views.body_of(message)))
        log.info("a digest was posted", channel=row.channel_id, due_at=row.due_at)

    async def _refresh(self, row: DigestRow, coverage: Coverage | None, inventory: Inventory | None) -> None:
        """Edit the newest digest if it has changed and its channel is open. Withdraw it if that became shared."""
        body, reason = row.body, await self._closed_reason(row.channel_id)
        if inventory and not reason:
            message = await self._draw(row, coverage, inventory)
            body = views.body_of(message)
            reason = await self._publish(row.post, row.channel_id, message) if body != row.body else ""
        if reason:
            log.warning("a digest is no longer updated", channel=row.channel_id, error=reason)
            await self._withdraw(row.channel_id)
            await self._digests.save(replace(row, state=DigestState.BLOCKED))
        elif body != row.body:
            await self._digests.save(replace(row, body=body))

    async def _publish(self, key: str, channel_id: str, message: Message, thread_ts: str | None = None) -> str:
        """Post or edit a message. Return Slack's error if it rejects that for good, or an empty text."""
        try:
            await self._publisher.publish(key, Destination(channel_id, thread_ts), message, None, is_urgent=False)
        except SlackRejected as error:
            return error.code
        return ""

    async def _closed_reason(self, channel_id: str) -> str:
        """Return why no digest may be posted in a channel, or an empty text.

        A bot that was removed may still be allowed to post in public channels, but is not wanted there. Raises
        SlackUnavailable if Slack cannot be reached, or does not accept the token: that says nothing about the channel.
        """
        if reason := await self._publisher.blocked_reason(Destination(channel_id)):
            return reason
        try:
            channel = await self._chat.channel(channel_id)
        except SlackRejected as error:
            return error.code
        if channel.is_archived:
            return "is_archived"
        return "" if channel.is_member else "not_in_channel"

    async def _block(self, row: DigestRow, reason: str, rules: Sequence[DigestRule]) -> None:
        """Report once in the default digest's channel that a digest cannot be posted. Its content goes to no one."""
        log.warning("a digest can't be posted", channel=row.channel_id, error=reason)
        default = next((rule.channel for rule in rules if rule.names is None), row.channel_id)
        if default != row.channel_id and not await self._closed_reason(default):
            key = f"{POST}{default}.{_short_hash(row.post)}"
            if error := await self._publish(key, default, views.cannot_post(row.channel_id)):
                log.warning("that couldn't be reported", channel=default, error=error)
        await self._withdraw(row.channel_id)
        await self._digests.save(replace(row, state=DigestState.BLOCKED))

    async def _withdraw(self, channel_id: str) -> None:
        """Replace the digests and warnings of a channel by a neutral line if it became shared."""
        for key in await self._digests.posts(channel_id):
            await self._publisher.withdraw(key)

    async def _close_earlier(self, rules: Sequence[DigestRule]) -> None:
        """Remove the buttons of digests that are not the newest of their channel."""
        rows = await self._digests.with_buttons()
        newest = {row.channel_id: row for row in rows if any(row.channel_id == rule.channel for rule in rules)}
        for row in rows:
            if newest.get(row.channel_id) == row or row.body is None:
                continue
            if error := await self._publish(row.post, row.channel_id, views.closed(row.body)):
                log.info("an earlier digest could not be closed", channel=row.channel_id, error=error)
            await self._digests.save(replace(row, state=DigestState.CLOSED))

    async def _warn(self, coverage: Coverage) -> None:
        """Warn of each domain that ends soon, once on each day on which a warning is due."""
        now, rule = self._clock(), coverage.rule
        today = now.astimezone(rule.timezone).date()
        due = {row.domain.id: row for row in coverage.warnings(now)}
        if new := sorted(due.keys() - await self._digests.warned(rule.channel, today)) if due else []:
            post = f"{POST}{rule.channel}.w{_short_hash(f'{today}:{new}')}"
            await self._digests.claim_warnings(rule.channel, today, new, post)
        for warning in await self._digests.unposted_warnings(rule.channel):
            rows = [due[each] for each in warning.domain_ids if each in due]
            if rows and warning.day == today:
                await self._post_warning(warning, views.warning(rule, rows, now))
            await self._digests.mark_warned(warning.post, self._clock())

    async def _post_warning(self, warning: WarningRow, message: Message) -> None:
        """Post a warning in the thread of the newest digest, or in the channel if there is none."""
        row = await self._digests.newest_posted(warning.channel_id)
        post = await self._publisher.post_of(row.post) if row else None
        thread_ts = post.thread.thread_ts if post and post.ts else None
        reason = await self._closed_reason(warning.channel_id)
        reason = reason or await self._publish(warning.post, warning.channel_id, message, thread_ts)
        if reason:
            log.warning("a warning can't be posted", channel=warning.channel_id, error=reason)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
