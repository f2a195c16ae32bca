"""The only gate to a resend: a request is accepted in one transaction, then carried out by a durable flow."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from attrs import define, field

from bot.clock import Clock
from bot.errors import BotError, CooledDown, LimitReached
from bot.metrics import Metrics
from bot.models import NO_REACH, Actor, Call, Cooldown, LedgerEvent, Place, Reach, ResendRequest
from bot.policy.rules import Action, Matter, Standing
from bot.services.authorization.authorizer import Gate, denied, refusal
from bot.services.authorization.resources import about_calls
from bot.services.publishing.delivery import root_key, until_told
from bot.services.publishing.publisher import Board
from bot.services.resend.reporter import Reporting
from bot.services.resend.sender import Result, Sending
from bot.store import cooldowns, person_limits, requests
from bot.store.cooldowns import Claim, Claims
from bot.store.database import Database, Transaction
from bot.store.ledger.entries import Entry, Ledger, append
from bot.store.person_limits import Reached
from bot.store.requests import Requests
from bot.store.schema import written
from bot.views import resend_messages
from bot.workflow_engine import Engine, Steps

log = structlog.get_logger(__name__)

FLOW = "resend_v1"
KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request before it is accepted; `cause` names the one act in Slack that caused it.

    `seen_at` is when its form was drawn: a reason given there says nothing of what was sent after that. `reach` is what
    its emails would validate, as DigiCert reported it then.
    """

    actor: Actor
    place: Place
    cause: str
    key: str
    subject: str
    calls: tuple[Call, ...]
    locale: str
    reason: str | None
    seen_at: datetime | None = None
    reach: Reach = NO_REACH


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why a request is not accepted, and the ledger's row for it, which is written if it `is_news`."""

    entry: Entry
    error: BotError
    is_news: bool


@define(eq=False, repr=False, slots=False)
class Resend:
    """Accepts requests and sees them to their end."""

    _gate: Gate
    _database: Database
    _ledger: Ledger
    _requests: Requests = field(alias="stored")
    _claims: Claims = field(alias="held")
    _board: Board
    _engine: Engine
    _sending: Sending
    _reporting: Reporting
    _metrics: Metrics
    _cooldown: timedelta
    _clock: Clock
    _person_limits: Sequence[tuple[int, float]] = ()

    def __attrs_post_init__(self) -> None:
        self._engine.define(FLOW, self._flow)

    async def accept(self, asked: Asked) -> str | None:
        """Write a request down and return its id; nothing is sent before `begin`.

        Safe to repeat: the same cause is the same request, and counts once for DCV_PERSON_LIMITS. None where its
        outcome was told already, so that nothing is left to begin. NotAllowed and CooledDown are in the ledger when
        they are raised, and so is the first LimitReached of a span. After StoreUnavailable and PermissionUnknown
        nothing was written and nothing will be sent.
        """
        matter = about_calls(asked.place, asked.calls, asked.reach)
        standing = await self._gate.require(asked.actor, Action.RESEND, {"subject": asked.subject}, matter)
        request = self._request(asked)
        async with self._database.write() as transaction:
            if known := await requests.known(transaction, request.id):
                return None if known.is_told else request.id
            refused = await self._over_limit(transaction, request)
            refused = refused or await self._in_cooldown(transaction, request, asked, standing, matter)
            if refused is None:
                await append(transaction, _entry(LedgerEvent.ACCEPTED, request))
                await cooldowns.take(transaction, request, request.at + self._cooldown)
                await requests.add(transaction, request)
            elif refused.is_news:
                await append(transaction, refused.entry)
        if refused:
            self._metrics.refused(refused.entry.event)
            log.warning("not accepted", user=asked.actor.user_id, why=refused.entry.event.value)
            raise refused.error
        log.info("accepted", request_id=request.id, user=asked.actor.user_id, subject=asked.subject)
        return request.id

    async def _over_limit(self, transaction: Transaction, request: ResendRequest) -> _Refused | None:
        limit = await person_limits.reached(transaction, request.actor, self._person_limits, request.at)
        if limit is None:
            return None
        error = LimitReached(limit.requests, limit.span, limit.until, request.at)
        return _Refused(_limited(request, limit), error, is_news=not limit.is_recorded)

    async def _in_cooldown(
        self,
        transaction: Transaction,
        request: ResendRequest,
        asked: Asked,
        standing: Standing,
        matter: Matter,
    ) -> _Refused | None:
        """Return why a target that was sent to lately is not sent to again; raises PermissionUnknown."""
        claim = await cooldowns.standing(transaction, _keys(request.calls), request.at)
        if claim is None:
            return None
        override = standing.decide(Action.OVERRIDE, matter)
        self._gate.require_answer(override)
        error: BotError
        if not override.allowed:
            about = {"subject": request.subject}
            entry = denied(request.actor, request.at, Action.OVERRIDE, override.rule, about, matter)
            error = refusal(standing.rules, Action.OVERRIDE, matter, override)
        elif _has_reason(asked, claim):
            return None
        else:
            entry = _entry(LedgerEvent.COOLED_DOWN, request)
            error = CooledDown(Cooldown(claim.user_id, claim.at, claim.until))
        return _Refused(entry, error, is_news=self._gate.refusals.admits(entry))

    async def send(self, asked: Asked) -> None:
        """Accept and begin, for somebody who does not wait for an answer within seconds.

        Raises as `accept` does; CooledDown carries the link to the thread that tells.
        """
        try:
            request_id = await self.accept(asked)
        except CooledDown as error:
            raise CooledDown(await self.cooling(asked.calls) or error.cooldown) from error
        if request_id:
            await self.begin(request_id)

    async def begin(self, request_id: str) -> None:
        """Start carrying out an accepted request; safe to repeat, it runs once.

        A start that fails is only logged: what is accepted is written down, and `begin_all` starts it soon.
        """
        try:
            await self._engine.start(FLOW, request_id)
        except Exception:
            log.exception("an accepted request could not be started yet", request_id=request_id)

    async def begin_all(self) -> None:
        """Start every accepted request that has not been told yet: those whose start was lost."""
        for request_id in await self._requests.unreported():
            await self.begin(request_id)

    async def tidy(self) -> None:
        """Let go of flows that ended an hour ago, and of claims that no longer hold; the ledger tells what they did."""
        now = self._clock()
        await self._claims.tidy(now - KEPT)
        await self._engine.purge(now - KEPT)

    async def cooling(self, calls: Iterable[Call]) -> Cooldown | None:
        """What was sent to any of these targets a moment ago, with a link to the thread that tells."""
        claim = await self._claims.standing(_keys(calls), self._clock())
        if claim is None:
            return None
        outcomes = {ending.outcome for ending in (await self._ledger.endings(claim.request_id)).values()}
        outcome = next((told for told in (LedgerEvent.UNKNOWN, LedgerEvent.SENT) if told in outcomes), None)
        link = await self._board.link(root_key(claim.request_id))
        return Cooldown(claim.user_id, claim.at, claim.until, outcome, link)

    async def before(self, request: ResendRequest) -> str | None:
        """What came of a request, in marked-up text; None while it has not ended."""
        endings = await self._ledger.endings(request.id)
        return resend_messages.before(request, endings) if len(endings) == len(request.calls) else None

    async def _flow(self, steps: Steps, request_id: str) -> None:
        """Announce, settle each call, report. Recorded steps must keep their order: a changed flow gets a new name."""
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            calls = await steps.run("announce", self._reporting.announce, request_id)
            for number in range(calls):
                await self._settle(steps, request_id, number)
                if number + 1 < calls:
                    await steps.run("progress", self._reporting.progress, request_id)
            await until_told(steps, "report", self._reporting.report, request_id)

    async def _settle(self, steps: Steps, request_id: str, number: int) -> None:
        earlier: list[Result] = []
        while True:
            result = await steps.run("send", self._sending.attempt, request_id, number, list(earlier))
            if result["ended"]:
                return
            earlier.append(result)
            await steps.run("waiting", self._reporting.waiting, request_id, result)
            await steps.sleep(result["wait"])

    def _request(self, asked: Asked) -> ResendRequest:
        return ResendRequest(
            id=hashlib.sha256(f"{asked.actor.team_id}:{asked.cause}".encode()).hexdigest()[:16],
            actor=asked.actor,
            place=asked.place,
            subject=asked.subject,
            calls=asked.calls,
            locale=asked.locale,
            reason=asked.reason,
            at=self._clock(),
            key=asked.key,
        )


def _has_reason(asked: Asked, claim: Claim) -> bool:
    return asked.reason is not None and (asked.seen_at is None or claim.at <= asked.seen_at)


def _keys(calls: Iterable[Call]) -> list[str]:
    return [key for call in calls for key in call.claim_keys]


def _entry(event: LedgerEvent, request: ResendRequest) -> Entry:
    detail = {
        "subject": request.subject,
        "calls": [_told(call) for call in request.calls],
        "locale": request.locale,
        "reason": request.reason,
        "channel": request.place.channel_id,
    }
    return Entry(event, request.at, request.actor, request.id, detail=detail)


def _limited(request: ResendRequest, limit: Reached) -> Entry:
    """The row for the first request beyond a limit; until the person can continue, no further one is written."""
    detail = {
        "subject": request.subject,
        "requests": limit.requests,
        "seconds": int(limit.span.total_seconds()),
        "until": written(limit.until),
    }
    return Entry(LedgerEvent.LIMITED, request.at, request.actor, detail=detail)


def _told(call: Call) -> dict[str, object]:
    return {"target": str(call.target), "recipients": {name: _emails(call, name) for name in call.names}}


def _emails(call: Call, name: str) -> list[str]:
    return [recipient.email for recipient in call.recipients if recipient.name == name]
