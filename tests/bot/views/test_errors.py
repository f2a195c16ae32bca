"""Private error messages: what happened, and what to do next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import (
    CaRateLimited,
    CaRejected,
    CaUnavailable,
    CooldownActive,
    InvalidInput,
    NotAllowed,
    NotResendable,
    SlackRejected,
    SlackUnavailable,
    StoreUnavailable,
)
from bot.models import Cooldown, Grantees
from bot.views import errors


def test_a_refusal_names_those_who_may_without_letting_foreign_text_mention_anybody():
    error = NotAllowed("Rule “<@U0EVE>” does not let you.", "x", Grantees(("U0BOB",), ("S0PKI",)))

    message = errors.message_for(error)

    assert message.text == "Rule “&lt;@U0EVE&gt;” does not let you. <!subteam^S0PKI> and <@U0BOB> can."
    assert message.blocks[0].text.text == message.text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InvalidInput("That is HTML: give one name."), ["That is HTML: give one name."]),
        (NotAllowed("You can't resend for 7.", "not-listed"), ["You can't resend for 7."]),
        (NotResendable("Order 1 is issued.", "Reissue it."), ["Order 1 is issued.", "Reissue it."]),
        (CaRejected("no such order", status=404), ["DigiCert refused: no such order"]),
        (CaRejected("DigiCert does not accept the API key.", status=403), ["DigiCert does not accept the API key."]),
        (CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False), ["cannot be reached", "try again"]),
        (CaRateLimited(None), ["slow down (429)", "try again"]),
        (StoreUnavailable("The bot's database did not answer."), ["The bot's database did not answer."]),
        (SlackRejected("expired_trigger_id"), ["too little time", "Try again"]),
        (SlackRejected("channel_not_found"), ["channel_not_found", "Nothing was sent"]),
        (SlackUnavailable("Slack did not answer."), ["Slack did not answer.", "Nothing was sent"]),
    ],
)
def test_an_error_is_shown_in_words(error, words):
    text = errors.describe(error)

    assert all(word in text for word in words)


def test_a_cooldown_is_shown_with_what_to_do(now):
    assert "Give a reason" in errors.describe(CooldownActive(Cooldown("U0BOB", now, now)))


@given(data=st.data())
def test_slack_accepts_every_ephemeral_message(foreign, slack, data):
    error = data.draw(
        st.one_of(
            foreign.text.map(lambda text: InvalidInput(f"{text}: give one name.")),
            foreign.text.map(lambda text: CaRejected(text, status=400)),
            st.tuples(foreign.text, foreign.text).map(lambda words: NotResendable(f"{words[0]}.", words[1])),
        )
    )

    assert slack.takes_message(errors.ephemeral(errors.describe(error)))


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        (None, "the bot admins"),
        ("C0HELP", "<#C0HELP>"),
        ("S0OPS", "<!subteam^S0OPS>"),
        ("U0BOB", "<@U0BOB>"),
    ],
)
def test_a_bug_is_shown_by_its_reference_and_by_those_who_can_help(slack, contact, shown):
    message = errors.internal_error("1a2b3c4d", contact)

    assert "Check the channel before you try again." in message.text
    assert message.text.endswith(f"send {shown} this code: `1a2b3c4d`")
    assert slack.takes_message(message)
