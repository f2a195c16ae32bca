"""Targets: every spelling of an order or a name, and a sentence for everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidInput
from bot.parsing.domain_names import ancestors, is_subdomain_of, unicode_name
from bot.parsing.targets import DomainRef, OrderRef, read_target

LONGEST_LABEL = "a" * 63
LONGEST_NAME = ".".join(["a" * 61, "b" * 63, "c" * 63, "d" * 63])


@pytest.mark.parametrize(
    "text",
    [
        "700001",
        "#700001",
        "# 700001",
        "order 700001",
        "Order #700001",
        "order: 700001",
        "Order ID: 700001",
        "  700001\n",
        "700001.",
        "`700001`",
        "*order 700001*",
        "'700001',",
        "\u200e700001\u200f",
        "<tel:700001|700001>",
        "(<tel:700001|700001>)",
        "Order number: 700001",
        "orderId: 700001",
    ],
)
def test_an_order_id_is_read_however_it_is_written(text):
    assert read_target(text) == OrderRef(700001)


def test_an_order_id_may_have_18_digits():
    assert read_target("9" * 18) == OrderRef(10**18 - 1)


@pytest.mark.parametrize(
    "text",
    [
        "shop.example.com",
        "SHOP.Example.COM",
        "shop.example.com.",
        "shop.example.com:8443",
        "shop.example.com/path",
        "*.shop.example.com",
        "https://shop.example.com",
        "https://shop.example.com:8443/path?x=1,2&y=a@b#z",
        "HTTPS://SHOP.EXAMPLE.COM./",
        "https://*.shop.example.com/",
        "<http://shop.example.com|shop.example.com>",
        "<https://shop.example.com/path>",
        "<https://shop.example.com/?a=1&amp;b=2|the shop, of course>",
        "*.<http://shop.example.com|shop.example.com>",
        "*<http://shop.example.com|shop.example.com>*",
        "(<http://shop.example.com|shop.example.com>)",
        "“<http://shop.example.com|shop.example.com>”,",
        "&gt; <http://shop.example.com|shop.example.com>?",
        "&lt;shop.example.com&gt;",
        "<shop.example.com>",
        "`shop.example.com`",
        '"shop.example.com"',
        "“shop.example.com”",
        "*shop.example.com*",
        "**.shop.example.com*",
        "*`shop.example.com`*",
        "(shop.example.com),",
        ",shop.example.com;",
        "shop.example.com?",
        "\u200eshop.example.com\u200b",
        "\u2068shop.example.com\u2069",
        "ｓｈｏｐ．ｅｘａｍｐｌｅ。ｃｏｍ",  # noqa: RUF001 - full-width letters, which UTS #46 maps
    ],
)
def test_a_name_is_read_however_it_is_written(text):
    assert read_target(text) == DomainRef("shop.example.com")


LINKED = "<http://shop.example.com|shop.example.com>"


@pytest.mark.fault("K7")
@pytest.mark.parametrize(
    "text",
    [
        *(LINKED + mark for mark in [".", ":", "…", " .", "/", "。", "、", "'s"]),
        *(mark + LINKED for mark in ["- ", "• ", "→ ", ": "]),
        *(before + LINKED + behind for before, behind in ["[]", "「」", "__", "~~", "||"]),
        f"({LINKED}).",
        f"*{LINKED}*:",
        f"“{LINKED}”.",
        f"\u2013 {LINKED} \u2013",
        "`shop.example.com`.",
    ],
)
def test_marks_next_to_a_link_do_not_count(text):
    assert read_target(text) == DomainRef("shop.example.com")


@pytest.mark.fault("K7")
@pytest.mark.parametrize(
    "text",
    [
        "#<tel:700001|700001>",
        "# <tel:700001|700001>",
        "<tel:700001|700001>.",
        "order <tel:700001|700001>,",
        "Order #<tel:700001|700001>.",
        "(<https://www.digicert.com/secure/orders/700001|Order #700001>),",
    ],
)
def test_marks_next_to_a_linked_number_do_not_count(text):
    assert read_target(text) == OrderRef(700001)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example.", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("*.faß.example", "xn--fa-hia.example"),
        ("<http://xn--bcher-kva.example|bücher.example>", "xn--bcher-kva.example"),
        ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
        ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example", "xn--mgba3gch31f060k.example"),
        ("r3---sn-x.example.com", "r3---sn-x.example.com"),
        ("1.example", "1.example"),
        (f"{LONGEST_LABEL}.example", f"{LONGEST_LABEL}.example"),
        (f"{LONGEST_NAME}.", LONGEST_NAME),
    ],
)
def test_a_name_is_ascii_encoded(text, name):
    assert read_target(text) == DomainRef(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10.0.0.1", "IP address"),
        ("https://10.0.0.1:443/x", "IP address"),
        ("10.0.0.0/24", "IP address"),
        ("::1", "IP address"),
        ("https://[2001:db8::1]:443/", "IP address"),
        ("<http://10.0.0.1|10.0.0.1>", "IP address"),
        ("1.2.3.4.5", "ends in a number"),
        ("１２７.0.0.1", "ends in a number"),  # noqa: RUF001 - full-width digits
        ("localhost", "isn't a full domain name"),
        ("https://localhost:8080/", "isn't a full domain name"),
        ("#general", "isn't a domain name"),
        ("\u0667\u0660\u0660", "isn't a domain name"),
        ("*.*", "wildcard"),
        ("*.*.example.com", "wildcard"),
        ("shop.*.example.com", "wildcard"),
        ("*.example.*", "wildcard"),
        ("a.example b.example", "isn't exactly one"),
        ("a.example,b.example", "isn't exactly one"),
        ("a.example;b.example", "isn't exactly one"),
        ("https://a.example,https://b.example", "isn't exactly one"),
        ("<http://a.example|a.example><http://b.example|b.example>", "isn't exactly one"),
        ("700001 700002", "isn't exactly one"),
        ("700001,700002", "isn't exactly one"),
        ("700001\n700002", "isn't exactly one"),
        ("please do shop.example.com", "isn't exactly one"),
        ("``", "isn't exactly one"),
        ("", "isn't exactly one"),
        ("ana@example.com", "email address"),
        ("<mailto:ana@example.com|ana@example.com>", "“ana@example.com” is an email address"),
        ("https://ana@example.com/", "user name or password"),
        ("<@U012ABC>", "a person in Slack"),
        ("😀.example.com", "emoji"),
        ("👩\u200d💻", "emoji"),
        ("1\ufe0f\u20e3", "emoji"),
        ("1\u20e3.example", "emoji"),
        ("\u203c\ufe0f.example", "emoji"),
        (":tada:", "emoji"),
        ("sh\u200bop.example.com", "invisible"),
        ("shop\u202e.example.com", "invisible"),
        ("\u202emoc.elpmaxe.pohs", "invisible"),
        ("sh\u00adop.example.com", "invisible"),
        ("7000\u200f01", "invisible"),
        ("sh\u200dop.example.com", "isn't a domain name"),
        ("shop\x00.example.com", "control characters"),
        ("shop\x1b[1m.example.com", "control characters"),
        ("shop\ud800.example.com", "control characters"),
        ("shop\ue000.example.com", "control characters"),
        ("9" * 19, "at most 18 digits"),
        ("order " + "9" * 400, "at most 18 digits"),
        ("0", "isn't an order number"),
        ("#000", "isn't an order number"),
        ("-5", "isn't a domain name"),
        (f"a{LONGEST_NAME}", "at most 253 characters"),
        ("a." * 600 + "example", "at most 253 characters"),
        (f"{LONGEST_LABEL}a.example", "at most 63 characters"),
        ("ü" * 60 + ".example", "at most 63 characters"),
        ("x" * 4000, "far too long"),
        ("700001 " * 600, "far too long"),
        ("<b>shop.example.com</b>", "HTML"),
        ("&lt;b&gt;shop.example.com&lt;/b&gt;", "HTML"),
        ('<a href="https://shop.example.com">shop</a>', "HTML"),
        ("<script>alert(1)</script>", "HTML"),
        ("xn--bücher.example", "isn't a domain name"),
        ("xn--a.example", "isn't a domain name"),
        ("_dmarc.example.com", "isn't a domain name"),
        ("-shop.example.com", "isn't a domain name"),
        ("shop-.example.com", "isn't a domain name"),
        ("shop..example.com", "isn't a domain name"),
        ("shop.example.com..", "isn't a domain name"),
        (".example.com", "isn't a domain name"),
        ("https://", "isn't a domain name"),
        ("shop.exa mple.com", "isn't exactly one"),
        ("shop.exa%mple.com", "isn't a domain name"),
        ("shop&amp;co.example", "“shop&co.example” isn't a domain name"),
        ("shop|example.com", "isn't exactly one"),
    ],
)
def test_anything_else_is_refused_with_the_reason_and_an_example(text, words):
    with pytest.raises(InvalidInput) as caught:
        read_target(text)

    sentence = str(caught.value)
    assert words in sentence
    assert sentence.endswith("such as 700001 or shop.example.com.")
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("`x` `y`", "`"),
        ("a\nb\rc\u2028d", "\n"),
        ("a b\u202e\u200b", "\u202e"),
        ("https://ana:hunter2@example.com/", "hunter2"),
        ("see https://ana:hunter2@example.com/", "hunter2"),
    ],
)
def test_a_refusal_repeats_nothing_harmful(text, absent):
    with pytest.raises(InvalidInput) as caught:
        read_target(text)

    assert absent not in str(caught.value)


def test_a_refusal_repeats_at_most_60_characters():
    with pytest.raises(InvalidInput) as caught:
        read_target("no " * 500)

    shown = str(caught.value).partition("“")[2].partition("”")[0]
    assert len(shown) == 60
    assert shown.endswith("…")


def test_deeply_nested_marks_are_removed():
    assert read_target("*`" * 900 + "shop.example.com") == DomainRef("shop.example.com")


PIECES = st.sampled_from(
    [
        *("shop.example.com", "700001", "xn--", "bücher", "order", "http://", "mailto:", "&lt;", "&amp;"),
        *"<>|*.@:/[]`#-😀。",
        *("\u200d", "\u200c", "\u202e", "\ud800", "\u0665", "\u2173"),
    ]
)


@given(st.text(st.characters()) | st.lists(PIECES | st.characters(), max_size=30).map("".join))
def test_no_text_makes_reading_raise_anything_but_invalid_input(text):
    try:
        wanted = read_target(text)
    except InvalidInput as error:
        sentence = str(error)
        assert sentence.isprintable()
        assert "`" not in sentence
        assert len(sentence) < 250
        return
    if isinstance(wanted, DomainRef):
        name = wanted.name
        assert name.isascii()
        assert name == name.lower().strip(".*")
        assert "." in name
        assert read_target(name) == wanted
        assert read_target(unicode_name(name)) == wanted
        assert ancestors(name)[0] == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("shop.example.com", "shop.example.com"),
        ("xn--bcher-kva.example", "bücher.example"),
        ("*.xn--bcher-kva.example", "*.bücher.example"),
        ("xn--e1afmkfd.xn--80akhbyknj4f", "пример.испытание"),
        ("xn--i-7iq.example", "xn--i-7iq.example"),
        ("xn--.example", "xn--.example"),
        ("xn--bcher.example", "xn--bcher.example"),
        ("xn--Bcher-kva.example", "xn--Bcher-kva.example"),
        ("", ""),
    ],
)
def test_a_name_is_shown_in_unicode_only_if_that_is_the_very_same_name(name, shown):
    assert unicode_name(name) == shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("example.com", ("example.com",)),
        ("a.shop.example.com", ("a.shop.example.com", "shop.example.com", "example.com")),
        ("shop.example.co.uk", ("shop.example.co.uk", "example.co.uk")),
        ("shop.example.github.io", ("shop.example.github.io", "example.github.io", "github.io")),
        ("a.example.xn--p1ai", ("a.example.xn--p1ai", "example.xn--p1ai")),
        ("co.uk", ("co.uk",)),
        ("shop.ca.internal", ("shop.ca.internal",)),
    ],
)
def test_parents_end_at_the_registrable_domain(name, expected):
    assert ancestors(name) == expected


@pytest.mark.parametrize(
    ("parent", "name", "covered"),
    [
        ("example.com", "example.com", True),
        ("example.com", "shop.example.com", True),
        ("example.com", "*.example.com", True),
        ("shop.example.com", "example.com", False),
        ("example.com", "badexample.com", False),
        ("example.com", "example.com.evil.example", False),
    ],
)
def test_a_parent_covers_itself_and_what_lies_below(parent, name, covered):
    assert is_subdomain_of(parent, name) is covered
