"""Followings: one per target, decided once per look, and each with the moment of the next."""

import dataclasses
from datetime import timedelta

import pytest

from bot.follow_up_schedule import Decision
from bot.models import DomainTarget, FollowState, News, OrderTarget
from bot.store import follow_ups, requests
from bot.store.follow_ups import Followings

SOON = timedelta(minutes=2)


@pytest.fixture
def followed(database):
    return Followings(database)


@pytest.fixture
def begin(database, followed, clock):
    """Follow every call of a request whose outcome was told."""

    async def begin_all(request, *, told=True):
        async with database.write() as transaction:
            await requests.add(transaction, request)
            for number in range(len(request.calls)):
                await follow_ups.begin(transaction, request, number, clock(), clock() + SOON)
        if told:
            await requests.Requests(database).reported(request.id, clock())
        return await followed.of(request.id)

    return begin_all


@pytest.fixture
def decides(clock):
    """A decision, and how often it was asked for."""

    def make(
        state=FollowState.FOLLOWING,
        word="",
        validated=("a.example",),
        fresh=("a.example",),
        nudge=0,
        misses=0,
        due=SOON,
    ):
        def decide(following):
            decide.asked += 1
            news = News(clock(), state, word, fresh=fresh, nudge=nudge)
            return Decision(news, validated, due and clock() + due, misses)

        decide.asked = 0
        return decide

    return make


async def test_a_following_begins_with_its_first_look_to_come(begin, make_request, order_call, clock):
    [following] = await begin(make_request(calls=(order_call,)))

    assert (following.id, following.target, following.state) == ("r1.0", "order:700001", FollowState.FOLLOWING)
    assert (following.since, following.due_at, following.seen_at) == (clock(), clock() + SOON, None)


async def test_it_is_due_at_its_moment_and_not_before(begin, followed, make_request, clock):
    [following] = await begin(make_request())

    before, next_due = await followed.due(clock(), 10), await followed.next_due()
    clock.advance(minutes=2)

    assert before == []
    assert next_due == clock()
    assert await followed.due(clock(), 10) == [following]
    assert await followed.due(clock(), 0) == []


async def test_nothing_is_due_while_the_outcome_is_not_told(begin, followed, make_request, clock):
    await begin(make_request(), told=False)
    clock.advance(days=1)

    assert await followed.due(clock(), 10) == []
    assert await followed.next_due() is None


async def test_a_look_is_decided_once_and_gives_the_same_news_again(begin, followed, make_request, decides, clock):
    await begin(make_request())
    decide = decides(nudge=2)

    first = await followed.note("r1.0", 1, decide, clock())
    clock.advance(minutes=1)
    again = await followed.note("r1.0", 1, decide, clock())

    [untold] = await followed.of("r1")
    same = await followed.news("r1.0", 1)
    await followed.release("r1.0", 1)
    [following] = await followed.of("r1")
    assert first == again == same == untold.news
    assert decide.asked == 1
    assert untold.due_at == first.at
    assert (following.checks, following.nudges, following.validated) == (1, 2, ("a.example",))
    assert (following.due_at, following.news) == (first.at + SOON, None)


async def test_a_look_without_news_goes_on_by_itself(begin, followed, make_request, decides, clock):
    await begin(make_request())

    await followed.note("r1.0", 1, decides(fresh=()), clock())

    [following] = await followed.of("r1")
    assert (following.due_at, following.news) == (clock() + SOON, None)


async def test_what_happens_before_the_news_are_released_comes_after_them(
    begin, followed, make_request, order_call, decides, clock
):
    for request_id, number in (("stopped", 1), ("taken", 2), ("hurried", 3)):
        call = dataclasses.replace(order_call, target=OrderTarget(number))
        await begin(make_request(request_id, calls=(call,)))
        await followed.note(f"{request_id}.0", 1, decides(), clock())

    clock.advance(seconds=1)
    await followed.stop("stopped", "U0ANA", clock())
    await begin(make_request("newer", calls=(dataclasses.replace(order_call, target=OrderTarget(2)),)))
    await followed.hurry([3], clock())
    for request_id in ("stopped", "taken", "hurried"):
        assert (await followed.of(request_id))[0].news
        await followed.release(f"{request_id}.0", 1)

    assert {each.id for each in await followed.due(clock(), 9)} == {"stopped.0", "taken.0", "hurried.0"}


async def test_a_look_that_was_overtaken_tells_nothing(begin, followed, make_request, decides, clock):
    await begin(make_request())
    for number in (1, 2):
        await followed.note("r1.0", number, decides(), clock())

    assert await followed.note("r1.0", 1, decides(), clock()) is None
    assert await followed.note("unheard-of", 1, decides(), clock()) is None


async def test_a_look_without_an_answer_does_not_count_as_seen(begin, followed, make_request, decides, clock):
    await begin(make_request())

    await followed.note("r1.0", 1, decides(misses=1, validated=()), clock())

    [following] = await followed.of("r1")
    assert (following.misses, following.seen_at) == (1, None)


async def test_what_is_over_is_never_due_again(begin, followed, make_request, decides, clock):
    await begin(make_request())

    await followed.note("r1.0", 1, decides(FollowState.ENDED, "canceled", due=None), clock())
    await followed.release("r1.0", 1)

    [following] = await followed.of("r1")
    assert (following.state, following.word, following.ended_at) == (FollowState.ENDED, "canceled", clock())
    assert await followed.next_due() is None


async def test_a_newer_request_takes_over_and_the_older_one_tells_it(
    begin, followed, make_request, order_call, domain_call, decides, clock
):
    await begin(make_request("older", calls=(order_call, domain_call)))
    clock.advance(minutes=1)
    [newer] = await begin(make_request("newer", calls=(order_call,)))

    older, other = await followed.of("older")
    news = await followed.note("older.0", 1, decides(), clock())
    await followed.release("older.0", 1)

    assert (older.state, older.word, older.due_at) == (FollowState.TAKEN_OVER, "newer", clock())
    assert (other.state, newer.state) == (FollowState.FOLLOWING, FollowState.FOLLOWING)
    assert (news.state, news.word, news.fresh) == (FollowState.TAKEN_OVER, "newer", ())
    assert (await followed.of("older"))[0].due_at is None


async def test_a_stop_ends_every_following_of_a_request_and_one_of_them_tells(
    begin, followed, make_request, order_call, domain_call, clock
):
    await begin(make_request("r1", calls=(order_call, domain_call)))
    await begin(make_request("r2", calls=(dataclasses.replace(domain_call, recipients=domain_call.recipients[:1]),)))

    stopped = await followed.stop("r1", "U0ANA", clock())

    first, second = await followed.of("r1")
    assert stopped
    assert (first.state, first.word, first.due_at) == (FollowState.STOPPED, "U0ANA", clock())
    assert second.state is FollowState.TAKEN_OVER
    assert not await followed.stop("r1", "U0ANA", clock())
    assert not await followed.stop("unheard-of", "U0ANA", clock())


async def test_what_can_be_told_nowhere_is_given_up(begin, followed, make_request, order_call, domain_call, clock):
    await begin(make_request(calls=(order_call, domain_call)))

    await followed.give_up("r1", "account_inactive", clock())

    assert [(each.state, each.due_at) for each in await followed.of("r1")] == [(FollowState.STOPPED, None)] * 2


async def test_what_somebody_was_told_counts_as_told(begin, followed, make_request, decides, clock):
    await begin(make_request())

    await followed.seen("r1", {0: decides()}, clock())

    [following] = await followed.of("r1")
    assert (following.validated, following.seen_at) == (("a.example",), clock())
    assert (following.state, following.checks) == (FollowState.FOLLOWING, 0)
    assert following.due_at == clock() + SOON


async def test_what_somebody_sees_validated_is_over_also_where_nobody_followed_it_any_more(
    begin, followed, make_request, decides, clock
):
    await begin(make_request())
    await followed.stop("r1", "U0ANA", clock())

    await followed.seen("r1", {0: decides(FollowState.VALIDATED, "issued")}, clock())

    [following] = await followed.of("r1")
    assert (following.state, following.word, following.due_at) == (FollowState.VALIDATED, "issued", None)


async def test_what_follows_an_order_looks_at_once_when_its_status_changed(
    begin, followed, make_request, order_call, domain_call, clock
):
    alone = dataclasses.replace(domain_call, target=DomainTarget(9, "example.net"))
    await begin(make_request("r1", calls=(order_call,)))
    await begin(make_request("r2", calls=(domain_call,), key="order:8"))
    await begin(make_request("r3", calls=(alone,), key="domain:9"))

    orders = await followed.orders()
    await followed.hurry([8, 5], clock())

    assert orders == {700001: clock(), 8: clock()}
    assert [each.id for each in await followed.due(clock(), 10)] == ["r2.0"]


async def test_a_look_that_failed_on_our_side_comes_again(begin, followed, make_request, decides, clock):
    await begin(make_request())

    await followed.postpone("r1.0", 1, clock() + timedelta(hours=1))

    [following] = await followed.of("r1")
    assert (following.checks, following.due_at) == (1, clock() + timedelta(hours=1))
    assert await followed.note("r1.0", 1, decides(), clock()) is None


async def test_what_began_long_ago_is_forgotten(begin, followed, make_request, clock):
    await begin(make_request())
    clock.advance(days=1)

    await followed.prune(clock())

    assert await followed.of("r1") == []
