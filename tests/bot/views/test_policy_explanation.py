"""The deciding rule in words: for Slack without mentions from foreign text, for a terminal with ids."""

import pytest

from bot.models import Grantees
from bot.policy.principal import Principal
from bot.policy.rules import AccessContext, Action, Resource, Rule, Rules
from bot.views.policy_explanation import SLACK, TERMINAL, explained, explanation_lines, who_can_instead

HOME = frozenset({"T0HOME"})
EVERY = frozenset(Action)
SHOP = Rule(
    name="<@U0EVE> & co",
    effect_allows=True,
    actions=frozenset({Action.RESEND}),
    users=frozenset({"U0ANA"}),
    channels=frozenset({"C0PKI"}),
    names=frozenset({"*.xn--bcher-kva.example"}),
    orders=frozenset({7}),
    scope_text="rule 3 of policy.toml",
)
STOP = Rule("stop", False, frozenset({Action.RESEND}), orders=frozenset({8}), scope_text="rule 9 of policy.toml")


def context(user_id, *rules, users=(), groups=(), flags=()):
    person = Principal.read({"id": user_id, "team_id": "T0HOME", **dict(flags)}, ["S0PKI"])
    return AccessContext(Rules(frozenset(users), frozenset(groups), HOME, rules), person)


def test_a_rule_is_shown_by_name_place_and_what_it_is_about():
    lines = explanation_lines("U0ANA", context("U0ANA", SHOP, STOP), Resource(), TERMINAL)

    assert lines == [
        "U0ANA's permissions",
        " ".join(
            [
                "✅ Resend · allowed by “<@U0EVE> & co” (rule 3 of policy.toml) for",
                "*.bücher.example (xn--bcher-kva.example) or order 7 in C0PKI.",
                "Except order 8 (rule “stop” (rule 9 of policy.toml)).",
            ]
        ),
        "⛔ Revalidate · no rule allows it. No one can.",
        "⛔ View status · no rule allows it. No one can.",
        "⛔ Resend during cooldown · no rule allows it. No one can.",
    ]


def test_in_slack_ids_are_mentions_and_the_file_s_words_and_place_are_none():
    access = context("U0BEN", SHOP, STOP)

    message = explained("U0BEN", access, Resource("C0PKI", order=7), access, is_outdated=True)

    head, resend, *_, outdated = message.text.splitlines()
    assert head == "*<@U0BEN>'s permissions for order 7 in <#C0PKI>*"
    on_home = explained("U0BEN", access, Resource("U0BEN"), access, is_outdated=False)
    assert on_home.text.startswith("*<@U0BEN>'s permissions on Home and in direct messages*")
    assert resend == "⛔ Resend · no rule allows it. Who can: <@U0ANA>."
    assert outdated.startswith("⚠️ The latest policy file has an error")
    shown = explained("U0ANA", context("U0ANA", SHOP), Resource(), context("U0ANA", SHOP), is_outdated=False).text
    assert "<@U0EVE>" not in shown
    assert "policy.toml" not in shown
    assert message.payload()["blocks"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"deleted": True}, "The account is deactivated"),
        ({"is_bot": True}, "Bots and workflows can't use DCV Resend"),
        ({"team_id": "T0OTHER"}, "Only members of this workspace can use DCV Resend"),
        ({"is_restricted": True}, "Guests can't use DCV Resend"),
        ({"id": ""}, "Slack doesn't know this account"),
    ],
)
def test_a_user_whom_no_rule_allows_learns_nothing_else(flags, words):
    [_, line] = explanation_lines("U0ANA", context("U0ANA", SHOP, flags=flags), Resource(), SLACK)

    assert line == f"None. {words}, whatever the policy says."


@pytest.mark.parametrize(
    ("lists", "line"),
    [
        ({"users": ["U0ANA"]}, "✅ Resend · on the list of allowed people."),
        ({"groups": ["S0PKI"]}, "✅ Resend · in an allowed user group."),
        ({"users": ["U0BEN"]}, "⛔ Resend · not on the list of allowed people. Who can: U0BEN."),
        ({}, "⛔ Resend · no one has been allowed yet."),
    ],
)
def test_the_two_lists_are_named_without_their_settings(lists, line):
    assert explanation_lines("U0ANA", context("U0ANA", **lists), Resource(), TERMINAL)[1] == line


def test_many_holders_are_counted():
    who = Grantees(tuple(f"U{number}" for number in range(20)))

    assert who_can_instead(who, TERMINAL).endswith("U11 and 8 more.")
    assert who_can_instead(Grantees(), TERMINAL) == ""
