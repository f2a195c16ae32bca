"""`dcv-resend check`: what is fine, each problem with its remedy, and no change to anything."""

import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.slack import scopes
from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops, stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import NO_TABLES, free_port
from tests.forked_bot import ForkedBot

ORDER = 700001
CHECK_TAKES = 5.0
STARTING_TAKES = 15.0
"""Far more than a process needs to begin and to end, on a busy machine too."""

MakeBot = Callable[..., BotProcess]

pytestmark = NO_TABLES


@dataclass(frozen=True)
class Answer:
    """What the command said."""

    status: int
    lines: list[str]

    @property
    def problems(self) -> list[str]:
        return [line.removeprefix("problem").strip() for line in self.lines if line.startswith("problem ")]

    @property
    def warnings(self) -> list[str]:
        return [line.removeprefix("warning").strip() for line in self.lines if line.startswith("warning ")]

    def says(self, *words: str) -> bool:
        """Return if one line of level ok contains all these words."""
        return any(line.startswith("ok ") and all(word in line for word in words) for line in self.lines)


Check = Callable[..., Awaitable[Answer]]


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    """Something that waits, so that its validation can be read."""
    certcentral.add_order(ORDER, ["shop.example.com"])


@pytest.fixture
async def check(make_bot: MakeBot, tmp_path: Path) -> AsyncIterator[Check]:
    """Run the command with the settings of a bot; what is named is changed."""
    made: list[BotProcess] = []

    async def run(**settings: str) -> Answer:
        log = tmp_path / f"check-{len(made)}.log"
        process = ForkedBot(make_bot(**settings).settings, log, ("dcv-resend", "check"))
        made.append(process)
        await process.start()
        status = await process.wait_for_exit(CHECK_TAKES + STARTING_TAKES)
        answer = Answer(status, process.log.splitlines())
        assert {line.split()[0] for line in answer.lines} <= {"ok", "warning", "problem"}
        return answer

    yield run
    for process in made:
        await process.ensure_stopped()


async def test_where_all_is_fine_every_line_says_so(
    check: Check, slack: Slack, certcentral: CertCentral, tmp_path: Path
) -> None:
    answer = await check()

    assert (answer.status, answer.problems, answer.warnings) == (0, [], [])
    assert answer.says("SLACK_BOT_TOKEN", "@DCV Resend", "sandbox", slack.team_id)
    assert answer.says(f"All {len(scopes.NEEDED)} required scopes")
    assert answer.says("chat:write.public isn't granted", "direct messages")
    assert answer.says("SLACK_APP_TOKEN", "Socket Mode")
    assert answer.says("DIGICERT_API_KEY", "svc-dcv")
    assert answer.says(
        "can read orders, the validation status of orders and domains", "Permission to resend can't be tested"
    )
    assert answer.says(f"{tmp_path}/bot.db", "has no tables yet")
    hosts = [urlsplit(url).netloc for url in (slack.api_url, certcentral.url)]
    assert answer.says(f"clock agrees with {hosts[0]} and {hosts[1]}")
    assert (slack.problems, slack.sockets) == ([], 0)
    assert {call.method for call in certcentral.calls} == {"GET"}


async def test_either_way_for_slack_to_reach_the_bot_will_do_and_none_is_a_problem(check: Check, slack: Slack) -> None:
    by_http = await check(SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET=slack.signing_secret)
    asked = [call.method for call in slack.api_calls]
    by_none = await check(SLACK_APP_TOKEN="")

    assert (by_http.status, by_http.problems, by_http.warnings) == (0, [], [])
    assert by_http.says("SLACK_SIGNING_SECRET is set", "only when Slack sends a request")
    assert "apps.connections.open" not in asked
    assert by_none.status == 2
    assert [line.partition(" aren't")[0] for line in by_none.problems] == ["SLACK_APP_TOKEN and SLACK_SIGNING_SECRET"]


async def test_a_check_makes_no_file(check: Check, tmp_path: Path) -> None:
    await check()

    assert os.listdir(tmp_path) == ["check-0.log"]


async def test_every_setting_that_cannot_be_used_is_one_line_and_nothing_else_is_looked_at(
    check: Check, slack: Slack, certcentral: CertCentral
) -> None:
    answer = await check(SLACK_BOT_TOKEN="", DIGICERT_BASE_URL="http://digicert.example", DCV_COOLDOWN="soon")

    assert answer.status == 2
    assert len(answer.problems) + len(answer.warnings) == len(answer.lines)
    assert sorted(line.split()[0] for line in answer.problems) == [
        "DCV_COOLDOWN",
        "DIGICERT_BASE_URL",
        "SLACK_BOT_TOKEN",
    ]
    assert (slack.api_calls, certcentral.calls) == ([], [])


async def test_that_nobody_may_resend_is_only_a_warning(check: Check) -> None:
    answer = await check(DCV_ALLOWED_USERS="")

    assert (answer.status, answer.problems) == (0, [])
    assert [line.startswith("No one can resend") for line in answer.warnings] == [True]


@pytest.mark.parametrize(
    ("setting", "value", "begins"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-wrong", "SLACK_BOT_TOKEN: Slack rejected it (invalid_auth)."),
        ("SLACK_APP_TOKEN", "xapp-wrong", "SLACK_APP_TOKEN: Slack rejected it (invalid_auth)."),
        ("DIGICERT_API_KEY", "wrong-key", "DIGICERT_API_KEY: DigiCert does not accept the API key"),
        ("DATABASE_URL", "sqlite:///absent/bot.db", "DATABASE_URL: the folder"),
        ("DATABASE_URL", "sqlite:///text", "DATABASE_URL: can't open the database"),
        ("DATABASE_URL", "postgresql://bot:pass%40word@127.0.0.1:9/bot", "DATABASE_URL: can't open the database"),
        ("SSL_CERT_FILE", "text", "SSL_CERT_FILE can't be read"),
    ],
)
async def test_what_is_wrong_is_one_line_with_its_mend(
    check: Check, tmp_path: Path, setting: str, value: str, begins: str
) -> None:
    (tmp_path / "text").write_text("What somebody wrote down. " * 100)
    others = {"DIGICERT_BASE_URL": "https://digicert.invalid/services/v2"} if setting == "SSL_CERT_FILE" else {}

    answer = await check(**{setting: value}, **others)

    assert answer.status == 2
    assert [line[: len(begins)] for line in answer.problems] == [begins]
    assert answer.problems[0].endswith((".", "?"))
    assert not [line for line in answer.lines if value in line or "pass@word" in line]


async def test_an_address_that_is_not_digicerts_api_is_named(check: Check, certcentral: CertCentral) -> None:
    answer = await check(DIGICERT_BASE_URL=certcentral.url.removesuffix("/v2"))

    assert answer.status == 2
    assert [line.split()[0] for line in answer.problems] == ["DIGICERT_BASE_URL:"]


@pytest.mark.parametrize(
    ("role", "lacks"),
    [(100, "domains"), (103, "orders and domains")],
    ids=["orders only", "users only"],
)
async def test_a_key_that_may_not_read_what_the_bot_needs_is_reported_in_detail(
    check: Check, certcentral: CertCentral, role: int, lacks: str
) -> None:
    certcentral.role = role

    answer = await check()

    assert answer.status == 2
    assert [line.partition(". ")[0] for line in answer.problems] == [f"DIGICERT_API_KEY can't read {lacks}"]


async def test_a_key_that_may_only_view_is_not_said_to_be_able_to_resend(
    check: Check, certcentral: CertCentral
) -> None:
    certcentral.role = 102

    answer = await check()

    assert answer.status == 0
    assert answer.says("DIGICERT_API_KEY can read", "Permission to resend can't be tested")
    assert certcentral.resends == []


async def test_each_scope_that_is_missing_is_named_with_what_fails(check: Check, slack: Slack) -> None:
    slack.granted_scopes = {"commands", "chat:write", "chat:write.public", "users:read", "usergroups:read"}

    answer = await check()

    lost = ("channels:read", "groups:read", "channels:history", "groups:history")
    assert answer.status == 2
    assert [line.split()[2].rstrip(".") for line in answer.problems] == list(lost)
    assert all(scopes.NEEDED[scope] in line for scope, line in zip(lost, answer.problems, strict=True))
    assert answer.says("chat:write.public is granted")


@pytest.mark.parametrize("trouble", [answers(503, "busy"), drops(effect=False)], ids=["503", "dropped"])
async def test_slack_and_digicert_that_give_no_answer_are_problems(
    check: Check, slack: Slack, certcentral: CertCentral, trouble: Fault
) -> None:
    slack.faults.plan("*", trouble, times=None)
    certcentral.faults.plan("*", trouble, times=None)

    answer = await check()

    assert answer.status == 2
    assert [line.partition(" couldn't be checked.")[0] for line in answer.problems] == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "DIGICERT_API_KEY",
    ]


async def test_where_nobody_listens_is_a_problem_and_the_clock_stays_unknown(check: Check) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"

    answer = await check(SLACK_API_URL=f"{nowhere}/api/", DIGICERT_BASE_URL=f"{nowhere}/services/v2")

    assert (answer.status, len(answer.problems)) == (2, 3)
    assert [line.split("'")[0] for line in answer.warnings] == ["This machine"]


async def test_a_check_is_over_soon_although_nobody_answers(
    check: Check, slack: Slack, certcentral: CertCentral
) -> None:
    slack.faults.plan("*", stalls(60.0), times=None)
    certcentral.faults.plan("*", stalls(60.0), times=None)
    began = time.monotonic()

    answer = await check()

    assert time.monotonic() - began < CHECK_TAKES + STARTING_TAKES
    assert answer.status == 2
    assert ["No response within 5 seconds" in line for line in answer.problems] == [True, True, True]


@pytest.mark.parametrize("seconds", [40, -7200])
@pytest.mark.parametrize("whose", ["Slack", "DigiCert"])
async def test_a_clock_that_is_off_is_a_problem(
    check: Check, slack: Slack, certcentral: CertCentral, whose: str, seconds: int
) -> None:
    if whose == "Slack":
        slack.ids.clock = lambda: time.time() + seconds
        url = slack.api_url
    else:
        url = certcentral.url
        certcentral.now = lambda: datetime.now(UTC) + timedelta(seconds=seconds)

    answer = await check()

    assert answer.status == 2
    assert len(answer.problems) == 1
    assert answer.problems[0].startswith("This machine's clock is ")
    assert f"{'behind' if seconds > 0 else 'ahead of'} {urlsplit(url).netloc}'s." in answer.problems[0]


async def test_a_clock_that_is_a_little_off_is_fine(check: Check, slack: Slack) -> None:
    slack.ids.clock = lambda: time.time() - 20

    assert (await check()).says("clock agrees")


async def test_a_running_bot_is_reported_and_not_disturbed(
    bot: BotProcess, check: Check, slack: Slack, ana: SimulatedUser, pki: Channel, tmp_path: Path
) -> None:
    before = _files(tmp_path)

    first, second = await check(), await check()
    await ana.command("/dcv-resend", "help", pki)
    await ana.receives("/dcv-resend")

    assert [(answer.status, answer.problems, answer.warnings) for answer in (first, second)] == [(0, [], [])] * 2
    assert first.says("A bot is using this database", f"process {bot.pid}")
    assert first.says(f"{tmp_path}/bot.db", "up to date")
    assert _files(tmp_path) == before
    assert slack.problems == []


async def test_a_bot_that_ended_is_not_said_to_run(bot: BotProcess, check: Check, tmp_path: Path) -> None:
    await bot.stop()
    before = _contents(tmp_path)

    answer = await check()

    assert answer.status == 0
    assert answer.says("up to date")
    assert not answer.says("is using this database")
    assert _contents(tmp_path) == before


async def test_what_a_killed_bot_left_is_read_and_left_as_it_is(bot: BotProcess, check: Check, tmp_path: Path) -> None:
    os.kill(bot.pid, signal.SIGKILL)
    await bot.wait_for_exit()
    before = _contents(tmp_path)

    answer = await check()

    assert (answer.status, answer.warnings) == (0, [])
    assert answer.says("up to date")
    assert not answer.says("is using this database")
    assert _contents(tmp_path) == before


async def test_the_tables_of_a_newer_bot_are_a_problem(check: Check, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.db")) as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('9');"
        )

    answer = await check()

    assert answer.status == 2
    assert ["revision 9" in line for line in answer.problems] == [True]


async def test_no_line_holds_a_secret_or_begins_another(check: Check, slack: Slack, certcentral: CertCentral) -> None:
    secrets = (slack.bot_token, slack.app_token, certcentral.key)
    quoting = "\nproblem forged " + " ".join(secrets)
    slack.faults.plan("auth.test", answers(200, {"ok": False, "error": quoting}))
    slack.faults.plan("apps.connections.open", answers(200, {"ok": False, "error": quoting}))
    body = {"errors": [{"code": "odd", "message": quoting}]}
    certcentral.faults.plan("*", answers(400, body), times=None)

    answer = await check()

    assert (answer.status, len(answer.problems)) == (2, 3)
    assert not [line for line in answer.lines for secret in secrets if secret in line]


async def test_what_nobody_thought_of_is_one_line_and_no_traceback(check: Check, tmp_path: Path) -> None:
    (tmp_path / "bot.db").touch()
    (tmp_path / "bot.db.lock").mkdir()

    answer = await check()

    assert answer.status == 2
    assert [line.partition(" because")[0] for line in answer.problems] == ["DATABASE_URL couldn't be checked"]


def _files(folder: Path) -> list[str]:
    """Return the files of the bot's database."""
    return sorted(path.name for path in folder.glob("bot.db*"))


def _contents(folder: Path) -> dict[str, bytes]:
    """Return the content of the database's files, except its log's index and an empty log, which hold no data."""
    contents = {name: (folder / name).read_bytes() for name in _files(folder) if not name.endswith("-shm")}
    return {name: content for name, content in contents.items() if content or not name.endswith("-wal")}


async def test_each_channel_of_alerts_is_one_line(check: Check, slack: Slack) -> None:
    ops, far = slack.add_channel("ops"), slack.add_channel("far", member=False)
    partners = slack.add_channel("partners", ext_shared=True)

    answer = await check(DCV_ALERT_CHANNELS=",".join([ops.id, far.id, partners.id, "C0GONE"]))

    assert answer.says(f"Watching #ops ({ops.id}) for alerts.")
    assert answer.status == 0
    assert len(answer.warnings) == 3
    warnings = "\n".join(answer.warnings)
    assert "The bot isn't in #far" in warnings
    assert f"#partners ({partners.id}) is shared with another organization" in warnings
    assert "can't see the alert channel C0GONE" in warnings


async def test_a_misspelled_setting_is_a_warning_with_the_right_name(check: Check) -> None:
    answer = await check(DCV_ALLOWED_USER="U012AB3CD", DCV_UNRELATED="x")

    assert answer.status == 0
    assert "DCV_ALLOWED_USER isn't a setting. Did you mean DCV_ALLOWED_USERS?" in answer.warnings
    assert any(line.startswith("DCV_UNRELATED isn't a setting.") for line in answer.warnings)


async def test_everything_that_is_missing_is_listed_at_once(check: Check, tmp_path: Path) -> None:
    answer = await check(SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="", DIGICERT_API_KEY="")

    assert answer.status == 2
    assert [line.partition(" ")[0] for line in answer.problems] == [
        "SLACK_BOT_TOKEN",
        "DIGICERT_API_KEY",
        "SLACK_APP_TOKEN",
    ]
    assert any(line.startswith(f"There is no file .env in {tmp_path}") for line in answer.warnings)


async def test_a_wrong_address_of_slack_is_not_called_a_wrong_token(check: Check, certcentral: CertCentral) -> None:
    answer = await check(SLACK_API_URL=certcentral.url)

    assert "SLACK_API_URL: the server there doesn't answer like Slack. Correct the address." in answer.problems
