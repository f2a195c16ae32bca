"""The workflow engine: a workflow runs once per id, survives a stop, and never runs in a cloud service."""

import asyncio
import contextlib
import sqlite3
from datetime import timedelta
from functools import partial

import pytest

from bot.clock import utc_now
from bot.errors import ConfigurationError
from bot.workflow_engine import WorkflowEngine


@pytest.fixture
async def open_engine_as(tmp_path):
    """Return a function that opens an engine on the same file under a name. Each is closed at the end."""
    opened = []

    async def open_it(instance, **flows):
        engine = WorkflowEngine(f"sqlite:///{tmp_path}/engine.db", instance)
        for name, flow in flows.items():
            engine.define(name, flow)
        await engine.launch()
        opened.append(engine)
        return engine

    yield open_it
    for engine in opened:
        await engine.close(0)


@pytest.fixture
def open_engine(open_engine_as):
    return partial(open_engine_as, "only")


@pytest.mark.parametrize("name", ["DBOS__CLOUD", "DBOS__CONDUCTOR_KEY"])
async def test_it_refuses_to_hand_its_work_to_a_cloud_service(tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "true")

    with pytest.raises(ConfigurationError, match=name) as refused:
        WorkflowEngine(f"sqlite:///{tmp_path}/engine.db", "only")

    assert len(refused.value.problems) == 1


async def test_a_database_that_cannot_be_opened_is_reported_in_one_line_and_not_logged(tmp_path, caplog):
    engine = WorkflowEngine(f"sqlite:///{tmp_path}/nowhere/engine.db", "only")

    with pytest.raises(ConfigurationError, match="DATABASE_URL: can't open the database") as refused:
        await engine.launch()
    await engine.close(0)

    assert len(refused.value.problems) == 1
    assert caplog.records == []


async def test_a_workflow_that_is_started_often_runs_once(open_engine):
    ran, done = [], asyncio.Event()

    async def step(flow_id):
        ran.append(flow_id)
        return {"delivered": True}

    async def flow(steps, flow_id):
        assert await steps.run("step", step, flow_id) == {"delivered": True}
        done.set()

    engine = await open_engine(flow_v1=flow)

    await asyncio.gather(*(engine.start("flow_v1", "r1") for _ in range(5)))
    await asyncio.wait_for(done.wait(), 10)
    await engine.start("flow_v1", "r1")
    done.clear()
    await engine.start("flow_v1", "r2")
    await asyncio.wait_for(done.wait(), 10)

    assert ran == ["r1", "r2"]


async def test_every_finished_workflow_is_purged_and_none_that_runs(open_engine, tmp_path):
    hold = asyncio.Event()

    async def flow(_steps, flow_id):
        if flow_id == "runs":
            await hold.wait()

    def known(status):
        with contextlib.closing(sqlite3.connect(tmp_path / "engine.db")) as connection:
            found = connection.execute("SELECT count(*) FROM workflow_status WHERE status = ?", [status])
            return found.fetchone()[0]

    engine = await open_engine(flow_v1=flow)
    for flow_id in ("runs", *(f"r{number}" for number in range(101))):
        await engine.start("flow_v1", flow_id)
    async with asyncio.timeout(20):
        while known("SUCCESS") < 101:  # noqa: ASYNC110 - the engine sends no event when a workflow ends
            await asyncio.sleep(0.01)

    await engine.purge(utc_now() - timedelta(hours=1))
    kept = known("SUCCESS")
    await engine.purge(utc_now() + timedelta(hours=1))

    assert kept == 101
    assert (known("SUCCESS"), known("PENDING")) == (0, 1)
    hold.set()


async def test_workflows_of_a_dead_process_are_recovered_and_those_of_others_are_not(open_engine_as):
    ran, goes_on = [], asyncio.Event()

    async def wait(flow_id):
        ran.append(flow_id)
        await goes_on.wait()

    async def flow(steps, flow_id):
        await steps.run("wait", wait, flow_id)

    dead = await open_engine_as("one/1", flow_v1=flow)
    await dead.start("flow_v1", "r1")
    await until(lambda: ran == ["r1"])
    await dead.close(0)
    living = await open_engine_as("two/2", flow_v1=flow)
    await living.start("flow_v1", "r2")
    await until(lambda: ran == ["r1", "r2"])

    owners = await living.pending_executors()
    for _ in range(2):
        await living.recover(owners - {"two/2"})
    await until(lambda: len(ran) == 3)
    after = await living.pending_executors()
    await living.recover({"one/1"})
    goes_on.set()

    assert (owners, after) == ({"one/1", "two/2"}, {"two/2"})
    assert ran == ["r1", "r2", "r1"]


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the engine runs in its own threads
            await asyncio.sleep(0.02)
