"""The policy loader: a changed file counts, a broken one is ignored and reported, and a hung disk delays nothing."""

import asyncio
import os
import threading
import time

import pytest

from bot.errors import ConfigurationError
from bot.policy.rules import Rules
from bot.services.authorization import policy_loader
from bot.services.authorization.policy_loader import PolicyLoader, read_rules
from bot.services.operations import reloaded_file
from bot.settings import Settings
from bot.slack.client import Identity
from bot.wiring import open_policy_loader

LISTS = Rules(frozenset({"U0ANA"}), frozenset(), frozenset({"T0HOME"}))


def deny(name):
    return f'[[rule]]\nname = "{name}"\ndeny = ["resend"]\n'


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text(deny("first"))
    return file


@pytest.fixture
def loader(file, monkeypatch):
    """Return a policy loader that checks its file at each call and waits for the result."""
    monkeypatch.setattr(reloaded_file, "PATIENCE", 20.0)
    monkeypatch.setattr(reloaded_file, "SETTLE_SECONDS", 0.0, raising=False)
    return PolicyLoader(LISTS, str(file), reload_seconds=0.0)


async def names(loader):
    return [rule.name for rule in (await loader.rules()).of_file]


async def test_a_changed_file_counts_beside_the_lists(loader, file):
    before = await names(loader)
    file.write_text(deny("first") + deny("second"))

    assert (before, await names(loader)) == (["first"], ["first", "second"])
    assert (await loader.rules()).users == {"U0ANA"}


async def test_each_broken_version_is_reported_once_and_the_one_before_it_counts(loader, file, logged):
    for content in ("[[rule]\n", "[[rule]\n\n", deny("x").replace("deny", "dney")):
        file.write_text(content)
        assert [await names(loader), await names(loader)] == [["first"], ["first"]]
    problems = loader.problems
    file.write_text(deny("mended"))

    assert problems[0].startswith(f'{file}, rule 1 ("x"): ')
    assert [entry["log_level"] for entry in logged] == ["error"] * 3
    assert (await names(loader), loader.problems) == (["mended"], ())


async def test_a_file_that_is_gone_is_a_broken_version_until_it_is_back(loader, file):
    content = file.read_bytes()
    file.unlink()
    gone = await names(loader), loader.problems
    file.write_bytes(content)

    assert gone[0] == ["first"]
    assert "can't be read (no such file or directory)" in gone[1][0]
    assert (await names(loader), loader.problems) == (["first"], ())


async def test_the_file_is_checked_once_a_second_at_most(file):
    loader = PolicyLoader(LISTS, str(file))
    file.write_text(deny("second"))

    assert await names(loader) == ["first"]


async def test_a_disk_that_does_not_answer_delays_no_decision(loader, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(reloaded_file, "PATIENCE", 0.3)
    monkeypatch.setattr(reloaded_file, "read_config_file", lambda *_: answer.wait(10) and b"")
    began = time.monotonic()

    rules = await asyncio.gather(*(names(loader) for _ in range(5)))

    assert rules == [["first"]] * 5
    assert time.monotonic() - began < reloaded_file.PATIENCE + 0.5
    answer.set()


async def test_without_a_file_the_lists_alone_count():
    loader = PolicyLoader(LISTS)

    assert (await loader.rules(), loader.problems) == (LISTS, ())


@pytest.mark.fault("L4")
async def test_a_change_of_the_same_size_and_time_counts(loader, file):
    before = file.stat()
    file.write_text(deny("other"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert (file.stat().st_size, file.stat().st_ino) == (before.st_size, before.st_ino)
    assert await names(loader) == ["other"]


@pytest.mark.fault("L4")
async def test_a_version_that_is_still_being_written_does_not_count(loader, file, monkeypatch):
    """The part that is already written could lack a rule that denies."""
    whole = deny("first") + deny("second")
    file.write_text(deny("sec"))
    monkeypatch.setattr(time, "sleep", lambda _: file.write_text(whole))
    while_written = await names(loader)
    monkeypatch.undo()

    assert while_written == ["first"]
    assert await names(PolicyLoader(LISTS, str(file), reload_seconds=0.0)) == ["first", "second"]


@pytest.mark.fault("L4")
async def test_a_file_that_is_away_for_a_moment_is_not_reported(loader, file, monkeypatch, logged):
    content = file.read_bytes()
    file.unlink()
    monkeypatch.setattr(time, "sleep", lambda _: file.write_bytes(content))

    assert await names(loader) == ["first"]
    assert (loader.problems, logged) == ((), [])


async def test_a_file_that_is_moved_into_place_counts(loader, file):
    new = file.with_name("new.toml")
    new.write_text(deny("moved"))
    new.replace(file)

    assert await names(loader) == ["moved"]


@pytest.mark.parametrize(
    ("create", "words"),
    [pytest.param(os.mkfifo, "isn't a regular file", marks=pytest.mark.fault("L4")), (os.mkdir, "is a directory")],
)
async def test_what_is_no_regular_file_is_refused_at_the_start_and_ignored_later(loader, file, create, words):
    file.unlink()
    create(file)

    assert await names(loader) == ["first"]
    assert words in loader.problems[0]
    with pytest.raises(ConfigurationError, match=words):
        read_rules(str(file))


@pytest.mark.fault("L4")
async def test_a_policy_is_read_outside_of_the_event_loop_at_the_start_too(file, monkeypatch):
    threads, read = [], policy_loader.read_policy

    def reading(*args):
        threads.append(threading.current_thread())
        return read(*args)

    monkeypatch.setattr(policy_loader, "read_policy", reading)
    settings = Settings(slack_bot_token="xoxb-1", digicert_api_key="key", dcv_policy_file=str(file))

    loader = await open_policy_loader(settings, Identity("B0BOT", "U0BOT", "T0HOME", None, frozenset()))

    assert await names(loader) == ["first"]
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("name", ["", "gone.toml", "\0.toml"])
def test_what_cannot_be_read_stops_the_start_with_the_mend(tmp_path, name):
    with pytest.raises(ConfigurationError, match=r"DCV_POLICY_FILE: .* can't be read .* unset DCV_POLICY_FILE"):
        PolicyLoader(LISTS, f"{tmp_path}/{name}")
