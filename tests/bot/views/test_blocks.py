"""The helpers for blocks: escaping, truncation, and the format of names, durations and timestamps."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views.blocks import (
    MESSAGE_TEXT,
    Message,
    channel,
    checkboxes,
    confirmation,
    context,
    date_time,
    duration_since,
    escape,
    fields,
    name,
    names,
    option,
    person,
    plain,
    radio_buttons,
    section,
    truncate,
    truncate_middle,
)

NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("foreign", "escaped"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("<@U1>", "&lt;@U1&gt;"),
        ("<https://evil.example|here>", "&lt;https://evil.example|here&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("`rm -rf`", "rm -rf"),
        ("one\r\ntwo\tthree", "one  two three"),
        ("größer 日本語", "größer 日本語"),
        ("pay\u200bpal\u202egpj.exe", "pay�pal�gpj.exe"),
        ("\x1b[31m \ud800\u3164\u2028\xa0x", "�[31m ��  x"),
    ],
)
def test_foreign_text_is_escaped(foreign, escaped):
    assert escape(foreign) == escaped


@given(st.text())
def test_escaped_text_holds_no_markup_and_says_the_same(foreign):
    escaped = escape(foreign)

    assert not set("<>`\r\n\t") & set(escaped)
    restored = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert restored == "".join(
        " "
        if char.isspace()
        else char
        if char.isprintable() and char not in "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
        else "�"
        for char in foreign
        if char != "`"
    )


@pytest.mark.parametrize("forged", ["U1> <!channel", "", "B0BOT", "U0ana", "C0PKI|general"])
def test_what_is_no_id_is_no_mention(forged):
    assert not set("<>") & set(person(forged))
    assert not set("<>") & set(channel(forged.replace("C0PKI", "C0PKI>")))


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abc <@U0ANA> d", 9, "abc …"),
        ("a <@U0ANA> and more", 12, "a <@U0ANA> …"),
        ("abc &lt;", 7, "abc …"),
        ("&lt; and more", 6, "&lt; …"),
        ("<&lt;>", 4, "…"),
    ],
)
def test_marked_up_text_is_cut_between_its_marks(text, limit, kept):
    assert truncate(text, limit) == kept


@given(
    st.lists(st.sampled_from(["<@U0ANA>", "&lt;", "&amp;", "a", " ", "<!date^1^{time}|then>"]), max_size=30), st.data()
)
def test_a_cut_text_is_short_enough_and_has_no_open_mark(parts, data):
    text = "".join(parts)
    limit = data.draw(st.integers(1, len(text) + 1))

    kept = truncate(text, limit)

    assert len(kept) <= limit
    assert kept.count("<") == kept.count(">")
    assert kept.count("&") == kept.count(";")
    assert text.startswith(kept.removesuffix("…"))


@given(st.text(max_size=200), st.integers(1, 100))
def test_a_shortened_text_retains_its_beginning_and_end(text, limit):
    short = truncate_middle(text, limit)

    assert len(short) <= limit
    assert short == text or (text.startswith(short.split("…")[0]) and "…" in short)
    if limit > 3 and len(text) > limit:
        assert (short[0], short[-1]) == (text[0], text[-1])


@pytest.mark.parametrize(
    ("ascii_name", "shown"),
    [
        ("shop.example.com", "shop.example.com"),
        ("xn--bcher-kva.example", "bücher.example (xn--bcher-kva.example)"),
        ("xn--", "xn--"),
        ("<!channel>.example", "&lt;!channel&gt;.example"),
    ],
)
def test_a_name_is_shown_beside_its_ascii_form(ascii_name, shown):
    assert name(ascii_name) == shown


@pytest.mark.parametrize(
    ("some", "sentence"),
    [
        ([], ""),
        (["a.example"], "a.example"),
        (["a.example", "b.example"], "a.example and b.example"),
        (["a.example", "b.example", "c.example"], "a.example, b.example and c.example"),
    ],
)
def test_names_read_as_a_sentence(some, sentence):
    assert names(some) == sentence


def test_names_that_find_no_room_are_counted():
    many = [f"n{number:03}.example" for number in range(250)]

    assert names(many, room=30) == "n000.example, n001.example and 248 more"
    assert names(["a" * 300], room=40) == "a" * 300


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ({"seconds": -5}, "less than a minute"),
        ({"seconds": 59}, "less than a minute"),
        ({"seconds": 60}, "1 minute"),
        ({"minutes": 59}, "59 minutes"),
        ({"minutes": 60}, "1 hour"),
        ({"hours": 23}, "23 hours"),
        ({"hours": 24}, "1 day"),
        ({"days": 20, "hours": 5}, "20 days"),
    ],
)
def test_a_duration_is_shown_in_one_unit(length, words):
    assert duration_since(NOW - timedelta(**length), NOW) == words


def test_a_timestamp_is_shown_in_the_readers_zone_with_utc_beside_it():
    assert date_time(NOW) == "<!date^1782900000^{date_short_pretty} {time}|2026-07-01 10:00 UTC>"


def test_a_timestamp_of_another_zone_is_shown_in_utc():
    assert date_time(NOW.astimezone(timezone(timedelta(hours=2)))) == date_time(NOW)


def test_everything_is_cut_at_slacks_limits():
    long = "x" * 5000

    assert len(section(long).to_dict()["text"]["text"]) == 3000
    assert len(context(long).to_dict()["elements"][0]["text"]) == 3000
    assert len(plain(long).to_dict()["text"]) == 2000
    assert len(option("1", long, long).to_dict()["text"]["text"]) == 75
    assert len(option("1", long, long).to_dict()["description"]["text"]) == 75
    assert len(fields([("Reason", long)]).to_dict()["fields"][0]["text"]) == 2000
    assert len(Message(long).payload()["text"]) == MESSAGE_TEXT


def test_our_markup_makes_no_links_of_bare_addresses():
    assert section("https://evil.example").to_dict()["text"]["verbatim"] is True


@pytest.mark.parametrize(
    ("number", "one", "several"),
    [
        (1, "radio_buttons", "checkboxes"),
        (5, "radio_buttons", "checkboxes"),
        (6, "static_select", "multi_static_select"),
    ],
)
def test_more_than_five_options_are_a_select(number, one, several):
    options = [option(str(index), f"n{index}") for index in range(number)]

    single = radio_buttons("a", options, options[0], has_focus=True).to_dict()
    multiple = checkboxes("a", options, options[:1]).to_dict()

    assert (single["type"], single["initial_option"]["value"], single["focus_on_load"]) == (one, "0", True)
    assert (multiple["type"], [each["value"] for each in multiple["initial_options"]]) == (several, ["0"])
    assert "focus_on_load" not in multiple
    assert not {"initial_option", "initial_options"} & {
        *radio_buttons("a", options).to_dict(),
        *checkboxes("a", options).to_dict(),
    }


def test_a_dialog_stays_within_slacks_limits():
    long = "x" * 500
    dialog = confirmation(long, long, long, long, style="primary").to_dict()

    lengths = [len(dialog[part]["text"]) for part in ("title", "text", "confirm", "deny")]
    assert (lengths, dialog["style"]) == ([100, 300, 30, 30], "primary")
