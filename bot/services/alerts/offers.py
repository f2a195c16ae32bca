"""The offers in alert channels: one worker triages each alert in order, and publishes its offer."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import structlog
from attrs import define

from bot.clock import Clock, ends_within
from bot.errors import BotError, CaError, InvalidInput, SlackRejected, SlackUnavailable
from bot.models import Actor, Destination, Offer, OfferTarget
from bot.policy.rules import Action
from bot.services.alerts.authors import AlertAuthors, AuthorPermission, AuthorUnclear
from bot.services.alerts.ingest import AlertIngester
from bot.services.alerts.offer_refresh import OfferRefresher
from bot.services.alerts.triage import (
    OFFER_LIFETIME,
    SPAN,
    Triage,
    is_rate_limited,
    one_per_email,
    triage,
    without_offer,
)
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input, resources_for_entry, resources_for_offer_target
from bot.services.lookup.pending_mentions import ConfirmedMention, MentionMatch, PendingMentions, distance
from bot.services.publishing.delivery import root_key
from bot.services.publishing.publisher import MessagePublisher
from bot.slack.chat import Chat
from bot.store import alerts as alert_rows
from bot.store import offers as offer_rows
from bot.store.alerts import Alert, Alerts
from bot.store.database import Database
from bot.store.offers import POST, ChannelOffers, Offers
from bot.store.retention import ALERT_MAX_AGE, ALERT_RETENTION, OFFER_RETENTION
from bot.timings import PRODUCTION
from bot.views import alert_offers as views
from bot.views.blocks import Message

log = structlog.get_logger(__name__)

AT_ONCE = 100
EDIT_SECONDS = 10.0
# Fewer than what the edit limiter leaves to background work, so that alerts seldom wait for it.
MOST_EDITS = 3
IDLE_SECONDS = 60.0
# Slack takes about fifty edits a minute.
MOST_WITHDRAWN = 20
MOST_PUT_OFF = 3
LONGEST_PAUSE = 300.0
_EXPIRED = "This suggestion has expired. Use `/dcv-resend` instead."


@define(eq=False, repr=False, slots=False)
class OfferWorker:
    """The worker that triages alerts and publishes offers. It reads from DigiCert and never sends.

    The bot's owner grants these reads by configuring the alert channels. Only the leading instance runs the worker. If
    a former leader wakes up after a freeze, its transaction finds the alert done or the offers changed. It then writes
    nothing.
    """

    _channels: frozenset[str]
    _alert_ingester: AlertIngester
    _authorizer: Authorizer
    _pending_mentions: PendingMentions
    _chat: Chat
    _publisher: MessagePublisher
    _database: Database
    _alerts: Alerts
    _offers: Offers
    _clock: Clock
    _authors: AlertAuthors
    _refresher: OfferRefresher
    _retry_seconds: float = PRODUCTION.offer_retry_delay
    _poll_seconds: float = IDLE_SECONDS
    _refresh_seconds: float = PRODUCTION.offer_refresh

    def __attrs_post_init__(self) -> None:
        self._next_edits = 0.0
        self._failed: dict[str, tuple[int, float]] = {}
        self._unclear: dict[str, float] = {}

    async def run(self) -> None:
        """Publish changed offers and process new alerts until cancelled.

        Errors are logged and retried, and a restart loses nothing. Alerts that another instance received are found
        every `poll_seconds`.
        """
        while True:
            self._alert_ingester.arrived.clear()
            try:
                pause = min(await self.run_once(), self._poll_seconds)
            except Exception as error:
                _log_failure(error)
                await asyncio.sleep(max(self._retry_seconds, getattr(error, "retry_after", None) or 0.0))
            else:
                await ends_within(pause, self._alert_ingester.arrived.wait())

    async def run_once(self) -> float:
        """Publish offers and process alerts once. Returns the seconds until there may be more to do.

        An alert that DigiCert does not answer for waits for the next round, and the others are processed. So does an
        alert with an author that Slack cannot identify now. Raises CaError if DigiCert fails for more than
        MOST_PUT_OFF alerts.
        """
        is_watching = await self._refresher.refresh()
        is_behind = await self._publish_all()
        put_off: list[Alert] = []
        unclear = 0
        while unread := await self._unread(put_off, apps_only=unclear >= MOST_PUT_OFF):
            for alert in unread:
                try:
                    await self._find_targets(alert)
                except AuthorUnclear:
                    self._ask_later(alert)
                    unclear += 1
                    break
                except CaError:
                    if len(put_off) == MOST_PUT_OFF:
                        raise
                    put_off.append(alert)
            is_behind = True
        pause = EDIT_SECONDS if is_behind else IDLE_SECONDS
        if self._unclear:
            pause = min(self._retry_seconds, EDIT_SECONDS)
        return min(pause, self._refresh_seconds) if is_watching else pause

    async def _unread(self, put_off: Collection[Alert], *, apps_only: bool) -> list[Alert]:
        """Return the next alerts: all of apps, else one of a person, since an app's alert may arrive meanwhile."""
        now = asyncio.get_running_loop().time()
        self._unclear = {user_id: until for user_id, until in self._unclear.items() if until > now}
        only = self._authors.known_apps if apps_only else None
        unread = await self._alerts.unread(AT_ONCE, without=self._unclear, only=only)
        left = [alert for alert in unread if alert not in put_off]
        return [alert for alert in left if alert.author and alert.author.bot_id] or left[:1]

    def _ask_later(self, alert: Alert) -> None:
        if alert.author and alert.author.user_id:
            self._unclear[alert.author.user_id] = asyncio.get_running_loop().time() + self._retry_seconds

    async def snooze(self, actor: Actor, offer_id: str) -> None:
        """Snooze the targets of an offer in its channel for a day. Safe to repeat.

        Raises NotAllowed if the user may not resend them, and InvalidInput if the offer or its channel is closed.
        """
        about = {"offer": offer_id[:32]}
        await self._authorizer.require(actor, Action.RESEND, about)
        offer = await self._offers.get(offer_id)
        if offer is None:
            raise InvalidInput(_EXPIRED)
        for target in offer.with_button:
            await self._authorizer.require(
                actor, Action.RESEND, about, resources_for_offer_target(offer.destination, target)
            )
        if not await self._publisher.is_open(offer.destination):
            await self._publisher.withdraw(f"{POST}{offer.id}")
            raise InvalidInput("I no longer make suggestions in this channel. Use `/dcv-resend` instead.")
        now = self._clock()
        if offer.snoozed_until is None or offer.snoozed_until <= now:
            await self._offers.snooze(offer, actor.user_id, now + OFFER_LIFETIME)
            log.info("not now", offer=offer_id, user=actor.user_id)
        await self._publish(offer_id, is_urgent=True)

    async def without_button(self, offer_id: str) -> tuple[OfferTarget, ...]:
        """Return the targets of an offer that got no button. Raises InvalidInput if the offer is unknown by now."""
        offer = await self._offers.get(offer_id)
        if offer is None:
            raise InvalidInput(_EXPIRED)
        return offer.without_button

    async def withdraw(self) -> None:
        """Replace offers in channels that became shared by a neutral line, MOST_WITHDRAWN at a time. Safe to repeat.

        A shared channel brings no new alerts, so no later edit of its offers would notice the sharing.
        """
        for channel_id in await self._offers.channels():
            try:
                if await self._chat.is_shared(Destination(channel_id)):
                    await self._withdraw_from(channel_id)
            except (SlackRejected, SlackUnavailable) as error:
                log.warning("offers may have to be withdrawn later", channel=channel_id, error=str(error))

    async def _withdraw_from(self, channel_id: str) -> None:
        offer_ids = await self._offers.posted(channel_id, MOST_WITHDRAWN)
        log.info("withdrawing offers from a shared channel", channel=channel_id, offers=len(offer_ids))
        for offer_id in offer_ids:
            await self._publisher.withdraw(f"{POST}{offer_id}")

    async def clean_up(self) -> None:
        """Delete alerts after two hours and offers after two days. Slack does not redeliver messages that old."""
        now = self._clock()
        self._failed.clear()
        await self._alerts.tidy(now - ALERT_RETENTION)
        await self._offers.tidy(now - OFFER_RETENTION, now)

    async def _find_targets(self, alert: Alert) -> None:
        try:
            await self._process(alert)
        except BotError:
            raise
        except Exception:
            log.exception("an alert could not be read; it gets no offer", channel=alert.channel_id, ts=alert.ts)
            await self._alerts.done([alert])

    async def _process(self, alert: Alert) -> None:
        """Triage an alert. Save the result and the fact that the alert is done in one transaction."""
        permission = await self._permission(alert)
        matches = await self._matches(alert, permission) if permission else ()
        if not permission or not matches:
            await self._alerts.done([alert])
            return
        named = {match.line.key: match for match in matches}
        now = self._clock()
        known = await self._offers.channel_state(alert.channel_id, permission.key, named, now, now - SPAN)
        named, waiting = await self._waiting(alert, named, known, permission)
        keys = {match.line.key for match in matches}.union(*(target.emails for target in waiting.values()))
        known = await self._offers.channel_state(alert.channel_id, permission.key, keys, now, now - SPAN)
        verdict = triage(list(named), waiting, known)
        targets = one_per_email([waiting[key] for key in verdict.offered])
        offer = _offer(alert, targets, now, permission)
        if not await self._write(alert, verdict, offer, known, keys):
            log.warning("another process looks at alerts; looking again", channel=alert.channel_id, ts=alert.ts)
            return
        if offer.targets:
            log.info("offered", channel=alert.channel_id, targets=[target.key for target in offer.targets])
            await self._publish_soon(offer.id)

    async def _permission(self, alert: Alert) -> AuthorPermission | None:
        """Return the permission of an alert's author, or None if the alert is too old or its channel is shared.

        Raises AuthorUnclear if Slack cannot identify the author now.
        """
        if alert.channel_id not in self._channels or alert.author is None or self._clock() - alert.at > ALERT_MAX_AGE:
            return None
        try:
            if await self._chat.is_shared(Destination(alert.channel_id)):
                return None
        except SlackRejected as error:
            log.warning("a channel of alerts cannot be seen", channel=alert.channel_id, error=error.code)
            return None
        permission = await self._authors.permission(alert.author, Destination(alert.channel_id))
        if permission is None:
            log.info("the author of an alert may not cause offers", channel=alert.channel_id, user=alert.author.user_id)
        return permission

    async def _matches(self, alert: Alert, permission: AuthorPermission) -> Sequence[MentionMatch]:
        """Return the account entries that an alert mentions and its author may ask about, exact matches first."""
        destination = Destination(alert.channel_id)
        mentions = [
            each for each in alert.mentions if permission.allows_any([resource_for_input(destination, each.target)])
        ]
        if not mentions:
            return ()
        matches = await self._pending_mentions.matches(mentions)
        allowed = [match for match in matches if permission.allows_any(resources_for_entry(destination, match.line))]
        return sorted(allowed, key=distance)

    async def _waiting(
        self, alert: Alert, named: dict[str, MentionMatch], known: ChannelOffers, permission: AuthorPermission
    ) -> tuple[dict[str, MentionMatch], dict[str, OfferTarget]]:
        """Return the mentioned targets, and those that are pending and not offered yet, by target key.

        A parent domain counts only if the alert is about certificates and mentions nothing that is pending itself.
        """
        itself = {key: match for key, match in named.items() if not match.is_parent}
        waiting = await self._confirmed(alert, itself, known, permission)
        if waiting or not alert.about_certificates or any(key in known.open for key in itself):
            return itself, waiting
        parents = {key: match for key, match in named.items() if match.is_parent}
        return named, await self._confirmed(alert, parents, known, permission)

    async def _confirmed(
        self, alert: Alert, named: Mapping[str, MentionMatch], known: ChannelOffers, permission: AuthorPermission
    ) -> dict[str, OfferTarget]:
        """Return the pending targets that were not offered yet, by target key.

        If the author is rate limited, only the account list decides, without further calls to DigiCert.
        """
        new = [named[key] for key in without_offer(list(named), known)]
        if is_rate_limited(known):
            return {match.line.key: _offered(ConfirmedMention(match, ())) for match in new if match.line.waiting}
        found = [_offered(each) for each in [await self._pending_mentions.confirm(match) for match in new] if each]
        destination = Destination(alert.channel_id)
        return {
            each.key: each for each in found if permission.allows_all([resources_for_offer_target(destination, each)])
        }

    async def _write(
        self, alert: Alert, verdict: Triage, offer: Offer, known: ChannelOffers, keys: Collection[str]
    ) -> bool:
        """Save a triage in one transaction. Returns False, and writes nothing, if another process wrote meanwhile."""
        until = offer.at + OFFER_LIFETIME
        async with self._database.write() as transaction:
            known_now = await offer_rows.channel_state(
                transaction, alert.channel_id, offer.author or "", keys, offer.at, offer.at - SPAN
            )
            if known_now != known or not await alert_rows.done(transaction, alert):
                return False
            if verdict.counted:
                await offer_rows.count(transaction, verdict.counted)
            if offer.targets:
                await offer_rows.create(transaction, offer, until)
            elif verdict.summarised and known.summary:
                await offer_rows.count(transaction, [known.summary])
            elif verdict.summarised:
                await offer_rows.create(transaction, _summary(alert, offer), until)
        return True

    async def _publish_all(self) -> bool:
        """Post new offers, and edit at most MOST_EDITS changed ones every EDIT_SECONDS. Return True if any is left."""
        behind = await self._offers.unpublished(AT_ONCE, without=self._postpone())
        edits = [offer for offer in behind if offer.published_version]
        await self._publish_each([offer.id for offer in behind if not offer.published_version])
        now = asyncio.get_running_loop().time()
        if edits and now >= self._next_edits:
            self._next_edits = now + EDIT_SECONDS
            await self._publish_each([offer.id for offer in edits[:MOST_EDITS]])
            edits = edits[MOST_EDITS:]
        return bool(edits or self._failed)

    def _postpone(self) -> list[str]:
        """Return the ids of offers that failed and are not due for a retry yet."""
        now = asyncio.get_running_loop().time()
        return [offer_id for offer_id, (_, again_at) in self._failed.items() if again_at > now]

    async def _publish_each(self, offer_ids: Sequence[str]) -> None:
        """Publish offers. A failed one does not block the others.

        Raises SlackUnavailable after MOST_PUT_OFF failures.
        """
        failures = 0
        for offer_id in offer_ids:
            if error := await self._publish_soon(offer_id):
                failures += 1
                if failures == MOST_PUT_OFF:
                    raise error

    async def _publish_soon(self, offer_id: str) -> SlackUnavailable | None:
        """Publish an offer, or return the error of Slack. The pause before a retry grows with each failure in a row."""
        try:
            await self._publish(offer_id)
        except SlackUnavailable as error:
            times, _ = self._failed.get(offer_id, (0, 0.0))
            pause = max(error.retry_after, min(LONGEST_PAUSE, self._retry_seconds * (2**times - 1)))
            self._failed[offer_id] = times + 1, asyncio.get_running_loop().time() + pause
            log.warning("an offer could not be shown yet", offer=offer_id, error=str(error), seconds=pause)
            return error
        self._failed.pop(offer_id, None)
        return None

    async def _publish(self, offer_id: str, *, is_urgent: bool = False) -> None:
        """Publish the current version of an offer. Raises SlackUnavailable if Slack cannot be reached.

        Only what a person is waiting for `is_urgent`.
        """
        offer = await self._offers.get(offer_id)
        if offer is None or offer.published_version == offer.version:
            return
        drawn = offer

        async def draw() -> Message:
            nonlocal drawn
            drawn = await self._offers.get(offer_id) or drawn
            return views.offer(drawn, await self._links(drawn)) if drawn.targets else views.summary(drawn, SPAN)

        try:
            await self._publisher.publish(f"{POST}{offer.id}", offer.destination, draw, None, is_urgent=is_urgent)
        except SlackRejected as error:
            log.warning("an offer cannot be shown", channel=offer.destination.channel_id, error=error.code)
            if not offer.published_version:
                await self._offers.withdraw(offer)
        await self._offers.mark_published(drawn)

    async def _links(self, offer: Offer) -> dict[str, str]:
        """Return the links to the threads of later resends, by request id."""
        request_ids = {target.resend.request_id for target in offer.with_button if target.resend}
        links = {request_id: await self._publisher.link(root_key(request_id)) for request_id in request_ids}
        return {request_id: link for request_id, link in links.items() if link}


def _offer(alert: Alert, targets: Sequence[OfferTarget], now: datetime, permission: AuthorPermission) -> Offer:
    """Return one offer for all targets of an alert. Its id is derived from the alert, so that it is made only once."""
    destination = Destination(alert.channel_id, alert.ts)
    return Offer(_id(alert), destination, now, tuple(targets), author=permission.key)


def _summary(alert: Alert, offer: Offer) -> Offer:
    return Offer(_id(alert), Destination(alert.channel_id), offer.at, repeat_count=1, author=offer.author)


def _id(alert: Alert) -> str:
    return hashlib.sha256(f"{alert.channel_id}:{alert.ts}".encode()).hexdigest()[:16]


def _offered(confirmed: ConfirmedMention) -> OfferTarget:
    match = confirmed.match
    return OfferTarget(match.line.key, match.opens, confirmed.waiting, match.line.since, confirmed.emails)


def _log_failure(error: Exception) -> None:
    if isinstance(error, BotError):
        log.warning("alerts must wait", error=str(error))
    else:
        log.error("alerts must wait", exc_info=error)
