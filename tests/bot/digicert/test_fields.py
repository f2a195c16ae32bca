from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.digicert.fields import LONGEST_TEXT, Moment, clean, domain_name


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T10:00:00+00:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00-07:00", datetime(2026, 1, 31, 17, tzinfo=UTC)),
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-06-21 13:37:00", datetime(2026, 6, 21, 13, 37, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        ("", None),
        (None, None),
        (0, None),
    ],
)
def test_every_spelling_of_a_moment_becomes_utc_and_an_unreadable_one_is_left_out(text, moment):
    assert TypeAdapter(Moment).validate_python(text) == moment


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.COM.", "example.com"),
        (" *.Example.com ", "*.example.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("*.münchen.example", "*.xn--mnchen-3ya.example"),
        ("a\u202eb\x00.example", "ab.example"),
        ("ü" * 100, "ü" * 100),
        ("", ""),
    ],
)
def test_a_name_is_ascii_lower_case_and_has_no_trailing_dot(text, name):
    assert domain_name(text) == name


@given(st.text())
def test_any_text_becomes_one_printable_line_of_bounded_length(text):
    line = clean(text)

    assert line.isprintable()
    assert len(line) <= LONGEST_TEXT


@given(st.text())
def test_a_name_read_twice_is_the_same_name(text):
    name = domain_name(text)

    assert domain_name(name) == name
