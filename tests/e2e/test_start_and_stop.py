"""`dcv-resend run`: what keeps it from starting, what it waits for, and how it ends without losing anything."""

import asyncio
import json
import os
import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import (
    AS_COMMAND,
    NO_TABLES,
    ON_BOTH,
    Rows,
    free_port,
    kinds,
    open_form,
    put,
    puts,
    resend,
    sees_end,
    serving,
    start_again,
    tells,
)
from tests.forked_bot import ForkedBot
from tests.postgresql import Server

ORDER = 700001
STOPPED_WITHIN = 10.0
MakeBot = Callable[..., BotProcess]


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    """Something that waits."""
    certcentral.add_order(ORDER, ["shop.example.com"])


@AS_COMMAND
async def test_every_setting_that_is_missing_or_malformed_is_named_in_one_line(make_bot: MakeBot) -> None:
    bot = make_bot(
        SLACK_BOT_TOKEN="",
        SLACK_APP_TOKEN="xoxb-pasted-into-the-wrong-line",
        DIGICERT_API_KEY="",
        DIGICERT_BASE_URL="http://digicert.example/services/v2",
        DCV_ALLOWED_USERS="@ana",
        DCV_COOLDOWN="soon",
        DATABASE_URL="mysql://localhost/bot",
        LOG_FORMAT="yaml",
    )

    await bot.start()
    status = await bot.wait_for_exit()

    assert status == 2
    assert sorted(line.split()[0] for line in bot.log.splitlines()) == [
        "DATABASE_URL",
        "DCV_ALLOWED_USERS",
        "DCV_COOLDOWN",
        "DIGICERT_API_KEY",
        "DIGICERT_BASE_URL",
        "LOG_FORMAT",
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
    ]
    assert "pasted" not in bot.log


@pytest.mark.parametrize(
    "wrong",
    [
        {"SLACK_APP_TOKEN": "xapp-wrong"},
        {"SLACK_BOT_TOKEN": "xoxb-wrong", "DIGICERT_API_KEY": "wrong-key"},
    ],
    ids=lambda wrong: "+".join(wrong),
)
async def test_each_token_or_key_that_is_not_accepted_is_one_line(
    make_bot: MakeBot, slack: Slack, wrong: Mapping[str, str]
) -> None:
    bot = make_bot(**wrong)

    await bot.start()
    status = await bot.wait_for_exit()

    assert status == 2
    assert [line.partition(":")[0] for line in _problem_lines(bot)] == list(wrong)
    assert not [value for value in wrong.values() if value in bot.log]
    assert (slack.sockets, slack.problems) == (0, [])


async def test_a_server_that_cannot_be_reached_is_one_line_without_the_password(make_bot: MakeBot) -> None:
    bot = make_bot(DATABASE_URL=f"postgres://bot:made-up@127.0.0.1:{free_port()}/bot")

    await bot.start()
    status = await bot.wait_for_exit()

    assert status == 2
    assert [line.split()[0] for line in bot.log.splitlines()] == ["DATABASE_URL:"]
    assert "made-up" not in bot.log


@pytest.mark.parametrize("file", ["absent/bot.db", "/sys/bot.db", "text"], ids=["missing", "read-only", "no database"])
async def test_a_database_that_cannot_be_used_is_one_line(make_bot: MakeBot, tmp_path: Path, file: str) -> None:
    (tmp_path / "text").write_text("What somebody wrote down. " * 100)
    bot = make_bot(DATABASE_URL=f"sqlite:///{tmp_path / file}")

    await bot.start()
    status = await bot.wait_for_exit()

    assert status == 2
    assert [line.split()[0] for line in _problem_lines(bot)] == ["DATABASE_URL:"]


@ON_BOTH
async def test_a_second_bot_of_the_same_name_on_the_same_database_does_not_start(
    bot: BotProcess, make_bot: MakeBot, database_url: str, ana: SimulatedUser, pki: Channel
) -> None:
    second = make_bot()

    await second.start()
    # On a server it waits one lease time for its name.
    status = await second.wait_for_exit(30.0)
    form = await open_form(ana, ORDER, pki)

    assert status == 2
    setting = "DATABASE_URL:" if database_url.startswith("sqlite:") else "DCV_INSTANCE:"
    assert [line.split()[0] for line in _problem_lines(second)] == [setting]
    assert form.is_open


async def test_a_bot_starts_without_slack_and_digicert_and_serves_once_they_answer(
    make_bot: MakeBot, certcentral: CertCentral
) -> None:
    slack = Slack(free_port())
    ana, pki = slack.add_person("ana"), slack.add_channel("pki")
    certcentral.faults.plan("*", stalls(30.0), times=None)
    bot = make_bot(**_settings(slack), DCV_ALLOWED_USERS=ana.id)

    await bot.start()
    await _logs(bot, "Slack is unreachable")
    async with slack:
        await slack.wait_for_connection()
        unreachable = "DigiCert is unreachable" in bot.log
        certcentral.faults.clear()
        await resend(ana, ORDER, pki)
        root = await sees_end(slack, pki, ORDER)

    assert unreachable
    assert tells(root) == "sent"
    assert slack.problems == []


async def test_a_bot_serves_once_something_listens_where_digicert_should_be(
    make_bot: MakeBot, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    digicert = CertCentral(port=free_port())
    digicert.add_order(ORDER, ["shop.example.com"])
    bot = make_bot(DIGICERT_BASE_URL=digicert.url)

    await bot.start()
    await slack.wait_for_connection()
    unreachable = "DigiCert is unreachable" in bot.log
    async with digicert:
        await resend(ana, ORDER, pki)
        root = await sees_end(slack, pki, ORDER)

    assert unreachable
    assert tells(root) == "sent"
    assert slack.problems == []


async def test_scopes_that_are_missing_are_one_warning_and_no_obstacle(make_bot: MakeBot, slack: Slack) -> None:
    slack.granted_scopes -= {"groups:read", "usergroups:read"}
    bot = make_bot()

    await bot.start()
    await slack.wait_for_connection()

    warnings = [row for row in _rows(bot) if row["level"] == "warning"]
    assert [(row["event"], row["scopes"]) for row in warnings] == [
        ("scopes are missing", "groups:read, usergroups:read")
    ]


@pytest.mark.parametrize(
    ("number", "database_url", "process"),
    [
        (signal.SIGTERM, "no tables", BotProcess),
        (signal.SIGINT, "sqlite", ForkedBot),
        (signal.SIGTERM, "postgresql", ForkedBot),
        (signal.SIGINT, "postgresql", ForkedBot),
    ],
    indirect=["database_url", "process"],
)
async def test_an_idle_bot_ends_at_a_signal(bot: BotProcess, slack: Slack, number: signal.Signals) -> None:
    os.kill(bot.pid, number)
    status = await bot.wait_for_exit(STOPPED_WITHIN)

    assert status == 0
    assert [row["event"] for row in _rows(bot)][-1] == "stopped"
    assert slack.problems == []


@pytest.mark.parametrize("trouble", [stalls(30.0), answers(500, "oops")], ids=["stall", "500"])
async def test_a_bot_that_still_waits_for_slack_ends_at_a_signal(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral, trouble: Fault
) -> None:
    slack.faults.plan("auth.test", trouble)
    bot = make_bot()
    await bot.start()
    await _logs(bot, "Slack is unreachable" if trouble.answer else "DigiCert accepted the API key")

    status = await _stops(bot)

    assert status == 0
    assert [row["level"] for row in _rows(bot)].count("error") == 0


async def test_what_was_acknowledged_right_before_the_end_is_not_lost(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER + 1, ["new.example.com"])
    form = await open_form(ana, ORDER, pki)
    certcentral.faults.plan("GET *", stalls(0.7), times=None)

    await ana.command("/dcv-resend", str(ORDER + 1), pki)
    submitted = await form.submit()
    status = await _stops(bot)
    drawn = [form.labels[1] for form in ana.open_forms]
    await start_again(bot, slack)
    root = await sees_end(slack, pki, ORDER)

    assert (submitted.closed, status) == (True, 0)
    assert drawn == ["Recipient for new.example.com"]
    assert tells(root) == "sent"
    assert len(certcentral.resends) == 1
    assert slack.problems == []


async def test_at_the_end_a_call_that_is_cut_off_is_unknown_and_one_that_waits_goes_on(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    cut_off, waits, looked_up = ORDER, ORDER + 1, ORDER + 2
    certcentral.add_order(waits, ["new.example.com"])
    certcentral.faults.plan(put(cut_off), stalls(30.0))
    certcentral.faults.plan(put(waits), answers(429, {"errors": []}, {"Retry-After": "9"}))
    await resend(ana, cut_off, pki)
    await resend(ana, waits, pki)
    await slack.sees_message(pki, "Waiting for DigiCert")
    certcentral.faults.plan("GET *", stalls(30.0))
    await ana.command("/dcv-resend", str(looked_up), pki)
    await certcentral.wait_for_call("GET", f"/order/certificate/{looked_up}")

    status = await _stops(bot)
    await start_again(bot, slack)
    roots = [await sees_end(slack, pki, order) for order in (cut_off, waits)]

    assert status == 0
    assert [tells(root) for root in roots] == ["unknown", "sent"]
    assert kinds(ledger(), cut_off) == ["sending", "unknown"]
    assert kinds(ledger(), waits) == ["sending", "turned_away", "sending", "sent"]
    assert (puts(certcentral, cut_off), puts(certcentral, waits), slack.problems) == (1, 2, [])


@pytest.mark.parametrize("command", ["run", "serve"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_bot_ends_in_time_where_neither_slack_nor_digicert_nor_the_database_says_a_word(
    make_bot: MakeBot,
    server: Server,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    command: str,
) -> None:
    called, waits = ORDER, ORDER + 1
    certcentral.add_order(waits, ["new.example.com"])
    bot = make_bot(command, PORT=str(free_port()))
    if command == "serve":
        slack.request_url = f"http://127.0.0.1:{bot.settings['PORT']}/slack/events"
    await bot.start()
    await serving(bot)
    form = await open_form(ana, waits, pki)
    certcentral.faults.plan(put(called), stalls(60.0))
    await resend(ana, called, pki)
    await certcentral.wait_for_call("PUT", "/order/*")

    slack.faults.plan("*", stalls(60.0), times=None)
    server.freeze()
    opened = _calls(slack, "views.open")
    boundary = [asyncio.create_task(form.submit()), asyncio.create_task(ana.command("/dcv-resend", str(waits), pki))]
    await slack.wait_for(lambda: _calls(slack, "views.open") > opened, "a form that is being opened", 5.0)
    slack.freeze_sockets()
    status = await _stops(bot)
    server.thaw()
    await asyncio.gather(*boundary)

    assert status == 0
    assert "stopping while a user is waiting for an answer" in bot.log
    assert "Traceback" not in bot.log


@AS_COMMAND
@NO_TABLES
async def test_a_proxy_that_is_dead_does_not_disturb_this_machine(
    make_bot: MakeBot, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
    bot = make_bot(**dict.fromkeys((*names, *map(str.lower, names)), dead))

    await bot.start()
    await slack.wait_for_connection()
    await ana.command("/dcv-resend", "help", pki)
    await ana.receives("/dcv-resend")
    await resend(ana, ORDER, pki)
    root = await sees_end(slack, pki, ORDER)

    assert tells(root) == "sent"
    assert slack.problems == []


@pytest.mark.parametrize("form", ["json", "text"])
async def test_the_log_follows_a_request_to_its_end_and_shows_no_secret(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, form: str
) -> None:
    secrets = (slack.bot_token, slack.app_token, certcentral.key)
    bot = make_bot(LOG_FORMAT=form, LOG_LEVEL="DEBUG")
    await bot.start()
    await slack.wait_for_connection()

    for number, secret in enumerate(secrets, 1):
        slack.faults.plan("users.info", answers(200, {"ok": False, "error": secret}))
        await ana.command("/dcv-resend", str(ORDER), pki)
        await slack.wait_for(lambda number=number: len(ana.ephemerals) == number, "a refusal", 10.0)
    await resend(ana, ORDER, pki)
    await sees_end(slack, pki, ORDER)
    await _logs(bot, "outcomes=" if form == "text" else '"outcomes":')

    assert _story(bot, form) == ["accepted", "ended", "reported"]
    assert bot.log.count("•••") >= len(secrets)
    assert not [secret for secret in secrets if secret in bot.log]


def _calls(slack: Slack, method: str) -> int:
    """Count the bot's calls of this method."""
    return sum(call.method == method for call in slack.api_calls)


def _settings(slack: Slack) -> dict[str, str]:
    """The settings that name another Slack."""
    return {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "SLACK_API_URL": slack.api_url}


async def _logs(bot: BotProcess, words: str) -> None:
    """Wait until the bot has written these words."""
    async with asyncio.timeout(10.0):
        while words not in bot.log:  # noqa: ASYNC110 - a file tells nobody that it grew
            await asyncio.sleep(0.02)


async def _stops(bot: BotProcess) -> int:
    """Stop it as a platform does that kills after STOPPED_WITHIN seconds."""
    async with asyncio.timeout(STOPPED_WITHIN):
        return await bot.stop()


def _problem_lines(bot: BotProcess) -> list[str]:
    """Return the lines for the operator. Every other line is a JSON line of the log."""
    return [line for line in bot.log.splitlines() if not line.startswith("{")]


def _rows(bot: BotProcess) -> list[dict[str, Any]]:
    """A log of JSON lines, each of which parses."""
    return [json.loads(line) for line in bot.log.splitlines()]


def _story(bot: BotProcess, form: str) -> list[str]:
    """Return the log's events about the one accepted request, in order."""
    if form == "json":
        rows = _rows(bot)
        request_id = next(row["request_id"] for row in rows if row["event"] == "accepted")
        return [row["event"].partition(";")[0] for row in rows if row.get("request_id") == request_id]
    found = re.search(r"accepted .*request_id=(\w+)", bot.log)
    return [] if found is None else re.findall(rf"\] ([a-z ]+?)(?:;| +\[).*request_id={found[1]}", bot.log)
