"""The mailboxes of a request: what may have been sent and is not validated, and what approving it validates."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.models import (
    Call,
    CallResult,
    DomainTarget,
    FollowUp,
    FollowUpState,
    LedgerEvent,
    Mailbox,
    OrderTarget,
    Recipient,
)
from bot.services.approvals.mailboxes import open_mailboxes

AT = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
ORDER = Call(
    OrderTarget(1),
    (
        Recipient("shop.example.com", "admin@example.com", "example.com"),
        Recipient("www.example.com", "admin@example.com", "example.com"),
        Recipient("example.net", "admin@example.net"),
    ),
)
DOMAIN = Call(DomainTarget(7, "pay.example.org"), (Recipient("pay.example.org", "pki@example.org"),))


def result(outcome=LedgerEvent.SENT, minutes=0):
    return CallResult(outcome, "", AT + timedelta(minutes=minutes))


def test_each_address_is_listed_once_with_all_that_it_validates(make_request):
    found = open_mailboxes(make_request(calls=(ORDER, DOMAIN)), {0: result(), 1: result(minutes=5)}, [])

    assert found == [
        Mailbox("admin@example.com", AT, True, ("shop.example.com", "www.example.com"), (), ("example.com",)),
        Mailbox("admin@example.net", AT, True, ("example.net",)),
        Mailbox("pki@example.org", AT + timedelta(minutes=5), True, (), ("pay.example.org",)),
    ]


def test_validated_names_are_left_out(make_request):
    follow_ups = [
        FollowUp("r1", 0, "order:1", AT, validated=("shop.example.com", "example.net")),
        FollowUp("r1", 1, "domain:7:pay.example.org", AT, FollowUpState.VALIDATED),
    ]

    found = open_mailboxes(make_request(calls=(ORDER, DOMAIN)), {0: result(), 1: result()}, follow_ups)

    assert [(each.email, each.names) for each in found] == [("admin@example.com", ("www.example.com",))]


@pytest.mark.parametrize("outcome", [LedgerEvent.REFUSED, LedgerEvent.NOT_SENT, None])
def test_what_was_not_sent_is_left_out(make_request, outcome):
    results = {0: result(outcome)} if outcome else {}

    assert open_mailboxes(make_request(calls=(DOMAIN,)), results, []) == []


def test_it_is_not_certain_if_the_outcome_or_the_audience_is_not(make_request):
    unsure = Call(DOMAIN.target, DOMAIN.recipients, audience_uncertain=True)

    for call, outcome in ((DOMAIN, LedgerEvent.UNKNOWN), (unsure, LedgerEvent.SENT)):
        [found] = open_mailboxes(make_request(calls=(call,)), {0: result(outcome)}, [])
        assert not found.certain
