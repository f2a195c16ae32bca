"""Metrics for Prometheus. The only module that uses its client library.

Labels are words from short lists, never a name, a person, an id or an address.
"""

import re
from math import nan

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from bot.models import OUTCOMES, Backlog, DomainCounts, LedgerEvent

CONTENT_TYPE = CONTENT_TYPE_LATEST

# Slack waits three seconds for an ack. The bot waits 75 seconds for DigiCert.
_ACK_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
_CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 75.0)
_REFUSALS = ("denied", "cooled_down", "limited")
_ORDER = re.compile(r"(?<=^/order/certificate/)[0-9]+")
_DOMAIN = re.compile(r"(?<=^/domain/)[^/]+")


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._calls = self._counter("dcv_calls", "Calls of accepted requests, by outcome.", "outcome")
        self._denials = self._counter("dcv_refusals", "Refused requests, by kind.", "kind")
        self._rejected = self._counter("dcv_http_rejected", "Rejected HTTP requests and closed connections.", "reason")
        self._acks = Histogram(
            "dcv_slack_ack_seconds",
            "Seconds until Slack got an answer.",
            ("kind",),
            buckets=_ACK_SECONDS,
            registry=self._registry,
        )
        self._digicert = Histogram(
            "dcv_digicert_call_seconds",
            "Seconds until DigiCert answered, by endpoint and HTTP status (none without an answer).",
            ("endpoint", "status"),
            buckets=_CALL_SECONDS,
            registry=self._registry,
        )
        self._depths = {
            "requests": self._gauge("dcv_requests_open", "Accepted requests without a reported outcome."),
            "alerts": self._gauge("dcv_alerts_unread", "Unprocessed alerts."),
            "follow_ups": self._gauge("dcv_followings_open", "Tracked targets."),
            "due": self._gauge("dcv_followings_due", "Tracked targets whose check is due."),
        }
        self._domains = {
            "state": self._labelled("dcv_domains", "Domains of the account, by state.", "state"),
            "days": self._labelled("dcv_domains_expiring", "Domains whose validation ends within these days.", "days"),
            "method": self._labelled("dcv_domains_by_method", "Domains of the account, by DCV method.", "method"),
        }
        for outcome in OUTCOMES:
            self._calls.labels(outcome.value)
        for kind in _REFUSALS:
            self._denials.labels(kind)

    def record_outcome(self, outcome: LedgerEvent) -> None:
        """Count a call whose result is in the ledger."""
        self._calls.labels(outcome.value).inc()

    def record_denial(self, kind: str) -> None:
        """Count a refusal, by the kind of its ledger row."""
        self._denials.labels(kind).inc()

    def record_http_rejection(self, reason: str) -> None:
        """Count an HTTP request that was rejected."""
        self._rejected.labels(reason).inc()

    def observe_ack(self, kind: str, seconds: float) -> None:
        """Record how long Slack waited for the answer to a payload of this kind."""
        self._acks.labels(kind).observe(seconds)

    def observe_digicert_call(self, method: str, path: str, status: int | None, seconds: float) -> None:
        """Record how long a call to DigiCert took. `status` is None if there was no answer."""
        endpoint = _DOMAIN.sub("{domain}", _ORDER.sub("{order}", path))
        self._digicert.labels(f"{method} {endpoint}", str(status or "none")).observe(seconds)

    def show_domains(self, counts: DomainCounts | None) -> None:
        """Show the numbers of domains. None removes them: only the leading instance counts."""
        for gauge in self._domains.values():
            gauge.clear()
        if counts is None:
            return
        for state, number in counts.by_state.items():
            self._domains["state"].labels(state).set(number)
        for days, number in counts.ending.items():
            self._domains["days"].labels(str(days)).set(number)
        for method, number in counts.by_method.items():
            self._domains["method"].labels(method).set(number)

    def render(self, depths: Backlog | None) -> bytes:
        """Return all metrics in Prometheus' text format. Without `depths` their gauges are NaN."""
        for name, gauge in self._depths.items():
            gauge.set(getattr(depths, name) if depths else nan)
        return generate_latest(self._registry)

    def _counter(self, name: str, about: str, label: str) -> Counter:
        return Counter(name, about, (label,), registry=self._registry)

    def _labelled(self, name: str, about: str, label: str) -> Gauge:
        return Gauge(name, about, (label,), registry=self._registry)

    def _gauge(self, name: str, about: str) -> Gauge:
        return Gauge(name, about, registry=self._registry)
