"""The findings of the check command: the right level, one line, and a remedy if one is needed."""

from datetime import timedelta

import pytest

from bot.digicert.client import KeyPermissions
from bot.services.operations import diagnostics
from bot.services.operations.diagnostics import Finding, Severity
from bot.slack import scopes
from bot.slack.channels import Channel
from bot.slack.client import Identity
from bot.store.inspection import Inspection, Tables

ALL = KeyPermissions(orders=True, validations=True, domains=True)


def identity(*granted, **changes):
    return Identity("B1", "U1", "T1", None, frozenset(granted), **{"name": "dcv_resend", "team": "Example", **changes})


def inspection(tables, **changes):
    values = {"revision": "0001", "head": "0002", **changes}
    return Inspection("/data/bot.db", tables, **values)


def levels(found):
    return [finding.level.value for finding in found]


@pytest.mark.parametrize("level", Severity)
def test_a_line_begins_with_its_level(level):
    assert Finding(level, "A sentence.").line().split() == [level.value, "A", "sentence."]


@pytest.mark.parametrize("letter", ["\n", "\r", "\u2028", "\x1b[2K", "\x00", "\u202e", " "])
def test_a_strangers_name_begins_no_line_of_its_own(letter):
    line = Finding(Severity.OK, f"It is called a{letter}problem").line()

    assert line.isprintable()
    assert line.startswith("ok       It is called a")


def test_the_identity_of_the_bot_comes_first():
    assert diagnostics.of_bot(identity(*scopes.NEEDED))[0] == Finding(
        Severity.OK, "SLACK_BOT_TOKEN belongs to @dcv_resend in the workspace Example (T1)."
    )


def test_without_names_ids_identify_the_bot():
    assert "@U1 in the workspace T1." in diagnostics.of_bot(identity(name="", team=""))[0].sentence


@pytest.mark.parametrize("lacking", [*scopes.NEEDED])
def test_a_missing_scope_is_a_problem_that_says_what_fails(lacking):
    found = diagnostics.of_bot(identity(*(set(scopes.NEEDED) - {lacking})))

    problems = [finding.sentence for finding in found if finding.level is Severity.PROBLEM]
    assert len(problems) == 1
    assert problems[0].startswith(f"Missing scope {lacking}. Without it {scopes.NEEDED[lacking]}.")


def test_a_missing_optional_scope_is_only_a_notice():
    granted, not_granted = (
        diagnostics.of_bot(identity(*scopes.NEEDED, *extra))[-1] for extra in (["chat:write.public"], [])
    )

    assert levels([granted, not_granted]) == ["ok", "ok"]
    assert granted.sentence.endswith("is granted.")
    assert "isn't granted. Without it" in not_granted.sentence


def test_scopes_that_slack_did_not_report_are_not_called_missing():
    assert levels(diagnostics.of_bot(identity())) == ["ok", "warning"]


def test_a_key_that_reads_all_is_not_said_to_resend():
    owner, rights = diagnostics.of_key("svc-dcv", ALL)

    assert "svc-dcv" in owner.sentence
    assert rights == Finding(
        Severity.OK,
        "DIGICERT_API_KEY can read orders, the validation status of orders and domains. "
        "Permission to resend can't be tested without sending an email.",
    )


def test_a_check_that_could_not_run_is_reported():
    rights = diagnostics.of_key("svc-dcv", KeyPermissions(orders=True, validations=None, domains=True))[1]

    assert rights.level is Severity.OK
    assert rights.sentence.startswith(
        "DIGICERT_API_KEY can read orders and domains. Permission to resend can't be tested"
    )
    assert rights.sentence.endswith("can't be tested while no order is pending.")


@pytest.mark.parametrize(
    ("readable", "lacks"),
    [
        (KeyPermissions(orders=True, validations=True, domains=False), "domains"),
        (KeyPermissions(orders=False, validations=None, domains=False), "orders and domains"),
        (KeyPermissions(orders=True, validations=False, domains=False), "the validation status of orders and domains"),
    ],
)
def test_what_a_key_may_not_read_is_a_problem(readable, lacks):
    rights = diagnostics.of_key("svc-dcv", readable)[1]

    assert rights.level is Severity.PROBLEM
    assert rights.sentence.startswith(f"DIGICERT_API_KEY can't read {lacks}. Give it the role")


@pytest.mark.parametrize(
    ("tables", "level", "words"),
    [
        (Tables.MISSING, "ok", "has no tables yet"),
        (Tables.UP_TO_DATE, "ok", "up to date (0002)"),
        (Tables.BEHIND, "warning", "from 0001 to 0002. `dcv-resend run` applies them"),
        (Tables.UNKNOWN, "problem", "Install that version"),
    ],
)
def test_each_state_of_the_tables_is_one_sentence(tables, level, words):
    found = diagnostics.of_database(inspection(tables))

    assert levels(found) == [level]
    assert words in found[0].sentence
    assert "/data/bot.db" in found[0].sentence


def test_a_running_bot_is_reported():
    finding = diagnostics.of_database(inspection(Tables.UP_TO_DATE, running="process 4711"))[-1]

    assert finding.level is Severity.OK
    assert finding.sentence.startswith("A bot is using this database (process 4711), so a second one")


def test_running_instances_are_reported():
    finding = diagnostics.of_database(inspection(Tables.UP_TO_DATE, instances=("one", "two")))[-1]

    assert finding.level is Severity.OK
    assert finding.sentence.startswith("Running instances on this database: one and two.")


@pytest.mark.parametrize("seconds", [0, 30, -30])
def test_clocks_that_nearly_agree_are_fine(seconds):
    assert diagnostics.of_clocks({"Slack": timedelta(seconds=seconds), "DigiCert": None}) == [
        Finding(Severity.OK, "This machine's clock agrees with Slack.")
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (31, "31 seconds ahead of"),
        (-31, "31 seconds behind"),
        (200, "3 minutes ahead of"),
        (-7200, "2 hours behind"),
        (864000, "10 days ahead of"),
    ],
)
def test_a_clock_that_is_off_is_a_problem_that_says_how_far(seconds, words):
    found = diagnostics.of_clocks({"Slack": timedelta(seconds=seconds), "DigiCert": timedelta(0)})

    assert levels(found) == ["problem"]
    assert found[0].sentence.startswith(f"This machine's clock is {words} Slack's. Synchronize it")


def test_a_clock_that_is_off_from_both_is_one_problem():
    off = timedelta(seconds=60)

    assert "is 60 seconds ahead of Slack's and 60 seconds ahead of DigiCert's." in (
        diagnostics.of_clocks({"Slack": off, "DigiCert": off})[0].sentence
    )


def test_without_a_date_the_clock_skew_is_unknown():
    assert levels(diagnostics.of_clocks({"Slack": None, "DigiCert": None})) == ["warning"]


def test_a_check_that_failed_names_its_setting():
    unavailable, mistake = (
        diagnostics.unreachable("SLACK_APP_TOKEN", "slack.com", "No answer."),
        diagnostics.mistake("X", KeyError()),
    )

    assert levels([unavailable, mistake]) == ["problem", "problem"]
    assert unavailable.sentence.startswith("SLACK_APP_TOKEN couldn't be checked. No answer. Try again,")
    assert "slack.com" in unavailable.sentence
    assert mistake.sentence.startswith("X couldn't be checked because of a bug")
    assert "KeyError" in mistake.sentence


@pytest.mark.parametrize(
    ("channel", "level", "words"),
    [
        (Channel("C0OPS", "ops", True, False), Severity.OK, "Watching #ops (C0OPS) for alerts."),
        (
            Channel("C0OPS", "", False, False),
            Severity.WARNING,
            "The bot isn't in C0OPS, so it can't see alerts there. Invite it.",
        ),
        (Channel("C0OPS", "ops", True, True), Severity.WARNING, "so the bot ignores alerts there"),
    ],
)
def test_a_channel_of_alerts_is_monitored_or_says_why_not(channel, level, words):
    found = diagnostics.of_alert_channel(channel)

    assert found.level is level
    assert words in found.sentence


def test_a_channel_of_alerts_that_cannot_be_seen_is_a_warning():
    assert (
        "can't see the alert channel C0GONE"
        in diagnostics.of_hidden_alert_channel("C0GONE", "channel_not_found").sentence
    )
