"""Snoozing domains in a digest: authorizes each of them, and records who did it and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog
from attrs import define

from bot.clock import Clock
from bot.errors import InvalidInput
from bot.expiry.digest_content import DigestContent
from bot.expiry.snoozing import snooze_end
from bot.models import Actor, Destination, LedgerEvent, Reach, TargetKey, domain_key, order_key
from bot.parsing.domain_names import display_name, without_wildcard
from bot.policy.rules import Action, Resource
from bot.services.authorization.authorizer import Authorizer
from bot.services.expiry.digests import DigestWorker
from bot.store.database import Database
from bot.store.digests import Snooze, add_snoozes
from bot.store.ledger.entries import Entry, append
from bot.views import digest_forms as views
from bot.views.blocks import Message
from bot.views.digest_forms import SnoozeInput
from bot.views.resend_form import ModalView

log = structlog.get_logger(__name__)

OUTDATED = "There is a newer digest, or I can't read the domains right now. Use the newest one, or try again."


@define(eq=False, repr=False, slots=False)
class SnoozeService:
    """Service for the form *Snooze*. A snooze counts for one channel, and changes nothing else."""

    _authorizer: Authorizer
    _worker: DigestWorker
    _database: Database
    _clock: Clock

    async def require(self, actor: Actor, channel_id: str) -> None:
        """Raise NotAllowed if the user may resend nothing there."""
        await self._authorizer.require(actor, Action.RESEND, {"channel": channel_id}, Resource(channel_id))

    async def form(self, key: str, channel_id: str) -> ModalView:
        """Return the form for the digest of this channel with this message."""
        content = await self._worker.content(key, channel_id)
        return views.snooze(key, content[0]) if content else views.unavailable(OUTDATED)

    async def snooze(self, actor: Actor, filled: SnoozeInput) -> tuple[Destination, Message]:
        """Snooze what was chosen. Return the channel, and the confirmation for the user.

        Raises NotAllowed if the user may not resend one of them, and InvalidInput with the field to correct.
        """
        found = await self._worker.content(filled.digest)
        if found is None:
            raise InvalidInput(OUTDATED)
        content, row = found
        await self.require(actor, row.channel_id)
        chosen = _chosen(content, filled.targets)
        for target in chosen:
            about = {"channel": row.channel_id, "target": target.key}
            await self._authorizer.require(actor, Action.RESEND, about, target.resource(row.channel_id))
        until = self._until(content, filled, chosen)
        await self._save(actor, row.channel_id, filled.reason, until)
        self._worker.wake()
        return Destination(row.channel_id), views.snoozed({target.shown: at for target, at in until.items()})

    def _until(
        self, content: DigestContent, filled: SnoozeInput, chosen: Iterable["_Target"]
    ) -> dict["_Target", datetime]:
        now = self._clock()
        until = {target: snooze_end(filled.choice, content.rule, target.ends_at, now) for target in chosen}
        if refused := [target.shown for target, at in until.items() if at is None]:
            words = f"{refused[0]} can't be snoozed until then. Choose another time, or another domain."
            raise InvalidInput(words, {views.UNTIL: words})
        return {target: at for target, at in until.items() if at}

    async def _save(self, actor: Actor, channel_id: str, reason: str, until: dict["_Target", datetime]) -> None:
        detail = {
            "channel": channel_id,
            "names": sorted({name for target in until for name in target.names}),
            "until": {target.key: at.isoformat() for target, at in until.items()},
            "reason": reason,
        }
        snoozes = [Snooze(channel_id, target.key, at, actor.user_id) for target, at in until.items()]
        async with self._database.write() as transaction:
            await add_snoozes(transaction, snoozes)
            await append(transaction, Entry(LedgerEvent.SNOOZED, self._clock(), actor, detail=detail))
        log.info("snoozed", user=actor.user_id, channel=channel_id, targets=len(until))


@dataclass(frozen=True, slots=True)
class _Target:
    """A domain or an order of a digest."""

    key: str
    names: tuple[str, ...]
    ends_at: datetime | None = None

    @property
    def shown(self) -> str:
        """Return its name for a user."""
        order_id = TargetKey.parse(self.key).order_id
        return f"order {order_id}" if order_id else display_name(self.names[0])

    def resource(self, channel_id: str) -> Resource:
        """Return the resource of resending for it."""
        order_id = TargetKey.parse(self.key).order_id
        reach = Reach(names=self.names) if order_id else Reach(below=self.names)
        return Resource(channel_id, self.names, order_id, resolved=True, reach=reach, target=self.key)


def _chosen(content: DigestContent, keys: Iterable[str]) -> list[_Target]:
    """Return the chosen targets. Raises InvalidInput if one is not in the digest."""
    domains = (_Target(domain_key(row.domain.id), (row.domain.name,), row.ends_at) for row in content.rows)
    orders = (_Target(order_key(each.id), tuple(map(without_wildcard, each.names))) for each in content.orders)
    listed = {target.key: target for target in (*domains, *orders)}
    wanted = list(dict.fromkeys(keys))
    if any(key not in listed for key in wanted):
        words = "The digest has changed. Open this form again."
        raise InvalidInput(words, {views.TARGETS: words})
    return [listed[key] for key in wanted]
