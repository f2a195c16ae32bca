"""Offers that the bot made, the targets that each channel was offered, and which version of each is in Slack."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models import Destination, Offer, OfferTarget
from bot.store.database import Database
from bot.store.schema import format_timestamp, offer_targets, offers, parse_timestamp, posts
from bot.store.upsert import upsert

_TARGETS = TypeAdapter(tuple[OfferTarget, ...])
_NONE = "[]"


@dataclass(frozen=True, slots=True)
class ChannelOffers:
    """What a channel was offered.

    `open` is the id of the open offer by target key. `lately` counts the recent offers that an author caused. `summary`
    is the id of the recent message that replaces further offers, if there is one.
    """

    open: dict[str, str]
    lately: int
    summary: str | None


class Offers:
    """One row per message of the bot, and one per channel and target with a button."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def channel_state(
        self, channel_id: str, author: str, keys: Iterable[str], now: datetime, lately: datetime
    ) -> ChannelOffers:
        """Return the open offers for these targets in a channel, and those since `lately`."""
        async with self._database.read() as connection:
            return await channel_state(connection, channel_id, author, keys, now, lately)

    async def get(self, offer_id: str) -> Offer | None:
        """Return an offer as it is now; None if it is unknown or was deleted after OFFER_RETENTION."""
        rows = await self._database.rows(sa.select(offers).where(offers.c.id == offer_id))
        return _offer(rows[0]) if rows else None

    async def unpublished(self, most: int, without: Collection[str] = ()) -> list[Offer]:
        """Return at most `most` offers whose last version is not in Slack, new ones first.

        Those for alerts of people come last. `without` are ids of offers to skip.
        """
        behind = (
            sa.select(offers)
            .where((offers.c.published_version < offers.c.version) & offers.c.id.not_in(list(without)))
            .order_by(offers.c.published_version > 0, _is_of_person(), offers.c.at, offers.c.id)
            .limit(most)
        )
        return [_offer(row) for row in await self._database.rows(behind)]

    async def since(self, at: datetime, most: int) -> list[Offer]:
        """Return at most `most` published offers made since a time, newest first, without summaries."""
        recent = (offers.c.at > format_timestamp(at), offers.c.targets != _NONE, offers.c.published_version > 0)
        rows = await self._database.rows(sa.select(offers).where(*recent).order_by(offers.c.at.desc()).limit(most))
        return [_offer(row) for row in rows]

    async def update_targets(self, offer: Offer, targets: tuple[OfferTarget, ...]) -> None:
        """Save what became of an offer's targets, unless the offer has changed meanwhile.

        The next alert may offer a target again that is no longer pending.
        """
        same = (offers.c.id == offer.id) & (offers.c.version == offer.version)
        change = {"targets": _TARGETS.dump_json(targets).decode(), "version": offer.version + 1}
        closed = [key for target in targets if target.closed_at for key in _keys(target)]
        mine = (offer_targets.c.offer_id == offer.id) & offer_targets.c.key.in_(closed)
        async with self._database.write() as transaction:
            if (await transaction.execute(sa.update(offers).where(same).values(change))).rowcount:
                await transaction.execute(sa.delete(offer_targets).where(mine))

    async def channels(self) -> list[str]:
        """Return the ids of the channels with offers that were posted and not withdrawn."""
        return [row.channel_id for row in await self._database.rows(_posted(offers.c.channel_id).distinct())]

    async def posted(self, channel_id: str, most: int) -> list[str]:
        """Return the ids of at most `most` offers in a channel that were posted and not withdrawn, newest first."""
        mine = _posted(offers.c.id).where(offers.c.channel_id == channel_id)
        return [row.id for row in await self._database.rows(mine.order_by(offers.c.at.desc()).limit(most))]

    async def mark_published(self, offer: Offer) -> None:
        """Save that this version is in Slack, or never will be. Does nothing if a newer one is saved already."""
        older = (offers.c.id == offer.id) & (offers.c.published_version < offer.version)
        await self._database.run(sa.update(offers).where(older).values(published_version=offer.version))

    async def withdraw(self, offer: Offer) -> None:
        """Allow the next alert to offer these targets again, as Slack did not accept this offer."""
        same = (offer_targets.c.channel_id == offer.destination.channel_id) & (offer_targets.c.offer_id == offer.id)
        await self._database.run(sa.delete(offer_targets).where(same))

    async def snooze(self, offer: Offer, by: str, until: datetime) -> None:
        """Do not offer the targets of an offer in its channel until this time. `by` is the id of the user who asked."""
        change = {"snoozed_until": format_timestamp(until), "snoozed_by": by, "version": offers.c.version + 1}
        async with self._database.write() as transaction:
            await transaction.execute(sa.update(offers).where(offers.c.id == offer.id).values(change))
            await _store_offer(transaction, offer, until)

    async def tidy(self, before: datetime, now: datetime) -> None:
        """Delete the offers made before a time, with their posts, and the targets whose time was up by `now`."""
        old = offers.c.at < format_timestamp(before)
        keys = sa.select(sa.literal(POST) + offers.c.id).where(old)
        await self._database.run(
            sa.delete(posts).where(posts.c.key.in_(keys)),
            sa.delete(offer_targets).where(offer_targets.c.expires_at <= format_timestamp(now)),
            sa.delete(offers).where(old),
        )


# The prefix of an offer's key in `posts`.
POST = "offer."


async def channel_state(
    connection: AsyncConnection, channel_id: str, author: str, keys: Iterable[str], now: datetime, lately: datetime
) -> ChannelOffers:
    """Return the result of `Offers.channel_state`, read in the caller's transaction."""
    same = (
        (offer_targets.c.channel_id == channel_id)
        & offer_targets.c.key.in_(list(keys))
        & (offer_targets.c.expires_at > format_timestamp(now))
    )
    new = (offers.c.channel_id == channel_id) & (offers.c.at > format_timestamp(lately))
    open_ones = await connection.execute(sa.select(offer_targets.c.key, offer_targets.c.offer_id).where(same))
    recent = list(await connection.execute(sa.select(offers.c.id, offers.c.targets, offers.c.author).where(new)))
    return ChannelOffers(
        open={row.key: row.offer_id for row in open_ones},
        lately=sum(row.targets != _NONE and row.author == author for row in recent),
        summary=next((row.id for row in recent if row.targets == _NONE), None),
    )


async def create(transaction: AsyncConnection, offer: Offer, until: datetime) -> None:
    """Save a new offer. It stays the open offer for its targets in this channel until a time."""
    row = {
        "id": offer.id,
        "channel_id": offer.destination.channel_id,
        "thread_ts": offer.destination.thread_ts,
        "at": format_timestamp(offer.at),
        "targets": _TARGETS.dump_json(offer.targets).decode(),
        "repeat_count": offer.repeat_count,
        "version": offer.version,
        "published_version": offer.published_version,
        "author": offer.author,
    }
    await transaction.execute(upsert(transaction, offers, row))
    await _store_offer(transaction, offer, until)


async def count(transaction: AsyncConnection, offer_ids: Iterable[str]) -> None:
    """Count one more alert for each of these offers, and make a new version of each."""
    more = {"repeat_count": offers.c.repeat_count + 1, "version": offers.c.version + 1}
    await transaction.execute(sa.update(offers).where(offers.c.id.in_(list(offer_ids))).values(more))


def _posted(column: sa.ColumnElement[str]) -> sa.Select[Any]:
    is_its_post = posts.c.key == sa.literal(POST) + offers.c.id
    return sa.select(column).join(posts, is_its_post).where(posts.c.ts.is_not(None), posts.c.detour.is_(None))


async def _store_offer(transaction: AsyncConnection, offer: Offer, until: datetime) -> None:
    pending = [target for target in offer.with_button if not target.closed_at]
    for key in dict.fromkeys(key for target in pending for key in _keys(target)):
        row = {
            "channel_id": offer.destination.channel_id,
            "key": key,
            "offer_id": offer.id,
            "expires_at": format_timestamp(until),
        }
        await transaction.execute(upsert(transaction, offer_targets, row))


def _keys(target: OfferTarget) -> tuple[str, ...]:
    """Return the keys of what a button is for: its targets, and the domains that its emails are for."""
    return *target.keys, *target.emails


def _offer(row: sa.Row[Any]) -> Offer:
    return Offer(
        id=row.id,
        destination=Destination(row.channel_id, row.thread_ts),
        at=parse_timestamp(row.at),
        targets=_TARGETS.validate_json(row.targets),
        repeat_count=row.repeat_count,
        snoozed_until=parse_timestamp(row.snoozed_until) if row.snoozed_until else None,
        snoozed_by=row.snoozed_by,
        version=row.version,
        published_version=row.published_version,
        author=row.author,
    )


def _is_of_person() -> sa.ColumnElement[bool]:
    return sa.func.coalesce(offers.c.author, "").like("person:%")
