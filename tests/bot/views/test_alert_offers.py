"""Offers: Slack accepts them with any names, and the text alone states the targets and their outcome."""

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.models import Destination, Offer, OfferTarget
from bot.views import alert_offers
from tests.quick import examples

MINUTES = timedelta(minutes=10)


@pytest.fixture
def offer(now):
    shop = OfferTarget("order:700001", "order:700001", ("shop.example.com",), now)
    return Offer("a" * 16, Destination("C0OPS", "17.5"), now, (shop,))


def buttons(message):
    """Return the values of all buttons by label."""
    found = []
    for block in message.payload()["blocks"]:
        elements = [*block.get("elements", ()), *filter(None, [block.get("accessory")])]
        found += [(each["text"]["text"], each["value"]) for each in elements if each["type"] == "button"]
    return found


def test_one_target_is_shown_with_its_two_buttons(offer):
    message = alert_offers.offer(offer)

    assert message.text == (
        "Order 700001 (shop.example.com) waits for e-mail validation since "
        "<!date^1782900000^{date_short_pretty} {time}|2026-07-01 10:00 UTC>. Resend the mail?"
    )
    assert buttons(message) == [("Resend DCV email", "order:700001"), ("Not now", "a" * 16)]


def test_several_targets_have_a_button_each_and_the_rest_is_named(offer, now):
    orders = [OfferTarget(f"order:{number}", f"order:{number}", (f"n{number}.example",), None) for number in range(6)]
    domain = OfferTarget("domain:71", "name:shop.example.org", ("example.org",), now)

    message = alert_offers.offer(dataclasses.replace(offer, targets=(domain, *orders)))

    assert [value for _, value in buttons(message)] == [
        *["name:shop.example.org", "order:0", "order:1", "order:2", "order:3"],
        "a" * 16,
    ]
    assert message.text.startswith("Domain example.org waits for e-mail validation since ")
    assert "Order 0 (n0.example) waits for e-mail validation." in message.text
    assert "Waiting too: order 4 and order 5;" in message.text
    assert "Resend the mails?" in message.text


@pytest.mark.parametrize(("later", "words"), [(1, "1 more alert names it."), (12, "12 more alerts name it.")])
def test_later_alerts_are_counted(offer, later, words):
    assert alert_offers.offer(dataclasses.replace(offer, repeat_count=later)).text.endswith(words)


def test_not_now_says_who_and_preserves_the_other_button(offer, now):
    message = alert_offers.offer(dataclasses.replace(offer, snoozed_by="U0ANA", snoozed_until=now))

    assert "Not now, says <@U0ANA>; quiet until <!date^" in message.text
    assert [label for label, _ in buttons(message)] == ["Resend DCV email"]


@pytest.mark.parametrize(("later", "words"), [(1, "1 more alert names"), (490, "490 more alerts name")])
def test_the_summary_says_how_many_more_and_what_to_do(offer, later, words):
    message = alert_offers.summary(dataclasses.replace(offer, targets=(), repeat_count=later), 10, MINUTES)

    assert f"10 offers within 10 minutes are the most for one sender. Since then {words} orders" in message.text
    assert "/dcv-status" in message.text
    assert buttons(message) == []


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_slack_accepts_every_set_of_pending_names(foreign, slack, offer, data):
    target = st.builds(
        OfferTarget,
        key=st.sampled_from(["order:999999999999999999", "domain:1"]),
        opens=st.one_of(st.just("order:1"), foreign.name.map(lambda name: f"name:{name}")),
        names=st.lists(foreign.name, min_size=1, max_size=250).map(tuple),
        since=st.one_of(st.none(), foreign.moment),
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
