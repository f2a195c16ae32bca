"""The transitions of a follow-up: each change is reported once, the next check has a time, and each one ends."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from bot.follow_up_schedule import MOST_FAILED_CHECKS, FollowUpSchedule, next_state
from bot.models import FollowUp, FollowUpState, Observation

SINCE = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
NAMES = ("a.example", "b.example", "c.example")
MINUTES = FollowUpSchedule(
    tuple(timedelta(minutes=number) for number in (2, 5, 10)), (timedelta(minutes=4), timedelta(minutes=5))
)


def after(minutes):
    return SINCE + timedelta(minutes=minutes)


def follow_up(*validated, **changes):
    return dataclasses.replace(FollowUp("r1", 0, "order:1", SINCE, validated=validated), **changes)


def check(minutes, *validated, reported=(), over=None, schedule=MINUTES, **changes):
    """Return the transition after so many minutes if these names are validated."""
    now = after(minutes)
    return next_state(follow_up(*reported, **changes), NAMES, Observation(now, validated, over), schedule, now)


@pytest.mark.parametrize(
    ("reported", "validated", "fresh", "again", "state"),
    [
        ((), (), (), (), FollowUpState.FOLLOWING),
        ((), ("b.example",), ("b.example",), (), FollowUpState.FOLLOWING),
        (("b.example",), ("b.example",), (), (), FollowUpState.FOLLOWING),
        (("b.example",), ("a.example", "b.example"), ("a.example",), (), FollowUpState.FOLLOWING),
        (("b.example",), NAMES, ("a.example", "c.example"), (), FollowUpState.VALIDATED),
        (("a.example", "b.example"), ("a.example",), (), ("b.example",), FollowUpState.FOLLOWING),
        ((), ("another.example",), (), (), FollowUpState.FOLLOWING),
    ],
)
def test_an_update_holds_what_changed_since_the_last_report(reported, validated, fresh, again, state):
    decision = check(2, *validated, reported=reported)

    assert (decision.status_update.newly_validated, decision.status_update.reopened, decision.status_update.state) == (
        fresh,
        again,
        state,
    )
    assert decision.status_update.at == after(2)
    assert set(decision.validated) == set(validated) & set(NAMES)


@pytest.mark.parametrize(
    ("minutes", "due", "state"),
    [
        (0, 2, FollowUpState.FOLLOWING),
        (2, 4, FollowUpState.FOLLOWING),
        (4, 5, FollowUpState.FOLLOWING),
        (7, 10, FollowUpState.FOLLOWING),
        (10, None, FollowUpState.FINISHED),
        (99, None, FollowUpState.FINISHED),
    ],
)
def test_the_next_check_is_the_first_one_that_is_still_to_come(minutes, due, state):
    decision = check(minutes)

    assert decision.due_at == (due and after(due))
    assert decision.status_update.state is state


@pytest.mark.parametrize(
    ("validated", "over", "state", "word"),
    [
        (NAMES, None, FollowUpState.VALIDATED, ""),
        (NAMES, "issued", FollowUpState.VALIDATED, "issued"),
        ((), "issued", FollowUpState.ENDED, "issued"),
        ((), "canceled", FollowUpState.ENDED, "canceled"),
        (("a.example",), "rejected", FollowUpState.ENDED, "rejected"),
    ],
)
def test_a_follow_up_ends_with_the_validation_or_with_its_order(validated, over, state, word):
    decision = check(2, *validated, over=over)

    assert (decision.status_update.state, decision.status_update.word, decision.due_at) == (state, word, None)


@pytest.mark.parametrize(
    ("minutes", "nudged", "nudge"),
    [(2, 0, 0), (4, 0, 1), (4, 1, 0), (5, 1, 2), (5, 0, 2), (7, 2, 0), (10, 0, 0)],
)
def test_a_reminder_is_sent_once_and_several_missed_ones_as_one(minutes, nudged, nudge):
    assert check(minutes, nudges=nudged).status_update.nudge == nudge


def test_no_reminder_is_sent_for_what_is_validated():
    assert check(4, *NAMES).status_update.nudge == 0


def test_a_reminder_after_the_last_check_never_comes():
    schedule = FollowUpSchedule((timedelta(minutes=2),), (timedelta(minutes=1), timedelta(hours=1)))

    assert [schedule.next_check(SINCE, after(minutes)) for minutes in (0, 1, 2)] == [after(1), after(2), None]


def test_without_checks_nothing_is_followed():
    assert FollowUpSchedule(()).next_check(SINCE, SINCE) is None


def test_a_check_overtaken_by_another_is_no_update():
    now = after(5)
    row = follow_up("a.example", observed_at=after(4))

    decision = next_state(row, NAMES, Observation(after(3), ()), MINUTES, now)

    assert (decision.status_update.newly_validated, decision.status_update.reopened) == ((), ())
    assert decision.validated == ("a.example",)


def test_without_an_answer_it_checks_again_soon_and_says_so_once():
    now, row, decisions = after(1), follow_up("a.example"), []
    for _ in range(MOST_FAILED_CHECKS + 1):
        decisions.append(next_state(row, NAMES, None, FollowUpSchedule((timedelta(days=1),)), now))
        row = dataclasses.replace(row, failed_checks=decisions[-1].failed_checks)

    assert [decision.due_at - now for decision in decisions] == [timedelta(minutes=2**n) for n in range(6)]
    assert [decision.status_update.unreachable for decision in decisions] == [False] * 4 + [True, False]
    assert {decision.status_update.state for decision in decisions} == {FollowUpState.FOLLOWING}
    assert {decision.validated for decision in decisions} == {("a.example",)}


def test_without_an_answer_the_next_check_may_come_sooner():
    assert next_state(follow_up(failed_checks=3), NAMES, None, MINUTES, after(3)).due_at == after(4)


def test_without_an_answer_to_the_last_checks_it_ends():
    first, last = (
        next_state(follow_up(failed_checks=misses), NAMES, None, MINUTES, after(20))
        for misses in (0, MOST_FAILED_CHECKS - 1)
    )

    assert (first.due_at, first.status_update.state) == (after(21), FollowUpState.FOLLOWING)
    assert (last.due_at, last.status_update.state, last.status_update.unreachable) == (
        None,
        FollowUpState.FINISHED,
        True,
    )


def test_an_answer_forgets_the_misses():
    assert check(2, failed_checks=4).failed_checks == 0
