"""Text spans: every text of a message once, with its location, and no payload that stops the reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parsing.message_text import SpanKind, TextSpan, read_spans

PROSE, CODE, LINK = SpanKind.PROSE, SpanKind.CODE, SpanKind.LINK
TITLE_LINK, FOOTER = SpanKind.TITLE_LINK, SpanKind.FOOTER


def passages_of(**message):
    return [(span.text, span.location, span.kind) for span in read_spans(message)]


def rich(*elements, kind="rich_text_section"):
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(elements)}]}


def text(words, **style):
    return {"type": "text", "text": words, **({"style": style} if style else {})}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", ["plain"]),
        ("<http://a.example.com|a.example.com> waits", ["a.example.com waits"]),
        ("<http://A.example.com/|a.example.com>", ["a.example.com"]),
        ("*.<http://a.example.com|a.example.com>", ["*.a.example.com"]),
        ("see <https://a.example.com/x?y=1&amp;z=2|this>", ["see this", "https://a.example.com/x?y=1&z=2"]),
        ("see <https://a.example.com/x>!", ["see  https://a.example.com/x !"]),
        ("<https://a.example.com|b.example.com>", ["b.example.com", "https://a.example.com"]),
        ("from <mailto:ana@example.com|example.com>.", ["from  ."]),
        ("call <tel:700001|700001>", ["call 700001"]),
        ("<@U0ANA> and <@U0BEN|ben> in <#C0PKI|pki>", ["  and   in  "]),
        ("<!here> <!subteam^S0PKI|@pki>", [" @pki"]),
        ("at <!date^1764000000^{date}|noon>", ["at noon"]),
        ("a &lt;b&gt; &amp;amp; c", ["a <b> &amp; c"]),
        ("_a.example.com is down_ _b_", ["a.example.com is down b"]),
        ("_dnsauth.a.example.com and _dnsauth.b.example.com", ["_dnsauth.a.example.com and _dnsauth.b.example.com"]),
        ("a\u200b.exam\u00adple.com", ["a.example.com"]),
        ("ａ．example.com", ["a.example.com"]),  # noqa: RUF001 - full-width letters
        ("証明書a.example.comの", ["証明書 a.example.com の"]),
        ("<unclosed", ["<unclosed"]),
        ("<>|<<a|b>", ["<>|<<a|b>"]),
        (" \n", []),
    ],
)
def test_markup_is_replaced_by_what_it_shows(written, shown):
    assert [words for words, _, _ in passages_of(text=written)] == [words for words in shown if words.strip()]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "section", "text": {"type": "mrkdwn", "text": "a"}}, [("a", "the text", PROSE)]),
        ({"type": "header", "text": {"type": "plain_text", "text": "a"}}, [("a", "the header", PROSE)]),
        ({"type": "markdown", "text": "# a"}, [("# a", "the text", PROSE)]),
        (
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "a"}, {"type": "image", "alt_text": "b"}]},
            [("a", "a note", PROSE), ("b", "the text of an image", PROSE)],
        ),
        (
            {
                "type": "section",
                "fields": [{"type": "mrkdwn", "text": "*Domain:*\na"}, {"type": "mrkdwn", "text": "b"}],
            },
            [("*Domain:*\na", "the field “Domain”", PROSE), ("b", "a field", PROSE)],
        ),
        (
            {"type": "section", "fields": [{"text": "*Order ID*"}, {"text": "`700001`"}, {"text": "700002"}]},
            [
                ("*Order ID*", "the field “Order ID”", PROSE),
                ("Order ID: `700001`", "a field", PROSE),
                ("700002", "a field", PROSE),
            ],
        ),
        (
            {
                "type": "section",
                "text": {"text": "a"},
                "accessory": {"type": "button", "text": {"text": "b"}, "url": "https://c/"},
            },
            [("a", "the text", PROSE), ("b", "a button", PROSE), ("https://c/", "a button", LINK)],
        ),
        (
            {"type": "actions", "elements": [{"type": "button", "text": {"text": "a"}, "url": "https://b/?c&amp;d"}]},
            [("a", "a button", PROSE), ("https://b/?c&d", "a button", LINK)],
        ),
        (
            {"type": "input", "label": {"text": "a"}, "hint": {"text": "b"}, "element": {"placeholder": {"text": "c"}}},
            [("a", "a label", PROSE), ("b", "a hint", PROSE), ("c", "the text", PROSE)],
        ),
        (
            rich(text("a "), text("b", code=True), {"type": "emoji", "name": "x"}, {"type": "user", "user_id": "U1"}),
            [("a `b`  ", "the text", PROSE)],
        ),
        (
            rich({"type": "link", "url": "http://a.example.com", "text": "a.example.com"}, text(" waits")),
            [("a.example.com waits", "the text", PROSE)],
        ),
        (
            rich({"type": "link", "url": "https://a.example.com/b"}),
            [(" https://a.example.com/b ", "the text", PROSE)],
        ),
        (
            rich({"type": "link", "url": "https://a.example.com/b", "text": "c"}),
            [("c", "the text", PROSE), ("https://a.example.com/b", "the text", LINK)],
        ),
        (rich({"type": "link", "url": "mailto:a@example.com", "text": "example.com"}), []),
        (rich({"type": "date", "timestamp": 1764000000, "fallback": "noon"}), [("noon", "the text", PROSE)]),
        (
            rich(*({"type": "rich_text_section", "elements": [text(item)]} for item in "ab"), kind="rich_text_list"),
            [("a\nb", "a list", PROSE)],
        ),
        (rich(text("_a_"), kind="rich_text_preformatted"), [("_a_", "a code block", CODE)]),
        (rich(text("a"), kind="rich_text_quote"), [("a", "a quote", PROSE)]),
        (
            {
                "type": "table",
                "rows": [
                    [{"type": "raw_text", "text": "Order"}, rich(text("Domain", bold=True))],
                    [{"type": "raw_number", "value": 700001}, rich({"type": "link", "url": "http://a/b", "text": "c"})],
                ],
            },
            [
                ("Order", "a table cell", PROSE),
                ("Domain", "a table cell", PROSE),
                ("Order: 700001", "a table cell", PROSE),
                ("Domain: c", "a table cell", PROSE),
                ("http://a/b", "a table cell", LINK),
            ],
        ),
        (
            {"type": "video", "title": {"text": "a"}, "title_url": "https://b/", "description": {"text": "c"}},
            [("a", "the title", PROSE), ("https://b/", "the title's link", TITLE_LINK), ("c", "the text", PROSE)],
        ),
        (
            {"type": "made_up", "panes": [{"head": {"body": {"text": "a"}}}], "text": {"text": {"text": "b"}}},
            [("b", "the text", PROSE), ("a", "the text", PROSE)],
        ),
        ("a", [("a", "the text", PROSE)]),
    ],
)
def test_every_block_with_words_is_read(block, expected):
    assert passages_of(blocks=[block]) == expected


@pytest.mark.parametrize(
    ("attachment", "expected"),
    [
        (
            {"pretext": "a", "title": "b", "title_link": "https://c/", "text": "d", "fallback": "e", "footer": "f"},
            [
                ("a", "the text", PROSE),
                ("b", "the title", PROSE),
                ("https://c/", "the title's link", TITLE_LINK),
                ("d", "the text", PROSE),
                ("e", "the summary", PROSE),
                ("f", "the footer", FOOTER),
            ],
        ),
        (
            {"author_name": "a", "author_link": "https://b/", "footer": "<https://c/|d>"},
            [
                ("a", "the author", PROSE),
                ("https://b/", "the author's link", TITLE_LINK),
                ("d", "the footer", FOOTER),
                ("https://c/", "the footer", FOOTER),
            ],
        ),
        (
            {"fields": [{"title": "Order", "value": 700001}, {"value": "a"}, {"title": "*b*"}, "c", None]},
            [
                ("Order: 700001", "the field “Order”", PROSE),
                ("a", "a field", PROSE),
                ("*b*", "the field “b”", PROSE),
                ("c", "a field", PROSE),
            ],
        ),
        ({"fields": {"title": "a", "value": {"text": "b"}}}, [("a: b", "the field “a”", PROSE)]),
        (
            {"fields": [{"title": "a", "value": ["b", "c"]}]},
            [("a", "the field “a”", PROSE), ("b", "the field “a”", PROSE), ("c", "the field “a”", PROSE)],
        ),
        ({"fields": [{"title": "a " * 30, "value": "b"}]}, [("a " * 30 + ": b", f"the field “{'a ' * 19}a”", PROSE)]),
        (
            {"blocks": [{"type": "header", "text": {"text": "a"}}], "mrkdwn_in": ["text"]},
            [("a", "the header", PROSE)],
        ),
        (
            {"actions": [{"type": "button", "text": "a", "url": "https://b/"}]},
            [("a", "a button", PROSE), ("https://b/", "a button", LINK)],
        ),
        ({"message_blocks": [{"message": {"blocks": [rich(text("a"))]}}]}, [("a", "the text", PROSE)]),
        ("a", [("a", "the text", PROSE)]),
    ],
)
@pytest.mark.parametrize("wrapped", [lambda one: [one], lambda one: one], ids=["in a list", "alone"])
def test_every_attachment_with_words_is_read(attachment, expected, wrapped):
    assert passages_of(attachments=wrapped(attachment)) == expected


def test_file_previews_are_read():
    file = {"name": "a.csv", "title": "b", "preview": "c", "plain_text": "d", "url_private": "https://e/", "text": "f"}

    assert passages_of(files=[file, None]) == [
        ("b", "the title of a file", PROSE),
        ("a.csv", "the name of a file", PROSE),
        ("c", "a file preview", CODE),
        ("d", "a file preview", CODE),
    ]


def test_the_same_text_is_given_once():
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "a"}}

    assert passages_of(text="a", blocks=[block], attachments=[{"fallback": "a"}]) == [("a", "the text", PROSE)]


def test_a_text_that_is_too_long_is_cut_between_words():
    whole = "shop.example.com " * 10_000

    ((words, _, _),) = passages_of(text=whole, attachments=[{"text": "shop.example.com is too much"}])

    assert 99_900 < len(words) <= 100_000
    assert set(words.split()) == {"shop.example.com"}


@pytest.mark.parametrize(
    "message",
    [
        *(None, True, 7, 1.5, "a", [], [{"text": "a"}], {}, {"text": None}, {"text": True}, {"text": 10**5000}),
        *({"blocks": True}, {"blocks": {"type": [{}]}}, {"attachments": {"fields": {"a": 1}}}, {"files": "a"}),
        *({"blocks": [{"rows": [None, [None]]}]}, {"blocks": [rich(None, [], {"elements": None, "text": []})]}),
    ],
)
def test_a_message_without_words_has_no_text_spans(message):
    assert read_spans(message) == ()


@pytest.mark.parametrize("key", ["blocks", "text", "elements", "fields", "rows"])
def test_what_is_nested_too_deeply_is_left_out(key):
    message = {"text": "a"}
    for _ in range(5000):
        message = {"type": "rich_text_section", key: [message]}

    assert read_spans({"text": "b", "blocks": message}) == (TextSpan("b", "the text", PROSE),)


def test_what_is_too_much_is_left_out():
    assert len(passages_of(blocks=[{"text": str(number)} for number in range(20_000)])) < 5000


KEYS = st.sampled_from(
    ["text", "type", "blocks", "attachments", "fields", "files", "elements", "rows", "value", "title", "url", "footer"]
)
WORDS = st.text() | st.sampled_from(
    ["rich_text", "rich_text_section", "table", "link", "mailto:a", "<http://a|b>", "<"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5),
)


@given(JSON | st.dictionaries(KEYS, JSON))
def test_no_json_makes_reading_raise(message):
    for span in read_spans(message):
        assert span.text.strip()
        assert len(span.location) < 60
