"""One attempt of one call: at most one PUT, its `sending` row before it, and `unknown` if its outcome is not known."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Required, TypedDict

import structlog
from attrs import Factory, define, field

from bot.clock import Clock
from bot.digicert.client import CertCentral
from bot.digicert.send_guard import Confirm
from bot.errors import CaError, CaRateLimited, CaRejected, CaUnavailable, PermissionUnknown
from bot.expiry.effective_end import EMAIL
from bot.fair_share import BULK, working_for
from bot.follow_up_schedule import FollowUpSchedule
from bot.metrics import Metrics
from bot.models import Call, CallStep, DomainTarget, LedgerEvent, OrderTarget, Reach, ResendRequest
from bot.policy.rules import Action
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_calls
from bot.services.lookup.allowed_emails import AllowedEmails
from bot.services.lookup.reach import ReachReader
from bot.store import cooldowns, follow_ups
from bot.store.call_guard import CallEnded, CallGuard, NotConfirmed, Permit
from bot.store.cluster.membership import SingleInstance
from bot.store.database import Database
from bot.store.ledger.entries import Entry, Ledger, append, has_ended, open_attempts
from bot.store.requests import Requests, remember_recipients
from bot.store.retry import until_available
from bot.timings import PRODUCTION, Timings

log = structlog.get_logger(__name__)

TOO_LATE = timedelta(hours=1)
# The most that the preflight checks may be old when the request's bytes are written. DigiCert may be slow to list the
# addresses or to connect, or the database may be unavailable in between.
LATE = timedelta(seconds=2)
BUSY_FOR_AT_MOST = timedelta(minutes=5)
# Slack's Retry-After is a minute at most as a rule; its jitter comes on top.
PERMISSION_UNKNOWN_FOR_AT_MOST = timedelta(seconds=65)

# The longest that a call may take in another process, and the seconds between two checks for its end.
LONGEST_CALL = 90.0
_POLL_SECONDS = 0.5
_PERMISSION_UNKNOWN = "Slack didn't confirm the requester's permission in time."
# What earlier versions saved for that.
_FORMER_PERMISSION_UNKNOWN = "Right before the call Slack could not tell"
_STOPPED = "The bot stopped before DigiCert replied."


class Result(TypedDict, total=False):
    """The result of one attempt, as JSON. If the call has not ended, the reason and the time of the next attempt.

    `wait` is in seconds, `at` and `again_at` are ISO timestamps. `busy` means a 429 of DigiCert.
    `permission_unknown` means that Slack did not confirm the user's permission. `paused` means that its plan was
    stopped, so that no attempt was made.
    """

    ended: Required[bool]
    busy: bool
    paused: bool
    permission_unknown: bool
    words: str
    wait: float
    at: str
    again_at: str


ENDED: Result = {"ended": True}


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """One attempt of one call of a request. `earlier` holds the results of the attempts before it."""

    request: ResendRequest
    call_no: int
    earlier: Sequence[Result]

    @property
    def call(self) -> Call:
        """The call of this attempt."""
        return self.request.calls[self.call_no]

    @property
    def number(self) -> int:
        """The number of the attempt, from 1."""
        return len(self.earlier) + 1

    @property
    def is_later_step(self) -> bool:
        """True for a step of a revalidation that needs the success of the one before."""
        return self.request.revalidates and self.call_no > 0


class _OtherProcessCalling(Exception):
    """An open attempt of another process at the same call."""


class _PreflightFailed(Exception):
    """A reason not to make the call, found right before it."""


class PlanPaused(Exception):
    """The plan of a call does not run now, so that the call must wait."""


# Returns why a call of a plan must not be made, or None. Raises PlanPaused or PermissionUnknown.
PlanCheck = Callable[[ResendRequest, Call, Reach], Awaitable[str | None]]


async def _no_plans(_: ResendRequest, __: Call, ___: Reach) -> str | None:
    raise PlanPaused


@define(eq=False, repr=False, slots=False)
class CallSender:
    """The workflow step of a resend that calls DigiCert.

    `clock` gives the times that are saved. `steady` measures the age of answers, also of those from `addresses`.
    """

    _database: Database
    _requests: Requests
    _ledger: Ledger
    _authorizer: Authorizer
    _certcentral: CertCentral
    _addresses: AllowedEmails
    _reach: ReachReader
    _schedule: FollowUpSchedule
    _metrics: Metrics
    _clock: Clock
    _executor: str = "only"
    _guard: CallGuard = field()
    _steady: Clock = field(default=Factory(lambda self: self._clock, takes_self=True))
    _timings: Timings = PRODUCTION
    _plan_check: PlanCheck = _no_plans

    def __attrs_post_init__(self) -> None:
        # The revalidations whose first step this process carries out, and when it began: another process makes no
        # further call of them.
        self._mine: dict[str, datetime] = {}

    @_guard.default
    def _guard_of_one(self) -> CallGuard:
        return CallGuard(self._database, SingleInstance(), lambda: self._steady().timestamp())

    @property
    def revalidations_under_way(self) -> int:
        """Return how many revalidations this process carries out."""
        return len(self._mine)

    async def attempt(self, request_id: str, number: int, earlier: Sequence[Result]) -> Result:
        """Attempt a call once. Returns `{"ended": True}`, or the seconds until the next attempt if it was turned away.

        Safe to repeat after a crash: it finds its own open `sending` row, ends the call as unknown and does not call
        DigiCert. `earlier` holds the results of the attempts before this one.
        """
        history = await until_available(self._ledger.attempts, request_id, number)
        if history.result:
            return ENDED
        this = CallAttempt(await until_available(self._requests.get, request_id), number, earlier)
        mine = next((attempt for attempt in history.attempts if attempt.number == this.number), None)
        if mine and mine.closed:
            return await self._deferred(this, _recorded_error(mine.words))
        # A crash came between the `sending` row and its closing: DigiCert may have the call, so it is not repeated.
        if mine:
            return await self._end_unanswered(this, _STOPPED)
        if objection := await self._missing_step(this):
            return await self._end(this, LedgerEvent.NOT_SENT, objection)
        is_late = self._clock() - this.request.at > TOO_LATE and not this.request.plan
        if not earlier and is_late:
            words = "The bot was down for more than an hour, so this request expired. Resend if you still need it."
            return await self._end(this, LedgerEvent.NOT_SENT, words)
        with working_for(BULK if this.request.plan else this.request.actor.user_id):
            return await self._try(this)

    async def _missing_step(self, this: CallAttempt) -> str | None:
        """Return why a step of a revalidation must not begin, or None.

        If an answer was lost or the process changed, a person decides: the domain waits, and no one was emailed.
        """
        if not this.request.revalidates:
            return None
        now = self._clock()
        if not this.is_later_step:
            self._mine = {mine: began for mine, began in self._mine.items() if now - began < TOO_LATE}
            self._mine[this.request.id] = now
            return None
        before = (await until_available(self._ledger.attempts, this.request.id, this.call_no - 1)).result
        if before is None or before.outcome is not LedgerEvent.SENT:
            return "The step before it did not succeed."
        if before.message:
            # The answer was lost, and DigiCert's data showed the effect.
            return "DigiCert's answer to the step before it was lost, so I stopped."
        if this.request.id not in self._mine:
            return "The bot was restarted between two steps."
        return None

    async def _try(self, this: CallAttempt) -> Result:
        # Before the checks, so that they do not get old while the call waits for the rate limiter.
        await self._certcentral.acquire_slot()
        asked_at = self._steady()
        try:
            if objection := await self._preflight_failure(this):
                return await self._end(this, LedgerEvent.NOT_SENT, objection)
        except PlanPaused:
            return Result(ended=False, paused=True)
        except CaRejected as error:
            return await self._end(this, LedgerEvent.REFUSED, str(error))
        except (CaUnavailable, PermissionUnknown) as error:
            return await self._deferred(this, error)
        except Exception:
            log.exception("a call to DigiCert could not be prepared", call=this.call_no)
            words = "An internal error stopped the request before it reached DigiCert."
            return await self._end(this, LedgerEvent.NOT_SENT, words)
        permit = self._guard.permit(this.request.id, this.call_no)
        if not await self._ledger.begin_attempt(
            self._entry(LedgerEvent.SENDING, this, by=self._executor), permit.confirm_in
        ):
            return await self._wait_for_other_process(this)
        return await self._send(this, asked_at, permit)

    async def _send(self, this: CallAttempt, asked_at: datetime, permit: Permit) -> Result:
        """Call DigiCert and end the call. The `sending` row of this attempt must exist."""
        try:
            await self._put(this, self._confirm(this, asked_at, permit))
        except _PreflightFailed as error:
            return await self._end(this, LedgerEvent.NOT_SENT, str(error), begun=True)
        except CaRejected as error:
            return await self._end(this, LedgerEvent.REFUSED, str(error), begun=True)
        except (CaUnavailable, PermissionUnknown) as error:
            if isinstance(error, CaUnavailable) and error.may_have_arrived:
                return await self._end_unanswered(this, str(error))
            return await self._close(this, error)
        except CallEnded:
            log.warning("this call was not made: another process has ended it", call=this.call_no)
            return ENDED
        except NotConfirmed as error:
            return await self._close(this, CaUnavailable(str(error), may_have_arrived=False))
        except Exception:
            log.exception("a call to DigiCert failed on our side", call=this.call_no)
            words = "An internal error interrupted the call to DigiCert."
            return await self._end_unanswered(this, words)
        return await self._end(this, LedgerEvent.SENT, "")

    async def _end_unanswered(self, this: CallAttempt, words: str) -> Result:
        """End a call without an answer: as sent if DigiCert's data shows the effect of the step, else as unknown."""
        if shown := await self._effect(this):
            return await self._end(this, LedgerEvent.SENT, f"{words} {shown}")
        return await self._end(this, LedgerEvent.UNKNOWN, words)

    async def _effect(self, this: CallAttempt) -> str:
        """Return what DigiCert's data shows of a step whose answer was lost, as a sentence; empty if it shows nothing.

        No data shows if emails were sent.
        """
        if not isinstance(this.call.target, DomainTarget) or this.call.step is CallStep.RESEND:
            return ""
        try:
            domain = await self._certcentral.domain(this.call.target.domain_id)
        except CaError as error:
            log.warning("the effect of a step could not be read", call=this.call_no, error=str(error))
            return ""
        if not domain.is_pending:
            return ""
        if this.call.step is CallStep.SUBMIT:
            return "DigiCert lists the domain as submitted."
        return "DigiCert lists the domain with validation by email." if domain.method == EMAIL else ""

    def _confirm(self, this: CallAttempt, asked_at: datetime, permit: Permit) -> Confirm:
        """Return the last check, which the HTTP client runs right before it writes the bytes of the call.

        It repeats the preflight checks if they are older than LATE, then confirms that this process may still send.
        """

        async def confirm() -> None:
            nonlocal asked_at
            if (now := self._steady()) - asked_at > LATE:
                if objection := await self._late_preflight_failure(this):
                    raise _PreflightFailed(objection)
                asked_at = now
            await permit.confirm()

        return confirm

    async def _preflight_failure(self, this: CallAttempt) -> str | None:
        """Return the reason not to make the call, or None, by asking Slack and DigiCert right before it.

        Raises PermissionUnknown if Slack does not say whether the user is still allowed. Raises CaError if DigiCert
        does not give the data.
        """
        request, call = this.request, this.call
        reach = await self._reach.of_call(call, request.order_id, await self._authorizer.rules())
        resource = resource_for_calls(request.destination, [call], reach)
        action = Action.REVALIDATE if request.revalidates else Action.RESEND
        decision = await self._authorizer.decide(request.actor, action, resource, afresh=True)
        if decision.is_unknown:
            raise PermissionUnknown(_PERMISSION_UNKNOWN, self._authorizer.retry_after)
        if not decision.allowed:
            log.warning("no longer allowed", call=this.call_no, rule=decision.rule)
            return "The requester lost permission before the email was sent."
        if request.plan and (objection := await self._plan_check(request, call, reach)):
            return objection
        if not isinstance(call.target, DomainTarget):
            return None
        if call.step is CallStep.SUBMIT and (objection := await self._submitted_already(call.target)):
            return objection
        return await self._addresses.audience_objection(call.target, call.recipients)

    async def _submitted_already(self, target: DomainTarget) -> str | None:
        """Return why a domain must not be submitted, or None.

        To submit a pending domain would change its method, which may void the emails that are out.
        """
        domain = await self._certcentral.domain(target.domain_id)
        return (
            f"{domain.name} is already waiting for validation. Resend its email instead." if domain.is_pending else None
        )

    async def _late_preflight_failure(self, this: CallAttempt) -> str | None:
        """Repeat the preflight checks, because the row or the connection took long. An error of DigiCert counts too."""
        try:
            return await self._preflight_failure(this)
        except CaError as error:
            return str(error)
        except PlanPaused:
            return "The plan was stopped before the email was sent."

    async def _put(self, this: CallAttempt, confirm: Confirm) -> None:
        recipients, locale = this.call.recipients, this.request.locale
        match this.call.target:
            case OrderTarget(order_id):
                await self._certcentral.resend_order(order_id, recipients, locale, confirm)
            case DomainTarget(domain_id, name_scope):
                emails = [recipient.email for recipient in recipients]
                match this.call.step:
                    case CallStep.SUBMIT:
                        await self._certcentral.submit_domain(domain_id, this.call.validation_types, confirm)
                    case CallStep.METHOD:
                        await self._certcentral.change_domain_to_email(domain_id, emails, locale, confirm)
                    case CallStep.RESEND:
                        await self._certcentral.resend_domain(domain_id, name_scope, emails, locale, confirm)

    async def _close(self, this: CallAttempt, error: CaUnavailable | PermissionUnknown) -> Result:
        """Close the row of an attempt that did not reach DigiCert, unless another process has ended the call."""
        if not await self._ledger.append_reliably(self._entry(LedgerEvent.TURNED_AWAY, this, words=str(error))):
            return ENDED
        return await self._deferred(this, error)

    async def _deferred(self, this: CallAttempt, error: CaUnavailable | PermissionUnknown) -> Result:
        if again := self._again(this.earlier, error):
            log.info("not accepted; trying again", call=this.call_no, seconds=again["wait"], error=str(error))
            return again
        return await self._end(this, LedgerEvent.NOT_SENT, _gave_up(this.earlier, error))

    def _again(self, earlier: Sequence[Result], error: CaUnavailable | PermissionUnknown) -> Result | None:
        """Return the result with the time of the next attempt, or None if the bot has tried long enough.

        Each reason has its own bound: a 429 and an unknown permission a time, an unreachable DigiCert a number of
        attempts.
        """
        now, delays = self._clock(), self._timings
        permission_unknown = isinstance(error, PermissionUnknown)
        if isinstance(error, CaRateLimited | PermissionUnknown):
            # Count only the latest unbroken run: any other result means that Slack answered in between.
            before = list(takewhile(_was_unknown, reversed(earlier)))[::-1] if permission_unknown else earlier
            pauses, longest = (
                (delays.permission_delays, PERMISSION_UNKNOWN_FOR_AT_MOST)
                if permission_unknown
                else (delays.busy_delays, BUSY_FOR_AT_MOST)
            )
            began = datetime.fromisoformat(before[0]["at"]) if before else now
            wait = _pause(error.retry_after, len(before), *pauses)
            if now - began + timedelta(seconds=wait) > longest:
                return None
        else:
            unreachable = sum(not result["busy"] and not _was_unknown(result) for result in earlier)
            if unreachable >= len(self._timings.unreachable_delays):
                return None
            wait = self._timings.unreachable_delays[unreachable]
        at, again_at = now.isoformat(), (now + timedelta(seconds=wait)).isoformat()
        return Result(
            ended=False,
            busy=isinstance(error, CaRateLimited),
            permission_unknown=permission_unknown,
            words=str(error),
            wait=wait,
            at=at,
            again_at=again_at,
        )

    async def _wait_for_other_process(self, this: CallAttempt) -> Result:
        """Wait for the other process to end this call. If it does not within LONGEST_CALL, end the call as unknown."""
        log.warning("another process carries out this call", call=this.call_no)
        for _ in range(int(LONGEST_CALL / _POLL_SECONDS)):
            if (await until_available(self._ledger.attempts, this.request.id, this.call_no)).result:
                return ENDED
            await asyncio.sleep(_POLL_SECONDS)
        return await self._end(this, LedgerEvent.UNKNOWN, _STOPPED)

    async def _end(self, this: CallAttempt, outcome: LedgerEvent, words: str, *, begun: bool = False) -> Result:
        """Save the outcome of a call. `begun` means that this attempt has its own `sending` row."""
        try:
            is_new = await until_available(self._write_end, this, outcome, words, begun)
        except _OtherProcessCalling:
            return await self._wait_for_other_process(this)
        if is_new:
            self._metrics.record_outcome(outcome)
            log.info("ended", call=this.call_no, outcome=outcome.value, words=words)
        if this.call_no == len(this.request.calls) - 1:
            self._mine.pop(this.request.id, None)
        return ENDED

    async def _write_end(self, this: CallAttempt, outcome: LedgerEvent, words: str, begun: bool) -> bool:
        """Save the outcome with its cooldown, recipients and follow-up in one transaction.

        Returns False, and writes nothing, if the call had ended before. Raises _OtherProcessCalling if the outcome
        says that nothing was sent while another process may be sending.
        """
        entry, request_id = self._entry(outcome, this, words=words), this.request.id
        async with self._database.write() as transaction:
            if await has_ended(transaction, request_id, this.call_no):
                return False
            if outcome in (LedgerEvent.REFUSED, LedgerEvent.NOT_SENT):
                # Releasing the cooldown is safe only if no other process can still be sending this call.
                ours = {this.number} if begun else set()
                if await open_attempts(transaction, request_id, this.call_no) - ours:
                    raise _OtherProcessCalling
                # A revalidation has one cooldown for all its steps, and an earlier one had an effect.
                if not this.is_later_step:
                    await cooldowns.release(transaction, request_id, this.call.cooldown_keys)
            elif this.call.step is CallStep.RESEND:
                await remember_recipients(transaction, this.call, entry.at)
                if first_check := self._schedule.next_check(entry.at, entry.at):
                    await follow_ups.begin(transaction, this.request, this.call_no, entry.at, first_check)
            await append(transaction, entry)
        return True

    def _entry(self, event: LedgerEvent, this: CallAttempt, **detail: str) -> Entry:
        detail["target"] = str(this.call.target)
        request = this.request
        return Entry(event, self._clock(), request.actor, request.id, this.call_no, this.number, detail)


def _was_unknown(result: Result) -> bool:
    """Return True if an attempt was deferred because Slack did not confirm the permission."""
    return bool(result.get("permission_unknown"))


def _pause(retry_after: float | None, tries_before: int, first: float, longest: float) -> float:
    """Return the seconds to wait, with jitter: `retry_after` from 1 s on, else `first` doubling up to `longest`."""
    if retry_after is not None and retry_after >= 1.0:
        return retry_after + float(random.uniform(0.0, 1.0))  # noqa: S311 - spreads load, guards nothing
    return float(min(longest, first * 2**tries_before) * random.uniform(0.8, 1.2))  # noqa: S311


def _recorded_error(words: str) -> CaUnavailable | PermissionUnknown:
    """Return the error that an earlier process saved as words."""
    if words.startswith((_PERMISSION_UNKNOWN, _FORMER_PERMISSION_UNKNOWN)):
        return PermissionUnknown(words)
    busy = CaRateLimited(None)
    return busy if words == str(busy) else CaUnavailable(words, may_have_arrived=False)


def _gave_up(earlier: Sequence[Result], error: CaUnavailable | PermissionUnknown) -> str:
    if isinstance(error, CaRateLimited):
        if error.retry_after is not None:
            minutes = math.ceil(error.retry_after / 60)
            span = "minute" if minutes <= 1 else f"{minutes} minutes"
            return f"DigiCert is limiting requests for the next {span}, so I stopped."
        return "DigiCert kept limiting requests, so I stopped."
    tries = len(earlier) + 1
    return f"{error} I tried once." if tries == 1 else f"{error} I tried {tries} times."
