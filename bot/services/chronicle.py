"""What stands behind `/dcv-resend history`: asks the gate, reads the ledger, and changes nothing."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

from bot.clock import Clock
from bot.command import WantedPerson
from bot.errors import Misunderstood
from bot.models import Actor, PastRequest, Place
from bot.policy import Action
from bot.services.gate import Gate
from bot.services.lookup import Wanted, wanted_key
from bot.services.threads import Threads
from bot.store.history import Past
from bot.views import history as views
from bot.views.blocks import Message
from bot.views.history import Turn

_PLACE = re.compile(r"((?:order|name|user):[A-Za-z0-9._-]{1,253}|)\|(before|after):([0-9]{1,9})")


class Chronicle:
    """Tells one person what was asked; every door to it asks the gate before the ledger is read."""

    def __init__(self, gate: Gate, past: Past, threads: Threads, clock: Clock) -> None:
        self._gate = gate
        self._past = past
        self._threads = threads
        self._clock = clock

    async def of(self, actor: Actor, place: Place | None, about: Wanted | WantedPerson | None) -> Message:
        """The newest requests about an order or a name, by a person, or of all; NotAllowed is in the ledger."""
        key = _key(about)
        await self._require(actor, place, key)
        found = await self._past.before(key, None, views.PER_PAGE + 1)
        return await self._page(actor, key, found[: views.PER_PAGE], newer=False, older=len(found) > views.PER_PAGE)

    async def turn(self, actor: Actor, place: Place | None, value: str) -> Message:
        """The page that a button below an earlier one leads to."""
        await self._require(actor, place, value[:200])
        if not (wanted := _PLACE.fullmatch(value)):
            raise Misunderstood("That is no page of this list. Ask anew with /dcv-resend history.")
        key, seq = wanted[1], int(wanted[3])
        if wanted[2] == "before":
            found = await self._past.before(key, seq, views.PER_PAGE + 1)
            return await self._page(actor, key, found[: views.PER_PAGE], newer=True, older=len(found) > views.PER_PAGE)
        found = await self._past.after(key, seq, views.PER_PAGE + 1)
        return await self._page(actor, key, found[-views.PER_PAGE :], newer=len(found) > views.PER_PAGE, older=True)

    async def _require(self, actor: Actor, place: Place | None, key: str) -> None:
        about = {"history": key or "all", "channel": place.channel_id if place else ""}
        await self._gate.require(actor, Action.LOOK, about)

    async def _page(self, actor: Actor, key: str, found: Sequence[PastRequest], *, newer: bool, older: bool) -> Message:
        links = await asyncio.gather(*(self._link(actor, each) for each in found))
        linked = [replace(each, link=link) for each, link in zip(found, links, strict=True)]
        turn = Turn(
            f"{key}|after:{found[0].seq}" if newer and found else None,
            f"{key}|before:{found[-1].seq}" if older and found else None,
        )
        return views.page(key, linked, turn, self._clock())

    async def _link(self, actor: Actor, past: PastRequest) -> str | None:
        return await self._threads.link(actor, past.request_id, past.user_id) if past.request_id else None


def _key(about: Wanted | WantedPerson | None) -> str:
    match about:
        case None:
            return ""
        case WantedPerson(user_id):
            return f"user:{user_id}"
        case _:
            return wanted_key(about)
