"""The triage of an alert: offered, counted, summarized, or ignored."""

import pytest

from bot.models import OfferTarget
from bot.services.alerts.triage import MOST_OFFERS, Triage, is_rate_limited, one_per_email, triage
from bot.store.offers import ChannelOffers

NOTHING = ChannelOffers({}, 0, None)
ONE = ChannelOffers({"order:1": "a"}, 1, None)
TWO = ChannelOffers({"order:1": "a", "order:2": "b"}, 2, None)
BOTH_IN_ONE = ChannelOffers({"order:1": "a", "order:2": "a"}, 1, None)
ALMOST = ChannelOffers({}, MOST_OFFERS - 1, None)
FULL = ChannelOffers({"order:1": "a"}, MOST_OFFERS, None)
SUMMED_UP = ChannelOffers({"order:1": "a"}, MOST_OFFERS, "s")


@pytest.mark.parametrize(
    ("named", "waiting", "known", "verdict"),
    [
        ([], [], NOTHING, Triage()),
        (["order:1"], ["order:1"], NOTHING, Triage(offered=("order:1",))),
        (["order:1"], [], NOTHING, Triage()),
        (["order:2", "order:1"], ["order:1", "order:2"], NOTHING, Triage(offered=("order:2", "order:1"))),
        (["order:1", "order:2"], ["order:2"], NOTHING, Triage(offered=("order:2",))),
        (["order:1"], [], ONE, Triage(counted=("a",))),
        (["order:1", "order:3"], ["order:3"], ONE, Triage(counted=("a",), offered=("order:3",))),
        (["order:2", "order:1"], [], TWO, Triage(counted=("b", "a"))),
        (["order:1", "order:2"], [], BOTH_IN_ONE, Triage(counted=("a",))),
        (["order:1"], ["order:1"], ALMOST, Triage(offered=("order:1",))),
        (["order:2"], ["order:2"], FULL, Triage(summarised=True)),
        (["order:2"], [], FULL, Triage()),
        (["order:1"], [], FULL, Triage(counted=("a",))),
        (["order:1", "order:2"], ["order:2"], SUMMED_UP, Triage(counted=("a",), summarised=True)),
    ],
)
def test_the_verdict_on_an_alert(named, waiting, known, verdict):
    assert triage(named, {key: _target(key, key) for key in waiting}, known) == verdict


@pytest.mark.parametrize(
    ("emails", "open_offers", "verdict"),
    [
        (["domain:7"], {"domain:7": "a"}, Triage(counted=("a",))),
        (["domain:7", "domain:8"], {"domain:7": "a", "domain:8": "b"}, Triage(counted=("a", "b"))),
        (["domain:7", "domain:8"], {"domain:7": "a"}, Triage(offered=("order:1",))),
        ([], {"domain:7": "a"}, Triage(offered=("order:1",))),
    ],
)
def test_an_order_whose_emails_have_an_offer_counts_for_that_offer(emails, open_offers, verdict):
    waiting = {"order:1": _target("order:1", *emails)}

    assert triage(["order:1"], waiting, ChannelOffers(open_offers, 1, None)) == verdict


@pytest.mark.parametrize(("lately", "full"), [(0, False), (MOST_OFFERS - 1, False), (MOST_OFFERS, True), (99, True)])
def test_a_channel_is_full_after_ten_offers(lately, full):
    assert is_rate_limited(ChannelOffers({}, lately, None)) is full


def _target(key, *emails, also=()):
    return OfferTarget(key, key, ("n.example.com",), None, emails, also)


ONE_PER_EMAIL = {
    "different orders": ([_target("order:1", "order:1"), _target("order:2", "order:2")], ["order:1", "order:2"]),
    "an order and its domain": ([_target("order:1", "domain:7"), _target("domain:7", "domain:7")], ["order:1"]),
    "a domain before its order": ([_target("domain:7", "domain:7"), _target("order:1", "domain:7")], ["order:1"]),
    "two orders of a domain": ([_target("order:1", "domain:7"), _target("order:2", "domain:7")], ["order:1"]),
    "an order with more domains": (
        [_target("order:1", "domain:7"), _target("order:2", "domain:7", "domain:8")],
        ["order:2"],
    ),
    "orders that share one of two": (
        [_target("order:1", "domain:7", "domain:8"), _target("order:2", "domain:8", "domain:9")],
        ["order:1", "order:2"],
    ),
    "targets of an older version": ([_target("order:1"), _target("order:2")], ["order:1", "order:2"]),
}


@pytest.mark.parametrize(("targets", "kept"), ONE_PER_EMAIL.values(), ids=ONE_PER_EMAIL)
def test_targets_of_the_same_email_become_one(targets, kept):
    merged = one_per_email(targets)

    assert [target.key for target in merged] == kept
    assert {key for target in merged for key in target.keys} == {target.key for target in targets}
