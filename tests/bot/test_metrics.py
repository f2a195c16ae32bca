"""The counters and histograms in Prometheus' format."""

import pytest

from bot.metrics import Metrics
from bot.models import OUTCOMES, Backlog, LedgerEvent


@pytest.fixture
def metrics():
    return Metrics()


def values(metrics, depths=None):
    """Return each sample by its name and labels."""
    lines = metrics.render(depths).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_outcomes_and_denials_are_exported_before_the_first_one(metrics):
    samples = values(metrics)

    assert {name: samples[f'dcv_calls_total{{outcome="{name}"}}'] for name in OUTCOMES} == dict.fromkeys(OUTCOMES, 0)
    assert {samples[f'dcv_refusals_total{{kind="{kind}"}}'] for kind in ("denied", "cooled_down", "limited")} == {0}


def test_what_happened_is_counted_by_its_word(metrics):
    metrics.record_outcome(LedgerEvent.SENT)
    metrics.record_outcome(LedgerEvent.SENT)
    metrics.record_denial("denied")
    metrics.record_http_rejection("signature")
    metrics.observe_ack("command", 0.2)

    samples = values(metrics)
    assert samples['dcv_calls_total{outcome="sent"}'] == 2
    assert samples['dcv_refusals_total{kind="denied"}'] == 1
    assert samples['dcv_http_rejected_total{reason="signature"}'] == 1
    assert (
        samples['dcv_slack_ack_seconds_count{kind="command"}'],
        samples['dcv_slack_ack_seconds_sum{kind="command"}'],
    ) == (
        1,
        0.2,
    )


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/order/certificate/700001/resend-emails", "/order/certificate/{order}/resend-emails"),
        ("/order/certificate/700001", "/order/certificate/{order}"),
        ("/order/certificate/status-changes", "/order/certificate/status-changes"),
        ("/order/certificate", "/order/certificate"),
        ("/domain/1234/dcv/emails", "/domain/{domain}/dcv/emails"),
        ("/domain/shop.example.com/dcv/emails", "/domain/{domain}/dcv/emails"),
        ("/domain", "/domain"),
        ("/user/me", "/user/me"),
    ],
)
def test_an_endpoint_is_named_without_what_it_is_asked_about(metrics, path, endpoint):
    metrics.observe_digicert_call("GET", path, 200, 0.1)
    metrics.observe_digicert_call("GET", path, None, 75.0)

    samples = values(metrics)
    for status in ("200", "none"):
        assert samples[f'dcv_digicert_call_seconds_count{{endpoint="GET {endpoint}",status="{status}"}}'] == 1


def test_pending_work_is_counted_and_unknown_counts_are_nan(metrics):
    names = ("requests_open", "alerts_unread", "followings_open", "followings_due")

    known = values(metrics, Backlog(1, 2, 3, 4))
    unknown = values(metrics, None)

    assert [known[f"dcv_{name}"] for name in names] == [1, 2, 3, 4]
    assert all(unknown[f"dcv_{name}"] != unknown[f"dcv_{name}"] for name in names)


def test_two_of_them_share_nothing(metrics):
    metrics.record_http_rejection("path")

    assert "path" not in str(values(Metrics()))
