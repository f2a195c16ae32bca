"""One question a minute for all followed orders: whose status changed is looked at at once."""

from datetime import datetime, timedelta

import structlog
from attrs import define, field

from bot.clock import Clock
from bot.digicert.client import CertCentral
from bot.models import StatusChange
from bot.services.follow_up.worker import FollowUpWorker
from bot.store.follow_ups import FollowUps

log = structlog.get_logger(__name__)

# Clocks differ, and a change may be listed late.
MARGIN = timedelta(minutes=2)


@define(eq=False, repr=False, slots=False)
class StatusPoller:
    """Asks DigiCert for status changes while orders are followed, since it was last asked."""

    _certcentral: CertCentral
    _follow_ups: FollowUps
    _follow_up_worker: FollowUpWorker
    _clock: Clock
    _steady: Clock
    _asked_at: datetime | None = field(default=None, init=False)
    _known_changes: frozenset[StatusChange] = field(default=frozenset(), init=False)

    async def poll(self) -> None:
        """Ask once, where any order is followed; CaError where DigiCert does not answer, and the next one asks more.

        The first one asks since the oldest following began, for what changed while nobody was here to ask.
        """
        followed = await self._follow_ups.orders()
        now, asked_at = self._clock(), self._steady()
        if not followed:
            self._asked_at = asked_at
            return
        span = asked_at - self._asked_at if self._asked_at else now - min(followed.values())
        changes = await self._certcentral.status_changes(span + MARGIN)
        fresh = {change.order_id for change in changes - self._known_changes} & followed.keys()
        self._asked_at, self._known_changes = asked_at, changes
        if fresh:
            log.info("the status of followed orders changed", orders=sorted(fresh))
            await self._follow_ups.make_due(fresh, now)
            self._follow_up_worker.wake()
