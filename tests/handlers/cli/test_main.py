"""The terminal: help that fits it, the version, and what is no command."""

from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from handlers.cli.main import app

COMMANDS = {
    "run": "Run the bot over Socket Mode",
    "serve": "Run the bot over HTTP",
    "check": "Check settings",
    "ledger": "Verify, export, or prune",
    "policy": "Inspect permissions",
    "bulk": "Export the result",
}
LEDGER = ("verify", "export", "prune")


@pytest.fixture
def terminal(monkeypatch):
    """Type into a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *words: CliRunner().invoke(app, words, prog_name="dcv-resend")


def test_the_help_names_every_command_and_what_it_does(terminal):
    result = terminal("--help")

    lines = [line.split(maxsplit=1) for line in result.output.partition("Commands:")[2].splitlines() if line]
    assert result.exit_code == 0
    assert {name: words.startswith(COMMANDS[name]) for name, words in lines} == dict.fromkeys(COMMANDS, True)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        *([command, "--help"] for command in COMMANDS),
        *(["ledger", command, "--help"] for command in LEDGER),
        ["bulk", "export", "--help"],
    ],
    ids=" ".join,
)
def test_every_help_fits_into_80_columns_and_is_plain_text(terminal, words):
    result = terminal(*words)

    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    assert "..." not in result.output.replace("[ARGS]...", "")
    assert result.output.isascii()


def test_the_version_is_shown(terminal):
    result = terminal("--version")

    assert (result.exit_code, result.output) == (0, f"dcv-resend {version('dcv-resend')}\n")


def test_what_is_no_command_is_refused(terminal):
    result = terminal("resend")

    assert result.exit_code == 2
    assert "No such command 'resend'" in result.output


def test_nothing_at_all_shows_the_help(terminal):
    assert "Commands:" in terminal().output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export", "--since", "yesterday"), "'--since': use a date or a time in UTC, such as 2026-01-31"),
        (("export", "--until", "2026-02-30"), "'--until': use a date or a time"),
        (("export", "--since", "0001-01-01T00:00+14:00"), "'--since': use a date or a time"),
        (("export", "--since", "2026-02-01", "--until", "2026-02-01"), "--until: must be later than --since."),
        (("export", "--format", "csv"), "'csv' is not"),
        (("prune",), "Missing option '--before'"),
        (("verify", "--head", "abc"), "a hash has 64 characters"),
    ],
)
def test_what_the_ledger_cannot_do_is_said(terminal, words, said):
    result = terminal("ledger", *words)

    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
