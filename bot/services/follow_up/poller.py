"""The poller of order status: one call per minute for all orders with a follow-up. Changed ones are checked at once."""

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
    """A poller of DigiCert's status changes since the last poll, while any order has an open follow-up."""

    _certcentral: CertCentral
    _follow_ups: FollowUps
    _follow_up_worker: FollowUpWorker
    _clock: Clock
    _steady: Clock
    _asked_at: datetime | None = field(default=None, init=False)
    _known_changes: frozenset[StatusChange] = field(default=frozenset(), init=False)

    async def poll(self) -> None:
        """Poll once if any order has an open follow-up, and make the follow-ups of changed orders due.

        The first poll covers the time since the oldest follow-up began, to find changes from before the bot started.
        Raises CaError if DigiCert does not answer. The next poll then covers the missed time.
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
