"""Private error messages: what happened, and what to do next."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import (
    CaRateLimited,
    CaRejected,
    CaUnavailable,
    CommitUnknown,
    CooldownActive,
    InvalidInput,
    MistypedCommand,
    NotAllowed,
    NotResendable,
    SlackRejected,
    SlackUnavailable,
    StaleInteraction,
    StoreUnavailable,
)
from bot.models import Cooldown, Grantees
from bot.views import errors

NOW = datetime(2026, 1, 31, tzinfo=UTC)


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
        (CaRejected("no such order", status=404), ["DigiCert rejected the request: no such order"]),
        (CaRejected("DigiCert does not accept the API key.", status=403), ["DigiCert does not accept the API key."]),
        (CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False), ["cannot be reached", "Try again"]),
        (CaRateLimited(None), ["DigiCert is limiting requests.", "Try again"]),
        (StoreUnavailable("The bot's database did not answer."), ["The bot's database did not answer."]),
        (SlackRejected("expired_trigger_id"), ["didn't open in time", "Run the command again"]),
        (SlackRejected("channel_not_found"), ["Slack returned an error.", "Nothing was sent"]),
        (SlackUnavailable("Slack did not answer."), ["Slack returned an error.", "Nothing was sent"]),
    ],
)
def test_an_error_is_shown_in_words(error, words):
    text = errors.describe(error)

    assert all(word in text for word in words)


def test_a_cooldown_is_shown_with_what_to_do(now):
    assert "Give a reason" in errors.describe(CooldownActive(Cooldown("U0BOB", now, now)))


def _buttons(message):
    return [(each.text.text, each.value) for block in message.blocks[1:] for each in block.elements]


NOW_LINE = "/dcv-resend 700001 to admin@a.example in de because lost"
FORM_LINE = "/dcv-resend 700001 in de because lost"
WHY = ("Why?", "/dcv-resend why 7")
WHO = Grantees(("U0BOB",), ("S0PKI",))


@pytest.mark.parametrize(
    ("error", "line", "buttons"),
    [
        (
            NotAllowed("No.", "no-rule", WHO, "order:7", can_ask=True),
            NOW_LINE,
            [("Ask them to resend", "order:7"), WHY],
        ),
        (NotAllowed("No.", "no-rule", WHO, "order:7"), NOW_LINE, [WHY]),
        (NotAllowed("No.", "guest"), NOW_LINE, []),
        (CooldownActive(Cooldown("U0BOB", NOW, NOW)), NOW_LINE, [("Resend anyway…", FORM_LINE)]),
        (InvalidInput("Wrong."), NOW_LINE, [("Choose recipients…", FORM_LINE)]),
        (InvalidInput("Wrong."), "/dcv-resend shop", [("Open the form", "/dcv-resend")]),
        (InvalidInput("Wrong."), "/dcv-status shop", [("Show pending orders", "/dcv-status")]),
        (InvalidInput("Wrong."), "", []),
        (MistypedCommand("“wyh”", "/dcv-resend why"), "/dcv-resend wyh", [("/dcv-resend why", "/dcv-resend why")]),
        (StaleInteraction("button"), "", [("Open the form", "/dcv-resend")]),
        (CaUnavailable("Away.", may_have_arrived=False), NOW_LINE, [("Try again", NOW_LINE)]),
        (StoreUnavailable("Away."), NOW_LINE, [("Try again", NOW_LINE)]),
        (CommitUnknown("Perhaps."), NOW_LINE, []),
        (CaUnavailable("Away.", may_have_arrived=False), "", []),
        (InvalidInput("Wrong."), f"/dcv-resend 7 to x because {'y' * 3000}", [("Choose recipients…", "/dcv-resend 7")]),
        (StoreUnavailable("Away."), f"/dcv-resend {'y' * 3000}", []),
    ],
)
def test_an_error_has_a_button_as_way_out(error, line, buttons):
    assert _buttons(errors.message_for(error, can_ask=True, line=line)) == buttons


@pytest.mark.parametrize(
    ("page", "console", "url"),
    [
        ("order:7", "https://ca.example", "https://ca.example/orders/7"),
        ("", "https://ca.example", "https://ca.example"),
        (None, "https://ca.example", None),
        ("order:7", "", None),
    ],
)
def test_what_no_email_helps_leads_to_certcentral(page, console, url):
    message = errors.message_for(NotResendable("Order 7 was revoked.", "Reissue it.", page=page), console=console)

    elements = [each for block in message.payload()["blocks"] for each in block.get("elements", ())]
    assert [each["url"] for each in elements] == ([url] if url else [])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CaRejected("DigiCert rejected the request without a reason (HTTP 400).", status=400), "reason."),
        (
            CaUnavailable("DigiCert returned a redirect (HTTP 302). Check DIGICERT_BASE_URL.", may_have_arrived=False),
            "DigiCert returned a redirect. Nothing was sent. Try again in a moment.",
        ),
    ],
)
def test_people_read_no_status_codes_and_settings(error, said):
    assert errors.message_for(error).text.endswith(said)


def test_asking_needs_a_channel():
    error = NotAllowed("No.", "no-rule", WHO, "order:7", can_ask=True)

    assert _buttons(errors.message_for(error, can_ask=False, line="/dcv-resend 7")) == [("Why?", "/dcv-resend why 7")]


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
