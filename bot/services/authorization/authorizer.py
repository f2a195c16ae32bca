"""The gate: asks the policy before anything is read or sent for a person, and keeps what was refused."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import structlog
from attrs import define

from bot.clock import Clock
from bot.errors import NotAllowed, PermissionUnknown, SlackRejected, SlackUnavailable, StoreUnavailable
from bot.metrics import Metrics
from bot.models import NO_GRANTEES, Actor, LedgerEvent
from bot.policy.principal import Principal
from bot.policy.rules import ANYTHING, NO_RULE, AccessContext, Action, Decision, Resource, Rules, who_can
from bot.services.authorization.denial_log import DenialLog
from bot.services.authorization.policy_loader import PolicyLoader
from bot.slack.directory import NO_SUCH_PERSON, Directory
from bot.store.ledger.entries import Entry, Ledger

log = structlog.get_logger(__name__)

PATIENCE = 1.5


@define(eq=False, repr=False, slots=False)
class Authorizer:
    """Decides who may do what, from what Slack says of them."""

    _policy_loader: PolicyLoader
    _directory: Directory
    _ledger: Ledger
    _metrics: Metrics
    _clock: Clock

    def __attrs_post_init__(self) -> None:
        self.denial_log = DenialLog(self._ledger, self._clock)

    async def context(self, actor: Actor) -> AccessContext:
        """The person and the rules as they are now, for questions that are answered without another word of Slack."""
        rules = await self._policy_loader.rules()
        return AccessContext(rules, await self._person(actor, rules.groups_about(actor.user_id)))

    async def decide(
        self, actor: Actor, action: Action, resource: Resource = ANYTHING, *, afresh: bool = False
    ) -> Decision:
        """Return the policy's answer; it `could_not_tell` if Slack does not answer within PATIENCE seconds.

        With `afresh` what Slack said of the person and of the groups that count here is fit for a call to DigiCert.
        """
        rules = await self._policy_loader.rules()
        groups = rules.groups_about(actor.user_id, action, resource)
        return AccessContext(rules, await self._person(actor, groups, afresh=afresh)).decide(action, resource)

    async def require(
        self, actor: Actor, action: Action, about: Mapping[str, str], resource: Resource = ANYTHING
    ) -> AccessContext:
        """Raise NotAllowed if the policy says no, and PermissionUnknown if Slack could not tell.

        Only the no is in the ledger, with what it was `about`.
        """
        standing = await self.context(actor)
        decision = standing.decide(action, resource)
        self.require_answer(decision)
        if not decision.allowed:
            await self.record(actor, action, about, decision.rule, resource)
            raise refusal(standing.rules, action, resource, decision)
        return standing

    async def rules(self) -> Rules:
        """Return the rules as they are now."""
        return await self._policy_loader.rules()

    async def record(
        self, actor: Actor, action: Action, about: Mapping[str, str], rule: str, resource: Resource = ANYTHING
    ) -> None:
        """Write a refusal to the ledger, with what it was `about`; equal ones are only counted.

        If the database is away, it is in the log, and in the count.
        """
        self._metrics.record_denial(LedgerEvent.DENIED)
        log.warning("refused", user=actor.user_id, action=action.value, rule=rule)
        try:
            await self.denial_log.record(denied(actor, self._clock(), action, rule, about, resource))
        except StoreUnavailable as error:
            log.warning("a refusal could not be written to the ledger", user=actor.user_id, error=str(error))

    @property
    def retry_after(self) -> float:
        """How many seconds Slack does not want to be asked about people or groups; 0 if it named no time."""
        return self._directory.retry_after

    def require_answer(self, decision: Decision) -> None:
        """Raise PermissionUnknown unless the decision is a yes or a no."""
        if decision.is_unknown:
            raise PermissionUnknown(decision.sentence, self.retry_after)

    async def _person(self, actor: Actor, groups: frozenset[str], *, afresh: bool = False) -> Principal | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._directory.person(actor.user_id, groups, afresh=afresh)
        except (TimeoutError, SlackUnavailable, SlackRejected) as error:
            log.warning("Slack could not tell who this is", user=actor.user_id, error=str(error))
            is_unknown = isinstance(error, SlackRejected) and error.code in NO_SUCH_PERSON
            return Principal.read({}, ()) if is_unknown else None


def denied(
    actor: Actor, at: datetime, action: Action, rule: str, about: Mapping[str, str], resource: Resource = ANYTHING
) -> Entry:
    """Return the ledger's row for a refusal, with the target that was asked for."""
    target = {"names": list(resource.names), "order": resource.order}
    known = {name: value for name, value in target.items() if value}
    return Entry(LedgerEvent.DENIED, at, actor, detail={"action": action.value, "rule": rule, **about, **known})


def refusal(rules: Rules, action: Action, resource: Resource, decision: Decision) -> NotAllowed:
    """What the person is told; who may instead is named where a rule of the file decided."""
    of_file = decision.rule == NO_RULE or any(rule in rules.of_file for rule in decision.by)
    return NotAllowed(decision.sentence, decision.rule, who_can(rules, action, resource) if of_file else NO_GRANTEES)
