"""README is short, and commands, settings and checks are in the code as the documents say."""

import re
import socket
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from bot.digicert.client import KeyPermissions
from bot.parsing.commands import read_command, read_status
from bot.services.operations import diagnostics
from bot.settings import Settings
from bot.slack import scopes
from bot.slack.client import Identity
from bot.store.inspection import Inspection, Tables
from handlers.cli.main import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
SETTINGS = {name.upper() for name in Settings.model_fields}
MOST_CHARACTERS = 7_500
REQUIRED = {"SLACK_BOT_TOKEN": "xoxb-1", "DIGICERT_API_KEY": "key"}


def section(heading: str) -> str:
    """Return the text of README below a heading."""
    return README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of each row of the tables in a text, without the heads."""
    lines = re.findall(r"^\| (?!-).*\|$", text, re.MULTILINE)
    return [line.strip("| ").split(" | ") for line in lines if not line.startswith(("| setting |", "| you type"))]


def settings_in(text: str) -> set[str]:
    return set(re.findall(r"`((?:SLACK|DIGICERT|DCV|DATABASE|LOG)_[A-Z_]+|HOST|PORT)[`=]", text))


def test_it_is_short() -> None:
    assert len(README) < MOST_CHARACTERS


def test_each_picture_is_shown_with_its_words() -> None:
    pictures = {path.stem for path in (ROOT / "docs" / "pictures").glob("*.png")}
    # A walk in tests/page compares the words with those of the screen.
    words = {path.stem for path in (ROOT / "docs" / "pictures").glob("*.txt")}

    documents = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
    shown = re.findall(r'src="(?:docs/)?pictures/(\w+)\.png"', README + documents)
    assert set(shown) == pictures == words


def test_each_setting_has_one_row_in_the_reference_and_one_line_in_the_example() -> None:
    listed = [name for row in rows(CONFIGURATION) for name in re.findall(r"`([A-Z_]+)`", row[0])]
    example = re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(listed) == sorted(SETTINGS)
    # The local Slack and the local DNS are for the demo, and one setting may be shown with two values.
    assert set(example) == SETTINGS - {"SLACK_API_URL", "DCV_DNS_SANDBOX"}


@pytest.mark.parametrize(
    ("name", "default"),
    [(row[0].strip("`"), row[1].strip("`")) for row in rows(CONFIGURATION) if re.fullmatch("`[^`]+`", row[1])],
)
def test_the_reference_names_the_default_of_the_code(name: str, default: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS:
        monkeypatch.delenv(setting, raising=False)
    for setting, value in REQUIRED.items():
        monkeypatch.setenv(setting, value)
    by_default = Settings.load(env_file=None)

    monkeypatch.setenv(name, default)

    assert Settings.load(env_file=None) == by_default


def test_what_has_no_fixed_default_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    described = {row[0].strip("`"): row[1] for row in rows(CONFIGURATION) if not re.fullmatch("`[^`]+`", row[1])}
    for setting, value in REQUIRED.items():
        monkeypatch.setenv(setting, value)
    settings = Settings.load(env_file=None)

    empty = {name for name, text in described.items() if text == "none"}
    assert [name for name in empty if getattr(settings, name.lower())] == []
    assert settings.dcv_instance == socket.gethostname()
    assert settings.console_url == "https://www.digicert.com/secure"


def test_it_names_settings_that_exist() -> None:
    configured = [name for row in rows(section("Configure")) for name in re.findall(r"`([A-Z_]+)`", row[0])]

    assert settings_in(README) <= SETTINGS
    assert set(configured) <= SETTINGS
    assert len(rows(section("Configure"))) == 8


@pytest.mark.parametrize("row", rows(section("Use")), ids=lambda row: row[0])
def test_each_row_of_use_works(row: list[str]) -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    commands = {each["command"] for each in manifest["features"]["slash_commands"]}
    names = {each["name"] for each in manifest["features"]["shortcuts"]}
    names |= {"Home"} if manifest["features"]["app_home"]["home_tab_enabled"] else set()

    if typed := re.fullmatch(r"`(/[a-z-]+) ?(.*)`", row[0]):
        assert typed[1] in commands
        # Slack replaces a name that a person picked by the user's id.
        read = read_status if typed[1] == "/dcv-status" else read_command
        read(typed[2].replace("@ana", "<@U012AB3CD>"))
    else:
        assert re.findall(r"\*(.+)\*", row[0])[0] in names


def test_the_terminal_commands_of_the_documents_exist() -> None:
    root = get_command(app)
    known = {name: set(getattr(command, "commands", ())) for name, command in root.commands.items()}  # type: ignore[attr-defined]
    texts = [README, *(file.read_text(encoding="utf-8") for file in (ROOT / "docs").glob("*.md"))]
    named = {
        match
        for text in texts
        for match in re.findall(r"(?:`|^ *\$ |&& )dcv-resend ([a-z]+)(?: ([a-z]+))?", text, re.MULTILINE)
    }

    assert {command for command, _ in named} == set(known)
    assert {(command, sub) for command, sub in named if known.get(command) and sub not in known[command]} == set()


def test_the_sample_of_the_check_is_what_the_check_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, value in REQUIRED.items():
        monkeypatch.setenv(setting, value)
    shown = re.findall(r"^ +((?:ok|warning|problem) .*)$", section("Install"), re.MULTILINE)
    identity = Identity("B1", "U1", "T0123456789", None, frozenset(scopes.NEEDED), name="dcv_resend", team="Example")
    inspection = Inspection("/home/you/dcv-resend.db", Tables.MISSING, revision=None, head="0001")
    printed = [
        diagnostics.of_settings(Settings.load(env_file=None))[0],
        *diagnostics.of_bot(identity)[:2],
        *diagnostics.of_app_token(),
        diagnostics.of_key("svc-dcv", KeyPermissions(orders=True, validations=True, domains=True))[0],
        *diagnostics.of_database(inspection),
        *diagnostics.of_clocks({"slack.com": timedelta(0), "www.digicert.com": timedelta(0)}),
    ]

    assert shown == [finding.line() for finding in printed]
