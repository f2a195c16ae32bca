"""The policy file: what it means, and that each mistake is reported with its rule and the correction."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import ConfigurationError
from bot.policy.rule_file import LARGEST, read_policy
from bot.policy.rules import Action, Rule

EXAMPLE = Path(__file__).parents[3] / "docs" / "policy.example.toml"
RULE = '[[rule]]\nname = "pki"\nallow = ["resend"]\nusers = ["U0ANA"]\n'


def problems(text):
    with pytest.raises(ConfigurationError) as caught:
        read_policy(text if isinstance(text, bytes) else text.encode(), "policy.toml")
    return list(caught.value.problems)


def test_the_example_is_read():
    pki, shop, frozen = read_policy(EXAMPLE.read_bytes(), "policy.toml")

    assert pki == Rule(
        "pki", True, frozenset(Action), groups=frozenset({"S012PKIOPS"}), scope_text="rule 1 of policy.toml"
    )
    assert shop == Rule(
        name="shop team",
        effect_allows=True,
        actions=frozenset({Action.RESEND, Action.STATUS}),
        users=frozenset({"U012AB3CD"}),
        groups=frozenset({"S012SHOPSRE"}),
        channels=frozenset({"C012SHOPOPS"}),
        names=frozenset({"shop.example.com", "*.shop.example.com"}),
        orders=frozenset({700001}),
        scope_text="rule 2 of policy.toml",
    )
    assert (frozen.effect_allows, frozen.is_for_all, frozen.actions) == (
        False,
        True,
        {Action.RESEND, Action.REVALIDATE, Action.APPROVE},
    )


def test_names_are_read_as_they_are_compared():
    text = '[[rule]]\nname = "ü"\ndeny = ["resend"]\nnames = ["Müller.de", "*.BÜCHER.example", "SHOP.example.com."]\n'

    [rule] = read_policy(text.encode("utf-8-sig").replace(b"\n", b"\r\n"), "policy.toml")

    assert (rule.name, rule.names) == ("ü", {"xn--mller-kva.de", "*.xn--bcher-kva.example", "shop.example.com"})


WIDE = "\uff27\uff35\uff25\uff33\uff34"
NAMED = ', rule 1 ("pki")'
A = ', rule 1 ("a")'


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("[[rule]\n", ", line 1", "invalid TOML (Expected"),
        (f"{RULE}users = 5\n", ", line 5", "Cannot overwrite a value"),
        (f"{RULE}\nnames = [\n", ", line 7", "The mistake is in this line or just above"),
        (f"{RULE}[rule]\n", ", line 5", "invalid TOML"),
        (b"[[rule]]\n# \xff\n", ", line 2", "Save the file as UTF-8"),
        (f"{RULE}{'a.' * 200}a = 1\n", ", line 5", "too many dots"),
        (f"rules = 1\n{RULE}", "", "unknown key “rules”. Write each rule below a line [[rule]]"),
        (f"{RULE}[[rules]]\nname = 'shop'\n", "", "[[rules]] is misspelled. Write [[rule]] above “shop”."),
        (RULE + "[[Rule]]\nname = 1\n" * 3, "", "[[Rule]] is misspelled. Write [[rule]] and 2 more."),
        (f"{RULE}[[RULES]]\n", "", "[[RULES]] is misspelled. Write [[rule]]."),
        (f"{RULE}[owner]\nteam = 'pki'\n", "", "unknown key “owner”"),
        (f"[rules]\nname = 'shop'\n{RULE}", "", "[rules] is misspelled. Write [[rule]] above “shop”."),
        (f"name = 'shop'\n{RULE}", "", "“name” is outside of a rule"),
        ("[rule]\nname = 'shop'\n", "", "rule isn't a list of rules. Write each rule below a line [[rule]]"),
        ("[rule.shop]\nallow = ['resend']\n", "", "rule isn't a list of rules"),
        (
            f'{RULE}user = ["U0BEN"]\n',
            NAMED,
            "unknown key “user”. Did you mean “users”? Allowed keys: name, allow or deny, users",
        ),
        (f"{RULE}[rule.more]\nx = 1\n", NAMED, "unknown key “more”. Allowed keys"),
        ('rule = "x"\n', "", "Write each rule below a line [[rule]]"),
        ('rule = ["x"]\n', ", rule 1", "this isn't a rule. Write each rule below a line [[rule]]"),
        ('[[rule]]\nallow = ["resend"]\nusers = ["U0ANA"]\n', ", rule 1", 'Write name = "…" below [[rule]]'),
        ('[[rule]]\nname = 5\ndeny = ["resend"]\n', ", rule 1", 'such as name = "pki"'),
        ('[[rule]]\nname = ""\ndeny = ["resend"]\n', ", rule 1", "1 to 40 characters"),
        ('[[rule]]\nname = "guest"\ndeny = ["resend"]\n', ', rule 1 ("guest")', "Choose a different name"),
        (f'[[rule]]\nname = "{WIDE}"\ndeny = ["resend"]\n', f', rule 1 ("{WIDE}")', "Choose a different name"),
        (f'{RULE}\n[[rule]]\ndeny = ["resend"]\nname = "PKI"\n', ', rule 2 ("PKI")', "rule 1 already has this name"),
        (
            f'{RULE}\n[[rule]]\ndeny = ["resend"]\nname = "\uff50ki"\n',
            ', rule 2 ("\uff50ki")',
            "rule 1 already has this name",
        ),
        ('[[rule]]\nname = "a"\n', A, "either allows or denies"),
        (f'{RULE}deny = ["status"]\n', NAMED, "either allows or denies"),
        ('\n# who?\n[[rule]]\nname = "a"\nallow = ["resend"]\n', A, "allows no one. Add users or groups"),
        ('[[rule]]\nname = "a"\ndeny = []\n', A, "deny is empty"),
        ('[[rule]]\nname = "a"\ndeny = "resend"\n', A, 'deny must be a list of actions such as ["resend"]'),
        ('[[rule]]\nname = "a"\ndeny = ["resend",\n"restart"]\n', A, "unknown action “restart”. Actions: status"),
        ('[[rule]]\nname = "a"\ndeny = [["resend"]]\n', A, "Actions: status"),
        (f"{RULE}names = []\n", NAMED, "names is empty, so it matches nothing"),
        (f"{RULE}names = 'shop.example.com'\n", NAMED, "names must be a list"),
        (
            f"{RULE}names = [\n'a.example',\n'intranet']\n",
            NAMED,
            "“intranet” can never match. “intranet” isn't a full domain name",
        ),
        (f"{RULE}names = ['shop.*.example.com']\n", NAMED, "can never match"),
        (f"{RULE}names = ['https://shop.example.com']\n", NAMED, "can never match"),
        (f"{RULE}names = ['700001']\n", NAMED, "Write an order ID without quotes"),
        (f"{RULE}names = [0]\n", NAMED, "an order ID has 1 to 18 digits"),
        (f"{RULE}names = [0x{'f' * 5000}]\n", NAMED, "an order ID has 1 to 18 digits"),
        (f"{RULE}names = [true]\n", NAMED, "can never match"),
        (f"{RULE}groups = ['U0ANA']\n", NAMED, "“U0ANA” can never match. Use a user group ID (S…)"),
        (f"{RULE}channels = ['#pki']\n", NAMED, "“#pki” can never match. Use a channel ID (C… or G…)"),
        ('[[rule]]\nname = "a"\ndeny = ["resend"]\nusers = ["ana"]\n', A, "Use a user ID (U… or W…)"),
        (
            '[[rule]]\nname = """\n[[rule]]"""\ndeny = ["resend"]\n[[rule]]\nname = "b"\n',
            ', rule 2 ("b")',
            "either allows",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_rule_and_the_correction(text, where, words):
    [reported] = problems(text)

    assert reported.startswith(f"policy.toml{where}: ")
    assert words in reported


SUFFIXES = [
    *("com", "COM", "com.", "co.uk", "Co.Uk", "co.uk.", "foo.ck"),
    *("公司.cn", "xn--55qx5d.cn", "XN--55QX5D.CN", "xn--p1ai"),
]
# Other dots, letters of full width or in bold, and a mark without width.
ODD_SUFFIXES = [
    "\uff43\uff4f\uff4d",
    "co。uk",
    "co\uff0euk",
    "co\uff61uk",
    "co.uk。",
    "\uff43\uff4f\uff0e\uff55\uff4b",
    "\U0001d41c\U0001d428.\U0001d42e\U0001d424",
    "c\u034fo.uk",
    "公司。cn",
]
ODD_WILDCARDS = ["*。", "*\uff0e", "*\uff61", "\uff0a.", "\uff0a。"]


@pytest.mark.parametrize("wildcard", ["", "*."])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_public_suffix_is_refused(wildcard, suffix):
    [reported] = problems(f"{RULE}names = ['{wildcard}{suffix}']\n")

    assert "covers domains you don't own" in reported


@pytest.mark.fault("L4")
@pytest.mark.parametrize(
    ("wildcard", "suffix"),
    [
        *((wildcard, suffix) for wildcard in ("", "*.", *ODD_WILDCARDS) for suffix in ODD_SUFFIXES),
        *((wildcard, "co.uk") for wildcard in ODD_WILDCARDS),
    ],
)
def test_a_public_suffix_is_refused_however_it_is_spelled(wildcard, suffix):
    [reported] = problems(f"{RULE}names = ['{wildcard}{suffix}']\n")

    assert "covers domains you don't own" in reported


@pytest.mark.parametrize("name", ["*.ck", "*.kobe.jp", "*.kobe。JP"])
def test_a_wildcard_below_which_public_suffixes_are_is_refused(name):
    assert "covers domains you don't own" in problems(f"{RULE}names = ['{name}']\n")[0]


@pytest.mark.fault("L4")
def test_a_name_is_the_same_rule_however_it_is_spelled():
    spelled = ["*。\uff33\uff28\uff2f\uff30。example.com", "*.shop\uff0eexample\uff61com.", "\uff0a.shop.example.com"]

    rules = read_policy(f"{RULE}names = {spelled}\n".encode(), "policy.toml")

    assert rules[0].names == {"*.shop.example.com"}


def test_rules_may_be_written_as_one_list():
    [rule] = read_policy(b"rule = [{name = 'a', deny = ['resend']}]", "policy.toml")

    assert (rule.name, rule.scope_text) == ("a", "rule 1 of policy.toml")


def five_hundred():
    """Return the text of each of 500 rules."""
    rule = '[[rule]]\nname = "r{0}"\ndeny = ["resend"]\nnames = ["n{0}.example.com"]\n'
    return [rule.format(number) for number in range(500)]


@pytest.fixture
def parsed_once(monkeypatch):
    """Fail the second parse. Parsing parts of the text again would need quadratic time."""
    loads, parsed = tomllib.loads, []

    def load(text):
        parsed.append(text)
        assert len(parsed) == 1
        return loads(text)

    monkeypatch.setattr(tomllib, "loads", load)


@pytest.mark.fault("L4")
@pytest.mark.usefixtures("parsed_once")
def test_a_misspelled_rule_among_500_is_named_after_one_parse():
    rules = five_hundred()
    rules[250] = rules[250].replace("[[rule]]", "[[rules]]")

    reported = problems("".join(rules))

    assert reported == ["policy.toml: [[rules]] is misspelled. Write [[rule]] above “r250”."]


@pytest.mark.fault("L4")
@pytest.mark.usefixtures("parsed_once")
def test_of_very_many_mistakes_some_are_shown_and_the_rest_is_counted():
    reported = problems("".join(five_hundred()).replace("deny", "dney"))

    assert reported[0].startswith(
        'policy.toml, rule 1 ("r0"): unknown key “dney”. Did you mean “deny”? Allowed keys: name'
    )
    assert reported[19].startswith('policy.toml, rule 20 ("r19"): ')
    assert reported[20:] == ["policy.toml: 480 more mistakes are not shown. Fix these first."]


@pytest.mark.fault("L4")
@pytest.mark.usefixtures("parsed_once")
def test_500_rules_are_read_in_one_parse():
    rules = read_policy("".join(five_hundred()).encode(), "policy.toml")

    assert [(rule.name, rule.scope_text) for rule in rules[::499]] == [
        ("r0", "rule 1 of policy.toml"),
        ("r499", "rule 500 of policy.toml"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "policy.toml is empty, so it would allow no one"),
        ("# nothing yet\n", "policy.toml is empty"),
        (b" " * (LARGEST + 1), "larger than 256 KiB"),
        (f"x = {'[' * 5000}", "too deeply"),
        (f"x = {'9' * 5000}", "invalid TOML"),
    ],
)
def test_what_is_no_policy_at_all_is_refused(text, words):
    [reported] = problems(text)

    assert words in reported


def test_every_mistake_is_reported_at_once():
    text = f'{RULE}user = ["U0BEN"]\n[[rule]]\nname = "b"\ndeny = ["restart"]\nchannels = []\n'

    assert [each.split(":")[0] for each in problems(text)] == [
        'policy.toml, rule 1 ("pki")',
        *['policy.toml, rule 2 ("b")'] * 2,
    ]


VALUES = st.recursive(
    st.sampled_from(
        ['"resend"', '"U0ANA"', '"*.shop.example.com"', "700001", "true", "1.5", '"…"', "2026-07-01", "[]"]
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=4,
)
LINES = st.one_of(
    st.just("[[rule]]"),
    st.sampled_from(["name", "allow", "deny", "users", "names", "rule", "x"]).flatmap(
        lambda key: VALUES.map(lambda value: f"{key} = {value}")
    ),
    st.sampled_from(["[rule]", "[rule.x]", "[[rule.users]]", '"""', "names = [", "]", "}", "# …", ""]),
)


@given(st.binary(max_size=200) | st.lists(LINES, max_size=12).map(lambda lines: "\n".join(lines).encode()))
@example(b"x = 1\xc2\x85")
def test_nothing_but_the_operator_s_error_comes_out(content):
    rules, reported = outcome(content)

    assert rules or reported
    assert all(each.startswith("policy.toml") and "\n" not in each for each in reported)


def outcome(content):
    """Return the rules, and the problems that prevented reading them."""
    try:
        return read_policy(content, "policy.toml"), ()
    except ConfigurationError as error:
        return (), error.problems
