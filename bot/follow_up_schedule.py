"""When to look after a resend, and what a look means: what is told, when the next one is due, whether it was the last.

Pure: the moment, what was told and what was seen come in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.models import Following, FollowState, News, Seen

# So many looks in a row without an answer are told, and end a following whose last check they were.
MOST_MISSES = 5
# Why nothing waits of a domain that was not validated all the same: where an order is over, DigiCert's word says so.
NOT_SUBMITTED = "not_submitted"
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to look, and when to say what usually helps, both counted from the end of the call; shortest first."""

    follow_ups: tuple[timedelta, ...]
    nudges: tuple[timedelta, ...] = ()

    def next_check(self, since: datetime, now: datetime) -> datetime | None:
        """The first check after `now`; None after the last. A nudge before the last check is a check as well."""
        if not self.follow_ups:
            return None
        within = (nudge for nudge in self.nudges if nudge < self.follow_ups[-1])
        return min((since + after for after in (*self.follow_ups, *within) if since + after > now), default=None)

    def nudges_by(self, since: datetime, now: datetime) -> int:
        """How many nudges are due by now."""
        return sum(since + after <= now for after in self.nudges)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a following after a look; `validated` are the names told so from now on."""

    news: News
    validated: tuple[str, ...]
    due_at: datetime | None
    misses: int = 0


def decide(
    following: Following, names: tuple[str, ...], seen: Seen | None, schedule: Schedule, now: datetime
) -> Decision:
    """What a look at these names means; without `seen`, that DigiCert gave no answer.

    What was looked at before somebody else looked is no news: that one told what there was.
    """
    due_at = schedule.next_check(following.since, now)
    if seen is None:
        return _missed(following, due_at, now)
    if following.seen_at and seen.at <= following.seen_at:
        seen = Seen(following.seen_at, following.validated)
    validated = tuple(name for name in names if name in seen.validated)
    state, word = _state(validated == names, seen.over, due_at)
    passed = schedule.nudges_by(following.since, now)
    news = News(
        at=seen.at,
        state=state,
        word=word,
        fresh=tuple(name for name in validated if name not in following.validated),
        again=tuple(name for name in following.validated if name not in validated),
        nudge=passed if state is FollowState.FOLLOWING and passed > following.nudges else 0,
    )
    return Decision(news, validated, due_at if state is FollowState.FOLLOWING else None)


def _state(all_validated: bool, over: str | None, due_at: datetime | None) -> tuple[FollowState, str]:
    if all_validated:
        return FollowState.VALIDATED, over or ""
    if over:
        return FollowState.ENDED, over
    return (FollowState.FOLLOWING if due_at else FollowState.FINISHED), ""


def _missed(following: Following, due_at: datetime | None, now: datetime) -> Decision:
    misses = following.misses + 1
    soon = now + min(_FIRST_PAUSE * 2 ** min(following.misses, 10), _LONGEST_PAUSE)
    given_up = due_at is None and misses >= MOST_MISSES
    news = News(
        at=following.seen_at or following.since,
        state=FollowState.FINISHED if given_up else FollowState.FOLLOWING,
        silent=misses == MOST_MISSES or given_up,
    )
    again_at = None if given_up else min(filter(None, (due_at, soon)))
    return Decision(news, following.validated, again_at, misses)
