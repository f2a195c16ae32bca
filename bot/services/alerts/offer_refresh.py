"""The refresh of offers: what became of their targets since, so that an offer is never out of date for long."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from attrs import define, field

from bot.clock import Clock
from bot.errors import CaError
from bot.models import VALIDATED, FollowUpState, LastResend, LedgerEvent, Offer, OfferResend, OfferTarget, TargetKey
from bot.services.alerts.triage import OFFER_LIFETIME
from bot.services.lookup.pending_mentions import PendingMentions
from bot.store.follow_ups import FollowUps
from bot.store.ledger.history import LastResends
from bot.store.offers import Offers

log = structlog.get_logger(__name__)

MOST_OFFERS_REFRESHED = 100
# DigiCert is asked about a target again after a fifth of the time since the offer, but not within this time.
LEAST_PAUSE = timedelta(minutes=1)
SHARE_OF_AGE = 5
# Each refresh asks DigiCert about so many targets at most. The others wait for the next one.
MOST_READS = 5


@define(eq=False, repr=False, slots=False)
class OfferRefresher:
    """A reader of later resends and validations, which saves them with the offers that are not older than a day."""

    _offers: Offers
    _last_resends: LastResends
    _follow_ups: FollowUps
    _pending_mentions: PendingMentions
    _clock: Clock
    _least_pause: timedelta = LEAST_PAUSE
    _asked_at: dict[tuple[str, str], datetime] = field(factory=dict, init=False)

    async def refresh(self) -> bool:
        """Update each offer of which a target was resent, validated or closed. Return False if there is none to watch.

        Reads the ledger and the follow-ups, and DigiCert for a few targets that were not resent.
        """
        now = self._clock()
        recent = await self._offers.since(now - OFFER_LIFETIME, MOST_OFFERS_REFRESHED)
        watched = [offer for offer in recent if any(target.closed_at is None for target in offer.with_button)]
        resends = await self._resends(watched)
        self._forget_old(watched)
        due = self._due(watched, now)
        for offer in watched:
            targets = [await self._current(offer, target, resends, due) for target in offer.with_button]
            if tuple(targets) != offer.with_button:
                await self._offers.update_targets(offer, (*targets, *offer.without_button))
        return bool(watched)

    async def _current(
        self, offer: Offer, target: OfferTarget, resends: Mapping[str, LastResend], due: set[tuple[str, str]]
    ) -> OfferTarget:
        """Return a target with what became of it since the offer was made."""
        if target.closed_at:
            return target
        if resend := _resend_of(target, resends, offer.at):
            target = replace(target, resend=resend)
        if target.resend:
            ended_at = await self._validated_at(target.resend.request_id)
            return replace(target, closed_at=ended_at, closed_status=VALIDATED) if ended_at else target
        if (offer.id, target.key) not in due:
            return target
        status = await self._closed_status(offer, target)
        return replace(target, closed_at=self._clock(), closed_status=status) if status else target

    async def _resends(self, offers: Sequence[Offer]) -> dict[str, LastResend]:
        """Return the newest resend for each order or domain that the offers are about, by its key."""
        keys = {TargetKey.parse(key) for offer in offers for target in offer.with_button for key in target.emails}
        orders = {key.order_id for key in keys if key.order_id}
        domains = {key.number for key in keys if key.number and key.order_id is None}
        found = await self._last_resends.last(orders, domains)
        newest: dict[str, LastResend] = {}
        for key, resend in found.items():
            target = ":".join(key.split(":", 2)[:2])
            if target not in newest or newest[target].at < resend.at:
                newest[target] = resend
        return newest

    async def _validated_at(self, request_id: str) -> datetime | None:
        """Return when the last name of a request was validated, or None if one is not."""
        follow_ups = await self._follow_ups.of(request_id)
        if not follow_ups or any(each.state is not FollowUpState.VALIDATED for each in follow_ups):
            return None
        return max((each.ended_at for each in follow_ups if each.ended_at), default=None)

    async def _closed_status(self, offer: Offer, target: OfferTarget) -> str | None:
        self._asked_at[offer.id, target.key] = self._clock()
        try:
            return await self._pending_mentions.closed_status(target.key)
        except CaError as error:
            log.warning("an offer could not be checked", offer=offer.id, error=str(error))
            return None

    def _due(self, offers: Sequence[Offer], now: datetime) -> set[tuple[str, str]]:
        """Return the targets to ask DigiCert about now, those first that were not asked about for longest."""
        waits = []
        for offer in offers:
            pause = max(self._least_pause, (now - offer.at) / SHARE_OF_AGE)
            for target in offer.with_button:
                asked_at = self._asked_at.get((offer.id, target.key), offer.at)
                if target.is_open and now - asked_at >= pause:
                    waits.append((asked_at, (offer.id, target.key)))
        return {key for _, key in sorted(waits)[:MOST_READS]}

    def _forget_old(self, offers: Sequence[Offer]) -> None:
        known = {offer.id for offer in offers}
        self._asked_at = {key: at for key, at in self._asked_at.items() if key[0] in known}


def _resend_of(target: OfferTarget, resends: Mapping[str, LastResend], since: datetime) -> OfferResend | None:
    """Return the newest resend of a target, if each of its emails was resent since the offer was made."""
    mine = [resends.get(key) for key in target.emails]
    sent = [each for each in mine if each and each.outcome is LedgerEvent.SENT and each.at >= since]
    if not sent or len(sent) < len(mine):
        return None
    last = max(sent, key=lambda each: each.at)
    return OfferResend(last.user_id, last.at, last.request_id)
