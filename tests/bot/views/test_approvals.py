"""*Ask someone to approve*: Slack accepts form and question with any address, and a submitted form is read strictly."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import InvalidInput
from bot.models import Actor, ApprovalAsk, Mailbox
from bot.views import approvals
from bot.views.approvals import ApprovalInput
from tests.quick import examples

AT = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
ASK = ApprovalAsk("a1", "r1", "admin@shop.example.com", "U0EVE", Actor("U0ANA", "T0HOME"), AT)
ONE = Mailbox("admin@shop.example.com", AT, True, ("shop.example.com",))
TWO = Mailbox("pki@example.org", AT, True, (), ("example.org",))


def test_the_question_says_what_was_sent_from_where_and_what_approving_validates():
    message = approvals.question(ASK, Mailbox(ONE.email, AT, True, (), ("shop.example.com",)))

    assert message.text == (
        "DigiCert sent an email to admin@shop.example.com "
        "(<!date^1782900000^{date_short_pretty} {time}|2026-07-01 10:00 UTC>), "
        "from no-reply@digitalcertvalidation.com. Please open it and approve it. "
        "Approving validates shop.example.com and everything below it. Asked by <@U0ANA>"
    )
    buttons = message.payload()["blocks"][-1]["elements"]
    assert [each["text"]["text"] for each in buttons] == ["I approved it", "I can't find it"]
    assert {each["value"] for each in buttons} == {"a1"}


def test_an_email_that_may_not_have_been_sent_is_not_said_to_be():
    message = approvals.question(ASK, Mailbox(ONE.email, AT, False, ("shop.example.com",)))

    assert message.text.startswith("DigiCert may have sent an email to admin@shop.example.com (")


VALIDATES = {
    "a name": ((("shop.example.com",), (), ()), "shop.example.com."),
    "a name by its parent's mailbox": (
        (("shop.example.com",), (), ("example.com",)),
        "shop.example.com, possibly all of example.com.",
    ),
    "domains": (((), ("a.example", "b.example"), ()), "a.example and b.example and everything below them."),
    "many names": (
        (tuple(f"n{number}.example" for number in range(7)), (), ()),
        "n0.example, n1.example, n2.example, n3.example, n4.example and 2 more.",
    ),
}


@pytest.mark.parametrize(("scope", "words"), VALIDATES.values(), ids=VALIDATES)
def test_what_approving_validates_holds_under_both_readings(scope, words):
    assert approvals.validates(Mailbox("x@example.com", AT, True, *scope)) == f"Approving validates {words}"


def test_the_form_for_one_mailbox_names_it_and_for_several_has_a_choice():
    one = approvals.form("r1", [ONE], {})
    two = approvals.form("r1", [ONE, TWO], {"pki@example.org": "U0BOB"})

    assert "admin@shop.example.com" in str(one["blocks"][0])
    assert [block["block_id"] for block in two["blocks"]] == ["mailbox", "person", "channel"]
    assert two["blocks"][0]["element"]["initial_option"]["value"] == "1"
    assert two["blocks"][1]["element"]["initial_user"] == "U0BOB"
    assert two["blocks"][2]["element"]["filter"] == {
        "include": ["public", "private"],
        "exclude_external_shared_channels": True,
        "exclude_bot_users": True,
    }


def submitted(user=None, channel=None, mailbox=None, request_id="r1"):
    values = {
        "person": {"person": {"type": "users_select", "selected_user": user}},
        "channel": {"channel": {"type": "conversations_select", "selected_conversation": channel}},
    }
    if mailbox is not None:
        values["mailbox"] = {"mailbox": {"type": "static_select", "selected_option": {"value": mailbox}}}
    return {"private_metadata": request_id, "state": {"values": values}}


def test_a_form_is_read():
    assert approvals.read_form(submitted(user="U0EVE", mailbox="1")) == ApprovalInput("r1", 1, "U0EVE")
    assert approvals.read_form(submitted(channel="C0NET")) == ApprovalInput("r1", 0, "C0NET")


BAD = {
    "nothing": (submitted(), "person"),
    "both": (submitted(user="U0EVE", channel="C0NET"), "channel"),
    "no number": (submitted(user="U0EVE", mailbox="x"), None),
    "unprintable": (submitted(user="U0\x00EVE"), None),
    "no text": (submitted(user=["U0EVE"]), None),
    "no state": ({"private_metadata": "r1"}, None),
    "no values": ({"private_metadata": "r1", "state": {"values": []}}, None),
}


@pytest.mark.parametrize(("view", "field"), BAD.values(), ids=BAD)
def test_a_form_that_makes_no_sense_is_refused(view, field):
    with pytest.raises(InvalidInput) as caught:
        approvals.read_form(view)

    assert list(caught.value.fields) == ([field] if field else [])


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_slack_accepts_every_form_and_question(foreign, slack, data):
    names = st.lists(foreign.name, min_size=1, max_size=60).map(tuple)
    mailbox = st.builds(Mailbox, foreign.email, foreign.moment, st.booleans(), names, names, names)
    mailboxes = data.draw(st.lists(mailbox, min_size=1, max_size=150, unique_by=lambda each: each.email))

    assert slack.takes_view(approvals.form("r1", mailboxes, {mailboxes[0].email: "U0BOB"}))
    assert slack.takes_message(approvals.question(ASK, mailboxes[0]))
