"""The authorizer: checks the policy before the bot reads or sends anything for a user, and records denials."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import structlog
from attrs import define

from bot.clock import Clock
from bot.errors import NotAllowed, PermissionUnknown, SlackRejected, SlackUnavailable, StoreUnavailable
from bot.metrics import Metrics
from bot.models import Actor, Grantees, LedgerEvent
from bot.policy.principal import Principal
from bot.policy.rules import ANYTHING, INELIGIBLE, AccessContext, Action, Decision, Resource, Rules, who_can
from bot.services.authorization.denial_log import DenialLog
from bot.services.authorization.policy_loader import PolicyLoader
from bot.slack.directory import NO_SUCH_PERSON, Directory
from bot.store.ledger.entries import Entry, Ledger

log = structlog.get_logger(__name__)

PATIENCE = 1.5


@define(eq=False, repr=False, slots=False)
class Authorizer:
    """Policy decisions about a user, based on Slack's data about that user."""

    _policy_loader: PolicyLoader
    _directory: Directory
    _ledger: Ledger
    _metrics: Metrics
    _clock: Clock

    def __attrs_post_init__(self) -> None:
        self.denial_log = DenialLog(self._ledger, self._clock)

    async def context(self, actor: Actor) -> AccessContext:
        """Return the principal and the rules as they are now.

        Checks against the context make no further call to Slack. If Slack does not answer within PATIENCE seconds, the
        principal is None.
        """
        rules = await self._policy_loader.rules()
        return AccessContext(rules, await self._person(actor, rules.groups_about(actor.user_id)))

    async def decide(
        self, actor: Actor, action: Action, resource: Resource = ANYTHING, *, afresh: bool = False
    ) -> Decision:
        """Return the policy's decision. It `is_unknown` if Slack does not answer within PATIENCE seconds.

        If `afresh`, Slack's data about the user and the groups that count here is recent enough for a call to DigiCert.
        """
        rules = await self._policy_loader.rules()
        groups = rules.groups_about(actor.user_id, action, resource)
        return AccessContext(rules, await self._person(actor, groups, afresh=afresh)).decide(action, resource)

    async def require(
        self, actor: Actor, action: Action, about: Mapping[str, str], resource: Resource = ANYTHING
    ) -> AccessContext:
        """Return the context if the policy allows the action.

        Raises NotAllowed if the policy denies it, and PermissionUnknown if Slack could not answer. Only a denial is
        written to the ledger, with the `about` details.
        """
        context = await self.context(actor)
        decision = context.decide(action, resource)
        self.require_answer(decision)
        if not decision.allowed:
            await self.record(actor, action, about, decision.rule, resource)
            raise refusal(context, action, resource, decision)
        return context

    async def rules(self) -> Rules:
        """Return the rules as they are now."""
        return await self._policy_loader.rules()

    async def record(
        self, actor: Actor, action: Action, about: Mapping[str, str], rule: str, resource: Resource = ANYTHING
    ) -> None:
        """Write a denial to the ledger, with the `about` details. Repeated equal denials are only counted.

        If the database is unavailable, the denial is only logged, and counted in the metrics. Never raises for that.
        """
        self._metrics.record_denial(LedgerEvent.DENIED)
        log.warning("refused", user=actor.user_id, action=action.value, rule=rule)
        try:
            await self.denial_log.record(denied(actor, self._clock(), action, rule, about, resource))
        except StoreUnavailable as error:
            log.warning("a refusal could not be written to the ledger", user=actor.user_id, error=str(error))

    @property
    def retry_after(self) -> float:
        """Return the seconds to wait before the next call to Slack for users or groups; 0 if Slack set no limit."""
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
            # "No such user" is a final answer: a principal without an id is denied. Other errors mean "unknown".
            is_unknown = isinstance(error, SlackRejected) and error.code in NO_SUCH_PERSON
            return Principal.read({}, ()) if is_unknown else None


def denied(
    actor: Actor, at: datetime, action: Action, rule: str, about: Mapping[str, str], resource: Resource = ANYTHING
) -> Entry:
    """Return the ledger entry for a denial, with the requested target."""
    target = {"names": list(resource.names), "order": resource.order}
    known = {name: value for name, value in target.items() if value}
    return Entry(LedgerEvent.DENIED, at, actor, detail={"action": action.value, "rule": rule, **about, **known})


def refusal(context: AccessContext, action: Action, resource: Resource, decision: Decision) -> NotAllowed:
    """Return the error for the user. Only members of this workspace learn who can do it instead."""
    if decision.rule in INELIGIBLE:
        return NotAllowed(decision.sentence, decision.rule)
    holders = others_who_can(context, action, resource)
    can_ask = action is Action.RESEND and bool(holders.users or holders.groups)
    return NotAllowed(decision.sentence, decision.rule, holders, resource.target, can_ask=can_ask)


def others_who_can(context: AccessContext, action: Action, resource: Resource) -> Grantees:
    """Return who can do it instead of this user. Their own groups are no help if it is not sure that these can."""
    found, person = who_can(context.rules, action, resource), context.person
    if person is None:
        return found
    groups = frozenset() if found.is_certain else person.groups
    users = tuple(user for user in found.users if user not in (person.user_id, person.grid_id))
    return replace(found, users=users, groups=tuple(group for group in found.groups if group not in groups))
