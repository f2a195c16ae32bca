"""The digest file: what is read, which digest lists a name, and one line for each mistake."""

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from bot.errors import ConfigurationError
from bot.expiry.digest_file import DigestRule, DigestTime, QuietTime, default_rule, parse_digests, rule_for

SHOP = """
[[digest]]
channel = "C012SHOPOPS"
names = ["*.shop.example.com", "Shop.example.com"]
owner = "S012SHOPSRE"
at = "Mon 09:30"
timezone = "Europe/Berlin"
days = [7, 30, 14, 1]
mention_below = 5
quiet = ["18:00-08:00", "Sat", "Sun"]
"""
REST = """
[[digest]]
channel = "C012REST"
at = "07:00"
"""


def test_a_digest_is_read():
    assert parse_digests(SHOP) == (
        DigestRule(
            channel="C012SHOPOPS",
            names=("*.shop.example.com", "shop.example.com"),
            owner="S012SHOPSRE",
            due=DigestTime(time(9, 30), 0),
            timezone=ZoneInfo("Europe/Berlin"),
            days=(30, 14, 7, 1),
            mention_below=5,
            quiet=(QuietTime(start=time(18), end=time(8)), QuietTime(weekday=5), QuietTime(weekday=6)),
        ),
    )


def test_what_is_omitted_has_a_default():
    (rule,) = parse_digests('[[digest]]\nchannel = "C012REST"')

    assert rule == default_rule("C012REST")
    assert (rule.due, rule.days, rule.mention_below, str(rule.timezone)) == (
        DigestTime(time(9), 0),
        (30, 14, 7, 1),
        7,
        "UTC",
    )


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("shop.example.com", "C012SHOPOPS"),
        ("a.b.shop.example.com", "C012SHOPOPS"),
        ("myshop.example.com", "C012REST"),
        ("example.com", "C012REST"),
    ],
)
def test_the_first_digest_that_covers_a_name_lists_it_and_one_without_names_the_rest(name, channel):
    assert rule_for(name, parse_digests(REST + SHOP)).channel == channel


def test_without_a_digest_for_the_rest_a_name_may_have_none():
    assert rule_for("example.com", parse_digests(SHOP)) is None


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (SHOP, "", "write each digest below a line [[digest]]."),
        ("[[digest]]", "[digest]", "write each digest below a line [[digest]]."),
        ("[[digest]]", "[[digests]]", "unknown key “digests”. Write each digest below a line [[digest]]."),
        ("[[digest]]", "[[digest]", "it isn't valid TOML: "),
        ('channel = "C012SHOPOPS"\n', "", "digest 1: channel is missing."),
        ("C012SHOPOPS", "#shop", "digest 1: “#shop” is no channel ID. "),
        ('"C012SHOPOPS"', "7", "digest 1: channel takes text in quotes."),
        ("S012SHOPSRE", "@ana", "digest 1: “@ana” is no ID of a user group or a person, such as S012SHOPSRE."),
        ("Mon 09:30", "Monday 9", 'digest 1: “Monday 9” is no time. Write at = "09:00" or at = "Mon 09:00".'),
        ("Mon 09:30", "24:00", "digest 1: “24:00” is no time. "),
        ("Europe/Berlin", "Europe/Bärlin", "digest 1: “Europe/Bärlin” is no known time zone. "),
        ("Europe/Berlin", "../etc/passwd", "digest 1: “../etc/passwd” is no known time zone. "),
        ("[7, 30, 14, 1]", "[]", "digest 1: days takes numbers from 1 to 366, such as [30, 14, 7, 1]."),
        ("[7, 30, 14, 1]", '["a"]', "digest 1: days takes numbers from 1 to 366, such as [30, 14, 7, 1]."),
        ("mention_below = 5", "mention_below = -1", "digest 1: mention_below takes a number of days from 0 to 366."),
        ('"Sat"', '"Sat-Sun"', "digest 1: “Sat-Sun” is no quiet time. "),
        ('["*.shop.example.com", "Shop.example.com"]', "[]", "digest 1: names is empty and matches nothing: "),
        ("Shop.example.com", "shop", "digest 1: "),
        ("quiet =", "silent =", "digest 1: unknown key “silent”; the keys are channel, names, owner, at, "),
        (SHOP, SHOP + SHOP, "two digests have the same channel. Merge them."),
        (SHOP, REST + REST.replace("REST", "MORE"), "two digests have no names. Only one can cover all other names."),
    ],
)
def test_each_mistake_is_one_line(before, after, problem):
    assert before in SHOP

    with pytest.raises(ConfigurationError) as refused:
        parse_digests(SHOP.replace(before, after))

    assert any(line.startswith(f"DCV_DIGEST_FILE: {problem}") for line in refused.value.problems), refused.value
