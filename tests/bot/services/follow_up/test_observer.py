"""The validation state of a call's names: only names that DigiCert lists as validated count."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from bot.errors import CaUnavailable
from bot.models import Call, DomainTarget, Observation, OrderTarget, Recipient
from bot.services.follow_up.observer import ValidationObserver


@pytest.fixture
def observer(certcentral, clock):
    return ValidationObserver(certcentral, clock)


def call(target, *names):
    return Call(target, tuple(Recipient(name, f"admin@{name}") for name in names))


@pytest.fixture
def order(make_request):
    return make_request(calls=(call(OrderTarget(1), "a.example", "b.example"),), key="order:1")


@pytest.fixture
def domains(make_request):
    """Return two domains of one order."""
    calls = tuple(call(DomainTarget(number, f"{number}.example"), f"{number}.example") for number in (5, 6))
    return make_request(calls=calls, key="order:1")


@pytest.mark.parametrize(
    ("entries", "validated"),
    [
        ([("a.example", True), ("b.example", True)], ()),
        ([("a.example", False), ("b.example", True)], ("a.example",)),
        ([("*.a.example", False), ("b.example", False)], ("a.example", "b.example")),
        ([("a.example", False)], ("a.example",)),
        ([("a.example", False), ("a.example", True)], ()),
        ([], ()),
    ],
)
async def test_names_of_an_order_are_validated_if_digicert_lists_them_so(
    observer, certcentral, order, clock, entries, validated
):
    certcentral.add_order(1, entries=[certcentral.entry(name, is_open=is_open) for name, is_open in entries])

    assert await observer.observe_call(order, 0) == Observation(clock(), validated)


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ("pending", None),
        ("reissue_pending", None),
        ("processing", None),
        ("needs_approval", None),
        ("unheard_of", None),
        ("issued", "issued"),
        ("canceled", "canceled"),
        ("rejected", "rejected"),
    ],
)
async def test_an_order_is_over_only_in_a_state_that_is_known_to_wait_for_nothing(
    observer, certcentral, order, status, over
):
    certcentral.add_order(1, "a.example", status=status)

    assert (await observer.observe_call(order, 0)).closed_status == over


async def test_domains_of_one_order_share_one_read_of_it(observer, certcentral, domains):
    entries = [
        certcentral.entry("5.example", is_open=False, domain_id=5),
        certcentral.entry("6.example", domain_id=6),
    ]
    certcentral.add_order(1, is_dv=False, entries=entries)

    observations = await asyncio.gather(observer.observe_call(domains, 0), observer.observe_call(domains, 1))
    now = await observer.observe_request(domains)

    assert [each.validated for each in observations] == [("5.example",), ()]
    assert [each.validated for each in now.values()] == [("5.example",), ()]
    assert certcentral.count("order_validation") == 2
    assert certcentral.count("domain") == 0


async def test_a_domain_that_its_order_does_not_name_is_asked_itself(observer, certcentral, domains):
    certcentral.add_order(1, is_dv=False, entries=[certcentral.entry("5.example", domain_id=7)])
    certcentral.add_domain(5, "5.example", is_pending=False)

    assert (await observer.observe_call(domains, 0)).validated == ("5.example",)


@pytest.mark.parametrize(("is_pending", "validated"), [(True, ()), (None, ()), (False, ("example.org",))])
async def test_a_domain_without_an_order_is_asked_itself(
    observer, certcentral, make_request, domain_call, is_pending, validated
):
    certcentral.add_domain(1234, "example.org", is_pending=is_pending)

    observation = await observer.observe_call(make_request(calls=(domain_call,), key="domain:1234"), 0)

    assert observation.validated == validated
    assert certcentral.count("order_validation") == 0


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    ("state", "approved", "validated", "over"),
    [
        ("Valid", None, True, None),
        ("Valid", -1, True, None),
        ("Expired", 1, True, None),
        ("Expired", 0, True, None),
        ("Expired", -1, False, "not_submitted"),
        ("Expired", None, False, "not_submitted"),
        ("NeverValidated", None, False, "not_submitted"),
        ("LapsedInPart", -1, False, "not_submitted"),
        ("LapsedInPart", 1, True, None),
        ("Pending", 1, False, None),
        ("Unclear", 1, False, None),
        ("NotPending", None, False, None),
        ("NotPending", 1, True, None),
    ],
)
async def test_a_domain_is_validated_by_a_newer_validation_or_one_that_still_holds(
    observer, certcentral, make_request, domain_call, state, approved, validated, over
):
    from bot.models import Expired, NeverValidated, Pending, Unclear, Valid

    states = {
        "Valid": Valid(),
        "Expired": Expired(),
        "NeverValidated": NeverValidated(),
        "LapsedInPart": Valid(lapsed=("EV",)),
        "Pending": Pending(),
        "Unclear": Unclear(),
        "NotPending": Unclear(is_pending=False),
    }
    request = make_request(calls=(domain_call,), key="domain:1234")
    domain = certcentral.add_domain(1234, "example.org")
    approved_at = None if approved is None else request.at + timedelta(seconds=approved)
    certcentral.account_domains[1234] = dataclasses.replace(domain, validation=states[state], approved_at=approved_at)

    observation = await observer.observe_call(request, 0)

    assert (observation.validated, observation.closed_status) == (("example.org",) if validated else (), over)


@pytest.mark.fault("F3")
@pytest.mark.parametrize(("is_pending", "validated"), [(True, ()), (False, ("5.example",))])
async def test_if_an_entry_cannot_be_read_the_domain_itself_is_read(
    observer, certcentral, domains, is_pending, validated
):
    certcentral.add_order(1, is_dv=False, entries=[certcentral.entry("5.example", is_open=False, domain_id=5)])
    certcentral.validations[1] = dataclasses.replace(certcentral.validations[1], unreadable=1)
    certcentral.add_domain(5, "5.example", is_pending=is_pending)

    assert (await observer.observe_call(domains, 0)).validated == validated


async def test_a_canceled_order_is_over_for_its_domains_too(observer, certcentral, domains):
    certcentral.add_order(1, status="canceled", is_dv=False, entries=[])

    assert (await observer.observe_call(domains, 0)).closed_status == "canceled"
    assert certcentral.count("domain") == 0


async def test_a_failure_is_not_remembered(observer, certcentral, order):
    certcentral.add_order(1, "a.example")
    certcentral.failures["order_validation"] = [CaUnavailable("There was no answer.", may_have_arrived=False)]

    with pytest.raises(CaUnavailable):
        await observer.observe_call(order, 0)

    assert (await observer.observe_call(order, 0)).closed_status is None


async def test_a_person_receives_the_present_state(observer, certcentral, order):
    certcentral.add_order(1, "a.example", "b.example")
    await observer.observe_request(order)
    validation = certcentral.validations[1]
    certcentral.validations[1] = dataclasses.replace(validation, status="issued")

    assert (await observer.observe_request(order))[0].closed_status == "issued"
