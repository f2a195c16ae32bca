"""What becomes of an alert: offered, counted, summed up, or nothing."""

import pytest

from bot.services.alerts.triage import MOST_OFFERS, Verdict, decide, is_full
from bot.store.offers import Known

NOTHING = Known({}, 0, None)
ONE = Known({"order:1": "a"}, 1, None)
TWO = Known({"order:1": "a", "order:2": "b"}, 2, None)
BOTH_IN_ONE = Known({"order:1": "a", "order:2": "a"}, 1, None)
ALMOST = Known({}, MOST_OFFERS - 1, None)
FULL = Known({"order:1": "a"}, MOST_OFFERS, None)
SUMMED_UP = Known({"order:1": "a"}, MOST_OFFERS, "s")


@pytest.mark.parametrize(
    ("named", "waiting", "known", "verdict"),
    [
        ([], [], NOTHING, Verdict()),
        (["order:1"], ["order:1"], NOTHING, Verdict(offered=("order:1",))),
        (["order:1"], [], NOTHING, Verdict()),
        (["order:2", "order:1"], ["order:1", "order:2"], NOTHING, Verdict(offered=("order:2", "order:1"))),
        (["order:1", "order:2"], ["order:2"], NOTHING, Verdict(offered=("order:2",))),
        (["order:1"], [], ONE, Verdict(counted=("a",))),
        (["order:1", "order:3"], ["order:3"], ONE, Verdict(counted=("a",), offered=("order:3",))),
        (["order:2", "order:1"], [], TWO, Verdict(counted=("b", "a"))),
        (["order:1", "order:2"], [], BOTH_IN_ONE, Verdict(counted=("a",))),
        (["order:1"], ["order:1"], ALMOST, Verdict(offered=("order:1",))),
        (["order:2"], ["order:2"], FULL, Verdict(summarised=True)),
        (["order:2"], [], FULL, Verdict()),
        (["order:1"], [], FULL, Verdict(counted=("a",))),
        (["order:1", "order:2"], ["order:2"], SUMMED_UP, Verdict(counted=("a",), summarised=True)),
    ],
)
def test_the_verdict_on_an_alert(named, waiting, known, verdict):
    assert decide(named, waiting, known) == verdict


@pytest.mark.parametrize(("lately", "full"), [(0, False), (MOST_OFFERS - 1, False), (MOST_OFFERS, True), (99, True)])
def test_a_channel_is_full_after_ten_offers(lately, full):
    assert is_full(Known({}, lately, None)) is full
