"""The schedule of follow-up checks: what to announce, when the next check is due, and when to end.

Pure: the time, the saved state and the observation are parameters.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.models import FollowUp, FollowUpState, Observation, StatusUpdate

# After so many failed checks in a row, the bot says so, and ends a follow-up that has no scheduled check left.
MOST_FAILED_CHECKS = 5
# The reason for a domain that is neither validated nor pending. For a closed order, DigiCert's status is the reason.
NOT_SUBMITTED = "not_submitted"
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FollowUpSchedule:
    """When to check, and when to give advice, both counted from the end of the call, shortest first."""

    follow_ups: tuple[timedelta, ...]
    nudges: tuple[timedelta, ...] = ()

    def next_check(self, since: datetime, now: datetime) -> datetime | None:
        """Return the first check after `now`, or None after the last. A nudge before the last check is a check, too."""
        if not self.follow_ups:
            return None
        within = (nudge for nudge in self.nudges if nudge < self.follow_ups[-1])
        return min((since + after for after in (*self.follow_ups, *within) if since + after > now), default=None)

    def nudges_by(self, since: datetime, now: datetime) -> int:
        """Return how many nudges are due by now."""
        return sum(since + after <= now for after in self.nudges)


@dataclass(frozen=True, slots=True)
class Transition:
    """The next state of a follow-up after a check. `validated` are the names announced as validated so far."""

    status_update: StatusUpdate
    validated: tuple[str, ...]
    due_at: datetime | None
    failed_checks: int = 0


def next_state(
    follow_up: FollowUp,
    names: tuple[str, ...],
    observation: Observation | None,
    schedule: FollowUpSchedule,
    now: datetime,
) -> Transition:
    """Return what a check of these names means. If `observation` is None, DigiCert gave no answer.

    An observation that is older than the saved one is ignored, because the saved one has already been announced.
    """
    due_at = schedule.next_check(follow_up.since, now)
    if observation is None:
        return _next_after_failure(follow_up, due_at, now)
    if follow_up.observed_at and observation.at <= follow_up.observed_at:
        observation = Observation(follow_up.observed_at, follow_up.validated)
    validated = tuple(name for name in names if name in observation.validated)
    state, word = _state(validated == names, observation.closed_status, due_at)
    passed = schedule.nudges_by(follow_up.since, now)
    update = StatusUpdate(
        at=observation.at,
        state=state,
        word=word,
        newly_validated=tuple(name for name in validated if name not in follow_up.validated),
        reopened=tuple(name for name in follow_up.validated if name not in validated),
        nudge=passed if state is FollowUpState.FOLLOWING and passed > follow_up.nudges else 0,
        until=observation.until,
        because=observation.because,
    )
    return Transition(update, validated, due_at if state is FollowUpState.FOLLOWING else None)


def _state(all_validated: bool, over: str | None, due_at: datetime | None) -> tuple[FollowUpState, str]:
    if all_validated:
        return FollowUpState.VALIDATED, over or ""
    if over:
        return FollowUpState.ENDED, over
    return (FollowUpState.FOLLOWING if due_at else FollowUpState.FINISHED), ""


def _next_after_failure(follow_up: FollowUp, due_at: datetime | None, now: datetime) -> Transition:
    failed_checks = follow_up.failed_checks + 1
    # Exponential backoff. The exponent is bounded, because a timedelta overflows after many failures.
    soon = now + min(_FIRST_PAUSE * 2 ** min(follow_up.failed_checks, 10), _LONGEST_PAUSE)
    given_up = due_at is None and failed_checks >= MOST_FAILED_CHECKS
    update = StatusUpdate(
        at=follow_up.observed_at or follow_up.since,
        state=FollowUpState.FINISHED if given_up else FollowUpState.FOLLOWING,
        unreachable=failed_checks == MOST_FAILED_CHECKS or given_up,
    )
    again_at = None if given_up else min(filter(None, (due_at, soon)))
    return Transition(update, follow_up.validated, again_at, failed_checks)
