"""The addresses that DigiCert allows: read sparingly, cached, and refreshed if necessary."""

import asyncio

import pytest

from bot.errors import CaRejected, CaUnavailable
from bot.models import Address
from bot.services.lookup.allowed_emails import MOST_READS, AllowedEmailList


async def test_an_answer_is_remembered_with_the_moment_it_was_given(addresses, certcentral, clock):
    certcentral.allow("example.com", "admin@example.com")
    began = clock()
    first = await addresses.get("example.com")
    clock.advance(minutes=5)

    again = await addresses.get("example.com")

    assert again == first == AllowedEmailList((Address("admin@example.com", "example.com"),), read_at=began)
    assert certcentral.count("allowed_addresses") == 1


async def test_who_asks_at_once_shares_one_reading(addresses, certcentral):
    certcentral.allow("example.com", "admin@example.com")

    await asyncio.gather(*(addresses.get("example.com") for _ in range(20)))

    assert certcentral.count("allowed_addresses") == 1


async def test_afresh_asks_again_and_is_remembered(addresses, certcentral, clock):
    certcentral.allow("example.com", "admin@example.com")
    await addresses.get("example.com")
    certcentral.allow("example.com", "pki@example.com")
    clock.advance(seconds=61)

    fresh = await addresses.refresh("example.com")

    assert [address.email for address in fresh.addresses] == ["pki@example.com"]
    assert fresh.read_at == clock()
    assert await addresses.get("example.com") == fresh


async def test_a_name_that_digicert_does_not_know_allows_no_recipients(addresses, clock):
    assert await addresses.get("example.com") == AllowedEmailList((), clock(), known=False)


@pytest.mark.parametrize(
    "failure", [CaRejected("no", status=403), CaUnavailable("away", may_have_arrived=False)], ids=["refused", "away"]
)
async def test_a_failure_is_reported_and_not_cached(addresses, certcentral, failure):
    certcentral.allow("example.com", "admin@example.com")
    certcentral.failures["allowed_addresses"].append(failure)

    with pytest.raises(type(failure)):
        await addresses.get("example.com")

    assert (await addresses.get("example.com")).addresses


@pytest.mark.fault("F8")
@pytest.mark.parametrize("status", [400, 403, 422])
async def test_one_rejection_does_not_end_the_reading_of_the_others(addresses, certcentral, status):
    certcentral.allow("a.example", "admin@a.example")
    certcentral.allow("b.example", "admin@b.example")
    refusal = CaRejected("The domain is locked.", status=status)
    certcentral.failures["allowed_addresses"].append(refusal)

    answers = await addresses.get_all(["a.example", "b.example"])

    assert [answer.refusal for answer in answers.values()] == [refusal, None]
    assert [bool(answer.addresses) for answer in answers.values()] == [False, True]
    assert (await addresses.get("a.example")).addresses


@pytest.mark.fault("F8")
async def test_an_answer_that_cannot_be_read_does_not_end_the_reading_of_the_others(addresses, certcentral):
    from bot.errors import CaUnreadable

    certcentral.allow("b.example", "admin@b.example")
    certcentral.failures["allowed_addresses"].append(CaUnreadable("Odd."))

    answers = await addresses.get_all(["a.example", "b.example"])

    assert [answer.known for answer in answers.values()] == [False, True]


@pytest.mark.parametrize(
    "failure",
    [
        CaRejected("No.", status=403, codes=["access_denied|access_denied_invalid_key"]),
        CaUnavailable("away", may_have_arrived=False),
    ],
    ids=["key", "away"],
)
async def test_what_concerns_every_call_ends_the_reading(addresses, certcentral, failure):
    certcentral.allow("b.example", "admin@b.example")
    certcentral.failures["allowed_addresses"].append(failure)

    with pytest.raises(type(failure)):
        await addresses.get_all(["a.example", "b.example"])


async def test_many_domains_are_read_once_each_and_twenty_at_most(addresses, certcentral):
    names = [f"a{number}.example" for number in range(25)]

    answers = await addresses.get_all([names[0], *names])

    assert list(answers) == names[:MOST_READS]
    assert certcentral.count("allowed_addresses") == MOST_READS == 20
