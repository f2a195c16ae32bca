"""The gate: asks the policy before anything is read or sent for a person, and keeps what was refused."""

import asyncio
from collections.abc import Mapping

import structlog

from bot.clock import Clock
from bot.errors import NotAllowed, SlackRefused, SlackUnavailable, StoreUnavailable
from bot.models import Actor
from bot.policy import Action, Decision, Person, Rules, decide
from bot.slack.directory import Directory
from bot.store.ledger import Entry, Event, Ledger

log = structlog.get_logger(__name__)

PATIENCE = 1.5


class Gate:
    """Decides who may do what, from what Slack says of them."""

    def __init__(self, rules: Rules, directory: Directory, ledger: Ledger, clock: Clock) -> None:
        self._rules = rules
        self._directory = directory
        self._ledger = ledger
        self._clock = clock

    async def decide(self, actor: Actor, action: Action, *, afresh: bool = False) -> Decision:
        """The policy's answer; where Slack cannot tell within PATIENCE seconds who this is, it is no."""
        return decide(self._rules, await self._person(actor, afresh=afresh), action)

    async def require(self, actor: Actor, action: Action, about: Mapping[str, str]) -> None:
        """Raise NotAllowed unless the policy says yes; the refusal is in the ledger, with what it was `about`."""
        decision = await self.decide(actor, action)
        if decision.allowed:
            return
        log.warning("refused", user=actor.user_id, action=action.value, rule=decision.rule)
        detail = {"action": action.value, "rule": decision.rule, **about}
        try:
            await self._ledger.record(Entry(Event.DENIED, self._clock(), actor, detail=detail))
        except StoreUnavailable:
            log.exception("a refusal could not be written to the ledger", user=actor.user_id)
        raise NotAllowed(decision.sentence, decision.rule)

    async def _person(self, actor: Actor, *, afresh: bool) -> Person | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._directory.person(actor.user_id, afresh=afresh)
        except (TimeoutError, SlackUnavailable, SlackRefused) as error:
            log.warning("Slack could not tell who this is", user=actor.user_id, error=str(error))
            return None
