"""The digest, its warnings and forms: what Slack accepts, and what they say."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import InvalidInput
from bot.expiry.calendar import shipped_calendar
from bot.expiry.digest_content import cover, digest_content
from bot.expiry.digest_file import DigestRule
from bot.expiry.domain_expiry import expiries
from bot.expiry.snoozing import SnoozeChoice
from bot.models import Domain, Expired, LastResend, LedgerEvent, Order, Pending, Valid
from bot.views import digest as views
from bot.views import digest_forms, expiring
from bot.views.digest import DigestExtras
from bot.views.expiring import ExpiringPage, ExpiringRow

CALENDAR = shipped_calendar()
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
RULE = DigestRule("C0PKI", owner="S0OPS")
LAST = LastResend("r1", "U0ANA", NOW - timedelta(days=2), LedgerEvent.SENT, "a.example", ("admin@a.example",))
EXTRAS = DigestExtras("digest-C0PKI.1796029200", {"domain:1": LAST}, "@pki-team")


def domain(number, name, validation, approved=None):
    return Domain(number, name, True, validation, "email", NOW - timedelta(days=4), approved)


def rows_of(*domains, now=NOW):
    return expiries(domains, CALENDAR, now)


def content_of(*domains, orders=(), rule=RULE, now=NOW):
    return digest_content(cover(rule, (rule,), rows_of(*domains, now=now), orders, ()), CALENDAR, now, now, None)


SEVERAL = (
    domain(1, "waiting.example.com", Pending()),
    domain(2, "week.example.com", Valid(NOW + timedelta(days=6))),
    domain(3, "fortnight.example.com", Valid(NOW + timedelta(days=12))),
    domain(4, "expired.example.com", Expired(NOW - timedelta(days=3))),
    domain(5, "fine.example.com", Valid(NOW + timedelta(days=90))),
)
ORDER = Order(700001, "pending", "dv.example.com", ("dv.example.com", "www.example.org"), True, "DV", None, NOW)


def test_the_headline_says_how_many_need_someone_and_until_when(slack):
    message = views.digest(content_of(*SEVERAL), EXTRAS, NOW)

    assert slack.takes_message(message)
    assert message.text.splitlines()[:2] == [
        "4 of 5 domains need you before December 30.",
        "1 has been waiting for approval for more than 3 days, 2 expire within 14 days, 1 within 7, 1 has expired.",
    ]
    table = message.blocks[1].to_dict()
    assert [cell["text"] for cell in table["rows"][0]] == list(views.HEADER)
    assert [row[0]["text"].split(".")[0] for row in table["rows"][1:]] == ["week", "fortnight", "waiting", "expired"]
    assert [cell["text"] for cell in table["rows"][3]] == [
        "waiting.example.com",
        "\N{EN DASH}",
        "waiting since Nov 26",
        "Email",
        "@pki-team",
        "Nov 28, 2026",
    ]
    assert [each["text"]["text"] for each in message.blocks[-1].to_dict()["elements"]] == [
        "Revalidate 3…",
        "Resend 1…",
        "Snooze…",
    ]


def test_the_rule_that_ends_validations_is_named(slack):
    now = datetime(2027, 2, 20, 9, tzinfo=UTC)
    approved = datetime(2026, 10, 14, tzinfo=UTC)
    some = [domain(n, f"d{n}.example.com", Valid(approved + timedelta(days=199)), approved) for n in range(1, 6)]

    message = views.digest(content_of(*some, now=now), EXTRAS, now)

    assert slack.takes_message(message)
    assert "5 of them end on March 15 because of the new rule, not because of their age." in message.text
    assert "Revalidate 2 domains this week, so that March 15 is not one big day. 5 end on it." in message.text
    assert "rule of March 15, 2027" in json.dumps([block.to_dict() for block in message.blocks])


@pytest.mark.parametrize(
    ("domains", "orders", "headline"),
    [
        ((), (), "No domain needs you here."),
        (SEVERAL[4:], (), "None of 1 domain needs you before December 30."),
        (SEVERAL[:1], (), "1 of 1 domain needs you before December 30."),
        (SEVERAL[3:], (ORDER,), "1 of 2 domains and 1 order need you before December 30."),
    ],
)
def test_the_headline_counts_in_whole_sentences(slack, domains, orders, headline):
    message = views.digest(content_of(*domains, orders=orders), EXTRAS, NOW)

    assert slack.takes_message(message)
    assert message.text.splitlines()[0] == headline


@pytest.mark.parametrize("name", ["<!channel>.example", "\u202eevil.example", "a" * 250, "&&&&.example"])
@pytest.mark.parametrize("count", [1, 99, 2000])
def test_slack_accepts_hostile_names_and_any_number_of_rows(slack, name, count):
    many = [domain(n, name, Valid(NOW + timedelta(days=n % 6))) for n in range(1, count + 1)]

    message = views.digest(content_of(*many), replace(EXTRAS, unreadable="<!here>", stale_since=NOW), NOW)

    assert slack.takes_message(message)
    assert slack.takes_message(views.closed(views.body_of(message)))
    assert slack.takes_message(views.warning(RULE, rows_of(*many), NOW))
    assert slack.takes_view(digest_forms.snooze("digest-C0PKI.1", content_of(*many)))
    assert slack.takes_view(digest_forms.choice_to_revalidate("f1", rows_of(*many)))
    shown = [ExpiringRow(row, LAST, True, True) for row in rows_of(*many)[:10]]
    assert slack.takes_message(expiring.page(ExpiringPage(30, 0, 2, count, shown, NOW)))


@pytest.mark.parametrize(("mention_below", "mentions"), [(7, 1), (5, 0), (0, 0)])
def test_a_warning_mentions_the_owner_once_from_the_wanted_day_on(mention_below, mentions):
    rule = replace(RULE, mention_below=mention_below)
    soon = domain(1, "a.example.com", Valid(NOW + timedelta(days=6)))

    message = views.warning(rule, rows_of(soon, replace(soon, id=2, name="b.example.com")), NOW)

    assert message.text.count("<!subteam^S0OPS>") == mentions
    assert "2 validations end within 7 days." in message.text
    assert "a.example.com ends on December 6, in 6 days" in message.text


def submission(**changes):
    values = {
        digest_forms.TARGETS: {"selected_options": [{"value": "domain:1"}]},
        digest_forms.UNTIL: {"selected_option": {"value": "monday"}},
        digest_forms.REASON: {"value": " on  vacation "},
    }
    values |= changes
    state = {"values": {key: {key: value} for key, value in values.items()}}
    return {"private_metadata": "digest-C0PKI.1", "state": state}


def test_a_submitted_snooze_is_read():
    filled = digest_forms.read_snooze(submission())

    assert filled == digest_forms.SnoozeInput("digest-C0PKI.1", ("domain:1",), SnoozeChoice.MONDAY, "on vacation")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({digest_forms.TARGETS: {"selected_options": []}}, digest_forms.TARGETS),
        ({digest_forms.REASON: {"value": "   "}}, digest_forms.REASON),
        ({digest_forms.REASON: {"value": "x" * 3000}}, digest_forms.REASON),
        ({digest_forms.UNTIL: {"selected_option": {"value": "never"}}}, None),
        ({digest_forms.TARGETS: {"selected_options": [{"value": "a\nb"}]}}, None),
        ({digest_forms.TARGETS: None}, None),
    ],
)
def test_a_malformed_snooze_names_the_field(changes, field):
    with pytest.raises(InvalidInput) as refused:
        digest_forms.read_snooze(submission(**changes))

    assert list(refused.value.fields) == ([field] if field else [])
