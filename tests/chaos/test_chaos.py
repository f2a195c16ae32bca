"""The chaos suite: whatever happens, every promise holds. `make test` plays a few seeds, `make chaos` two hundred."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.invariants import logs
from tests.chaos.runner import play
from tests.chaos.schedules import ChaosSchedule, draw
from tests.postgresql import Server

# A schedule takes about 20 seconds alone. One that never ends must fail, and not stop the whole run.
LONGEST_SECONDS = 600.0


@pytest.fixture
def schedule(seed: int) -> ChaosSchedule:
    return draw(seed)


@pytest.fixture
def database(schedule: ChaosSchedule, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Server | None]:
    """The address of an empty database of the schedule's kind, and its server if it may be stopped."""
    if schedule.database == "sqlite":
        return f"sqlite:///{tmp_path}/bot.db", None
    try:
        return request.getfixturevalue("postgresql_url"), request.getfixturevalue("postgresql").server
    except pytest.skip.Exception as missing:
        pytest.fail(f"This suite is never skipped. {missing}")


async def test_whatever_happens_every_promise_holds(
    seed: int,
    schedule: ChaosSchedule,
    database: tuple[str, Server | None],
    record_property: Callable[[str, Any], None],
    tmp_path: Path,
) -> None:
    record_property("seed", seed)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            played = await play(schedule, *database, tmp_path)
    except Exception as error:
        for name, value in {"seconds": 0.0, "faults": {}, "happened": {}, "violations": [repr(error)]}.items():
            record_property(name, value)
        raise
    for name, value in {
        "seconds": played.seconds,
        "faults": dict(played.faults),
        "happened": dict(played.happened),
        "violations": played.violations,
    }.items():
        record_property(name, value)

    if played.violations:
        wrong = "\n".join(f"VIOLATION {each}" for each in played.violations)
        pytest.fail(f"{schedule}\n{logs(tmp_path)}\n{played.overview}\n{wrong}", pytrace=False)
