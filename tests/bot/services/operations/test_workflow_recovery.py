"""Failover of workflows: only those of executors without a lease are recovered."""

import pytest

from bot.services.operations import workflow_recovery
from bot.services.operations.workflow_recovery import WorkflowRecovery


class Members:
    """The executors that have a lease. Each read returns the next set, and the last set is final."""

    executor = "one/1"

    def __init__(self, *readings):
        self.readings = [frozenset(each) for each in readings]

    async def executors(self):
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


class Engine:
    """An engine with workflows by owner that records the recovered ones."""

    def __init__(self, *owners):
        self.pending, self.recovered, self.asked = set(owners), [], 0

    async def pending_executors(self):
        self.asked += 1
        return set(self.pending)

    async def recover(self, gone):
        self.recovered.append(set(gone))
        self.pending -= set(gone)


async def test_workflows_of_an_executor_without_a_lease_are_recovered():
    engine = Engine("one/1", "two/1", "three/1")

    await WorkflowRecovery(Members({"one/1", "three/1"}), engine).run_once()

    assert engine.recovered == [{"two/1"}]


async def test_a_process_does_not_recover_its_own_workflows_also_without_a_lease():
    """It was frozen and has not joined again yet. The others recover its workflows."""
    engine = Engine("one/1", "two/1")

    await WorkflowRecovery(Members({"two/1"}), engine).run_once()

    assert engine.recovered == []


async def test_an_executor_that_joined_after_the_first_reading_is_not_gone():
    engine = Engine("one/1", "two/1")

    await WorkflowRecovery(Members({"one/1"}, {"one/1", "two/1"}), engine).run_once()

    assert engine.recovered == []


async def test_the_engine_is_asked_once_an_executor_came_or_went():
    members, engine = Members({"one/1"}), Engine()
    recovery = WorkflowRecovery(members, engine)

    for _ in range(3):
        await recovery.run_once()
    asked_at_first = engine.asked
    members.readings = [frozenset({"one/1", "two/1"})]
    await recovery.run_once()
    members.readings = [frozenset({"one/1"})]
    engine.pending = {"two/1"}
    await recovery.run_once()

    assert (asked_at_first, engine.asked) == (1, 3)
    assert engine.recovered == [{"two/1"}]


async def test_what_could_not_be_recovered_is_tried_again():
    engine = Engine("two/1")
    recovery, recover = WorkflowRecovery(Members({"one/1"}), engine), engine.recover

    async def fail(gone):
        raise OSError("The database is away.")

    engine.recover = fail
    with pytest.raises(OSError, match="away"):
        await recovery.run_once()
    engine.recover = recover
    await recovery.run_once()

    assert engine.recovered == [{"two/1"}]


async def test_after_half_a_minute_it_checks_for_leftover_work_without_a_change(monkeypatch):
    monkeypatch.setattr(workflow_recovery, "SWEEP_SECONDS", 0.0)
    engine = Engine()
    recovery = WorkflowRecovery(Members({"one/1"}), engine)

    await recovery.run_once()
    engine.pending = {"two/1"}
    await recovery.run_once()

    assert engine.recovered == [{"two/1"}]
