"""What stands behind `/dcv-resend history`: asks the gate, reads the ledger, and changes nothing."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.clock import Clock
from bot.command import WantedPerson
from bot.errors import Misunderstood
from bot.models import Actor, PastRequest, Place
from bot.policy import Action, Matter, Standing
from bot.services.board import Board
from bot.services.gate import Gate
from bot.services.matters import about_past, about_typed
from bot.services.reporting import root_key
from bot.store.history import Past
from bot.targets import Wanted, wanted_key
from bot.views import history as views
from bot.views.blocks import Message
from bot.views.history import Turn

_PLACE = re.compile(r"((?:order|name|user):[A-Za-z0-9._-]{1,253}|)\|(before|after):([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who asks where, and what the rules let them see."""

    actor: Actor
    place: Place | None
    standing: Standing

    def sees(self, past: PastRequest) -> bool:
        return self.standing.decide(Action.LOOK, about_past(self.place, past)).allowed


class Chronicle:
    """Tells one person what was asked; every door to it asks the gate before the ledger is read."""

    def __init__(self, gate: Gate, past: Past, board: Board, clock: Clock) -> None:
        self._gate = gate
        self._past = past
        self._board = board
        self._clock = clock

    async def of(self, actor: Actor, place: Place | None, about: Wanted | WantedPerson | None) -> Message:
        """The newest requests about an order or a name, by a person, or of all; NotAllowed is in the ledger."""
        key = _key(about)
        wanted = None if isinstance(about, WantedPerson) else about
        asker = await self._asker(actor, place, key, about_typed(place, wanted))
        found = await self._past.before(key, None, views.PER_PAGE + 1)
        return await self._page(asker, key, found[: views.PER_PAGE], newer=False, older=len(found) > views.PER_PAGE)

    async def turn(self, actor: Actor, place: Place | None, value: str) -> Message:
        """The page that a button below an earlier one leads to."""
        asker = await self._asker(actor, place, value[:200], about_typed(place, None))
        if not (wanted := _PLACE.fullmatch(value)):
            raise Misunderstood("That is no page of this list. Ask anew with /dcv-resend history.")
        key, seq = wanted[1], int(wanted[3])
        if wanted[2] == "before":
            found = await self._past.before(key, seq, views.PER_PAGE + 1)
            return await self._page(asker, key, found[: views.PER_PAGE], newer=True, older=len(found) > views.PER_PAGE)
        found = await self._past.after(key, seq, views.PER_PAGE + 1)
        return await self._page(asker, key, found[-views.PER_PAGE :], newer=len(found) > views.PER_PAGE, older=True)

    async def _asker(self, actor: Actor, place: Place | None, key: str, matter: Matter) -> _Asker:
        about = {"history": key or "all", "channel": place.channel_id if place else ""}
        return _Asker(actor, place, await self._gate.require(actor, Action.LOOK, about, matter))

    async def _page(
        self, asker: _Asker, key: str, found: Sequence[PastRequest], *, newer: bool, older: bool
    ) -> Message:
        seen = [each for each in found if asker.sees(each)]
        links = await asyncio.gather(*(self._link(asker.actor, each) for each in seen))
        linked = [replace(each, link=link) for each, link in zip(seen, links, strict=True)]
        turn = Turn(
            f"{key}|after:{found[0].seq}" if newer and found else None,
            f"{key}|before:{found[-1].seq}" if older and found else None,
        )
        return views.page(key, linked, turn, self._clock())

    async def _link(self, actor: Actor, past: PastRequest) -> str | None:
        if past.request_id is None:
            return None
        return await self._board.link(root_key(past.request_id), to_its_own=past.user_id == actor.user_id)


def _key(about: Wanted | WantedPerson | None) -> str:
    match about:
        case None:
            return ""
        case WantedPerson(user_id):
            return f"user:{user_id}"
        case _:
            return wanted_key(about)
