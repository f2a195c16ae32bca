"""The only way to a resend: a request is accepted in one transaction, then a durable workflow carries it out."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from attrs import define, field

from bot.clock import Clock
from bot.errors import BotError, CooldownActive, LimitReached
from bot.metrics import Metrics
from bot.models import (
    NO_REACH,
    Actor,
    Call,
    CallResult,
    CallStep,
    Cooldown,
    Destination,
    LedgerEvent,
    Reach,
    ResendRequest,
)
from bot.policy.rules import AccessContext, Action, Resource
from bot.services.authorization.authorizer import Authorizer, denied, refusal
from bot.services.authorization.resources import resource_for_calls
from bot.services.lookup.eligibility import continued_already
from bot.services.publishing.delivery import deliver_with_retry, root_key
from bot.services.publishing.publisher import MessagePublisher
from bot.services.resend.reporter import ResultReporter
from bot.services.resend.sender import CallSender, Result
from bot.store import cooldowns, person_limits, requests
from bot.store.cooldowns import ActiveCooldown, Cooldowns
from bot.store.database import Database, Transaction
from bot.store.ledger.entries import Entry, Ledger, append
from bot.store.person_limits import ReachedLimit
from bot.store.requests import Requests
from bot.store.retention import COOLDOWN_RETENTION, WORKFLOW_RETENTION
from bot.store.retry import until_available
from bot.store.schema import format_timestamp
from bot.views import resend_messages
from bot.workflow_engine import Steps, WorkflowEngine

log = structlog.get_logger(__name__)

FLOW = "resend_v1"

Pause = Callable[[Result], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request before it is accepted.

    `cause` identifies the user's act in Slack, so that a repeated delivery gets the same request id. `seen_at` is the
    time at which the form was drawn: a reason does not override a cooldown that began later. `reach` is everything
    that its emails would validate, as DigiCert reported it then. `continues` is the id of an unfinished revalidation
    whose remaining steps these are: its cooldown does not stop them. `plan` is the id of the plan that it is an item
    of: it counts with its plan for the limits of a person, and no reason overrides a cooldown. `follows` and `answers`
    are the ids of the request or the question below which the user made it.
    """

    actor: Actor
    destination: Destination
    cause: str
    key: str
    subject: str
    calls: tuple[Call, ...]
    locale: str
    reason: str | None
    seen_at: datetime | None = None
    reach: Reach = NO_REACH
    requested_by: str | None = None
    revalidates: bool = False
    continues: str | None = None
    plan: str | None = None
    follows: str | None = None
    answers: str | None = None

    @property
    def action(self) -> Action:
        """The action of the policy that it needs."""
        return Action.REVALIDATE if self.revalidates else Action.RESEND


@dataclass(frozen=True, slots=True)
class _Refused:
    """A rejected request: the error to raise, and its ledger entry, which is appended only if `should_record`."""

    entry: Entry
    error: BotError
    should_record: bool


@define(eq=False, repr=False, slots=False)
class ResendService:
    """The acceptance of requests, and the workflow that carries them out."""

    _authorizer: Authorizer
    _database: Database
    _ledger: Ledger
    _requests: Requests = field(alias="stored")
    _cooldowns: Cooldowns = field(alias="held")
    _publisher: MessagePublisher
    _engine: WorkflowEngine
    _sender: CallSender
    _reporter: ResultReporter
    _metrics: Metrics
    _cooldown: timedelta
    _clock: Clock
    _person_limits: Sequence[tuple[int, float]] = ()

    def __attrs_post_init__(self) -> None:
        self._engine.define(FLOW, self._flow)

    async def accept(self, asked: NewRequest) -> str | None:
        """Save a request and return its id. Nothing is sent before `start`.

        Safe to repeat: the same cause gives the same request, and counts once for DCV_PERSON_LIMITS. Returns None if
        the outcome is already reported, so that there is nothing to start.

        Raises NotAllowed, CooldownActive or LimitReached. The first two are then in the ledger, and so is the first
        LimitReached of a span. Raises NotResendable if another request continues the same revalidation. Raises
        StoreUnavailable or PermissionUnknown: then nothing was saved and nothing will
        be sent.
        """
        resource = resource_for_calls(asked.destination, asked.calls, asked.reach)
        context = await self._authorizer.require(asked.actor, asked.action, {"subject": asked.subject}, resource)
        request = self._request(asked)
        async with self._database.write() as transaction:
            if known := await requests.known(transaction, request.id):
                return None if known.is_reported else request.id
            if asked.continues and await requests.is_followed(transaction, asked.continues, asked.key):
                # Two people may press *Continue* at once, and a reason given long ago must not let both email.
                raise continued_already()
            refused = await self._over_limit(transaction, request)
            refused = refused or await self._in_cooldown(transaction, request, asked, context, resource)
            if refused is None:
                await append(transaction, _entry(LedgerEvent.ACCEPTED, request))
                await cooldowns.acquire(transaction, request, request.at + self._cooldown)
                await requests.add(transaction, request)
            elif refused.should_record:
                await append(transaction, refused.entry)
        if refused:
            self._metrics.record_denial(refused.entry.event)
            log.warning("not accepted", user=asked.actor.user_id, why=refused.entry.event.value)
            raise refused.error
        log.info("accepted", request_id=request.id, user=asked.actor.user_id, subject=asked.subject)
        return request.id

    async def _over_limit(self, transaction: Transaction, request: ResendRequest) -> _Refused | None:
        if request.plan:
            return None
        limit = await person_limits.reached_limit(transaction, request.actor, self._person_limits, request.at)
        if limit is None:
            return None
        error = LimitReached(limit.requests, limit.span, limit.until, request.at)
        return _Refused(_limited(request, limit), error, should_record=not limit.is_recorded)

    async def _in_cooldown(
        self,
        transaction: Transaction,
        request: ResendRequest,
        asked: NewRequest,
        context: AccessContext,
        resource: Resource,
    ) -> _Refused | None:
        """Return the rejection if a target is in its cooldown, or None if the user may override it and gave a reason.

        Raises PermissionUnknown if Slack does not say whether the user may override it.
        """
        cooldown = await cooldowns.active(transaction, _keys(request.calls), request.at, but_of=asked.continues)
        if cooldown is None:
            return None
        error: BotError
        override = context.decide(Action.OVERRIDE, resource)
        if not asked.plan:
            self._authorizer.require_answer(override)
        if not asked.plan and not override.allowed:
            about = {"subject": request.subject}
            entry = denied(request.actor, request.at, Action.OVERRIDE, override.rule, about, resource)
            error = refusal(context, Action.OVERRIDE, resource, override)
        elif _has_reason(asked, cooldown):
            return None
        else:
            entry = _entry(LedgerEvent.COOLED_DOWN, request)
            error = CooldownActive(Cooldown(cooldown.user_id, cooldown.at, cooldown.expires_at))
        return _Refused(entry, error, should_record=self._authorizer.denial_log.admits(entry))

    async def send(self, asked: NewRequest) -> None:
        """Accept and start a request, for callers that need not answer Slack within seconds.

        Raises the same errors as `accept`. CooldownActive has the link to the thread of the earlier request.
        """
        try:
            request_id = await self.accept(asked)
        except CooldownActive as error:
            raise CooldownActive(await self.active_cooldown(asked.calls) or error.cooldown) from error
        if request_id:
            await self.start(request_id)

    async def start(self, request_id: str) -> None:
        """Start the workflow of an accepted request. Safe to repeat: it runs once.

        An error is only logged: the request is saved, and `start_pending` starts it soon.
        """
        try:
            await self._engine.start(FLOW, request_id)
        except Exception:
            log.exception("an accepted request could not be started yet", request_id=request_id)

    async def start_pending(self) -> None:
        """Start each accepted request whose outcome is not reported yet, in case its start was lost."""
        for request_id in await self._requests.unreported():
            await self.start(request_id)

    async def is_known(self, request_id: str) -> bool:
        """Return True if a request with this id was accepted."""
        async with self._database.read() as connection:
            return await requests.known(connection, request_id) is not None

    async def carry_out(self, request_id: str, pause: Pause) -> Mapping[int, CallResult] | None:
        """Settle each call of an accepted item of a plan, and return the results. It needs no report of its own.

        Before each further attempt it awaits `pause` with the result of the last one. Return None if that returns
        False: then the item has not ended. Safe to repeat, also after a crash.
        """
        request = await until_available(self._requests.get, request_id)
        for number in range(len(request.calls)):
            earlier: list[Result] = []
            while not (result := await self._sender.attempt(request_id, number, list(earlier)))["ended"]:
                if not result.get("paused"):
                    earlier.append(result)
                if not await pause(result):
                    return None
        await until_available(self._requests.reported, request_id, self._clock())
        return await until_available(self._ledger.results, request_id)

    async def clean_up(self) -> None:
        """Delete workflows that ended, and cooldowns that expired, over an hour ago. The ledger has their history."""
        now = self._clock()
        await self._cooldowns.delete_expired(now - COOLDOWN_RETENTION)
        await self._engine.purge(now - WORKFLOW_RETENTION)

    async def active_cooldown(self, calls: Iterable[Call], but_of: str | None = None) -> Cooldown | None:
        """Return the active cooldown of any of these targets, with its outcome and a link to its thread, or None.

        Ignores the cooldowns of the request `but_of`.
        """
        cooldown = await self._cooldowns.active(_keys(calls), self._clock(), but_of)
        if cooldown is None:
            return None
        outcomes = {ending.outcome for ending in (await self._ledger.results(cooldown.request_id)).values()}
        outcome = next((each for each in (LedgerEvent.UNKNOWN, LedgerEvent.SENT) if each in outcomes), None)
        link = await self._publisher.link(root_key(cooldown.request_id))
        return Cooldown(cooldown.user_id, cooldown.at, cooldown.expires_at, outcome, link)

    async def not_sent(self, request: ResendRequest) -> tuple[Call, ...]:
        """Return the calls of a request that were not sent, and that no one needs to correct."""
        results = await self._ledger.results(request.id)
        outcomes = {number: result.outcome for number, result in results.items()}
        return tuple(call for number, call in enumerate(request.calls) if outcomes.get(number) is LedgerEvent.NOT_SENT)

    async def previous_result(self, request: ResendRequest) -> str | None:
        """Return the result of a request as marked-up text, or None while it has not ended."""
        results = await self._ledger.results(request.id)
        return resend_messages.previous_result(request, results) if len(results) == len(request.calls) else None

    async def _flow(self, steps: Steps, request_id: str) -> None:
        """Announce the request, settle each call, and report the outcome.

        DBOS replays recorded steps by their order, so a workflow with other steps needs a new name.
        """
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            calls = await steps.run("announce", self._reporter.announce, request_id)
            for number in range(calls):
                await self._settle(steps, request_id, number)
                if number + 1 < calls:
                    await steps.run("progress", self._reporter.progress, request_id)
            await deliver_with_retry(steps, "report", self._reporter.report, request_id)

    async def _settle(self, steps: Steps, request_id: str, number: int) -> None:
        earlier: list[Result] = []
        while True:
            result = await steps.run("send", self._sender.attempt, request_id, number, list(earlier))
            if result["ended"]:
                return
            earlier.append(result)
            await steps.run("waiting", self._reporter.waiting, request_id, result)
            await steps.sleep(result["wait"])

    def _request(self, asked: NewRequest) -> ResendRequest:
        return ResendRequest(
            id=id_of_cause(asked.actor, asked.cause),
            actor=asked.actor,
            destination=asked.destination,
            subject=asked.subject,
            calls=asked.calls,
            locale=asked.locale,
            reason=asked.reason,
            at=self._clock(),
            key=asked.key,
            requested_by=asked.requested_by,
            revalidates=asked.revalidates,
            plan=asked.plan,
            follows=asked.follows or asked.continues,
            answers=asked.answers,
        )


def id_of_cause(actor: Actor, cause: str) -> str:
    """Return the id of what a user's act causes. A repeated delivery of the act gives the same id."""
    return hashlib.sha256(f"{actor.team_id}:{cause}".encode()).hexdigest()[:16]


def _has_reason(asked: NewRequest, cooldown: ActiveCooldown) -> bool:
    return asked.reason is not None and asked.plan is None and (asked.seen_at is None or cooldown.at <= asked.seen_at)


def _keys(calls: Iterable[Call]) -> list[str]:
    return [key for call in calls for key in call.cooldown_keys]


def _entry(event: LedgerEvent, request: ResendRequest) -> Entry:
    detail = {
        "subject": request.subject,
        "calls": [_call_detail(call) for call in request.calls],
        "locale": request.locale,
        "reason": request.reason,
        "channel": request.destination.channel_id,
        **({"requested_by": request.requested_by} if request.requested_by else {}),
        **({"follows": request.follows} if request.follows else {}),
        **({"plan": request.plan} if request.plan else {}),
    }
    return Entry(event, request.at, request.actor, request.id, detail=detail)


def _limited(request: ResendRequest, limit: ReachedLimit) -> Entry:
    """Return the ledger entry for the first request over a limit.

    No further one is appended until the user may send again.
    """
    detail = {
        "subject": request.subject,
        "requests": limit.requests,
        "seconds": int(limit.span.total_seconds()),
        "until": format_timestamp(limit.until),
    }
    return Entry(LedgerEvent.LIMITED, request.at, request.actor, detail=detail)


def _call_detail(call: Call) -> dict[str, object]:
    recipients = {name: _emails(call, name) for name in call.names}
    step = {} if call.step is CallStep.RESEND else {"step": call.step.value}
    return {"target": str(call.target), "recipients": recipients, **step}


def _emails(call: Call, name: str) -> list[str]:
    return [recipient.email for recipient in call.recipients if recipient.name == name]
