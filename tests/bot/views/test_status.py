"""The answers of `/dcv-status`: Slack accepts any content, and the text alone is complete."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import models
from bot.expiry.calendar import shipped_calendar
from bot.expiry.effective_end import end_of_domain
from bot.models import Domain, LastResend, LedgerEvent, Order
from bot.views import status
from bot.views.pending_rows import PendingRow, row_line
from bot.views.status import DomainState, NameGroup, OrderState, StatusPage
from tests.quick import examples

LINK = "https://slack.test/p1"
CONSOLE = "https://console.test/secure"


class StatusStrategies:
    """Strategies for the service's data."""

    def __init__(self, foreign):
        moment = st.one_of(st.none(), foreign.moment)
        names = st.lists(foreign.name, min_size=1, max_size=4).map(tuple)
        many = st.tuples(names, st.sampled_from([1, 2, 60])).map(lambda parts: parts[0] * parts[1])
        went_out = st.sampled_from([LedgerEvent.SENT, LedgerEvent.UNKNOWN])
        emails = st.lists(foreign.email, min_size=1, max_size=8).map(tuple)
        link = st.sampled_from([None, LINK])
        resend = st.builds(
            LastResend, st.just("r1"), st.just("U0ANA"), foreign.moment, went_out, foreign.name, emails, link
        )
        self.last = st.one_of(st.none(), resend)
        self.order = st.builds(
            Order,
            id=st.integers(1, 10**18 - 1),
            status=st.one_of(st.just("pending"), foreign.text),
            common_name=st.one_of(st.just(""), foreign.name),
            names=many,
            is_dv=st.booleans(),
            product=foreign.text,
            method=st.none(),
            since=moment,
            expires_at=moment,
        )
        domain = st.builds(
            Domain,
            id=st.integers(1, 10**18 - 1),
            name=foreign.name,
            is_active=st.booleans(),
            validation=st.sampled_from(
                [models.Pending(), models.Pending(datetime(2027, 1, 1, tzinfo=UTC)), models.Unclear()]
            ),
            method=st.none(),
            since=moment,
        )
        over = st.one_of(st.none(), foreign.text.filter(bool))
        method = st.one_of(st.sampled_from(["an e-mail", "a DNS TXT record"]), foreign.text)
        group = st.builds(NameGroup, many, st.booleans(), method, self.last, st.booleans())
        groups = st.lists(group, min_size=1, max_size=30).map(tuple)
        words = st.one_of(st.just(""), foreign.text)
        order_state = st.builds(OrderState, self.order, over, groups, words, st.booleans())
        self.state = st.one_of(order_state, st.builds(DomainState, domain, over, self.last, st.booleans()))


@pytest.fixture(scope="session")
def strategies(foreign):
    return StatusStrategies(foreign)


@pytest.fixture
def order(now):
    return Order(
        id=700001,
        status="pending",
        common_name="shop.example.com",
        names=("shop.example.com", "www.example.com"),
        is_dv=True,
        product="GeoTrust DV SSL",
        method="email",
        since=now - timedelta(days=20),
    )


@pytest.fixture
def last(now):
    emails = tuple(f"{local}@example.com" for local in ("admin", "hostmaster", "pki", "postmaster", "webmaster"))
    return LastResend("r1", "U0ANA", now - timedelta(minutes=4), LedgerEvent.SENT, "shop.example.com", emails, LINK)


def shown(message):
    return str(message.payload()["blocks"])


def labels(message):
    return [
        element["text"]["text"]
        for block in message.payload()["blocks"]
        for element in block.get("elements", ())
        if element["type"] == "button"
    ]


@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_slack_accepts_every_answer(foreign, slack, strategies, data):
    found = data.draw(st.lists(strategies.state, min_size=1, max_size=6))
    now = data.draw(foreign.moment)

    messages = [
        status.states(data.draw(foreign.name), found, data.draw(st.integers(0, 300)), now, CONSOLE),
        status.unavailable(data.draw(foreign.text), "order:700001"),
    ]

    assert all(slack.takes_message(message) for message in messages)
    text = messages[0].payload()["text"]
    assert all(f"*Order {state.order.id} ·" in text for state in found if isinstance(state, OrderState))
    assert text.count("*Domain ") >= sum(isinstance(state, DomainState) for state in found)


@settings(max_examples=examples(40), deadline=None)
@given(data=st.data())
def test_slack_accepts_every_page(foreign, slack, strategies, data):
    orders = data.draw(st.lists(strategies.order, max_size=status.PER_PAGE, unique_by=lambda order: order.id))
    needs = st.one_of(st.just(""), foreign.text)
    rows = [
        PendingRow(
            order, data.draw(strategies.last), data.draw(st.booleans()), data.draw(needs), data.draw(st.booleans())
        )
        for order in orders
    ]
    pages = data.draw(st.integers(1, 9999))
    number = data.draw(st.integers(0, pages - 1))

    message = status.page(
        StatusPage(
            number,
            pages,
            (len(rows), 0),
            tuple(rows),
            data.draw(foreign.moment),
            data.draw(st.sampled_from(["", "1 order could not be read."])),
        ),
        data.draw(foreign.moment),
    )

    assert slack.takes_message(message)
    assert all(str(row.target.id) in message.payload()["text"] for row in rows)


@pytest.mark.parametrize("count", [1, 6])
def test_six_orders_with_250_long_names_each_fit(slack, order, last, now, count):
    names = tuple(f"{'host' * 15}{number:03}.{'zone' * 15}.com" for number in range(250))
    groups = tuple(NameGroup(names, number % 2 == 0, "an e-mail", last) for number in range(40))

    message = status.states("a.example", [OrderState(order, None, groups)] * count, 244, now, CONSOLE)

    assert slack.takes_message(message)
    assert message.text.count("*Order 700001 ·") == count
    assert message.text.count("Needs email approval (250)") >= count
    assert shown(message).count(" more domains") == count
    assert "244 more orders include a.example" in message.text
    assert len(message.text) <= 4000
    assert len(message.blocks) <= 50


def test_an_order_shows_state_method_since_when_and_the_last_resend(order, last, now):
    groups = (
        NameGroup(("shop.example.com", "www.example.com"), True, "email", last),
        NameGroup(("dns.example",), True, "DNS validation (TXT)", None, by_email=False),
        NameGroup(("done.example",), False, "email"),
    )

    message = status.states(None, [OrderState(order, None, groups)], 0, now, CONSOLE)

    for said in (
        "*Order 700001 · shop.example.com* · GeoTrust DV SSL · pending 20 days (since <!date",
        "⏳ Needs email approval (2): shop.example.com and www.example.com · last resent <!date",
        "by <@U0ANA> to 5 recipients: admin@example.com, hostmaster@example.com, pki@example.com and 2 more (<https",
        "|thread>)",
        "⏳ Needs DNS validation (TXT) (1): dns.example",
        "✅ Validated by email (1): done.example",
    ):
        assert said in message.text
        assert said in shown(message)


@pytest.mark.parametrize(
    ("group", "permitted", "buttons"),
    [
        (NameGroup(("a.example",), True, "email"), True, ["Resend…"]),
        (NameGroup(("a.example",), True, "email"), False, []),
        (NameGroup(("a.example",), True, "a DNS TXT record", None, by_email=False), True, []),
        (NameGroup(("a.example",), False, "email"), True, []),
    ],
)
def test_an_email_is_offered_only_if_it_can_help_and_the_reader_may(order, now, group, permitted, buttons):
    message = status.states(None, [OrderState(order, None, (group,), "", permitted)], 0, now, CONSOLE)

    assert labels(message) == [*buttons, "Open in CertCentral", "All pending orders"]


def test_an_unconfirmed_resend_is_marked_and_has_no_clock(order, last, now):
    unknown = replace(last, outcome=LedgerEvent.UNKNOWN, at=now - timedelta(hours=6), link=None)
    groups = (NameGroup(("a.example",), True, "email", unknown),)

    message = status.states(None, [OrderState(order, None, groups)], 0, now, CONSOLE)

    assert message.text.endswith("⚠️ unconfirmed")
    assert "not approved" not in message.text
    assert "thread" not in message.text


@pytest.mark.parametrize(
    ("validation", "over", "said"),
    [
        (("Pending",), None, "waiting for email approval for 20 days"),
        (
            ("Pending", datetime(2027, 1, 1, tzinfo=UTC)),
            None,
            "its earlier validation is valid until January 1, 2027 (by its age)",
        ),
        (("Unclear",), None, "validation status unknown"),
        (("Valid",), "example.com is validated until 2027-01-01.", "is validated until 2027-01-01."),
    ],
)
def test_a_domain_is_shown_with_the_name_that_was_mailed_for(last, now, validation, over, said):
    kind, *args = validation
    domain = Domain(1, "example.com", True, getattr(models, kind)(*args), "email", now - timedelta(days=20))

    end = end_of_domain(domain, shipped_calendar())

    message = status.states("example.com", [DomainState(domain, over, last, end=end)], 0, now, CONSOLE)

    assert "*Domain example.com*" in message.text
    assert said in message.text
    assert "by <@U0ANA> for shop.example.com to 5 recipients: admin@example.com" in message.text


@pytest.mark.parametrize(
    ("number", "pages", "buttons"),
    [(0, 1, []), (0, 3, ["Next"]), (1, 3, ["Previous", "Next"]), (2, 3, ["Previous"])],
)
def test_a_page_has_buttons_to_those_beside_it(order, last, now, number, pages, buttons):
    rows = (PendingRow(order, last, may_resend=True),)

    message = status.page(StatusPage(number, pages, (23, 0), rows, now), now)

    assert labels(message) == ["Resend…", "Details", *buttons]
    assert "*23 pending orders* · Most urgent first · Checked" in message.text
    assert "*700001* · shop.example.com + 1 · pending 20 days · last email to admin@example.com <!date" in message.text
    assert "UTC>, 5 recipients" in message.text
    assert (f"Page {number + 1} of {pages}" in message.text) is (pages > 1)


@pytest.mark.parametrize(
    ("waited", "outcome", "is_unapproved", "said"),
    [
        (timedelta(hours=6), LedgerEvent.SENT, True, "not approved 6 hours after the email"),
        (timedelta(hours=6), LedgerEvent.SENT, False, ""),
        (timedelta(minutes=5), LedgerEvent.SENT, True, ""),
        (timedelta(hours=6), LedgerEvent.UNKNOWN, True, ""),
    ],
)
def test_the_age_of_an_email_is_shown_only_if_it_is_known_to_be_unapproved(
    order, last, now, waited, outcome, is_unapproved, said
):
    resent = replace(last, at=now - waited, outcome=outcome)

    line = row_line(PendingRow(order, resent, is_unapproved), now)

    assert ("not approved" in line) is bool(said)
    assert said in line


@pytest.mark.parametrize(
    ("ends_in", "said"),
    [
        (timedelta(days=3), "current certificate expires Saturday"),
        (timedelta(hours=1), "current certificate expires today"),
        (timedelta(days=60), "current certificate expires on Aug 30, 2026"),
        (timedelta(days=-1), "⚠️ current certificate expired on Jun 30, 2026"),
    ],
)
def test_the_end_of_the_present_certificate_is_shown(order, now, ends_in, said):
    assert said in row_line(PendingRow(replace(order, expires_at=now + ends_in)), now)


def test_orders_that_no_email_helps_come_under_a_heading_of_their_own(order, now):
    rows = (PendingRow(order, may_resend=True), PendingRow(replace(order, id=2), need="Needs a CSR"))

    message = status.page(StatusPage(0, 1, (2, 0), rows, now), now)

    assert labels(message) == ["Resend…", "Details", "Details"]
    assert message.text.index("*700001*") < message.text.index("Needs something else") < message.text.index("*2*")


@pytest.mark.parametrize("orders", [0, 1])
def test_unreadable_parts_are_reported_on_every_page(order, now, orders):
    shown = StatusPage(0, 1, (orders, 0), (PendingRow(order),) * orders, now, "1 order could not be read.")

    message = status.page(shown, now)

    assert "1 order could not be read." in message.text
    assert "1 order could not be read." in str(message.blocks[0].to_dict())
    assert not message.text.startswith("No pending orders ·")


def test_a_remark_on_an_order_comes_after_its_names(order, now):
    groups = (NameGroup(("a.example",), False, "email"),)

    state = OrderState(order, None, groups, "An administrator must approve it.")
    message = status.states(None, [state], 0, now, CONSOLE)

    assert message.text.endswith("An administrator must approve it.")


def test_no_orders_are_no_page(now):
    message = status.page(StatusPage(0, 1, (0, 0), (), now), now)

    assert message.text.startswith("No pending orders · Checked")
    assert labels(message) == []


def test_an_unavailable_digicert_is_shown_with_a_button():
    message = status.unavailable("DigiCert cannot be reached.", "name:a.example")

    assert message.text == "Can't load the status right now. DigiCert cannot be reached."
    assert labels(message) == ["Try again"]
