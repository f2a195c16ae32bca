"""The rules in force: a changed file counts, a broken one is ignored and told, and a dead disk keeps nobody waiting."""

import asyncio
import os
import threading
import time

import pytest

from bot.errors import CannotStart
from bot.policy import Rules
from bot.services import rulebook
from bot.services.rulebook import Rulebook, read_rules

LISTS = Rules(frozenset({"U0ANA"}), frozenset(), frozenset({"T0HOME"}))


def deny(name):
    return f'[[rule]]\nname = "{name}"\ndeny = ["resend"]\n'


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text(deny("first"))
    return file


@pytest.fixture
def book(file):
    """A rulebook that looks at its file whenever it is asked."""
    return Rulebook(LISTS, str(file), look_seconds=0.0)


async def names(book):
    return [rule.name for rule in (await book.rules()).of_file]


async def test_a_changed_file_counts_beside_the_lists(book, file):
    before = await names(book)
    file.write_text(deny("first") + deny("second"))

    assert (before, await names(book)) == (["first"], ["first", "second"])
    assert (await book.rules()).users == {"U0ANA"}


async def test_a_broken_version_is_told_once_each_and_the_one_before_it_counts(book, file, logged):
    for content in ("[[rule]\n", "[[rule]\n\n", deny("x").replace("deny", "dney")):
        file.write_text(content)
        assert [await names(book), await names(book)] == [["first"], ["first"]]
    problems = book.problems
    file.write_text(deny("mended"))

    assert problems[0].startswith(f"{file}, line ")
    assert [entry["log_level"] for entry in logged] == ["error"] * 3
    assert (await names(book), book.problems) == (["mended"], ())


async def test_a_file_that_is_gone_is_a_broken_version_until_it_is_back(book, file):
    content = file.read_bytes()
    file.unlink()
    gone = await names(book), book.problems
    file.write_bytes(content)

    assert gone[0] == ["first"]
    assert "cannot be read (no such file or directory)" in gone[1][0]
    assert (await names(book), book.problems) == (["first"], ())


async def test_the_file_is_looked_at_once_a_second_at_most(file):
    book = Rulebook(LISTS, str(file))
    file.write_text(deny("second"))

    assert await names(book) == ["first"]


async def test_a_disk_that_does_not_answer_keeps_nobody_waiting(book, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(rulebook, "_stamp", lambda _: answer.wait(10) and None)
    began = time.monotonic()

    rules = await asyncio.gather(*(names(book) for _ in range(5)))

    assert rules == [["first"]] * 5
    assert time.monotonic() - began < rulebook.PATIENCE + 0.5
    answer.set()


async def test_without_a_file_the_lists_alone_count():
    book = Rulebook(LISTS)

    assert (await book.rules(), book.problems) == (LISTS, ())


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "policy.toml")

    with pytest.raises(CannotStart, match="is empty"):
        read_rules(str(tmp_path / "policy.toml"))


@pytest.mark.parametrize("name", ["", "gone.toml", "\0.toml"])
def test_what_cannot_be_read_stops_the_start_with_the_mend(tmp_path, name):
    with pytest.raises(CannotStart, match=r"DCV_POLICY_FILE: .* cannot be read .* unset DCV_POLICY_FILE"):
        Rulebook(LISTS, f"{tmp_path}/{name}")
