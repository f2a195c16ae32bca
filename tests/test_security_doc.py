"""What docs say of secrets, data and permissions is what the code does, and the recipe notices a changed export."""

import hashlib
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from bot.models import Actor, LedgerEvent
from bot.services.operations.ledger_audit import export
from bot.settings import Settings
from bot.slack import scopes
from bot.store.database import open_database
from bot.store.ledger.entries import Entry, Ledger
from bot.store.schema import metadata
from tests.web_api_methods import called_in_code

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# Source: the page of each method at docs.slack.dev, "Scopes", for tokens of bots; and of each event.
NEEDED_BY = {
    "auth.test": set(),
    "apps.connections.open": set(),
    "views.open": set(),
    "views.publish": set(),
    "views.push": set(),
    "app_home_opened": set(),
    "views.update": set(),
    "chat.getPermalink": set(),
    "chat.postMessage": {"chat:write", "chat:write.public"},
    "chat.update": {"chat:write"},
    "chat.postEphemeral": {"chat:write"},
    "conversations.info": {"channels:read", "groups:read"},
    "conversations.history": {"channels:history", "groups:history"},
    "conversations.replies": {"channels:history", "groups:history"},
    "users.info": {"users:read"},
    "users.list": {"users:read"},
    "conversations.members": {"channels:read", "groups:read"},
    "usergroups.list": {"usergroups:read"},
    "usergroups.users.list": {"usergroups:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "subteam_members_changed": {"usergroups:read"},
}
BEGAN = datetime(2026, 7, 1, tzinfo=UTC)
ROWS = 5


@pytest.fixture(scope="module")
def recipe():
    return re.search(r"```python\n(.*?)```", (DOCS / "operations.md").read_text(encoding="utf-8"), re.DOTALL)[1]


@pytest.fixture
async def exported(tmp_path):
    """The lines of an export of five rows, an hour apart, from a moment on."""
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    database = open_database(url)
    await database.migrate()
    for hour in range(ROWS):
        detail = {"words": "größer \u2028\x85\n\r\0 ☃ \ud83d", "target": "order 7"}
        await Ledger(database).append(
            Entry(LedgerEvent.DENIED, BEGAN + timedelta(hours=hour), Actor("U", "T"), detail=detail)
        )
    await database.close()

    async def lines(since=None, until=None):
        written = []
        await export(url, since, until, BEGAN, written.append)
        return b"".join(written).splitlines(keepends=True)

    return lines


@pytest.fixture
def check(recipe, tmp_path):
    """Run the recipe on these lines. Return its output, and if it succeeded."""

    def run(lines, *heads):
        (tmp_path / "recipe.py").write_text(recipe, encoding="utf-8")
        (tmp_path / "ledger.jsonl").write_bytes(b"".join(lines))
        command = [sys.executable, "-I", "recipe.py", "ledger.jsonl", *heads]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
        return done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def document():
    return (DOCS / "data.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def manifest():
    return yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scope_rows(document):
    """Each scope of the table, with the methods and events it is listed for."""
    rows = re.findall(r"^\| `([a-z:.]+)` \|.*\|(.*)\|$", document, re.MULTILINE)
    return {scope: set(re.findall(r"`([\w.]+)`", used)) for scope, used in rows if ":" in scope or scope == "commands"}


def test_the_scopes_are_those_that_the_manifest_asks_for_and_the_bot_knows(scope_rows, manifest):
    asked = manifest["oauth_config"]["scopes"]

    assert list(scope_rows) == [*asked["bot"], *asked["bot_optional"]] == [*scopes.NEEDED, *scopes.OPTIONAL]


def test_each_scope_is_used_and_what_is_used_has_its_scope(scope_rows, manifest):
    used = called_in_code() | set(manifest["settings"]["event_subscriptions"]["bot_events"])
    needed = {scope: {each for each in used if scope in NEEDED_BY[each]} for scope in scope_rows}

    assert {scope for each in used for scope in NEEDED_BY[each]} <= set(scope_rows)
    assert needed | {"commands": set()} == scope_rows
    assert [scope for scope, uses in needed.items() if not uses] == ["commands"]
    assert manifest["features"]["slash_commands"]


def test_the_methods_that_need_no_scope_are_named(document):
    named = set(re.findall(r"`([a-z]+\.[a-zA-Z.]+)`", document)) & set(NEEDED_BY)

    assert named >= {method for method in called_in_code() if not NEEDED_BY[method]}


def test_every_table_is_listed_with_its_retention_time(document):
    rows = re.findall(r"^\| (`.*?) \| .+ \| .+ \|$", document, re.MULTILINE)
    named = {table for row in rows for table in re.findall(r"`(\w+)`", row)}

    assert named - set(scopes.NEEDED) == set(metadata.tables)


def test_every_secret_is_named():
    document = (DOCS / "security.md").read_text(encoding="utf-8")
    secret = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}

    assert {name for name in secret if f"`{name.upper()}`" not in document} == set()


def head_of(line):
    return line[-67:-3].decode()


def forged(line):
    """A row forged by an attacker who knows how the hashes are computed."""
    body = line[:-76].replace(b'"user_id":"U"', b'"user_id":"E"') + b"}"
    return body[:-1] + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def test_it_is_twenty_lines_of_python_without_anything_to_install(recipe):
    imported = re.findall(r"^import (.*)$", recipe, re.MULTILINE)

    assert len([line for line in recipe.splitlines() if line]) <= 20
    assert set(imported[0].split(", ")) <= sys.stdlib_module_names


async def test_an_export_as_it_is_holds(exported, check):
    lines = await exported()

    assert check(lines) == (True, f"OK: rows 1 to 5 verified. The last has the hash {head_of(lines[5])}.\n")


async def test_a_part_of_the_chain_and_none_of_it_hold(exported, check):
    part = await exported(BEGAN + timedelta(hours=1), BEGAN + timedelta(hours=3))

    assert check(part)[1].startswith("OK: rows 2 to 3 verified.")
    assert check(await exported(BEGAN + timedelta(days=1)))[0]


async def test_a_head_that_was_kept_is_looked_for(exported, check):
    lines = await exported()

    assert check(lines, head_of(lines[3]), head_of(lines[5]))[0]
    assert not check(lines[:4] + lines[6:], head_of(lines[5]))[0]
    assert not check(lines, "0" * 63 + "1")[0]


async def test_whatever_is_changed_in_an_export_is_noticed(exported, check):
    lines = await exported()
    swapped = [lines[0], lines[2], lines[1], *lines[3:]]
    tampered = {
        "a row is gone": lines[:3] + lines[4:],
        "the first row is gone": lines[:1] + lines[2:],
        "the last row is gone": lines[:5] + lines[6:],
        "the end is gone": lines[:-1],
        "the beginning is gone": lines[1:],
        "two rows are swapped": swapped,
        "a row stands there twice": lines[:3] + lines[2:],
        "something follows the end": [*lines, lines[3]],
        "a hash is another": [*lines[:3], lines[3][:-70] + b"0000" + lines[3][-66:], *lines[4:]],
        "a row is another, with the hash of what it says now": [*lines[:3], forged(lines[3]), *lines[4:]],
        "a row says more": [*lines[:3], lines[3].replace(b'"hash"', b'"more":1,"hash"'), *lines[4:]],
    }

    assert [what for what, changed in tampered.items() if check(changed)[0]] == []


@pytest.mark.parametrize("column", ["seq", "at", "kind", "request_id", "user_id", "team_id", "detail", "prev"])
async def test_every_column_is_covered(exported, check, column):
    lines = await exported()
    changed = re.sub(rf'"{column}":("?)[^,]'.encode(), rf'"{column}":\g<1>9'.encode(), lines[3], count=1)

    content, said = check([*lines[:3], changed, *lines[4:]])

    assert changed != lines[3]
    assert not content
    assert column == "request_id" or "Row 3 is invalid." in said
