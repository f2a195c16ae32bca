"""Visibility: what the policy allows a user to see, and no decision if Slack cannot identify the user."""

import pytest

from bot import errors
from bot.models import Actor, Destination
from bot.parsing.targets import DomainRef
from bot.policy.principal import Principal
from bot.policy.rules import AccessContext, Action, Rule, Rules

MEMBER = {"id": "U0PETE", "team_id": "T0HOME"}
FILE = (
    Rule("shop", True, frozenset(Action), users=frozenset({"U0PETE"}), names=frozenset({"*.shop.example"})),
    Rule("pki", True, frozenset(Action), groups=frozenset({"S0PKI"})),
)


def visibility(groups, unread, action=Action.STATUS, *, person=MEMBER, lists=frozenset()):
    # Imported here, so that the tests can be collected on older code.
    from bot.services.authorization.visibility import Visibility

    rules = Rules(lists, frozenset(), frozenset({"T0HOME"}), FILE)
    context = AccessContext(rules, Principal.read(person, groups, unread) if person else None)
    return Visibility(Actor("U0PETE", "T0HOME"), Destination("C0PKI"), context, action)


@pytest.mark.fault("M3")
@pytest.mark.parametrize("action", [Action.STATUS, Action.RESEND])
def test_what_is_hidden_only_because_a_group_could_not_be_read_is_not_denied(action):
    hidden = visibility([], ["S0PKI"], action).not_visible(DomainRef("a.example"))

    assert isinstance(hidden, errors.PermissionUnknown)
    assert "couldn't check your user groups" in str(hidden)


@pytest.mark.fault("M3")
@pytest.mark.parametrize(
    ("groups", "unread", "person", "is_open"),
    [
        ([], ["S0PKI"], MEMBER, True),
        ([], [], None, True),
        ([], [], MEMBER, False),
        (["S0PKI"], ["S0OTHER"], MEMBER, False),
        ([], ["S0PKI"], {**MEMBER, "deleted": True}, False),
    ],
)
def test_a_list_is_given_only_if_it_is_known_what_to_hide(groups, unread, person, is_open):
    asked = visibility(groups, unread, person=person)

    if is_open:
        with pytest.raises(errors.PermissionUnknown):
            asked.require_answer()
    else:
        asked.require_answer()


def test_what_a_clear_answer_hides_is_refused():
    assert isinstance(visibility([], []).not_visible(DomainRef("a.example")), errors.NotVisible)
