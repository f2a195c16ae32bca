"""One schedule from beginning to end: play it, let the faults end, wait for quiet, and look at what must hold."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.actions import Story
from tests.chaos.environment import World
from tests.chaos.invariants import until_quiet, violations
from tests.chaos.schedules import FollowUpSchedule
from tests.postgresql import Server

AT_LAST_SECONDS = 60.0


@dataclass(frozen=True)
class Played:
    """What came of a schedule: `faults` that were really met, what `happened`, and what did not hold."""

    faults: Counter[str]
    happened: Counter[str]
    violations: list[str]
    overview: str
    seconds: float


async def play(schedule: FollowUpSchedule, database_url: str, server: Server | None, folder: Path) -> Played:
    """Run it with bots of its own on an empty database, whose logs stay in `folder`."""
    began = time.monotonic()
    async with World(schedule, database_url, server, folder) as world:
        story = Story(world)
        await story.play()
        await world.end_faults()
        wrong = await until_quiet(world, AT_LAST_SECONDS)
        if schedule.is_late:
            await story.late()
            wrong += await until_quiet(world, AT_LAST_SECONDS)
        wrong += [*await violations(world), *world.broken]
        rows = world.ledger()
        happened = Counter(row["kind"] for row in rows)
        happened["PUT"] = len(world.certcentral.resends)
        overview = "\n".join([world.slack.overview(), *map(str, rows)])
    return Played(world.injected, happened, wrong, overview, time.monotonic() - began)
