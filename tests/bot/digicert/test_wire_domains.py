"""Domains in DigiCert's JSON: the state of each, and that a date in the past never counts as valid."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import models
from bot.digicert import wire
from bot.errors import CaUnavailable

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def answer(body):
    return wire.Response(200, "application/json", json.dumps(body).encode())


def state(kind, *args):
    """Return one of the five states by its name."""
    return getattr(models, kind)(*args)


LISTED_DOMAIN = {
    "id": 1234,
    "is_active": True,
    "name": "example.com",
    "date_created": "2026-02-10T15:24:08+00:00",
    "last_submitted_datetime": "2026-11-01T08:03:06+00:00",
    "dcv_approval_datetime": "2026-04-24T06:49:33+00:00",
    "organization": {"id": 11, "is_active": "1"},
    "validations": [{"type": "ov", "validated_until": "2027-01-01T06:00:00+00:00", "status": "active"}],
    "dcv_method": "email",
    "dcv_expiration": {"ov": "2026-11-09", "ev": "2026-11-09", "ov_status": "active"},
}


def domain(**changes):
    return wire.read_domain(answer(LISTED_DOMAIN | changes), NOW)


def test_a_listed_domain_is_read():
    page = wire.read_domains(answer({"domains": [LISTED_DOMAIN], "page": {"total": "1"}}), NOW)

    (read,) = page.rows
    assert page.total == 1
    assert (read.id, read.name, read.is_active, read.method) == (1234, "example.com", True, "email")
    assert read.validation == state("Pending", datetime(2026, 11, 9, tzinfo=UTC))
    assert read.since == datetime(2026, 11, 1, 8, 3, 6, tzinfo=UTC)
    assert read.approved_at == datetime(2026, 4, 24, 6, 49, 33, tzinfo=UTC)


OVER = {"last_submitted_datetime": "2026-04-24T06:00:00+00:00"}
NEVER = {"dcv_approval_datetime": None, "dcv_expiration": None, "validations": None}


def parts(ov, ev=None, **shared):
    return {"validations": [{"type": "ov", **shared, **ov}, {"type": "ev", **shared, **(ov if ev is None else ev)}]}


@pytest.mark.parametrize(
    ("changes", "is_pending"),
    [
        ({"is_pending_validation": True, "status": "approved"}, True),
        ({"is_pending_validation": False}, False),
        ({"is_pending_validation": "1"}, True),
        ({"is_pending_validation": 0}, False),
        (OVER | {"is_pending_validation": "perhaps"}, False),
        (OVER | {"status": "Pending"}, True),
        ({"status": "approved"}, False),
        (OVER | parts({"dcv_status": "Complete"}, {"dcv_status": "PENDING"}), True),
        (parts({"dcv_status": "complete"}) | {"status": "pending"}, False),
        (parts({"dcv_status": "complete"}, {"dcv_status": "expired"}), False),
        (OVER | parts({"dcv_status": "complete"}, {}), False),
        ({}, True),
        (OVER, False),
        ({"last_submitted_datetime": None}, False),
        (NEVER, True),
        (NEVER | {"last_submitted_datetime": None}, None),
        (NEVER | {"last_submitted_datetime": None} | parts({"status": "pending"}), True),
        ({"dcv_approval_datetime": None}, None),
    ],
)
def test_whether_a_domain_waits_is_read_from_what_is_there(changes, is_pending):
    assert domain(**changes).is_pending is is_pending


SOON, PAST = "2026-11-09T00:00:00+00:00", "2026-10-09T00:00:00+00:00"
AT_SOON, AT_PAST = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC)
NOT_PENDING = {"is_pending_validation": False, "validations": None, "dcv_expiration": None}


@pytest.mark.parametrize(
    ("changes", "validation"),
    [
        ({"dcv_expiration": {"ov": SOON, "ev": SOON}}, ("Pending", AT_SOON)),
        ({"dcv_expiration": {"ov": PAST, "ev": PAST}}, ("Pending",)),
        (NEVER, ("Pending",)),
        (NEVER | {"last_submitted_datetime": None}, ("Unclear",)),
        (OVER | {"dcv_expiration": {"ov": SOON, "ev": SOON}}, ("Valid", AT_SOON)),
        (OVER | {"dcv_expiration": {"ov": PAST, "ev": PAST}}, ("Expired", AT_PAST)),
        (OVER | {"dcv_expiration": {"ov": SOON, "ev": PAST}}, ("Valid", AT_SOON, ("EV",))),
        (NOT_PENDING | {"dcv_expiration_datetime": SOON}, ("Valid", AT_SOON)),
        (NOT_PENDING | {"dcv_expiration_datetime": PAST}, ("Expired", AT_PAST)),
        (NOT_PENDING | {"dcv_expiration_datetime": NOW.isoformat()}, ("Expired", NOW)),
        (NOT_PENDING | {"dcv_expiration_datetime": PAST} | parts({"dcv_status": "complete"}), ("Expired", AT_PAST)),
        (NOT_PENDING | parts({"dcv_status": "expired"}), ("Expired",)),
        (NOT_PENDING | parts({"status": "Expired"}), ("Expired",)),
        (NOT_PENDING | parts({"dcv_status": "complete", "validated_until": SOON}), ("Valid", AT_SOON)),
        (
            NOT_PENDING
            | {"dcv_expiration_datetime": SOON}
            | parts({"dcv_status": "complete"}, {"dcv_status": "expired"}),
            ("Valid", AT_SOON, ("EV",)),
        ),
        (NOT_PENDING | {"dcv_expiration_datetime": SOON} | parts({"dcv_status": "expired"}), ("Expired",)),
        (NOT_PENDING | parts({"dcv_status": "complete"}), ("Valid",)),
        (NOT_PENDING | parts({"status": "active"}), ("Valid",)),
        (NOT_PENDING | {"dcv_approval_datetime": None}, ("NeverValidated",)),
        (NOT_PENDING, ("Unclear", False)),
        ({"dcv_approval_datetime": None}, ("Unclear",)),
    ],
)
def test_the_state_of_a_domain_is_one_of_five(changes, validation):
    assert domain(**changes).validation == state(*validation)


DATES = ["last_submitted_datetime", "dcv_approval_datetime"]


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["is_pending_validation", "status", *DATES, "dcv_expiration", "dcv_expiration_datetime", "validations"]
        ),
        st.sampled_from(
            [
                *(
                    None,
                    True,
                    False,
                    "pending",
                    "approved",
                    "odd",
                    [7],
                    SOON,
                    PAST,
                    {"ov": SOON, "ev": PAST},
                    {"ov": PAST},
                ),
                *([{"type": kind, "dcv_status": state} for kind in ("ov", "ev")] for state in ("complete", "expired")),
                [{"type": "ov", "status": "active", "validated_until": PAST}],
            ]
        ),
    )
)
def test_no_domain_is_valid_until_a_date_in_the_past(changes):
    try:
        validation = domain(**changes).validation
    except CaUnavailable:
        return

    until = {models.Valid: "until", models.Pending: "valid_until"}.get(type(validation))
    assert until is None or getattr(validation, until) is None or getattr(validation, until) > NOW


@pytest.mark.parametrize(("flag", "is_active"), [("1", True), (1, True), ("0", False), (False, False), (None, True)])
def test_a_flag_may_be_a_string(flag, is_active):
    assert domain(is_active=flag).is_active is is_active


def test_the_older_shape_of_a_domain_has_its_method_elsewhere():
    assert domain(dcv_method=None, dcv={"method": "email", "dcv_invitations": []}).method == "email"
    assert domain(dcv_method=None).method is None


def test_a_domain_without_a_date_of_submission_waits_since_it_was_made():
    assert domain(last_submitted_datetime=None).since == datetime(2026, 2, 10, 15, 24, 8, tzinfo=UTC)


@pytest.mark.parametrize("odd", [{"id": None}, {"name": None}, {"name": ["a.example"]}, {"dcv": "odd"}])
def test_an_odd_domain_does_not_hide_the_others(odd):
    rows = [LISTED_DOMAIN | odd, LISTED_DOMAIN, None]

    page = wire.read_domains(answer({"domains": rows, "page": "odd"}), NOW)

    assert [getattr(row, "id", None) == 1234 for row in page.rows] == [False, True, False]


def test_an_odd_part_of_a_validation_does_not_drop_the_domain_but_proves_nothing():
    read = domain(**NOT_PENDING | {"validations": [{"dcv_status": "complete"}, "odd"]})

    assert read.validation == state("Unclear", False)
