"""The check right before a call: only a current answer counts, and only while the process is a member."""

import asyncio

import pytest

from bot.digicert.send_guard import HELD_SECONDS
from bot.errors import StoreUnavailable
from bot.models import LedgerEvent
from bot.store.call_guard import ANSWER_SECONDS, FRESH_SECONDS, CallEnded, CallGuard, NotConfirmed
from bot.store.cluster.leases import LEASE_SECONDS, LONGEST_GAP, RENEWALS_PER_LEASE
from bot.store.cluster.membership import SingleInstance
from bot.store.database import LOCK_SECONDS
from bot.store.ledger.entries import Entry, Ledger


class Now:
    """The clock of the process, which a test sets."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


class Member(SingleInstance):
    """A member of a cluster. `renewed` counts its renewals, which last some time."""

    def __init__(self, now):
        super().__init__()
        self.term, self.is_there, self.renewed, self.takes, self._now = 1, True, 0, [], now

    async def renew(self, connection):
        self.renewed += 1
        self._now.seconds += self.takes.pop(0) if self.takes else 0.0
        return self.is_there


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def member(now):
    return Member(now)


@pytest.fixture
def permit(database, member, now):
    return CallGuard(database, member, now).permit("r1", 0)


@pytest.fixture
def end(database, clock, ana):
    async def end(call_no=0, event=LedgerEvent.UNKNOWN):
        await Ledger(database).append(Entry(event, clock(), ana, "r1", call_no, 1))

    return end


def test_a_request_is_sent_or_never_will_be_before_others_may_recover_it():
    """This holds also if the database's clock jumps by the duration of a late renewal."""
    unseen_jump = LEASE_SECONDS * LONGEST_GAP - LEASE_SECONDS / RENEWALS_PER_LEASE

    assert LEASE_SECONDS - unseen_jump > FRESH_SECONDS + HELD_SECONDS


async def test_an_open_call_of_a_member_may_be_made(permit, member, end):
    await end(event=LedgerEvent.SENDING)
    await end(call_no=1)

    await permit.confirm()

    assert member.renewed == 1


@pytest.mark.parametrize("event", [LedgerEvent.UNKNOWN, LedgerEvent.SENT, LedgerEvent.NOT_SENT, LedgerEvent.REFUSED])
async def test_a_call_that_has_ended_must_not_be_made(permit, end, event):
    await end(event=event)

    with pytest.raises(CallEnded):
        await permit.confirm()


async def test_a_process_considered_dead_must_not_call(permit, member):
    member.is_there = False

    with pytest.raises(NotConfirmed, match="didn't respond"):
        await permit.confirm()


async def test_a_process_that_joined_again_must_not_make_the_calls_of_before(permit, member, database, now):
    member.term += 1

    with pytest.raises(NotConfirmed, match="didn't respond"):
        await permit.confirm()
    await CallGuard(database, member, now).permit("r1", 0).confirm()


async def test_an_answer_counts_for_a_moment_only(permit, member, end, now):
    await permit.confirm()
    await end()

    now.seconds += FRESH_SECONDS / 2
    await permit.confirm()
    now.seconds += FRESH_SECONDS / 2
    with pytest.raises(CallEnded):
        await permit.confirm()


async def test_an_answer_that_comes_late_is_asked_for_again(permit, member):
    member.takes = [ANSWER_SECONDS + 60.0, 0.1]

    await permit.confirm()

    assert member.renewed == 2


async def test_answers_that_always_come_late_allow_nothing(permit, member):
    member.takes = [ANSWER_SECONDS + 0.1] * 9

    with pytest.raises(NotConfirmed, match="didn't confirm the email in time"):
        await permit.confirm()
    assert member.renewed == 3


async def test_a_database_that_cannot_be_asked_allows_nothing(permit, member):
    async def fail(connection):
        raise StoreUnavailable("It is away.")

    member.renew = fail

    with pytest.raises(NotConfirmed, match="didn't confirm the email in time"):
        await permit.confirm()


@pytest.mark.parametrize("lock_seconds", [LOCK_SECONDS])
async def test_a_silent_server_is_not_waited_for_longer_than_a_second(open_database_of, postgresql_url, member):
    from tests.database_link import DatabaseLink

    async with DatabaseLink(postgresql_url) as link:
        database = open_database_of(link.url.replace("postgresql:", "postgresql+psycopg:", 1))
        await CallGuard(database, member).permit("r1", 0).confirm()
        link.fall_silent()
        began = asyncio.get_running_loop().time()

        with pytest.raises(NotConfirmed, match="didn't confirm the email in time"):
            await CallGuard(database, member).permit("r1", 0).confirm()

        assert asyncio.get_running_loop().time() - began < ANSWER_SECONDS + 1.0


@pytest.fixture
def begin(database, permit, clock, ana):
    """Write the `sending` row as a sender does."""

    async def begin():
        return await Ledger(database).begin_attempt(
            Entry(LedgerEvent.SENDING, clock(), ana, "r1", 0, 1), permit.confirm_in
        )

    return begin


async def test_the_transaction_of_the_row_confirms_a_prompt_call(permit, begin, member, end, now):
    assert await begin()
    now.seconds += FRESH_SECONDS / 2

    await permit.confirm()

    assert member.renewed == 1


async def test_a_call_that_is_not_prompt_is_confirmed_again(permit, begin, end, now):
    assert await begin()
    await end()
    now.seconds += FRESH_SECONDS

    with pytest.raises(CallEnded):
        await permit.confirm()


async def test_the_row_of_a_process_considered_dead_confirms_nothing(permit, begin, member):
    member.is_there = False
    assert await begin()

    with pytest.raises(NotConfirmed, match="didn't respond"):
        await permit.confirm()


async def test_the_row_of_a_process_that_joined_again_confirms_nothing(permit, begin, member):
    member.term += 1
    assert await begin()

    with pytest.raises(NotConfirmed, match="didn't respond"):
        await permit.confirm()
