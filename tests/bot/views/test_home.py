"""The Home tab: Slack accepts any content, and it shows only the buttons that can help."""

from datetime import timedelta

import pytest

from bot.models import CallResult, LastResend, LedgerEvent, Order, PastCall, PastRequest
from bot.views import home
from bot.views.blocks import Message, section
from bot.views.home import HomePage, PendingLists, RowGroup
from bot.views.pending_rows import PendingRow

LINK = "https://slack.test/p1"


@pytest.fixture
def row(now):
    order = Order(7, "pending", "shop.example.com", ("shop.example.com",), True, "a product", "email", now)
    last = LastResend("r1", "U0ANA", now, LedgerEvent.SENT, "shop.example.com", ("admin@example.com",), LINK)
    return PendingRow(order, last, may_resend=True)


@pytest.fixture
def past(now):
    call = PastCall("order 7", ("shop.example.com",), ("admin@example.com",), CallResult(LedgerEvent.SENT, "", now))
    return PastRequest(7, now, LedgerEvent.ACCEPTED, "U0ANA", "r1", "order 7", (call,), link=LINK)


def texts(view):
    blocks = view["blocks"]
    found = [block["text"]["text"] for block in blocks if "text" in block]
    return "\n".join(
        found + [each["text"] for block in blocks if block["type"] == "context" for each in block["elements"]]
    )


def labels(view):
    return [
        each["text"]["text"] for block in view["blocks"] if block["type"] == "actions" for each in block["elements"]
    ]


def test_the_fullest_tab_is_accepted_and_has_every_section(slack, row, past, now):
    group = RowGroup((row,) * home.MOST_ROWS, 250)
    page = HomePage(
        PendingLists(group, group, now, "1 order could not be read."),
        may_resend=True,
        requests=[past] * home.MOST_REQUESTS,
        running=frozenset({"r1"}),
        recent=[past] * home.MOST_RECENT,
        channels=["C0PKI"] * 9,
    )

    view = home.home(page, now)

    assert slack.takes_view(view)
    assert len(view["blocks"]) < 100
    assert labels(view)[:3] == ["Resend a DCV email", "Who can do what", "Refresh"]
    for said in ("*Needs you* (250)", "*Waiting* (250)", "*Your requests*", "*Recent*", "+ 245 more"):
        assert said in texts(view)
    assert "Some of your permissions only work in <#C0PKI>" in texts(view)
    assert "*Sent* · waiting for approval · order 7 (shop.example.com) · <@U0ANA>" in texts(view)


def test_an_empty_tab_says_so_in_each_section(slack, now):
    view = home.home(HomePage(PendingLists(RowGroup(), RowGroup(), now)), now)

    assert slack.takes_view(view)
    assert labels(view) == ["Who can do what", "Refresh"]
    for said in ("Nothing needs an email from you.", "Nothing is waiting for approval.", "You have no requests yet."):
        assert said in texts(view)


def test_a_problem_takes_the_place_of_the_orders_alone(slack, past, now):
    view = home.home(HomePage(None, "Can't load the pending orders right now.", requests=[past]), now)

    assert slack.takes_view(view)
    assert "Can't load the pending orders right now." in texts(view)
    assert "Needs you" not in texts(view)
    assert "order 7" in texts(view)


@pytest.mark.parametrize(
    ("view", "buttons"),
    [
        (home.outsider(), []),
        (home.unknown("Slack did not say who you are <!here>."), ["Refresh"]),
        (home.no_permission(may_resend=False, channels=["C0PKI"], who=""), ["Who can do what", "Refresh"]),
        (
            home.no_permission(may_resend=True, channels=[], who=""),
            ["Resend a DCV email", "Who can do what", "Refresh"],
        ),
    ],
)
def test_who_may_see_nothing_gets_a_short_tab(slack, view, buttons):
    assert slack.takes_view(view)
    assert labels(view) == buttons
    assert len(view["blocks"]) <= 3


def test_a_modal_keeps_text_and_links_but_no_other_button(slack, row, now):
    from bot.views import status

    message = status.states(None, [status.OrderState(row.target)], 0, now + timedelta(days=1), "https://console.test")

    view = home.modal("Order 123456789012345678", message)

    assert slack.takes_view(view)
    assert labels(view) == ["Open in CertCentral"]
    assert slack.takes_view(home.modal("A title that is too long for Slack", Message("words", (section("words"),))))
