"""Names, scopes and dates (pure)."""

from datetime import UTC, datetime

import pytest

from sandbox.certcentral.names import are_related, registrable_domain, self_and_ancestors, without_wildcard
from sandbox.certcentral.times import parse_time_range


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("example.com", "example.com"),
        ("*.Shop.example.com.", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("a.b.github.io", "github.io"),
        ("pki.corp.example", "corp.example"),
        ("com", "com"),
    ],
)
def test_the_registrable_domain_knows_icann_suffixes_only(name: str, expected: str) -> None:
    assert registrable_domain(name) == expected


def test_a_bare_name_has_no_wildcard() -> None:
    assert without_wildcard("*.Example.com.") == "example.com"


def test_a_lineage_ends_at_the_registrable_domain() -> None:
    assert list(self_and_ancestors("*.a.b.example.co.uk")) == ["a.b.example.co.uk", "b.example.co.uk", "example.co.uk"]


@pytest.mark.parametrize(
    ("name", "other", "expected"),
    [
        ("a.example.com", "example.com", True),
        ("example.com", "*.a.example.com", True),
        ("a.example.com", "b.example.com", False),
        ("com", "example.com", False),
        ("notexample.com", "example.com", False),
    ],
)
def test_related_names_lie_on_one_line(name: str, other: str, expected: bool) -> None:
    assert are_related(name, other) is expected


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-02", datetime(2026, 11, 2, 7, tzinfo=UTC), datetime(2026, 11, 3, 7, tzinfo=UTC)),
        ("2026-07-01...2026-07-02", datetime(2026, 7, 1, 6, tzinfo=UTC), datetime(2026, 7, 3, 6, tzinfo=UTC)),
        (
            "2026-11-02T09:00:00+00:00",
            datetime(2026, 11, 2, 9, tzinfo=UTC),
            datetime(2026, 11, 2, 9, 0, 1, tzinfo=UTC),
        ),
        (">2026-11-02T09:00:00Z", datetime(2026, 11, 2, 9, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
        ("<2026-11-02T09:00:00Z", datetime.min.replace(tzinfo=UTC), datetime(2026, 11, 2, 9, tzinfo=UTC)),
    ],
)
def test_date_filters_mean_spans(text: str, start: datetime, end: datetime) -> None:
    assert parse_time_range(text) == (start, end)
