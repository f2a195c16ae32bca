"""Policy: who may use the bot, in which order it is decided, and that whatever is unclear is a no."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy import Action, Person, Rules, decide

RULES = Rules(users=frozenset({"U0ANA"}), groups=frozenset({"S0PKI"}), home=frozenset({"T0HOME", "E0GRID"}))
MEMBER = {
    "id": "U0ANA",
    "team_id": "T0HOME",
    "deleted": False,
    "is_bot": False,
    "is_restricted": False,
    "is_ultra_restricted": False,
}
EVERYTHING_WRONG = {
    "id": "U0EVE",
    "team_id": "T0OTHER",
    "deleted": True,
    "is_bot": True,
    "is_stranger": True,
    "is_restricted": True,
}


def decision_on(changes: dict, groups: tuple = (), rules: Rules = RULES):
    return decide(rules, Person.read({**MEMBER, **changes}, groups))


def test_users_info_is_read_into_a_person():
    user = {**MEMBER, "enterprise_user": {"id": "U0ANA", "enterprise_id": "E0GRID", "teams": ["T0HOME", "T0MORE"]}}

    assert Person.read(user, ["S0PKI"]) == Person(
        user_id="U0ANA",
        teams=frozenset({"T0HOME", "T0MORE", "E0GRID"}),
        deleted=False,
        bot=False,
        guest=False,
        stranger=False,
        groups=frozenset({"S0PKI"}),
    )


@pytest.mark.parametrize(
    ("changes", "groups", "rule"),
    [
        ({}, (), "listed-user"),
        ({}, ("S0PKI",), "listed-user"),
        ({"id": "U0BEN"}, ("S0OTHER", "S0PKI"), "listed-group"),
        ({"team_id": "E0GRID"}, (), "listed-user"),
        ({"team_id": "T0MORE", "enterprise_user": {"enterprise_id": "E0GRID"}}, (), "listed-user"),
        ({"team_id": "T0MORE", "enterprise_user": {"teams": ["T0HOME"]}}, (), "listed-user"),
    ],
)
def test_a_full_member_who_is_listed_is_allowed(changes, groups, rule):
    decision = decision_on(changes, groups)

    assert decision.allowed
    assert decision.rule == rule


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"id": None}, "unknown"),
        ({"id": ""}, "unknown"),
        ({"id": "ana"}, "unknown"),
        ({"id": "U0ANA\n"}, "unknown"),
        ({"id": ["U0ANA"]}, "unknown"),
        ({"id": "B0BOT"}, "unknown"),
        ({"deleted": True}, "deactivated"),
        ({"deleted": None}, "deactivated"),
        ({"is_bot": True}, "bot"),
        ({"is_bot": "false"}, "bot"),
        ({"is_workflow_bot": True}, "bot"),
        ({"id": "USLACKBOT"}, "bot"),
        ({"is_stranger": True}, "other-workspace"),
        ({"is_stranger": 0}, "other-workspace"),
        ({"team_id": "T0OTHER"}, "other-workspace"),
        ({"team_id": None}, "other-workspace"),
        ({"team_id": ["T0HOME"]}, "other-workspace"),
        ({"team_id": "T0OTHER", "enterprise_user": "T0HOME"}, "other-workspace"),
        ({"team_id": "T0OTHER", "enterprise_user": {"teams": "T0HOME"}}, "other-workspace"),
        ({"team_id": "T0OTHER", "enterprise_user": {"teams": [["T0HOME"], None]}}, "other-workspace"),
        ({"team_id": "T0OTHER", "enterprise_user": {"teams": 7}}, "other-workspace"),
        ({"team_id": "T0OTHER", "enterprise_user": {"enterprise_id": "E0OTHER"}}, "other-workspace"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_ultra_restricted": 1}, "guest"),
        ({"id": "U0BEN"}, "not-listed"),
        ({"id": "W0ANA"}, "not-listed"),
    ],
)
def test_everybody_else_is_refused(changes, rule):
    decision = decision_on(changes)

    assert not decision.allowed
    assert decision.rule == rule


def test_an_empty_id_is_no_home():
    rules = Rules(RULES.users, RULES.groups, home=frozenset({"T0HOME", ""}))

    assert decision_on({"team_id": ""}, (), rules).rule == "other-workspace"


@pytest.mark.parametrize("user", [None, [], "U0ANA", {}])
def test_what_is_no_user_object_is_nobody(user):
    assert decide(RULES, Person.read(user, ["S0PKI"])).rule == "unknown"


@pytest.mark.parametrize("groups", [None, "S0PKI", [None], [["S0PKI"]], [""], 7])
def test_malformed_groups_open_no_door(groups):
    assert decision_on({"id": "U0BEN"}, groups).rule == "not-listed"


def test_nobody_is_allowed_where_slack_could_not_tell_who_it_is():
    decision = decide(RULES, None)

    assert not decision.allowed
    assert decision.rule == "unknown"


def test_nobody_is_allowed_where_nobody_is_listed():
    decision = decision_on({}, ("S0PKI",), Rules(frozenset(), frozenset(), RULES.home))

    assert not decision.allowed
    assert decision.rule == "nobody-listed"


def test_nobody_is_at_home_where_the_home_is_not_known():
    assert decision_on({}, (), Rules(RULES.users, RULES.groups, frozenset())).rule == "other-workspace"


def test_the_checks_come_in_a_fixed_order():
    person = dict(EVERYTHING_WRONG)
    rules = []
    for mended in (
        {"deleted": False},
        {"is_bot": False},
        {"is_stranger": False},
        {"team_id": "T0HOME"},
        {"is_restricted": False},
    ):
        rules.append(decide(RULES, Person.read(person, [])).rule)
        person |= mended
    rules.append(decide(RULES, Person.read(person, [])).rule)

    assert rules == ["deactivated", "bot", "other-workspace", "other-workspace", "guest", "not-listed"]


@pytest.mark.parametrize(
    "changes",
    [{"deleted": True}, {"is_bot": True}, {"team_id": "T0OTHER"}, {"is_stranger": True}, {"is_restricted": True}],
)
def test_being_listed_twice_does_not_help_who_is_kept_out(changes):
    assert not decision_on(changes, ("S0PKI",)).allowed


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": ""}, "Try again in a minute"),
        ({"deleted": True}, "Ask an admin of your workspace"),
        ({"is_bot": True}, "Have a person on the list do it"),
        ({"team_id": "T0OTHER"}, "Ask one of them to do it"),
        ({"is_restricted": True}, "Ask one of them to do it"),
        ({"id": "U0BEN"}, "Ask the people who run this bot to add you"),
    ],
)
def test_a_refusal_says_what_to_do_next(changes, words):
    sentence = decision_on(changes).sentence

    assert words in sentence
    assert "you" in sentence.lower()


@pytest.mark.parametrize("changes", [{}, {"id": "U0BEN"}, {"is_restricted": True}])
def test_looking_and_resending_are_decided_alike(changes):
    person = Person.read({**MEMBER, **changes}, [])

    assert decide(RULES, person, Action.LOOK) == decide(RULES, person, Action.RESEND) == decide(RULES, person)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["U0ANA", "USLACKBOT", "T0HOME", "S0PKI"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
GRID = st.fixed_dictionaries({}, optional={"enterprise_id": JSON, "teams": JSON})
FLAGS = ("deleted", "is_bot", "is_workflow_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
USER = st.fixed_dictionaries(
    {},
    optional={"id": JSON, "team_id": JSON, "enterprise_user": JSON | GRID}
    | dict.fromkeys(FLAGS, st.just(False) | JSON),
)


@given(user=USER | JSON, groups=JSON)
def test_reading_a_person_never_raises_and_only_a_well_formed_one_is_allowed(user, groups):
    decision = decide(RULES, Person.read(user, groups))

    if decision.allowed:
        assert user["id"] == "U0ANA" or "S0PKI" in groups
        assert all(user.get(flag, False) is False for flag in FLAGS)
