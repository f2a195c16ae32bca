"""Follow-ups: one per target, decided once per check, and each with the time of the next."""

import dataclasses
from datetime import timedelta

import pytest

from bot.follow_up_schedule import Transition
from bot.models import DomainTarget, FollowUpState, OrderTarget, StatusUpdate
from bot.store import follow_ups, requests
from bot.store.follow_ups import FollowUps

SOON = timedelta(minutes=2)


@pytest.fixture
def followed(database):
    return FollowUps(database)


@pytest.fixture
def begin(database, followed, clock):
    """Return a function that starts the follow-up of every call of a reported request."""

    async def start_pending(request, *, reported=True):
        async with database.write() as transaction:
            await requests.add(transaction, request)
            for number in range(len(request.calls)):
                await follow_ups.begin(transaction, request, number, clock(), clock() + SOON)
        if reported:
            await requests.Requests(database).reported(request.id, clock())
        return await followed.of(request.id)

    return start_pending


@pytest.fixture
def decides(clock):
    """Return a function that makes a decision and counts its calls."""

    def create(
        state=FollowUpState.FOLLOWING,
        word="",
        validated=("a.example",),
        newly_validated=("a.example",),
        nudge=0,
        failed_checks=0,
        due=SOON,
    ):
        def decide(follow_up):
            decide.asked += 1
            update = StatusUpdate(clock(), state, word, newly_validated=newly_validated, nudge=nudge)
            return Transition(update, validated, due and clock() + due, failed_checks)

        decide.asked = 0
        return decide

    return create


async def test_a_follow_up_begins_with_its_first_check_to_come(begin, make_request, order_call, clock):
    [follow_up] = await begin(make_request(calls=(order_call,)))

    assert (follow_up.id, follow_up.target, follow_up.state) == ("r1.0", "order:700001", FollowUpState.FOLLOWING)
    assert (follow_up.since, follow_up.due_at, follow_up.observed_at) == (clock(), clock() + SOON, None)


async def test_it_is_due_at_its_moment_and_not_before(begin, followed, make_request, clock):
    [follow_up] = await begin(make_request())

    before, next_due = await followed.due(clock(), 10), await followed.next_due()
    clock.advance(minutes=2)

    assert before == []
    assert next_due == clock()
    assert await followed.due(clock(), 10) == [follow_up]
    assert await followed.due(clock(), 0) == []


async def test_nothing_is_due_while_the_outcome_is_unreported(begin, followed, make_request, clock):
    await begin(make_request(), reported=False)
    clock.advance(days=1)

    assert await followed.due(clock(), 10) == []
    assert await followed.next_due() is None


async def test_a_check_is_decided_once_and_returns_the_same_update_again(begin, followed, make_request, decides, clock):
    await begin(make_request())
    decide = decides(nudge=2)

    first = await followed.record_check("r1.0", 1, decide, clock())
    clock.advance(minutes=1)
    again = await followed.record_check("r1.0", 1, decide, clock())

    [untold] = await followed.of("r1")
    same = await followed.pending_update("r1.0", 1)
    await followed.announce_done("r1.0", 1)
    [follow_up] = await followed.of("r1")
    assert first == again == same == untold.status_update
    assert decide.asked == 1
    assert untold.due_at == first.at
    assert (follow_up.checks, follow_up.nudges, follow_up.validated) == (1, 2, ("a.example",))
    assert (follow_up.due_at, follow_up.status_update) == (first.at + SOON, None)


async def test_a_check_without_an_update_continues_by_itself(begin, followed, make_request, decides, clock):
    await begin(make_request())

    await followed.record_check("r1.0", 1, decides(newly_validated=()), clock())

    [follow_up] = await followed.of("r1")
    assert (follow_up.due_at, follow_up.status_update) == (clock() + SOON, None)


async def test_changes_before_the_update_is_announced_come_after_it(
    begin, followed, make_request, order_call, decides, clock
):
    for request_id, number in (("stopped", 1), ("taken", 2), ("hurried", 3)):
        call = dataclasses.replace(order_call, target=OrderTarget(number))
        await begin(make_request(request_id, calls=(call,)))
        await followed.record_check(f"{request_id}.0", 1, decides(), clock())

    clock.advance(seconds=1)
    await followed.stop("stopped", "U0ANA", clock())
    await begin(make_request("newer", calls=(dataclasses.replace(order_call, target=OrderTarget(2)),)))
    await followed.make_due([3], clock())
    for request_id in ("stopped", "taken", "hurried"):
        assert (await followed.of(request_id))[0].status_update
        await followed.announce_done(f"{request_id}.0", 1)

    assert {each.id for each in await followed.due(clock(), 9)} == {"stopped.0", "taken.0", "hurried.0"}


async def test_a_superseded_check_reports_nothing(begin, followed, make_request, decides, clock):
    await begin(make_request())
    for number in (1, 2):
        await followed.record_check("r1.0", number, decides(), clock())

    assert await followed.record_check("r1.0", 1, decides(), clock()) is None
    assert await followed.record_check("unheard-of", 1, decides(), clock()) is None


async def test_a_check_without_an_answer_is_not_recorded_as_an_observation(
    begin, followed, make_request, decides, clock
):
    await begin(make_request())

    await followed.record_check("r1.0", 1, decides(failed_checks=1, validated=()), clock())

    [follow_up] = await followed.of("r1")
    assert (follow_up.failed_checks, follow_up.observed_at) == (1, None)


async def test_what_is_over_is_never_due_again(begin, followed, make_request, decides, clock):
    await begin(make_request())

    await followed.record_check("r1.0", 1, decides(FollowUpState.ENDED, "canceled", due=None), clock())
    await followed.announce_done("r1.0", 1)

    [follow_up] = await followed.of("r1")
    assert (follow_up.state, follow_up.word, follow_up.ended_at) == (FollowUpState.ENDED, "canceled", clock())
    assert await followed.next_due() is None


async def test_a_newer_request_supersedes_the_older_one_which_reports_it(
    begin, followed, make_request, order_call, domain_call, decides, clock
):
    await begin(make_request("older", calls=(order_call, domain_call)))
    clock.advance(minutes=1)
    [newer] = await begin(make_request("newer", calls=(order_call,)))

    older, other = await followed.of("older")
    update = await followed.record_check("older.0", 1, decides(), clock())
    await followed.announce_done("older.0", 1)

    assert (older.state, older.word, older.due_at) == (FollowUpState.SUPERSEDED, "newer", clock())
    assert (other.state, newer.state) == (FollowUpState.FOLLOWING, FollowUpState.FOLLOWING)
    assert (update.state, update.word, update.newly_validated) == (FollowUpState.SUPERSEDED, "newer", ())
    assert (await followed.of("older"))[0].due_at is None


async def test_a_stop_ends_every_follow_up_of_a_request_and_is_reported_once(
    begin, followed, make_request, order_call, domain_call, clock
):
    await begin(make_request("r1", calls=(order_call, domain_call)))
    await begin(make_request("r2", calls=(dataclasses.replace(domain_call, recipients=domain_call.recipients[:1]),)))

    stopped = await followed.stop("r1", "U0ANA", clock())

    first, second = await followed.of("r1")
    assert stopped
    assert (first.state, first.word, first.due_at) == (FollowUpState.STOPPED, "U0ANA", clock())
    assert second.state is FollowUpState.SUPERSEDED
    assert not await followed.stop("r1", "U0ANA", clock())
    assert not await followed.stop("unheard-of", "U0ANA", clock())


async def test_a_follow_up_without_a_destination_is_given_up(
    begin, followed, make_request, order_call, domain_call, clock
):
    await begin(make_request(calls=(order_call, domain_call)))

    await followed.abandon("r1", "account_inactive", clock())

    assert [(each.state, each.due_at) for each in await followed.of("r1")] == [(FollowUpState.STOPPED, None)] * 2


async def test_a_reported_observation_counts_as_reported(begin, followed, make_request, decides, clock):
    await begin(make_request())

    await followed.record_observation("r1", {0: decides()}, clock())

    [follow_up] = await followed.of("r1")
    assert (follow_up.validated, follow_up.observed_at) == (("a.example",), clock())
    assert (follow_up.state, follow_up.checks) == (FollowUpState.FOLLOWING, 0)
    assert follow_up.due_at == clock() + SOON


async def test_an_observed_validation_closes_the_target_also_without_a_follow_up(
    begin, followed, make_request, decides, clock
):
    await begin(make_request())
    await followed.stop("r1", "U0ANA", clock())

    await followed.record_observation("r1", {0: decides(FollowUpState.VALIDATED, "issued")}, clock())

    [follow_up] = await followed.of("r1")
    assert (follow_up.state, follow_up.word, follow_up.due_at) == (FollowUpState.VALIDATED, "issued", None)


async def test_a_follow_up_checks_at_once_when_its_order_changed(
    begin, followed, make_request, order_call, domain_call, clock
):
    alone = dataclasses.replace(domain_call, target=DomainTarget(9, "example.net"))
    await begin(make_request("r1", calls=(order_call,)))
    await begin(make_request("r2", calls=(domain_call,), key="order:8"))
    await begin(make_request("r3", calls=(alone,), key="domain:9"))

    orders = await followed.orders()
    await followed.make_due([8, 5], clock())

    assert orders == {700001: clock(), 8: clock()}
    assert [each.id for each in await followed.due(clock(), 10)] == ["r2.0"]


async def test_a_check_that_failed_on_our_side_is_repeated(begin, followed, make_request, decides, clock):
    await begin(make_request())

    await followed.postpone("r1.0", 1, clock() + timedelta(hours=1))

    [follow_up] = await followed.of("r1")
    assert (follow_up.checks, follow_up.due_at) == (1, clock() + timedelta(hours=1))
    assert await followed.record_check("r1.0", 1, decides(), clock()) is None


async def test_what_began_long_ago_is_forgotten(begin, followed, make_request, clock):
    await begin(make_request())
    clock.advance(days=1)

    await followed.prune(clock())

    assert await followed.of("r1") == []


async def test_home_learns_which_targets_were_emailed_lately_and_which_requests_are_tracked(
    begin, followed, make_request, domain_call, clock
):
    await begin(make_request("r1"))
    clock.advance(seconds=3600)
    await begin(make_request("r2", calls=(domain_call,), key="order:9"))
    await followed.stop("r1", "U0ANA", clock())

    everything = await followed.targets_since(clock() - timedelta(hours=2))

    assert everything == {"order:700001", f"domain:{domain_call.target.domain_id}", "order:9"}
    assert await followed.targets_since(clock()) == everything - {"order:700001"}
    assert await followed.tracked(["r1", "r2", "r3"]) == {"r2"}
    assert await followed.tracked([]) == frozenset()
