"""Filters and pasted lists: read as they are meant, or refused with the entry that is neither."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidInput
from bot.parsing.bulk import BulkFilter, BulkList, is_list, listed, read_wish
from bot.parsing.commands import PlanMany, read_command
from bot.parsing.targets import LONGEST_TEXT, DomainRef, OrderRef

SHOP, PAY = DomainRef("shop.example.com"), DomainRef("pay.example.org")


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("waiting > 3d", BulkFilter(waiting_over=timedelta(days=3))),
        ("Waiting &gt;3 days", BulkFilter(waiting_over=timedelta(days=3))),
        ("waiting>12h", BulkFilter(waiting_over=timedelta(hours=12))),
        ("expiring < 30d", BulkFilter(expiring_within=timedelta(days=30))),
        ("expiring &lt; 2w", BulkFilter(expiring_within=timedelta(weeks=2))),
        ("*.shop.example.com", BulkFilter(below="shop.example.com")),
        ("*.<http://shop.example.com|shop.example.com>", BulkFilter(below="shop.example.com")),
        ("method email", BulkFilter(is_by_method=True)),
        (
            "waiting > 3d and *.example.com, method email",
            BulkFilter(timedelta(days=3), None, "example.com", is_by_method=True),
        ),
    ],
)
def test_filters(text, wish):
    assert read_wish(text) == wish


@pytest.mark.parametrize(
    ("text", "targets", "lines"),
    [
        ("700001", [OrderRef(700001)], 1),
        ("700001 shop.example.com", [OrderRef(700001), SHOP], 2),
        ("700001\nshop.example.com\n\n", [OrderRef(700001), SHOP], 2),
        ("700001\r\n700002", [OrderRef(700001), OrderRef(700002)], 2),
        ("700001,700002;700003\t700004", [OrderRef(number) for number in range(700001, 700005)], 4),
        ("order 700001\n#700002", [OrderRef(700001), OrderRef(700002)], 2),
        ("• <http://shop.example.com|shop.example.com>\n• pay.example.org", [SHOP, PAY], 2),
        ("*.shop.example.com *.pay.example.org", [SHOP, PAY], 2),
        ("shop.example.com SHOP.example.com", [SHOP], 2),
        ("“shop.example.com”, 'pay.example.org'", [SHOP, PAY], 2),
        ('=HYPERLINK("https://shop.example.com")', None, 0),
    ],
)
def test_lists(text, targets, lines):
    if targets is None:
        with pytest.raises(InvalidInput, match="Entry 1: "):
            read_wish(text)
    else:
        assert read_wish(text) == BulkList(tuple(targets), lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Enter orders and domains, or a filter"),
        ("700001\n=1+1", "Entry 2: "),
        ("700001\n@SUM(A1:A9)", "Entry 2: "),
        ("700001\nshop", "Entry 2: “shop” isn't a full domain name"),
        ("shop.example.com\n\x07bell", "Entry 2: That contains control characters"),
        ("a" * LONGEST_TEXT, "Entry 1: "),
        ("a." * (LONGEST_TEXT // 2), "Entry 1: "),
        ("7" * LONGEST_TEXT, "Entry 1: "),
        ("a" * (LONGEST_TEXT + 1), "at most 3,000 characters"),
        ("waiting < 3d", "isn't a filter"),
        ("expiring > 3d", "isn't a filter"),
        ("method dns-txt-token", "has no emails to resend"),
        ("ana@example.com", "is an email address"),
        ("10.0.0.1", "is an IP address"),
    ],
)
def test_what_is_neither_is_refused_with_its_entry(text, said):
    with pytest.raises(InvalidInput) as refused:
        read_wish(text)

    assert said in str(refused.value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(InvalidInput):
        assert isinstance(read_wish(text), BulkFilter | BulkList)


def test_a_list_of_ids_and_names_is_as_long_as_it_may_be():
    names = [f"a{number}.shop.example.com" for number in range(500)]
    text, rest = listed(["700001", *names])
    wish = read_wish(text)

    assert wish.targets[:2] == (OrderRef(700001), DomainRef(names[0]))
    assert 100 < len(wish.targets) < 200
    assert list(rest) == names[len(wish.targets) - 1 :]
    assert listed(names[:3]) == ("\n".join(names[:3]), ())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("bulk", ""),
        ("bulk waiting &gt; 3d", "waiting &gt; 3d"),
        ("BULK 700001 700002", "700001 700002"),
        ("700001 700002", "700001 700002"),
        ("shop.example.com, pay.example.org", "shop.example.com, pay.example.org"),
    ],
)
def test_commands_for_many(text, wanted):
    assert read_command(text) == PlanMany(wanted)


@pytest.mark.parametrize("text", ["700001", "700 001", "order 700001", "shop.example.com", "hello world"])
def test_one_target_is_no_list(text):
    assert not is_list(text)
