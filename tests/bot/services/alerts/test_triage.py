"""The triage of an alert: offered, counted, summarized, or ignored."""

import pytest

from bot.services.alerts.triage import MOST_OFFERS, Triage, is_rate_limited, triage
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
    assert triage(named, waiting, known) == verdict


@pytest.mark.parametrize(("lately", "full"), [(0, False), (MOST_OFFERS - 1, False), (MOST_OFFERS, True), (99, True)])
def test_a_channel_is_full_after_ten_offers(lately, full):
    assert is_rate_limited(ChannelOffers({}, lately, None)) is full
