"""Offers: Slack accepts them with any names, and the text alone states the targets and their outcome."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.models import Destination, Offer, OfferResend, OfferTarget
from bot.views import alert_offers
from tests.quick import examples

MINUTES = timedelta(minutes=10)


@pytest.fixture
def offer(now):
    shop = OfferTarget("order:700001", "order:700001", ("shop.example.com",), now - timedelta(days=2))
    return Offer("a" * 16, Destination("C0OPS", "17.5"), now, (shop,))


def buttons(message):
    """Return the values of all buttons by label."""
    found = []
    for block in message.payload()["blocks"]:
        elements = [*block.get("elements", ()), *filter(None, [block.get("accessory")])]
        found += [(each["text"]["text"], each["value"]) for each in elements if each["type"] == "button"]
    return found


def blocks(message):
    return message.payload()["blocks"]


def test_one_target_is_shown_with_its_two_buttons(offer):
    message = alert_offers.offer(offer)

    assert blocks(message)[0]["text"]["text"] == (
        "*Order 700001 · shop.example.com* is waiting for email approval (2 days)"
    )
    assert message.text == "Order 700001 · shop.example.com is waiting for email approval (2 days)"
    assert buttons(message) == [("Resend 700001…", "order:700001"), ("Not now", "a" * 16)]


def test_several_targets_have_a_button_each_below_all_lines_and_one_leads_to_the_rest(offer, now):
    orders = [
        OfferTarget(f"order:{number}", f"order:{number}", (f"n{number}.example",), None) for number in range(1, 50)
    ]
    domain = OfferTarget("domain:71", "name:shop.example.org", ("a-rather-long-name.example.org",), now)

    message = alert_offers.offer(dataclasses.replace(offer, targets=(domain, *orders)))

    assert [block["type"] for block in blocks(message)] == ["section", "actions"]
    assert buttons(message) == [
        ("Resend a-rather-lo…xample.org…", "name:shop.example.org"),
        *[(f"Resend {number}…", f"order:{number}") for number in range(1, 5)],
        ("Choose from 45…", "a" * 16),
        ("Not now", "a" * 16),
    ]
    assert message.text.startswith("Domain a-rather-long-name.example.org is waiting for email approval (less than")
    assert "Order 1 · n1.example is waiting for email approval · " in message.text
    assert message.text.endswith("45 more in this alert are pending.")


def test_an_order_is_shown_with_the_others_that_the_same_email_is_for(offer):
    [order] = offer.targets
    target = dataclasses.replace(order, also=("domain:7", "order:700002"))

    message = alert_offers.offer(dataclasses.replace(offer, targets=(target,)))

    assert message.text.startswith("Order 700001 (also 700002) · shop.example.com is waiting")


@pytest.mark.parametrize(("later", "words"), [(1, "1 more alert since"), (12, "12 more alerts since")])
def test_later_alerts_are_counted(offer, later, words):
    assert alert_offers.offer(dataclasses.replace(offer, repeat_count=later)).text.endswith(f" · {words}")


def test_not_now_says_who_and_preserves_the_other_button(offer, now):
    message = alert_offers.offer(dataclasses.replace(offer, snoozed_by="U0ANA", snoozed_until=now))

    assert "Snoozed by <@U0ANA> until <!date^" in message.text
    assert [label for label, _ in buttons(message)] == ["Resend 700001…"]


RESEND = OfferResend("U0ANA", datetime(2026, 7, 1, 10, 5, tzinfo=UTC), "r1")
LATER = {
    "resent": ({"resend": RESEND}, "📨 Resent by <@U0ANA> <!date^1782900300^{time}|10:05 UTC> (<https://x|thread>) · "),
    "validated": ({"closed_at": RESEND.at, "closed_status": "validated"}, "✅ Validated <!date^1782900300^{time}|"),
    "validated after the resend": (
        {"resend": RESEND, "closed_at": RESEND.at, "closed_status": "validated"},
        "✅ Validated <!date^1782900300^{time}|",
    ),
    "canceled": ({"closed_at": RESEND.at, "closed_status": "canceled"}, "Canceled <!date^1782900300^{time}|"),
    "on another day": (
        {"closed_at": RESEND.at + timedelta(days=1), "closed_status": "validated"},
        "✅ Validated <!date^1782986700^{date_short_pretty} {time}|",
    ),
}


@pytest.mark.parametrize(("change", "words"), LATER.values(), ids=LATER)
def test_what_became_of_the_target_is_said_and_the_buttons_go(offer, now, change, words):
    target = dataclasses.replace(offer.targets[0], **change)
    snoozed = {"snoozed_by": "U0ANA", "snoozed_until": now, "repeat_count": 3}

    message = alert_offers.offer(dataclasses.replace(offer, targets=(target,), **snoozed), {"r1": "https://x"})

    assert message.text.startswith(words)
    assert message.text.endswith(" · Order 700001 · shop.example.com")
    assert buttons(message) == []


def test_the_other_targets_are_still_offered(offer, now):
    target = OfferTarget("order:7", "order:7", ("n7.example",), None)
    resent = dataclasses.replace(offer.targets[0], resend=RESEND)

    message = alert_offers.offer(dataclasses.replace(offer, targets=(resent, target)))

    assert [label for label, _ in buttons(message)] == ["Resend 7…", "Not now"]
    assert "thread" not in message.text


@pytest.mark.parametrize(
    ("later", "words"),
    [(1, "1 more alert mentions a pending order."), (490, "490 more alerts mention pending orders.")],
)
def test_the_summary_says_how_many_more_and_what_to_do(offer, later, words):
    message = alert_offers.summary(dataclasses.replace(offer, targets=(), repeat_count=later), MINUTES)

    assert message.text == f"{words} I've paused suggestions for this sender for 10 minutes."
    assert [label for label, _ in buttons(message)] == ["Show pending orders"]


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_slack_accepts_every_set_of_pending_names(foreign, slack, offer, data):
    target = st.builds(
        OfferTarget,
        key=st.sampled_from(["order:999999999999999999", "domain:1"]),
        opens=st.one_of(st.just("order:1"), foreign.name.map(lambda name: f"name:{name}")),
        names=st.lists(foreign.name, min_size=1, max_size=250).map(tuple),
        since=st.one_of(st.none(), foreign.moment),
        also=st.lists(st.sampled_from(["order:999999999999999998", "domain:2"]), max_size=50).map(tuple),
        resend=st.sampled_from([None, RESEND]),
        closed_at=st.one_of(st.none(), foreign.moment),
        closed_status=foreign.name,
    )
    targets = data.draw(st.lists(target, min_size=1, max_size=50)).__iter__()
    changed_offer = dataclasses.replace(
        offer,
        targets=tuple(targets),
        repeat_count=data.draw(st.integers(0, 10**6)),
        snoozed_by=data.draw(st.sampled_from([None, "U0ANA"])),
        snoozed_until=data.draw(st.one_of(st.none(), foreign.moment)),
    )

    assert slack.takes_message(alert_offers.offer(changed_offer))
