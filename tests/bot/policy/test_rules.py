"""Policy: who may use the bot, the order of the decisions, and denial in every unclear case."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models import Grantees, Reach
from bot.policy.principal import Principal
from bot.policy.rules import (
    RESERVED_NAMES,
    AccessContext,
    Action,
    Resource,
    Rule,
    Rules,
    decide,
    possible_denials,
    who_can,
)

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
    return decide(rules, Principal.read({**MEMBER, **changes}, groups))


def test_users_info_is_read_into_a_person():
    user = {**MEMBER, "enterprise_user": {"id": "W0ANA", "enterprise_id": "E0GRID", "teams": ["T0HOME", "T0MORE"]}}

    assert Principal.read(user, ["S0PKI"]) == Principal(
        user_id="U0ANA",
        teams=frozenset({"T0HOME", "T0MORE", "E0GRID"}),
        deleted=False,
        bot=False,
        guest=False,
        stranger=False,
        groups=frozenset({"S0PKI"}),
        grid_id="W0ANA",
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
        ({"id": "W0ANA", "enterprise_user": {"id": "U0ANA"}}, (), "listed-user"),
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
        ({"id": None, "enterprise_user": {"id": "U0ANA"}}, "unknown"),
        ({"id": "U0EVE", "enterprise_user": {"id": ["U0ANA"]}}, "not-listed"),
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
def test_what_is_no_user_object_is_no_person(user):
    assert decide(RULES, Principal.read(user, ["S0PKI"])).rule == "unknown"


@pytest.mark.parametrize("groups", [None, "S0PKI", [None], [["S0PKI"]], [""], 7])
def test_malformed_groups_allow_no_person(groups):
    assert decision_on({"id": "U0BEN"}, groups).rule == "not-listed"


def test_no_person_whom_slack_could_not_identify_is_allowed():
    decision = decide(RULES, None)

    assert not decision.allowed
    assert decision.rule == "unknown"


def test_without_a_list_no_person_is_allowed():
    decision = decision_on({}, ("S0PKI",), Rules(frozenset(), frozenset(), RULES.home))

    assert not decision.allowed
    assert decision.rule == "nobody-listed"


def test_no_person_is_a_member_if_the_workspace_is_unknown():
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
        rules.append(decide(RULES, Principal.read(person, [])).rule)
        person |= mended
    rules.append(decide(RULES, Principal.read(person, [])).rule)

    assert rules == ["deactivated", "bot", "other-workspace", "other-workspace", "guest", "not-listed"]


@pytest.mark.parametrize(
    "changes",
    [{"deleted": True}, {"is_bot": True}, {"team_id": "T0OTHER"}, {"is_stranger": True}, {"is_restricted": True}],
)
def test_being_listed_twice_does_not_help_an_ineligible_person(changes):
    assert not decision_on(changes, ("S0PKI",)).allowed


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": ""}, "Try again in a minute"),
        ({"deleted": True}, "Only active members of this workspace"),
        ({"is_bot": True}, "Bots and workflows can't"),
        ({"team_id": "T0OTHER"}, "Only members of this workspace can"),
        ({"is_restricted": True}, "Ask a full member of this workspace"),
        ({"id": "U0BEN"}, "You can't resend DCV emails."),
    ],
)
def test_a_refusal_says_who_can(changes, words):
    assert words in decision_on(changes).sentence


@pytest.mark.parametrize("changes", [{}, {"id": "U0BEN"}, {"is_restricted": True}])
def test_reading_and_resending_are_decided_alike(changes):
    person = Principal.read({**MEMBER, **changes}, [])

    status, resend = decide(RULES, person, Action.STATUS), decide(RULES, person, Action.RESEND)
    assert (status.allowed, status.rule) == (resend.allowed, resend.rule)
    assert resend == decide(RULES, person)


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
    decision = decide(RULES, Principal.read(user, groups))

    if decision.allowed:
        assert user["id"] == "U0ANA" or "S0PKI" in groups
        assert all(user.get(flag, False) is False for flag in FLAGS)


EVERY = frozenset(Action)
SHOP = frozenset({"shop.example.com", "*.shop.example.com"})
PKI = Rule("pki", True, EVERY, groups=frozenset({"S0PKI"}))
SHOP_TEAM = Rule(
    "shop team",
    True,
    frozenset({Action.RESEND, Action.STATUS}),
    users=frozenset({"U0BEN"}),
    names=SHOP,
    channels=frozenset({"C0SHOP"}),
)
ONE_ORDER = Rule("one order", True, EVERY, users=frozenset({"U0BEN"}), orders=frozenset({700001}))
FREEZE = Rule(
    "freeze", False, frozenset({Action.RESEND}), names=frozenset({"pay.shop.example.com", "*.frozen.example.com"})
)
NOT_EVE = Rule("not eve", False, EVERY, users=frozenset({"U0EVE"}), groups=frozenset({"S0OUT"}))
FILE = (PKI, SHOP_TEAM, ONE_ORDER, FREEZE, NOT_EVE)
BEN, CAT, EVE = (Principal.read({**MEMBER, "id": each}, ()) for each in ("U0BEN", "U0CAT", "U0EVE"))
PETE = Principal.read({**MEMBER, "id": "U0PETE"}, ("S0PKI",))


def by_file(*rules):
    return Rules(frozenset(), frozenset(), RULES.home, rules or FILE)


def at_call(*names, channel="C0SHOP", order=None):
    return Resource(channel, names, order, resolved=True)


@pytest.mark.parametrize(
    ("person", "resource", "rule", "allowed"),
    [
        (PETE, at_call("any.example.org", channel="C0ANY"), "pki", True),
        (PETE, at_call("a.frozen.example.com"), "freeze", False),
        (PETE, at_call("frozen.example.com"), "pki", True),
        (PETE, at_call("shop.example.com", "pay.shop.example.com"), "freeze", False),
        (PETE, Resource(), "pki", True),
        (PETE, Resource(names=("pay.shop.example.com",)), "freeze", False),
        (PETE, Resource(order=700001), "pki", True),
        (BEN, at_call("shop.example.com"), "shop team", True),
        (BEN, at_call("a.b.shop.example.com"), "shop team", True),
        (BEN, at_call("myshop.example.com"), "no-rule", False),
        (BEN, at_call("example.com"), "no-rule", False),
        (BEN, at_call("shop.example.com", "example.com"), "no-rule", False),
        (BEN, at_call("shop.example.com", channel="C0ANY"), "no-rule", False),
        (BEN, at_call("shop.example.com", channel=None), "no-rule", False),
        (BEN, at_call(), "freeze", False),
        (BEN, at_call("any.example.org", order=700001, channel="C0ANY"), "one order", True),
        (BEN, at_call("any.example.org", order=700002), "no-rule", False),
        (BEN, at_call("any.example.org"), "no-rule", False),
        (BEN, Resource("C0SHOP"), "shop team", True),
        (BEN, Resource("C0ANY"), "one order", True),
        (BEN, Resource("C0SHOP", order=700002), "shop team", True),
        (BEN, Resource("C0ANY", order=700002), "no-rule", False),
        (BEN, Resource("C0ANY", ("any.example.org",)), "one order", True),
        (CAT, Resource(), "no-rule", False),
        (EVE, Resource(), "not eve", False),
    ],
)
def test_a_rule_of_the_file_decides(person, resource, rule, allowed):
    decision = decide(by_file(), person, Action.RESEND, resource)

    assert (decision.rule, decision.allowed) == (rule, allowed)


@pytest.mark.parametrize("action", Action)
def test_each_action_is_allowed_on_its_own(action):
    decision = decide(by_file(), BEN, action, at_call("shop.example.com"))

    assert decision.allowed == (action in {Action.STATUS, Action.RESEND})


def test_a_refusal_names_what_was_typed_and_what_the_person_may_see():
    frozen = decide(by_file(), PETE, Action.RESEND, at_call("a.example.com", "pay.shop.example.com"))
    typed = decide(by_file(SHOP_TEAM), BEN, Action.RESEND, Resource("C0SHOP", ("a.example.com",)))

    assert (frozen.about, typed.about) == (("pay.shop.example.com",), ("a.example.com",))
    assert frozen.sentence == "You can't resend for pay.shop.example.com. Blocked by the rule “freeze”."
    assert typed.sentence == "You can't resend for a.example.com."


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("order:7", "You can't resend for 7. Blocked by the rule “freeze” for pay.shop.example.com."),
        ("name:pay.shop.example.com", "You can't resend for pay.shop.example.com. Blocked by the rule “freeze”."),
    ],
)
def test_a_refusal_repeats_what_the_person_asked_for(target, sentence):
    resource = replace(at_call("a.example.com", "pay.shop.example.com"), target=target)

    assert decide(by_file(), PETE, Action.RESEND, resource).sentence == sentence


def test_a_refusal_says_if_another_channel_would_help():
    here, elsewhere = (Resource(channel, ("shop.example.com",)) for channel in ("C0SHOP", "C0ELSE"))

    assert decide(by_file(SHOP_TEAM), BEN, Action.RESEND, here).allowed
    denied = decide(by_file(SHOP_TEAM), BEN, Action.RESEND, elsewhere)
    assert denied.sentence == "You can't resend for shop.example.com in this channel."


@pytest.mark.fault("M5")
def test_a_refusal_names_nothing_of_an_order_that_the_person_may_not_see():
    foreign = decide(by_file(), BEN, Action.RESEND, at_call("shop.example.com", "a.example.com"))
    denied = decide(by_file(SHOP_TEAM, FREEZE), BEN, Action.RESEND, at_call("x.frozen.example.com"))

    assert not foreign.allowed
    assert not denied.allowed
    for decision in (foreign, denied):
        assert "a.example.com" not in decision.sentence
        assert "frozen" not in decision.sentence


def test_names_may_be_allowed_by_different_rules():
    other = Rule("other", True, EVERY, users=frozenset({"U0BEN"}), names=frozenset({"example.org"}))

    decision = decide(by_file(SHOP_TEAM, other), BEN, Action.RESEND, at_call("shop.example.com", "example.org"))

    assert decision.allowed
    assert [rule.name for rule in decision.by] == ["shop team", "other"]


def test_the_lists_count_beside_the_file_and_a_deny_beats_them():
    rules = Rules(frozenset({"U0CAT", "U0EVE"}), frozenset(), RULES.home, FILE)

    assert decide(rules, CAT, Action.OVERRIDE, at_call("a.example.com")).rule == "listed-user"
    assert decide(rules, EVE, Action.RESEND, at_call("a.example.com")).rule == "not eve"


@pytest.mark.fault("M3")
@pytest.mark.parametrize(
    ("groups", "unread", "rule", "is_unknown"),
    [
        (["S0PKI"], [], "pki", False),
        (["S0PKI"], ["S0OTHER"], "pki", False),
        (["S0PKI"], ["S0OUT"], "unread-group", True),
        ([], ["S0PKI"], "unread-group", True),
        ([], ["S0PKI", "S0OUT"], "unread-group", True),
        ([], ["S0OUT"], "no-rule", False),
        (["S0OUT"], ["S0PKI"], "not eve", False),
        ([], ["S0OTHER"], "no-rule", False),
    ],
)
def test_an_unreadable_group_prevents_a_decision_that_it_could_change(groups, unread, rule, is_unknown):
    person = Principal.read({**MEMBER, "id": "U0PETE"}, groups, unread)

    decision = decide(by_file(), person, Action.RESEND, at_call("a.example.com"))

    assert (decision.rule, decision.allowed, decision.is_unknown) == (rule, rule == "pki", is_unknown)
    assert ("couldn't check your user groups" in decision.sentence) is is_unknown


@pytest.mark.fault("M3")
def test_an_ineligible_person_is_denied_whatever_slack_could_not_read():
    gone = Principal.read({**MEMBER, "deleted": True}, [], ["S0PKI"])

    decision = decide(by_file(), gone, Action.RESEND, at_call("a.example.com"))

    assert (decision.rule, decision.is_unknown) == ("deactivated", False)


@pytest.mark.fault("M3")
def test_a_person_whom_slack_could_not_read_is_distinguished_from_an_unknown_one():
    unreachable, unknown = decide(by_file(), None), decide(by_file(), Principal.read({}, ()))

    assert [(each.allowed, each.rule, each.is_unknown) for each in (unreachable, unknown)] == [
        (False, "unknown", True),
        (False, "unknown", False),
    ]


@pytest.mark.parametrize(
    "changes",
    [{"deleted": True}, {"is_bot": True}, {"team_id": "T0OTHER"}, {"is_stranger": True}, {"is_restricted": True}],
)
def test_no_rule_allows_a_person_whom_the_workspace_excludes(changes):
    granting = Rule("let in", True, EVERY, users=frozenset({"U0ANA"}), groups=frozenset({"S0PKI"}))

    assert not decide(by_file(granting), Principal.read({**MEMBER, **changes}, ["S0PKI"])).allowed


def test_a_rule_that_names_no_principal_allows_no_person():
    assert not decide(by_file(Rule("open", True, EVERY)), BEN, Action.RESEND, at_call("a.example.com")).allowed


def test_only_groups_that_a_rule_names_are_worth_a_question():
    narrow = Rule("narrow", True, EVERY, groups=frozenset({"S0SHOP"}), names=SHOP)
    rules = Rules(frozenset({"U0ANA"}), frozenset({"S0LIST"}), RULES.home, FILE)

    assert rules.groups_about("U0ANA") == {"S0PKI", "S0OUT"}
    assert rules.groups_about("U0BEN") == {"S0PKI", "S0OUT", "S0LIST"}
    assert RULES.groups_about("U0ANA") == frozenset()
    assert by_file(SHOP_TEAM, PKI).groups_about("U0BEN", Action.OVERRIDE, at_call("a.example.com")) == {"S0PKI"}
    assert by_file(NOT_EVE, narrow).groups_about("U0BEN", Action.RESEND, at_call("a.example.com")) == {"S0OUT"}


@pytest.mark.parametrize(
    ("resource", "who"),
    [
        (at_call("shop.example.com"), Grantees(("U0BEN",), ("S0PKI",))),
        (at_call("shop.example.com", channel="C0ANY"), Grantees((), ("S0PKI",))),
        (at_call("pay.shop.example.com"), Grantees()),
        (at_call("a.example.com", order=700001), Grantees(("U0BEN",), ("S0PKI",))),
    ],
)
def test_who_can_act_is_reported_from_the_names_in_the_rules(resource, who):
    assert who_can(by_file(), Action.RESEND, resource) == who


def test_possible_denials_are_reported_while_the_resource_is_unresolved():
    assert possible_denials(by_file(), PETE, Action.RESEND, Resource()) == (FREEZE,)
    assert possible_denials(by_file(), PETE, Action.RESEND, at_call("a.example.com")) == ()


IDS = st.sampled_from(["U0ANA", "U0BEN"])
GROUPS = st.sampled_from(["S0PKI", "S0OUT"])
CHANNELS = st.sampled_from(["C0ONE", "C0TWO"])
NAMES = st.sampled_from(["example.com", "a.example.com", "b.a.example.com"])
PATTERNS = NAMES | st.sampled_from(["*.example.com", "*.a.example.com"])
ORDERS = st.integers(1, 2)
RULE = st.builds(
    Rule,
    name=st.just("r"),
    effect_allows=st.booleans(),
    actions=st.frozensets(st.sampled_from(Action), min_size=1),
    users=st.frozensets(IDS),
    groups=st.frozensets(GROUPS),
    channels=st.frozensets(CHANNELS),
    names=st.frozensets(PATTERNS),
    orders=st.frozensets(ORDERS),
)
SETTLED = st.builds(
    Resource,
    channel=st.none() | CHANNELS,
    names=st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    order=st.none() | ORDERS,
    resolved=st.just(True),
)
SOMEBODY = st.builds(
    lambda user, groups, unclear: Principal.read({**MEMBER, "id": user}, groups, unclear),
    IDS,
    st.frozensets(GROUPS),
    st.frozensets(GROUPS),
)
ACTION = st.sampled_from(Action)


@given(st.lists(RULE, max_size=5), RULE, SOMEBODY, ACTION, SETTLED)
def test_one_more_deny_never_allows_anything(some, one, person, action, resource):
    deny = Rule("deny", False, one.actions, one.users, one.groups, one.channels, one.names, one.orders)

    before = decide(by_file(*some, PKI), person, action, resource)
    after = decide(by_file(*some, PKI, deny), person, action, resource)

    assert before.allowed or not after.allowed


@given(st.lists(RULE, max_size=5), SOMEBODY, ACTION, SETTLED)
def test_without_a_rule_that_allows_it_the_answer_is_no(some, person, action, resource):
    denying = [rule for rule in some if not rule.effect_allows]

    assert not decide(Rules(frozenset(), frozenset(), RULES.home, tuple(denying)), person, action, resource).allowed


@given(st.lists(RULE, max_size=5), SOMEBODY, ACTION, SETTLED)
def test_what_is_allowed_in_full_was_never_denied_for_a_part_of_it(some, person, action, resource):
    rules = Rules(frozenset(), frozenset(), RULES.home, tuple(some))
    typed = [
        Resource(resource.channel),
        Resource(resource.channel, resource.names[:1]),
        Resource(resource.channel, (), resource.order),
    ]

    if decide(rules, person, action, resource).allowed:
        assert all(decide(rules, person, action, each).allowed for each in typed)


@given(st.lists(RULE, max_size=5), SOMEBODY, ACTION, SETTLED)
def test_a_listed_principal_is_not_denied_by_id(some, person, action, resource):
    rules = Rules(frozenset(), frozenset(), RULES.home, tuple(some))
    able = Principal.read({**MEMBER, "id": person.user_id}, ())

    if person.user_id in who_can(rules, action, resource).users:
        assert decide(rules, able, action, resource).allowed


def test_no_rule_of_a_file_may_use_a_reserved_name():
    assert {"unknown", "guest", "listed-user", "no-rule", "not-listed"} <= RESERVED_NAMES


def test_a_rule_that_denies_a_person_by_either_id_of_enterprise_grid_holds():
    rule = Rule("frozen", False, frozenset(Action), users=frozenset({"W0ANA"}))
    rules = Rules(RULES.users, RULES.groups, RULES.home, (rule,))

    assert decision_on({"enterprise_user": {"id": "W0ANA"}}, rules=rules).rule == "frozen"


REACH = st.builds(
    Reach,
    st.lists(NAMES, max_size=2).map(tuple),
    st.lists(NAMES, max_size=2).map(tuple),
    st.lists(ORDERS, max_size=2).map(tuple),
)


@pytest.mark.fault("H2")
@given(st.lists(RULE, max_size=6), SOMEBODY, ACTION, SETTLED, REACH, st.booleans())
def test_of_many_rules_those_that_are_asked_decide_like_all_of_them(some, person, action, resource, reach, settled):
    resource = replace(resource, reach=reach, resolved=settled)
    rules = by_file(*some)
    mine = [rule for rule in rules.all if action in rule.actions and rule.matches_principal(person)]
    denied = any(not rule.effect_allows and rule.denies_part_of(resource) for rule in mine)
    allowed = all(
        any(rule.effect_allows and rule.matches(name, resource, if_unknown=not settled) for rule in mine)
        for name in resource.names
    )

    context = AccessContext(rules, person)

    assert context.decide(action, resource).allowed == context.permits(action, resource) == (allowed and not denied)


@pytest.mark.fault("H2")
@pytest.mark.parametrize(
    ("pattern", "reach", "is_denied"),
    [
        ("pay.example.com", Reach(below=("example.com",)), True),
        ("pay.example.com", Reach(below=("pay.example.com",)), True),
        ("pay.example.com", Reach(below=("a.pay.example.com",)), False),
        ("*.pay.example.com", Reach(below=("a.pay.example.com",)), True),
        ("*.pay.example.com", Reach(below=("pay.example.com",)), True),
        ("*.pay.example.com", Reach(below=("com",)), True),
        ("pay.example.com", Reach(below=("ay.example.com",)), False),
        ("pay.example.com", Reach(names=("pay.example.com",)), True),
        ("*.example.com", Reach(names=("pay.example.com",)), True),
        ("pay.example.com", Reach(names=("example.com",)), False),
        (7, Reach(orders=(6, 7)), True),
        (7, Reach(orders=(6,)), False),
    ],
)
def test_a_deny_counts_for_everything_that_an_email_would_validate(pattern, reach, is_denied):
    names, orders = (frozenset(), frozenset({pattern})) if isinstance(pattern, int) else (frozenset({pattern}), ())
    deny = Rule("deny", False, EVERY, names=names, orders=frozenset(orders))
    resource = Resource("C0SHOP", ("x.example.org",), resolved=True, reach=reach)

    assert decide(by_file(PKI, deny), PETE, Action.RESEND, resource).allowed == (not is_denied)
    assert decide(by_file(PKI), PETE, Action.RESEND, resource).allowed


@pytest.mark.fault("L7")
def test_of_500_rules_few_are_asked_about_one_name(monkeypatch):
    asked = 0
    covers, denies_part_of = Rule.matches, Rule.denies_part_of

    def counted(method):
        def count(*args, **named):
            nonlocal asked
            asked += 1
            return method(*args, **named)

        return count

    monkeypatch.setattr(Rule, "matches", counted(covers))
    monkeypatch.setattr(Rule, "denies_part_of", counted(denies_part_of))
    teams = [replace(SHOP_TEAM, name=f"team {n}", names=frozenset({f"*.team{n}.example.com"})) for n in range(500)]
    context = AccessContext(by_file(*teams), BEN)

    found = [context.permits(Action.RESEND, at_call(f"a.team{n}.example.com")) for n in range(1000)]

    assert sum(found) == 500
    assert asked < 2000
