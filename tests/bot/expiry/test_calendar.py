"""The calendar file: what is shipped, and one line for each mistake."""

import pytest

from bot.errors import ConfigurationError
from bot.expiry.calendar import parse_calendar, shipped_calendar

RULE = """
[[rule]]
day = 2027-03-15
certificate_days = 100
reuse_days = 100
source = "a test"
"""


def test_the_shipped_calendar_names_days_limits_and_sources():
    rules = {(rule.day.isoformat(), rule.reuse_days, *rule.forbid) for rule in shipped_calendar().rule}

    assert {
        ("2026-02-24", 199),
        ("2027-03-15", 99),
        ("2027-03-15", 100),
        ("2028-03-15", 100, "email"),
        ("2029-03-15", 10),
    } <= rules
    assert all(rule.source for rule in shipped_calendar().rule)


def test_a_rule_is_read():
    (rule,) = parse_calendar(RULE + 'forbid = ["email"]').rule

    assert (rule.starts.isoformat(), rule.reuse_days, rule.forbid) == ("2027-03-15T00:00:00+00:00", 100, ["email"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "write each rule below a line [[rule]]."),
        ("rule = []", "write each rule below a line [[rule]]."),
        ("day = 2027-03-15", "write each rule below a line [[rule]]."),
        ("[[rule]", "it isn't valid TOML: "),
        (RULE.replace("day = 2027-03-15", ""), "rule 1: day is missing."),
        (RULE.replace("2027-03-15", '"2027-03-15"'), "rule 1: day takes a date without quotes, such as 2027-03-15."),
        (RULE.replace("2027-03-15", "2027-03-15T10:00:00"), "rule 1: day takes a date without "),
        (RULE.replace("reuse_days = 100", "reuse_days = 0"), "rule 1: reuse_days takes a whole number of days "),
        (RULE.replace("certificate_days = 100", 'certificate_days = "x"'), "rule 1: certificate_days takes a whole "),
        (RULE + "forbid = 'email'", 'rule 1: forbid takes a list of DCV methods, such as ["email"].'),
        (RULE + "forbid = ['E mail']", 'rule 1: forbid takes a list of DCV methods, such as ["email"].'),
        (RULE + RULE + "forbidden = []", "rule 2: unknown key “forbidden”; the keys are day, "),
        (RULE.replace('"a test"', "5"), "rule 1: source takes text in quotes."),
    ],
)
def test_each_mistake_is_one_line(text, problem):
    with pytest.raises(ConfigurationError) as refused:
        parse_calendar(text)

    assert any(line.startswith(f"DCV_VALIDITY_FILE: {problem}") for line in refused.value.problems)
