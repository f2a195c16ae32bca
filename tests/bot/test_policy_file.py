"""The policy file: what it means, and that each mistake is told with its line and the mend."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import CannotStart
from bot.policy import Action, Rule
from bot.policy_file import LARGEST, read_policy

EXAMPLE = Path(__file__).parents[2] / "docs" / "policy.example.toml"
RULE = '[[rule]]\nname = "pki"\nallow = ["resend"]\nusers = ["U0ANA"]\n'


def problems(text):
    with pytest.raises(CannotStart) as caught:
        read_policy(text if isinstance(text, bytes) else text.encode(), "policy.toml")
    return list(caught.value.problems)


def test_the_example_is_read():
    pki, shop, frozen = read_policy(EXAMPLE.read_bytes(), "policy.toml")

    assert pki == Rule("pki", True, frozenset(Action), groups=frozenset({"S012PKIOPS"}), where="line 20 of policy.toml")
    assert shop == Rule(
        name="shop team",
        allows=True,
        actions=frozenset({Action.RESEND, Action.LOOK}),
        users=frozenset({"U012AB3CD"}),
        groups=frozenset({"S012SHOPSRE"}),
        channels=frozenset({"C012SHOPOPS"}),
        names=frozenset({"shop.example.com", "*.shop.example.com"}),
        orders=frozenset({700001}),
        where="line 25 of policy.toml",
    )
    assert (frozen.allows, frozen.is_for_all, frozen.actions) == (False, True, {Action.RESEND})


def test_names_are_read_as_they_are_compared():
    text = '[[rule]]\nname = "ü"\ndeny = ["resend"]\nnames = ["Müller.de", "*.BÜCHER.example", "SHOP.example.com."]\n'

    [rule] = read_policy(text.encode("utf-8-sig").replace(b"\n", b"\r\n"), "policy.toml")

    assert (rule.name, rule.names) == ("ü", {"xn--mller-kva.de", "*.xn--bcher-kva.example", "shop.example.com"})


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[[rule]\n", 1, "this is no TOML: Expected"),
        (f"{RULE}users = 5\n", 5, "Cannot overwrite a value"),
        (f"{RULE}\nnames = [\n", 7, "Mend it there or just above"),
        (f"{RULE}[rule]\n", 5, "this is no TOML"),
        (b"[[rule]]\n# \xff\n", 2, "save the file as UTF-8"),
        (f"rules = 1\n{RULE}", 1, "“rules” is no key of a policy: it holds only rules, each below a line [[rule]]"),
        (f'{RULE}user = ["U0BEN"]\n', 5, "“user” is no key of a rule: the keys are name, allow or deny, users, groups"),
        (f"{RULE}[rule.more]\nx = 1\n", 5, "“more” is no key of a rule"),
        ('rule = "x"\n', 1, "write each rule below a line [[rule]]"),
        ('\nrule = [\n{name = "a", deny = ["resend"]}]\n', 2, "write each rule below a line [[rule]]"),
        ('[[rule]]\nallow = ["resend"]\nusers = ["U0ANA"]\n', 1, 'write name = "…" below [[rule]]'),
        ('[[rule]]\nname = 5\ndeny = ["resend"]\n', 2, 'such as name = "pki"'),
        ('[[rule]]\nname = ""\ndeny = ["resend"]\n', 2, "1 to 40 letters"),
        ('[[rule]]\nname = "guest"\ndeny = ["resend"]\n', 2, "choose another name"),
        (f'{RULE}\n[[rule]]\ndeny = ["resend"]\nname = "PKI"\n', 8, "a rule named “PKI” already"),
        ('[[rule]]\nname = "a"\n', 1, "either allows or denies"),
        (f'{RULE}deny = ["status"]\n', 1, "either allows or denies"),
        ('\n# who?\n[[rule]]\nname = "a"\nallow = ["resend"]\n', 3, "allows nobody anything: say whom"),
        ('[[rule]]\nname = "a"\ndeny = []\n', 3, "deny is empty"),
        ('[[rule]]\nname = "a"\ndeny = "resend"\n', 3, 'deny takes a list of actions such as ["resend"]'),
        (
            '[[rule]]\nname = "a"\ndeny = ["resend",\n"restart"]\n',
            4,
            "the actions are status, resend, override-cooldown",
        ),
        ('[[rule]]\nname = "a"\ndeny = [["resend"]]\n', 3, "the actions are"),
        (f"{RULE}names = []\n", 5, "names is empty and matches nothing"),
        (f"{RULE}names = 'shop.example.com'\n", 5, "names takes a list"),
        (
            f"{RULE}names = [\n'a.example',\n# why?\n'intranet', # x\n'b.example']\n",
            8,
            "“intranet” can never match. “intranet” is a single",
        ),
        (f"{RULE}names = ['*.com']\n", 5, "leave names out to mean every name"),
        (f"{RULE}names = ['co.uk']\n", 5, "leave names out to mean every name"),
        (f"{RULE}names = ['shop.*.example.com']\n", 5, "can never match"),
        (f"{RULE}names = ['https://shop.example.com']\n", 5, "can never match"),
        (f"{RULE}names = ['700001']\n", 5, "an order id is written without quotes"),
        (f"{RULE}names = [0]\n", 5, "an order id has at most 18 digits"),
        (f"{RULE}names = [0x{'f' * 5000}]\n", 5, "an order id has at most 18 digits"),
        (f"{RULE}names = [true]\n", 5, "can never match"),
        (f"{RULE}groups = ['U0ANA']\n", 5, "“U0ANA” can never match: write a user group id (S…)"),
        (f"{RULE}channels = ['#pki']\n", 5, "“#pki” can never match: write a channel id (C… or G…)"),
        ('[[rule]]\nname = "a"\ndeny = ["resend"]\nusers = ["ana"]\n', 4, "write a user id (U… or W…)"),
        ('[[rule]]\nname = """\n[[rule]]"""\ndeny = ["resend"]\n[[rule]]\nname = "b"\n', 5, "either allows or denies"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_mend(text, line, words):
    told = problems(text)

    assert any(each.startswith(f"policy.toml, line {line}: ") and words in each for each in told), told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "policy.toml is empty, so it would allow nobody anything"),
        ("# nothing yet\n", "policy.toml is empty"),
        (b" " * (LARGEST + 1), "larger than 256 KiB"),
        (f"x = {'[' * 5000}", "far too deeply"),
        (f"x = {'9' * 5000}", "no TOML"),
    ],
)
def test_what_is_no_policy_at_all_is_refused(text, words):
    [told] = problems(text)

    assert words in told


def test_every_mistake_is_told_at_once():
    text = f'{RULE}user = ["U0BEN"]\n[[rule]]\nname = "b"\ndeny = ["restart"]\nchannels = []\n'

    assert [each.split(":")[0] for each in problems(text)] == [f"policy.toml, line {line}" for line in (5, 8, 9)]


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
    rules, told = outcome(content)

    assert rules or told
    assert all(each.startswith("policy.toml") and "\n" not in each for each in told)


def outcome(content):
    """The rules, and the problems that kept them from being read."""
    try:
        return read_policy(content, "policy.toml"), ()
    except CannotStart as error:
        return (), error.problems
