"""The text after a slash command, and a sentence for everything that cannot be parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidInput, MistypedCommand
from bot.parsing.commands import (
    ExplainPolicy,
    OpenForm,
    PersonRef,
    ResendNow,
    ShowHelp,
    ShowHistory,
    ShowStatus,
    TraceEmail,
    form_line,
    read_command,
    read_status,
)
from bot.parsing.targets import DomainRef, OrderRef

ORDER = OrderRef(700001)
SHOP = DomainRef("shop.example.com")


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b", " \u200e "])
def test_no_text_opens_the_empty_form(text):
    assert read_command(text) == OpenForm(None)


@pytest.mark.parametrize("text", ["help", " Help ", "HELP", "-h", "--help", "—help", "?", "`help`", "“help”"])
def test_help_can_be_asked_for(text):
    assert read_command(text) == ShowHelp()


def test_what_is_named_fills_in_the_form():
    assert read_command("#700001") == OpenForm(OrderRef(700001))
    assert read_command("*.shop.example.com") == OpenForm(DomainRef("shop.example.com"))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("history", ShowHistory(None)),
        (" History ", ShowHistory(None)),
        ("`history`", ShowHistory(None)),
        ("history 700001", ShowHistory(ORDER)),
        ("history order 700001", ShowHistory(ORDER)),
        ("history *.Shop.example.com", ShowHistory(SHOP)),
        ("history <http://shop.example.com|shop.example.com>", ShowHistory(SHOP)),
        ("history <@U0ANA|ana>", ShowHistory(PersonRef("U0ANA"))),
        ("history “<@W0ANA>”", ShowHistory(PersonRef("W0ANA"))),
        ("history help", ShowHelp()),
        ("history.example.com", OpenForm(DomainRef("history.example.com"))),
    ],
)
def test_history_can_be_requested(text, command):
    assert read_command(text) == command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("history @ana", "pick the person"),
        ("history <!subteam^S1|@pki>", "isn't a domain name"),
        ("history 1 2", "isn't exactly one"),
        ("history shop", "isn't a full domain name"),
    ],
)
def test_a_history_that_cannot_be_read_says_so(text, said):
    with pytest.raises(InvalidInput, match=said):
        read_command(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("where shop.example.com", SHOP),
        ("Where <http://shop.example.com|shop.example.com>", SHOP),
        ("where #700001", ORDER),
    ],
)
def test_where_names_an_order_or_a_domain(text, wanted):
    assert read_command(text) == TraceEmail(wanted)


@pytest.mark.parametrize(("text", "said"), [("where", "For example"), ("where not", "such as|For example")])
def test_where_without_a_target_says_what_to_add(text, said):
    with pytest.raises(InvalidInput, match=said):
        read_command(text)


def test_a_command_that_names_no_target_is_refused():
    with pytest.raises(InvalidInput, match="isn't exactly one"):
        read_command("help me please")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("why", ExplainPolicy()),
        ("Why <@U0BOB|bob>", ExplainPolicy("U0BOB")),
        ("why shop.example.com", ExplainPolicy(None, SHOP)),
        ("why <@U0BOB> <http://shop.example.com|shop.example.com>", ExplainPolicy("U0BOB", SHOP)),
        ("why #700001 <@W0BOB|>", ExplainPolicy("W0BOB", ORDER)),
    ],
)
def test_why_names_a_colleague_and_an_order_or_domain_or_neither(text, asked):
    assert read_command(text) == asked


@pytest.mark.parametrize(
    "text", ["why @bob", "why @bob shop.example.com", "why <@U0BOB> <@U0ANA>", "why not", "why 1 2"]
)
def test_why_about_what_is_neither_is_refused(text):
    with pytest.raises(InvalidInput, match=r"such as|For example"):
        read_command(text)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("700001 to admin@example.com", ResendNow(ORDER, ("admin@example.com",))),
        ("shop.example.com to admin@example.com", ResendNow(SHOP, ("admin@example.com",))),
        ("700001 TO Admin@Example.com", ResendNow(ORDER, ("admin@example.com",))),
        ("700001 to <mailto:a@example.com|a@example.com>", ResendNow(ORDER, ("a@example.com",))),
        ("<http://shop.example.com|shop.example.com> to a@example.com", ResendNow(SHOP, ("a@example.com",))),
        ("700001 to a@example.com to b@example.com", ResendNow(ORDER, ("a@example.com", "b@example.com"))),
        ("700001 to a@example.com, b@example.com", ResendNow(ORDER, ("a@example.com", "b@example.com"))),
        ("700001 to a@example.com and b@example.com", ResendNow(ORDER, ("a@example.com", "b@example.com"))),
        ("700001 to a@example.com to A@example.com", ResendNow(ORDER, ("a@example.com",))),
        ("700001 to a@example.com in de", ResendNow(ORDER, ("a@example.com",), "de")),
        ("700001 in German to a@example.com", ResendNow(ORDER, ("a@example.com",), "de")),
        ("700001 to a@example.com in zh-cn", ResendNow(ORDER, ("a@example.com",), "zh_CN")),
        ("700001 to a@example.com in nl", ResendNow(ORDER, ("a@example.com",), "nl")),
        (
            "700001 to a@example.com in de because new mailbox, to be sure in time",
            ResendNow(ORDER, ("a@example.com",), "de", "new mailbox, to be sure in time"),
        ),
        ("700001 because the first was lost", OpenForm(ORDER, None, "the first was lost")),
        ("shop.example.com in fr", OpenForm(SHOP, "fr")),
    ],
)
def test_a_line_names_target_recipients_language_and_reason(text, command):
    assert read_command(text) == command


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("to admin@example.com", "isn't exactly one"),
        ("700001 to", "Add an address after"),
        ("700001 to bob", "isn't a valid email address"),
        ("700001 to <@U1>", "isn't a valid email address"),
        ("700001 to a@example.com, bob", "isn't a valid email address"),
        ("700001 to a@example.com in", "isn't a language"),
        ("700001 to a@example.com in klingon", "isn't a language"),
        ("700001 to a@example.com in de in fr", "only one language"),
        ("700001 to a@example.com because", "Add a reason"),
        ("700001 to a@example.com because " + "x" * 301, "Keep the reason under"),
        ("700001 700002 to a@example.com", "isn't exactly one"),
    ],
)
def test_a_line_that_cannot_be_understood_is_reported_in_a_sentence(text, words):
    with pytest.raises(InvalidInput, match=words):
        read_command(text)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", ShowStatus(None)),
        (" \u200b\n", ShowStatus(None)),
        ("700001", ShowStatus(ORDER)),
        ("order #700001", ShowStatus(ORDER)),
        ("<https://shop.example.com/|shop.example.com>", ShowStatus(SHOP)),
        ("*.SHOP.example.com.", ShowStatus(SHOP)),
        ("help", ShowHelp()),
        ("`--help`", ShowHelp()),
    ],
)
def test_a_status_command_accepts_the_same_spellings(text, asked):
    assert read_status(text) == asked


@pytest.mark.parametrize("text", ["700001 to admin@example.com", "700001 700002", "shop", "a@example.com"])
def test_a_status_command_accepts_only_one_order_or_domain(text):
    with pytest.raises(InvalidInput, match="such as"):
        read_status(text)


ADMIN = "<mailto:admin@example.com|admin@example.com>"
POSTMASTER = "<mailto:postmaster@example.com|postmaster@example.com>"


@pytest.mark.fault("K7")
@pytest.mark.parametrize(
    "recipients",
    [
        *(ADMIN + mark for mark in [".", ";", "!", " .", "…"]),
        *(before + ADMIN + behind for before, behind in ["()", "“”", "**", "[]"]),
        f"- {ADMIN}",
        f"&lt;{ADMIN}&gt;",
        "<mailto:admin@example.com?subject=DCV|admin@example.com>",
        f"{ADMIN}; {ADMIN}.",
    ],
)
def test_marks_next_to_an_address_do_not_count(recipients):
    assert read_command(f"700001 to {recipients}") == ResendNow(ORDER, ("admin@example.com",))


@pytest.mark.fault("K7")
@pytest.mark.parametrize("between", ["; ", ", ", ", and ", " &amp; ", ";", " · "])
def test_addresses_may_be_parted_by_any_mark(between):
    sent = ResendNow(ORDER, ("admin@example.com", "postmaster@example.com"))

    assert read_command(f"700001 to {ADMIN}{between}{POSTMASTER}.") == sent


@pytest.mark.fault("K7")
@pytest.mark.parametrize(
    ("text", "command"),
    [
        (f"700001. to: {ADMIN}. in German, because x", ResendNow(ORDER, ("admin@example.com",), "de", "x")),
        ("history <@U0ANA>.", ShowHistory(PersonRef("U0ANA"))),
        ("history (<@U0ANA|ana>)", ShowHistory(PersonRef("U0ANA"))),
        ("why <@U0BOB>, <http://shop.example.com|shop.example.com>.", ExplainPolicy("U0BOB", SHOP)),
    ],
)
def test_marks_next_to_what_slack_wrote_do_not_count(text, command):
    assert read_command(text) == command


TOO_LONG = ["<mailto:" * 5000, "700001 to " + "<mailto:" * 5000, "a." * 20_000, "7" * 3001, "why " + "<@U" * 2000]


@pytest.mark.fault("M2")
@pytest.mark.parametrize("read", [read_command, read_status])
@pytest.mark.parametrize("text", TOO_LONG, ids=range(len(TOO_LONG)))
def test_a_command_is_refused_by_its_length_before_it_is_read(read, text):
    with pytest.raises(InvalidInput, match=r"at most 3,000 characters, and this has [0-9,]+\. Nothing was sent"):
        read(text)


def test_a_command_may_have_3000_characters():
    assert read_command("700001" + " " * 2994) == OpenForm(ORDER)


WORDS = st.sampled_from(
    [
        "700001",
        "shop.example.com",
        "to",
        "in",
        "because",
        "a@example.com",
        "<mailto:a@b.c|a@b.c>",
        "de",
        ",",
        "<",
        "\u202e",
    ]
)


@given(st.text(st.characters()) | st.lists(WORDS | st.text(st.characters(), max_size=8), max_size=12).map(" ".join))
def test_no_text_makes_a_command_raise_anything_but_invalid_input(text):
    sentence = "Understood."
    try:
        read_command(text)
    except InvalidInput as error:
        sentence = str(error)

    assert sentence.isprintable()
    assert len(sentence) < 400


@pytest.mark.parametrize(
    ("read", "text", "suggestion"),
    [
        (read_command, "wyh", "/dcv-resend why"),
        (read_command, "Histroy 700001", "/dcv-resend history 700001"),
        (read_command, "hepl", "/dcv-resend help"),
        (read_command, "status 700001", "/dcv-status 700001"),
        (read_status, "why", "/dcv-resend why"),
        (read_status, "hlp", "/dcv-resend help"),
    ],
)
def test_a_typing_error_is_answered_by_the_command_that_was_meant(read, text, suggestion):
    with pytest.raises(MistypedCommand) as mistyped:
        read(text)

    assert mistyped.value.suggestion == suggestion


@pytest.mark.parametrize("text", ["shop", "pay", "mail", "ship to a@b.example", "@ana"])
def test_a_word_that_is_like_no_command_is_none(text):
    with pytest.raises(InvalidInput) as refused:
        read_command(text)

    assert not isinstance(refused.value, MistypedCommand)


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("/dcv-resend 700001 to a@b.example", "/dcv-resend 700001"),
        ("/dcv-resend Shop.example.com to nonsense", "/dcv-resend shop.example.com"),
        ("/dcv-resend 7 to a@b.example in German because lost", "/dcv-resend 7 in de because lost"),
        ("/dcv-resend 700001", None),
        ("/dcv-resend shop to a@b.example", None),
        ("/dcv-status 7 to a@b.example", None),
        ("", None),
    ],
)
def test_a_line_that_sends_at_once_has_a_form(line, form):
    assert form_line(line or "/dcv-resend") == form
