"""The SQLite file: its path in a URL, one process on each, and its permissions."""

import asyncio
import contextlib
import os
import signal
import sys

import pytest

from bot.errors import ConfigurationError
from bot.store.database_file import only_one_process, sqlite_file, who_holds

HOLDING = """
import sys
from pathlib import Path
from bot.store.database_file import only_one_process

with only_one_process(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.asynccontextmanager
async def a_process_that_holds(file):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDING, str(file), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert await process.stdout.readline() == b"held\n"
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite+aiosqlite:////var/lib/bot.db", "/var/lib/bot.db"),
        ("sqlite:////var/lib/bot.db", "/var/lib/bot.db"),
        ("sqlite:////var/lib/bot.db?timeout=5", "/var/lib/bot.db"),
        ("postgresql+psycopg://bot@localhost/bot", None),
    ],
)
def test_the_file_of_a_url_is_known(url, file):
    found = sqlite_file(url)

    assert (str(found) if found else None) == file


@pytest.mark.process
async def test_only_one_process_runs_on_a_file(tmp_path):
    file = tmp_path / "bot.db"
    async with a_process_that_holds(file):
        with (
            pytest.raises(ConfigurationError, match=r"another bot is using .*bot\.db") as refused,
            only_one_process(file),
        ):
            pass

    assert len(refused.value.problems) == 1


@pytest.mark.process
async def test_a_killed_process_holds_no_lock(tmp_path):
    file = tmp_path / "bot.db"
    async with a_process_that_holds(file) as process:
        process.send_signal(signal.SIGKILL)
        await process.wait()

        with only_one_process(file):
            owner = file.with_name("bot.db.lock").read_text()

    assert owner == f"{os.getpid()}\n"


def test_another_file_may_have_another_process(tmp_path):
    with only_one_process(tmp_path / "one.db"), only_one_process(tmp_path / "two.db"):
        files = sorted(file.name for file in tmp_path.iterdir())

    assert files == ["one.db", "one.db.lock", "two.db", "two.db.lock"]


def test_a_lock_that_cannot_be_written_stops_the_start(tmp_path):
    with (
        pytest.raises(ConfigurationError, match="can't write beside"),
        only_one_process(tmp_path / "missing" / "bot.db"),
    ):
        pass


@pytest.mark.fault("M8")
@pytest.mark.process
async def test_an_inspection_sees_a_bot_that_uses_another_name(tmp_path):
    """A file that is mounted alone has no lock file beside it."""
    file = tmp_path / "bot.db"
    async with a_process_that_holds(file):
        (tmp_path / "bot.db.lock").unlink()
        holder = who_holds(file)
    after = who_holds(file)

    assert (holder, after) == ("a process that uses another name for the file", None)
