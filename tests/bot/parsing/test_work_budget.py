"""Hostile texts: readers raise only InvalidInput, and twice the text is about twice the work."""

import re
import sys
from re import _parser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import languages
from bot.errors import InvalidInput
from bot.languages import read_locale
from bot.parsing import commands, domain_mentions, mentions, message_text, order_mentions, targets
from bot.parsing.commands import read_command, read_status
from bot.parsing.mentions import find_mentions
from bot.parsing.targets import read_name, read_target
from bot.views.form_input import read_form
from sandbox.hostile_texts import MARKUP, NAMES, NUMBERS, ORDERS, PIECES, SPACE, UNICODE, blocks_of, long_text, nested
from tests.quick import examples

UNITS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
GROUPS = {
    "markup": MARKUP,
    "numbers": NUMBERS,
    "orders": ORDERS,
    "names": NAMES,
    "unicode": UNICODE,
    "space": SPACE,
}
TYPED = [read_command, read_status, read_target, read_name, read_locale]


def work(read, *values):
    """Count the Python and C functions that reading calls. The count is the same for the same values."""
    calls = 0

    def count(frame, event, _):
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        read(*values)
    except InvalidInput:
        pass
    finally:
        sys.setprofile(None)
    return calls


@given(st.lists(st.sampled_from(PIECES) | st.characters(), max_size=60).map("".join))
def test_no_hostile_text_makes_a_reader_raise_anything_but_invalid_input(text):
    for read in TYPED:
        try:
            read(text)
        except InvalidInput as error:
            assert str(error).isprintable()  # noqa: PT017 - most texts are refused, some are read


@given(UNITS)
@settings(max_examples=examples(30))
def test_no_hostile_message_makes_reading_raise(unit):
    for message in ({"text": long_text(unit, 3_000)}, nested(unit)):
        assert len(find_mentions(message)) <= 50


@pytest.mark.parametrize("group", GROUPS)
def test_twice_the_text_is_about_twice_the_work(group):
    for unit in GROUPS[group]:
        once, twice = ({"text": long_text(unit, length)} for length in (1_500, 3_000))
        assert work(find_mentions, twice) <= 2.5 * work(find_mentions, once) + 200, unit


@pytest.fixture(scope="module", autouse=True)
def _suffixes_are_read():
    """Read the public suffix list and the tables for other scripts, as the first look at a name does in a process."""
    for unit in ("a.io ", "ü.io ", "a.pl cert ", "order 7 ", "#700001x "):
        find_mentions({"text": unit})


@pytest.mark.parametrize("read", TYPED)
def test_the_work_of_a_typed_text_is_bounded(read):
    for unit in PIECES:
        assert work(read, long_text(unit, 500)) < 25_000, unit
        assert work(read, unit * 20_000) < 2_000, unit


@pytest.mark.parametrize("unit", ["order ", "номер заказа ", "• 700001 orders\n", "İ", "<b ", "a.b ", "7 ", "&lt;"])
def test_the_work_of_the_longest_command_is_bounded(unit):
    assert work(read_command, long_text(unit, 3_000)) < 80_000


@pytest.mark.fault("M2")
def test_what_a_form_carries_is_refused_by_its_length():
    view = {"private_metadata": "f", "state": {"values": {"reason": {"reason": {"value": " a" * 20_000}}}}}

    with pytest.raises(InvalidInput, match="Shorten the reason"):
        read_form(view)
    assert work(read_form, view) < 100


def test_a_message_may_cost_so_much_and_no_more():
    costs = [work(find_mentions, blocks_of(unit)) for unit in ("a.io ", "ü.io ", "a.pl cert ", "order 7 ", "#700001x ")]

    assert max(costs) < 250_000


def patterns():
    """Return each compiled pattern of the readers by its module and name."""
    from bot.parsing import order_ids, order_links, order_words, phrases

    readers = (
        *(mentions, commands, languages, domain_mentions, order_mentions, message_text, targets),
        *(order_ids, order_links, order_words, phrases),
    )
    found = {}
    for module in readers:
        for name, value in vars(module).items():
            for index, pattern in enumerate(value if isinstance(value, tuple) else [value]):
                if isinstance(pattern, re.Pattern):
                    found[f"{module.__name__}.{name}[{index}]"] = pattern
    return found


def repeats(parsed, inside=False):
    """Yield each unbounded repetition that can backtrack and is nested in another one."""
    for operator, value in parsed:
        name = str(operator)
        if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            _, most, inner = value
            is_endless = most == _parser.MAXREPEAT
            if is_endless and inside and name != "POSSESSIVE_REPEAT":
                yield inner
            yield from repeats(inner, inside or (is_endless and name != "POSSESSIVE_REPEAT"))
        elif name == "SUBPATTERN":
            yield from repeats(value[-1], inside)
        elif name == "BRANCH":
            for branch in value[1]:
                yield from repeats(branch, inside)
        elif name in {"ASSERT", "ASSERT_NOT"}:
            yield from repeats(value[1], inside)
        elif name == "ATOMIC_GROUP":
            yield from repeats(value, inside)


def test_no_pattern_repeats_a_repetition_without_end():
    found = patterns()

    assert len(found) > 40
    assert [
        name for name, pattern in found.items() if any(repeats(_parser.parse(pattern.pattern, pattern.flags)))
    ] == []


def test_the_check_of_patterns_finds_a_nested_repetition():
    assert list(repeats(_parser.parse("(a+)+b")))
    assert list(repeats(_parser.parse("(?:x|(?:a*b?)*)")))
    assert not list(repeats(_parser.parse("(?:a++b)+")))


def test_a_budget_ends_with_its_units():
    from bot.parsing.work_budget import WorkBudget

    budget = WorkBudget(3)

    assert list(budget.limit("abcde")) == ["a", "b", "c"]
    assert budget.is_spent
    assert not budget.spend()
    assert WorkBudget(3).spend(3)
    assert not WorkBudget(3).spend(4)
