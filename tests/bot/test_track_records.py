"""What followed the emails to a mailbox: only what is certain is counted, and only for constructed mailboxes."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.track_records import PastEmail, TrackRecord, proven, track_record

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ADMIN, HOST, PKI = "admin@shop.example.com", "hostmaster@shop.example.com", "pki@corp.example"


def email(days: int, *to: str, minutes: int | None = None, certain: bool = True) -> PastEmail:
    at = NOW - timedelta(days=days)
    seen = at + timedelta(minutes=minutes) if minutes is not None else None
    return PastEmail("r1", "order:1", "shop.example.com", to, at, certain, seen)


@pytest.mark.parametrize(
    ("past", "record"),
    [
        ([], TrackRecord(ADMIN)),
        (
            [email(2, ADMIN, minutes=10), email(9, ADMIN, minutes=30), email(8, ADMIN, minutes=20)],
            TrackRecord(ADMIN, 3, timedelta(minutes=20)),
        ),
        ([email(2, ADMIN), email(3, ADMIN), email(4, ADMIN, minutes=5)], TrackRecord(ADMIN, unanswered=2)),
        ([email(2, ADMIN, minutes=5), email(3, ADMIN)], TrackRecord(ADMIN, 1, timedelta(minutes=5))),
        # Someone else may have approved it, but silence is everyone's.
        ([email(2, ADMIN, HOST, minutes=5)], TrackRecord(ADMIN)),
        ([email(2, ADMIN, HOST)], TrackRecord(ADMIN, unanswered=1)),
        # It may still be approved, or may never have been sent.
        ([email(0, ADMIN)], TrackRecord(ADMIN)),
        ([email(2, ADMIN, certain=False)], TrackRecord(ADMIN)),
        ([email(2, HOST, minutes=5)], TrackRecord(ADMIN)),
    ],
)
def test_the_newest_emails_that_ended_alike_are_counted(past: list[PastEmail], record: TrackRecord) -> None:
    assert track_record(ADMIN, past, NOW) == record


def test_an_address_that_may_be_of_one_person_has_no_figures() -> None:
    assert track_record(PKI, [email(2, PKI, minutes=5)], NOW) == TrackRecord(PKI)


@pytest.mark.parametrize(
    ("last", "past", "chosen"),
    [
        ([], [email(2, HOST, minutes=5)], (HOST,)),
        ([ADMIN], [email(2, ADMIN), email(4, HOST, minutes=5)], (HOST,)),
        ([ADMIN], [email(2, ADMIN, minutes=9), email(4, HOST, minutes=5)], ()),
        ([ADMIN], [email(2, ADMIN)], ()),
        ([PKI], [email(2, HOST, minutes=5)], ()),
    ],
)
def test_a_mailbox_is_preselected_for_its_record(
    last: list[str], past: list[PastEmail], chosen: tuple[str, ...]
) -> None:
    assert proven([ADMIN, HOST, PKI], last, past, NOW) == chosen
