"""The run of one schedule: play it, end the faults, wait for quiet, and check the invariants."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.actions import Actions
from tests.chaos.environment import Environment
from tests.chaos.invariants import until_quiet, violations
from tests.chaos.schedules import ChaosSchedule
from tests.postgresql import Server

AT_LAST_SECONDS = 60.0


@dataclass(frozen=True)
class Played:
    """The result of a schedule: `faults` that were met, counts of what `happened`, and violated invariants."""

    faults: Counter[str]
    happened: Counter[str]
    violations: list[str]
    overview: str
    seconds: float


async def play(schedule: ChaosSchedule, database_url: str, server: Server | None, folder: Path) -> Played:
    """Run it with bots of its own on an empty database, whose logs stay in `folder`."""
    began = time.monotonic()
    async with Environment(schedule, database_url, server, folder) as env:
        actions = Actions(env)
        await actions.play()
        await env.end_faults()
        wrong = await until_quiet(env, AT_LAST_SECONDS)
        if schedule.is_late:
            await actions.late()
            wrong += await until_quiet(env, AT_LAST_SECONDS)
        wrong += [*await violations(env), *env.broken]
        rows = env.ledger()
        happened = Counter(row["kind"] for row in rows)
        happened["PUT"] = len(env.certcentral.resends)
        overview = "\n".join([env.slack.overview(), *map(str, rows)])
    return Played(env.injected, happened, wrong, overview, time.monotonic() - began)
