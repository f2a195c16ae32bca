"""The deciding rule in words: for Slack without mentions from foreign text, for a terminal with ids."""

import pytest

from bot.models import Grantees
from bot.policy.principal import Principal
from bot.policy.rules import AccessContext, Action, Resource, Rule, Rules
from bot.views.policy_explanation import SLACK, TERMINAL, explained, explanation_lines, ignored, who_can_instead

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
        "What U0ANA may do:",
        " ".join(
            [
                "resend: yes. Rule “<@U0EVE> & co” (rule 3 of policy.toml) allows it for",
                "*.bücher.example (xn--bcher-kva.example) or order 7 in C0PKI.",
                "But note: Rule “stop” (rule 9 of policy.toml) denies it for order 8.",
            ]
        ),
        "status: no. No rule allows it. Nobody may, as the rules are.",
        "override-cooldown: no. No rule allows it. Nobody may, as the rules are.",
    ]


def test_in_slack_ids_are_mentions_and_the_file_s_words_are_none():
    message = explained(
        "U0BEN", context("U0BEN", SHOP), Resource("C0PKI", order=7), context("U0BEN", SHOP), ["a <!here>", "b"]
    )

    assert message.text.startswith("What <@U0BEN> may do for order 7 in <#C0PKI>: resend: no. No rule allows it. ")
    assert "Who may: <@U0ANA>." in message.text
    assert "the version before it still counts. a &lt;!here&gt; There is more in the bot's log." in message.text
    assert "<@U0EVE>" not in explained("U0ANA", context("U0ANA", SHOP), Resource(), context("U0ANA", SHOP), ()).text
    assert message.payload()["blocks"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"deleted": True}, "deactivated"),
        ({"is_bot": True}, "a bot or a workflow"),
        ({"team_id": "T0OTHER"}, "another workspace"),
        ({"is_restricted": True}, "a guest"),
        ({"id": ""}, "Slack did not say who this is"),
    ],
)
def test_a_user_whom_no_rule_allows_learns_nothing_else(flags, words):
    [_, line] = explanation_lines("U0ANA", context("U0ANA", SHOP, flags=flags), Resource(), SLACK)

    assert words in line
    assert line.endswith("No rule can change that.")


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        ({"users": ["U0ANA"]}, "resend: yes. DCV_ALLOWED_USERS lists this person."),
        ({"groups": ["S0PKI"]}, "resend: yes. DCV_ALLOWED_USERGROUPS lists a user group of this person."),
        ({"users": ["U0BEN"]}, "resend: no. DCV_ALLOWED_USERS and DCV_ALLOWED_USERGROUPS do not list this person. Who"),
        ({}, "resend: no. DCV_ALLOWED_USERS and DCV_ALLOWED_USERGROUPS are empty, so nobody may."),
    ],
)
def test_the_two_lists_are_named_by_their_settings(lists, words):
    assert explanation_lines("U0ANA", context("U0ANA", **lists), Resource(), TERMINAL)[1].startswith(words)


def test_many_holders_are_counted():
    who = Grantees(tuple(f"U{number}" for number in range(20)))

    assert who_can_instead(who, TERMINAL).endswith("U11 and 8 more.")
    assert who_can_instead(Grantees(), TERMINAL) == ""
    assert ignored((), SLACK) == []
