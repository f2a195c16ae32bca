"""A commit whose answer was lost is detected: the steps of a workflow write each fact once."""

from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from bot.errors import CaRateLimited, CommitUnknown
from bot.models import LedgerEvent
from bot.services.resend.sender import ENDED, CallSender
from bot.store.database import Database
from bot.store.ledger.entries import Entry, Ledger


class LosingAnswers:
    """The same database, in which every other commit loses its answer, with or without effect.

    `after_loss` runs once, after an answer was lost.
    """

    def __init__(self, database, *, takes_effect):
        self._database = self.safe = database
        self._takes_effect = takes_effect
        self.commits = 0
        self.after_loss = None
        self.read = database.read
        self.beside = database.write_unlocked
        # Older code, on which the tests of faults are run, has no such method.
        self.rows = getattr(database, "rows", None)

    run = vars(Database).get("run")

    @asynccontextmanager
    async def write(self):
        self.commits += 1
        loses = self.commits % 2
        async with self._database.write() as transaction:
            yield transaction
            if loses and not self._takes_effect:
                raise CommitUnknown("The answer was lost.")
        if loses:
            if happens := self.after_loss:
                self.after_loss = None
                await happens("r1", 0, [])
            raise CommitUnknown("The answer was lost.")


@pytest.fixture(params=[True, False], ids=["written", "not written"])
def losing(request, database):
    return LosingAnswers(database, takes_effect=request.param)


@pytest.fixture
def kinds(rows):
    async def read():
        return [row["kind"] for row in await rows()]

    return read


@pytest.fixture
def sender(losing, stored, authorizer, certcentral, addresses, reach, schedule, metrics, clock):
    return CallSender(
        losing, stored, Ledger(losing), authorizer, certcentral, addresses, reach, schedule, metrics, clock
    )


async def test_a_row_is_appended_once(losing, kinds, clock, ana):
    await Ledger(losing).append_reliably(Entry(LedgerEvent.SENDING, clock(), ana, "r1", 0, 1))

    assert await kinds() == ["sending"]
    assert losing.commits == 2


async def test_an_equal_row_of_another_process_is_not_mistaken_for_it(losing, ledger, clock, ana):
    await ledger.append(Entry(LedgerEvent.SENDING, clock(), ana, "r1", 0, 1))
    clock.advance(microseconds=1)

    with pytest.raises(sa.exc.IntegrityError):
        await Ledger(losing).append_reliably(Entry(LedgerEvent.SENDING, clock(), ana, "r1", 0, 1))


async def test_a_call_is_made_and_ended_once(sender, losing, certcentral, accept, make_request, ledger, kinds):
    await accept(make_request())

    result = await sender.attempt("r1", 0, [])

    assert result == ENDED
    assert len(certcentral.sent) == 1
    assert await kinds() == ["accepted", "sending", "sent"]
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.SENT


async def test_a_call_that_was_turned_away_is_closed_once(sender, certcentral, accept, make_request, kinds):
    await accept(make_request())
    certcentral.failures["resend_order"].append(CaRateLimited(5.0))

    await sender.attempt("r1", 0, [])

    assert await kinds() == ["accepted", "sending", "turned_away"]


@pytest.mark.fault("M4")
@pytest.mark.parametrize("losing", [True], indirect=True, ids=["written"])
async def test_a_row_whose_commit_was_in_doubt_is_no_right_to_call_after_another_process_ended_the_call(
    sender,
    losing,
    stored,
    ledger,
    authorizer,
    certcentral,
    addresses,
    reach,
    schedule,
    metrics,
    clock,
    accept,
    make_request,
    kinds,
):
    await accept(make_request())
    losing.after_loss = CallSender(
        losing.safe, stored, ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock, "two/1"
    ).attempt

    assert await sender.attempt("r1", 0, []) == ENDED
    assert certcentral.sent == []
    assert await kinds() == ["accepted", "sending", "unknown"]
