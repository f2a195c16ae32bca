"""Marked secrets in every setting: whatever fails, and whatever server repeats them, no mark leaks anywhere."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from sandbox.faults import Fault, answers
from tests.chaos.actions import Actions
from tests.chaos.environment import DATABASE_PASSWORD, MARK, PROXY, SECRETS, Environment
from tests.chaos.faults import NO_WITH_KEY, SECRET
from tests.chaos.invariants import no_secret_leaks, until_quiet
from tests.chaos.schedules import FIRST_ORDER, ChaosSchedule, draw
from tests.forked_bot import ForkedBot
from tests.postgresql import Databases

COMMANDS = (
    ("check",),
    ("ledger", "verify"),
    ("ledger", "export"),
    ("ledger", "prune", "--before", "2026-01-01"),
)
UNLIKE_ITS_PAGES = {"orders": [{"id": SECRET, "status": SECRET}], "domains": SECRET, "emails": {"key": SECRET}}
SLACK_REPEATS = {"ok": False, "error": "invalid_arguments", "response_metadata": {"messages": [SECRET]}}
# What is wrong in each, or out of reach.
MISTAKES: list[Mapping[str, str]] = [
    {"SLACK_BOT_TOKEN": SECRETS["SLACK_APP_TOKEN"]},
    {"SLACK_APP_TOKEN": SECRETS["SLACK_BOT_TOKEN"]},
    {"DIGICERT_API_KEY": f"{MARK} with spaces"},
    {"DCV_ALLOWED_USERS": SECRETS["SLACK_BOT_TOKEN"]},
    {"DCV_LOCALE": SECRETS["DIGICERT_API_KEY"]},
    {"DIGICERT_BASE_URL": f"https://bot:{MARK}@digicert.example/services/v2"},
    {"DATABASE_URL": f"mysql://bot:{DATABASE_PASSWORD}@127.0.0.1/bot"},
    {"DATABASE_URL": f"postgresql://bot:{DATABASE_PASSWORD}@127.0.0.1:1/bot"},
    {"DATABASE_URL": f"postgresql://bot:{DATABASE_PASSWORD}@[::/bot"},
    {"DIGICERT_BASE_URL": "https://digicert.example/services/v2"},
    {"SLACK_API_URL": "https://slack.example/api/"},
    {"HTTPS_PROXY": f"{MARK}://{MARK} {MARK}", "DIGICERT_BASE_URL": "https://digicert.example/services/v2"},
    {"SSL_CERT_FILE": "/none.pem", "DIGICERT_BASE_URL": "https://digicert.example/services/v2"},
]


def found_in(folder: Path) -> list[str]:
    """Every mark in what was printed and logged."""
    return [
        f"{file.name}: {found[0]}"
        for file in sorted(folder.glob("*.log"))
        for found in re.finditer(f".{{0,200}}{MARK}.{{0,40}}", file.read_text())
    ]


@pytest.fixture
def schedule() -> ChaosSchedule:
    """A schedule in which every server repeats what it was sent, logged in every detail."""
    return replace(
        draw(2),
        settings={"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "text", "DCV_FOLLOW_UPS": "1s,2s", "DCV_NUDGES": "1s"},
        is_late=False,
    )


async def test_no_secret_is_found_anywhere_whatever_fails(
    schedule: ChaosSchedule, postgresql: Databases, postgresql_url: str, tmp_path: Path
) -> None:
    async with Environment(schedule, postgresql_url, postgresql.server, tmp_path) as env:
        for body in (NO_WITH_KEY, UNLIKE_ITS_PAGES, SECRET):
            for status in (200, 403, 500):
                env.plan_certcentral("GET *", "repeats the key", answers(status, body))
            env.plan_certcentral("PUT *", "repeats the key", answers(400, body))
        for method in ("chat.postMessage", "chat.update", "views.open", "users.info"):
            env.plan_slack(method, "repeats the key", Fault(effect=True, answer=answers(200, SLACK_REPEATS).answer))
        await Actions(env).play()
        await env.end_faults()
        await _break_a_table(env)
        quiet = await until_quiet(env, 60.0)
        asked = [*COMMANDS, ("policy", "explain", env.people["ana"].id, str(FIRST_ORDER))]
        statuses = await asyncio.gather(
            *(_run(env.settings, tmp_path / f"command-{number}.log", *words) for number, words in enumerate(asked))
        )
        leaks = [*no_secret_leaks(env, env.ledger()), *found_in(tmp_path)]
        logs = "".join(instance.process.log for instance in env.instances)

    assert leaks == []
    assert quiet == []
    assert statuses == [0, 0, 0, 0, 0]
    assert "Traceback" in logs


async def test_no_mistake_in_a_setting_tells_a_secret(tmp_path: Path) -> None:
    settings = {**SECRETS, "DATABASE_URL": f"sqlite:///{tmp_path}/bot.db", "HTTPS_PROXY": PROXY, "LOG_LEVEL": "DEBUG"}
    unavailable = {"SLACK_API_URL": "http://127.0.0.1:1/api/", "DIGICERT_BASE_URL": "http://127.0.0.1:1/services/v2"}

    statuses = await asyncio.gather(
        *(
            _run({**settings, **unavailable, **mistake}, tmp_path / f"{command}-{number}.log", command, seconds=8.0)
            for number, mistake in enumerate(MISTAKES)
            for command in ("check", "run")
        )
    )

    assert set(statuses) <= {2, None}
    assert found_in(tmp_path) == []


async def _run(settings: Mapping[str, str], log: Path, *words: str, seconds: float = 40.0) -> int | None:
    """Run a command. Return its exit status, or None if it still served after some seconds and was ended."""
    process = ForkedBot(settings, log, ("dcv-resend", *words))
    await process.start()
    with suppress(TimeoutError):
        return await process.wait_for_exit(seconds)
    await process.ensure_stopped()
    return None


async def _break_a_table(env: Environment) -> None:
    """Let the bot meet a database that it does not know, for one command."""
    engine = sa.create_engine(env.database_url.replace("postgresql:", "postgresql+psycopg:", 1), poolclass=sa.NullPool)

    def rename(old: str, new: str) -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename("forms", "no_forms")
    try:
        await env.people["ana"].command("/dcv-resend", str(FIRST_ORDER), env.pki)
        await env.people["ana"].receives("send the bot admins this code", 60.0)
    finally:
        # On a server, the tests after this one have the same database.
        rename("no_forms", "forms")
