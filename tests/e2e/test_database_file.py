"""The SQLite file of the real process: only one bot may use it, by any name, and other users may not read it."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.slack import Slack
from tests.e2e.helpers import NO_TABLES

MakeBot = Callable[..., BotProcess]

pytestmark = NO_TABLES


def _modes(folder: Path) -> dict[str, str]:
    return {file.name: f"{stat.S_IMODE(file.stat().st_mode):04o}" for file in folder.glob("bot.db*")}


@pytest.mark.fault("M8")
@pytest.mark.parametrize("name", ["link.db", "folder/bot.db", "hard.db"])
async def test_a_second_bot_on_the_same_file_does_not_start(
    bot: BotProcess, make_bot: MakeBot, tmp_path: Path, name: str
) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "bot.db")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "bot.db").symlink_to(tmp_path / "bot.db")
    if name == "hard.db":
        (tmp_path / "hard.db").hardlink_to(tmp_path / "bot.db")
    second = make_bot(DATABASE_URL=f"sqlite:///{tmp_path}/{name}")

    await second.start()
    status = await second.wait_for_exit()

    last = second.log.splitlines()[-1]
    assert status == 2
    assert last.startswith(f"DATABASE_URL: another bot is using {tmp_path}/")


@pytest.mark.fault("M8")
async def test_a_file_that_is_named_as_a_uri_is_refused(make_bot: MakeBot, tmp_path: Path) -> None:
    for address in (f"sqlite:///file:{tmp_path}/bot.db?uri=true", f"sqlite:///{tmp_path}/bot.db?uri=true"):
        bot = make_bot(DATABASE_URL=address)
        await bot.start()
        status = await bot.wait_for_exit()

        assert status == 2
        assert "DATABASE_URL is incomplete or invalid: write sqlite:///name.db" in bot.log


@pytest.mark.fault("M8")
async def test_a_bot_whose_file_is_replaced_stops(bot: BotProcess, tmp_path: Path) -> None:
    (tmp_path / "bot.db").rename(tmp_path / "old.db")

    status = await bot.wait_for_exit()

    assert status == 2
    assert bot.log.splitlines()[-1].startswith(f"DATABASE_URL: {tmp_path}/bot.db was moved or replaced while the bot")


@pytest.mark.fault("L2")
async def test_the_database_and_what_is_beside_it_are_the_bots_alone(bot: BotProcess, tmp_path: Path) -> None:
    modes = _modes(tmp_path)

    assert {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock", "bot.db.head"} == modes.keys()
    assert set(modes.values()) == {"0600"}


@pytest.mark.fault("L2")
async def test_files_that_others_may_read_are_closed_by_the_next_start(
    bot: BotProcess, slack: Slack, tmp_path: Path
) -> None:
    await bot.kill()
    for name in _modes(tmp_path):
        (tmp_path / name).chmod(0o644)

    await slack.wait_for(lambda: slack.sockets == 0, "the socket to close", 20.0)
    await bot.start()
    await slack.wait_for_connection(60.0)

    assert set(_modes(tmp_path).values()) == {"0600"}


@pytest.mark.fault("L2")
async def test_a_check_warns_of_every_file_that_others_may_use(
    bot: BotProcess, make_bot: MakeBot, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=INFO\n")
    (tmp_path / "policy.toml").write_text("")
    wide = {".env": 0o604, "policy.toml": 0o622, "bot.db": 0o640, "bot.db-wal": 0o644, "bot.db.lock": 0o606}
    for name, mode in wide.items():
        (tmp_path / name).chmod(mode)
    settings = {**make_bot().settings, "DCV_POLICY_FILE": str(tmp_path / "policy.toml")}
    check = type(bot)(settings, tmp_path / "check.log", ("dcv-resend", "check"))

    await check.start()
    await check.wait_for_exit(30.0)

    found = [line for line in check.log.splitlines() if "Other users can" in line]
    assert [line.split()[0] for line in found] == ["warning"] * len(wide)
    assert "Other users can read .env (mode 0604). Run: chmod 600 .env" in check.log
    assert f"Other users can write {tmp_path}/policy.toml (mode 0622)." in check.log
    assert f"Other users can read and write {tmp_path}/bot.db.lock (mode 0606)." in check.log
