"""The pages of `/dcv-resend history`: Slack accepts any content, and the text alone is complete."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.models import BEGINNINGS, CallResult, LedgerEvent, PastCall, PastRequest
from bot.views import history
from bot.views.history import PageLinks
from tests.quick import examples

LINK = "https://slack.test/p1"


class HistoryStrategies:
    """Strategies for the service's data."""

    def __init__(self, foreign):
        result = st.one_of(st.none(), st.builds(CallResult, foreign.outcome, foreign.words, foreign.moment))
        names = st.lists(foreign.name, min_size=1, max_size=3)
        many = st.tuples(names, st.sampled_from([1, 2, 60])).map(lambda parts: tuple(parts[0] * parts[1]))
        emails = st.lists(foreign.email, max_size=8).map(tuple)
        call = st.builds(PastCall, foreign.text, many, emails, result)
        self.past = st.builds(
            PastRequest,
            seq=st.integers(1, 10**9),
            at=foreign.moment,
            decision=st.sampled_from(BEGINNINGS),
            user_id=st.just("U0ANA"),
            request_id=st.just("r1"),
            about=foreign.text,
            calls=st.lists(call, min_size=1, max_size=3).map(tuple),
            reason=st.one_of(st.none(), foreign.text),
            rule=st.one_of(st.none(), foreign.text),
            link=st.sampled_from([None, LINK]),
            times=st.integers(1, 10**6),
            merged=st.integers(0, 10**6),
        )


@pytest.fixture(scope="session")
def strategies(foreign):
    return HistoryStrategies(foreign)


@pytest.fixture
def sent(now):
    result = CallResult(LedgerEvent.SENT, "", now)
    call = PastCall("order 7", ("shop.example.com",), ("admin@example.com", "b@example.com"), result)
    at = now - timedelta(minutes=4)
    return PastRequest(7, at, LedgerEvent.ACCEPTED, "U0ANA", "r1", "order 7", (call,), "new mailbox", None, LINK)


def changed(past, **changes):
    values = {name: getattr(past, name) for name in PastRequest.__slots__}
    return PastRequest(**{**values, **changes})


@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_slack_accepts_every_page(foreign, slack, strategies, data):
    found = data.draw(st.lists(strategies.past, max_size=history.PER_PAGE))
    key = data.draw(st.sampled_from(["", "order:700001", "user:U0ANA"]) | foreign.name.map("name:{}".format))
    turn = PageLinks(*data.draw(st.tuples(*[st.sampled_from([None, "order:1|before:2"])] * 2)))

    message = history.page(key, found, turn)

    assert slack.takes_message(message)
    text = message.payload()["text"]
    assert text.count("<!date^") == len(found)


def test_a_request_is_shown_with_outcome_target_time_person_recipients_and_reason(sent, now):
    message = history.page("order:7", [sent], PageLinks())

    assert message.text.startswith("*Recent requests for order 7* · Newest first\n<!date^")
    assert (
        "UTC> · *Sent* · order 7 (shop.example.com) · <@U0ANA> · to admin@example.com and b@example.com"
        " · <https://slack.test/p1|thread> · Reason: new mailbox"
    ) in message.text
    assert "Reason: new mailbox" in str(message.payload()["blocks"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"decision": LedgerEvent.COOLED_DOWN},
            "*Blocked by cooldown* · order 7 (shop.example.com) · <@U0ANA> · no email was sent",
        ),
        (
            {"decision": LedgerEvent.DENIED, "rule": "pay is frozen", "about": "order:7"},
            "*Not permitted* (rule “pay is frozen”) · order 7 · <@U0ANA>",
        ),
        (
            {"decision": LedgerEvent.DENIED, "rule": "guest", "about": "page:0"},
            "*Not permitted* · pending orders · <@U0ANA>",
        ),
        ({"decision": LedgerEvent.DENIED, "rule": "guest", "about": ""}, "· a form or a button · <@U0ANA>"),
        ({"calls": (PastCall("order 7", ("a.example",), ()),)}, "*In progress* "),
    ],
)
def test_each_decision_and_outcome_is_shown(sent, now, changes, said):
    assert said in history.page("", [changed(sent, **changes)], PageLinks()).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"times": 5}, "· order 7 · <@U0ANA>, 5 times within an hour"),
        ({"merged": 1}, "· 1 more denial: type /dcv-resend history and this person's name"),
        ({"times": 2, "merged": 40}, "<@U0ANA>, 2 times within an hour · 40 more denials: "),
    ],
)
def test_the_requests_of_a_line_are_counted(sent, now, changes, said):
    denied = changed(sent, decision=LedgerEvent.DENIED, rule="guest", about="order:7", **changes)

    assert said in history.page("", [denied], PageLinks()).text


def test_a_page_of_what_may_not_be_seen_leads_further_back(now):
    message = history.page("", [], PageLinks(older="|before:7"))

    assert "*Older* to go further back" in message.text
    assert "|before:7" in str(message.payload())


def test_a_long_rule_does_not_crowd_out_who_and_what(sent, now):
    denied = changed(sent, decision=LedgerEvent.DENIED, rule="a rule of the file " * 99, about="order:7")

    assert "· order 7 · <@U0ANA>" in history.page("", [denied], PageLinks()).text


def test_several_calls_are_counted_and_their_messages_are_shown(sent, now):
    refused = PastCall(
        "order 8", ("b.example",), ("c@b.example",), CallResult(LedgerEvent.REFUSED, "no such order", now)
    )
    several = changed(sent, calls=(*sent.calls, refused, PastCall("order 9", ("c.example",), ())))

    text = history.page("user:U0ANA", [several], PageLinks()).text

    assert "*Recent requests by <@U0ANA>*" in text
    assert "*1 sent, 1 refused, 1 in progress*" in text
    assert "(shop.example.com, b.example and c.example)" in text
    assert "to admin@example.com, b@example.com and c@b.example · <https://slack.test/p1|thread>" in text
    assert "no such order · Reason: new mailbox" in text


def test_an_empty_history_says_so(now):
    message = history.page("name:xn--bcher-kva.example", [], PageLinks())

    assert message.text == "No requests for bücher.example (xn--bcher-kva.example) yet."


@pytest.mark.parametrize(
    ("turn", "labels"),
    [
        (PageLinks(), []),
        (PageLinks(older="|before:7"), ["Older"]),
        (PageLinks(newer="|after:7"), ["Newer"]),
        (PageLinks("|after:7", "|before:7"), ["Newer", "Older"]),
    ],
)
def test_pages_are_turned_by_buttons(sent, now, turn, labels):
    blocks = history.page("", [sent], turn).payload()["blocks"]

    buttons = [each for block in blocks for each in block.get("elements", ())]
    assert [each["text"]["text"] for each in buttons] == labels
    assert [each["value"] for each in buttons] == [each for each in (turn.newer, turn.older) if each]
