"""The refresh of offers: resends, validations and closed orders reach the offer, and DigiCert is asked rarely."""

import dataclasses
from datetime import timedelta

import pytest

from bot.errors import CaUnavailable
from bot.models import Destination, FollowUpState, LastResend, LedgerEvent, Offer, OfferTarget, Valid
from bot.services.alerts.offer_refresh import MOST_READS, OfferRefresher
from bot.store import offers as rows
from bot.store.offers import Offers

MINUTE = timedelta(minutes=1)


class KnownResends:
    """The newest resends by cooldown key."""

    def __init__(self):
        self.by_key = {}

    async def last(self, orders, domains):
        wanted = {*map(str, orders), *map(str, domains)}
        return {key: each for key, each in self.by_key.items() if key.split(":")[1] in wanted}


class KnownFollowUps:
    """The follow-ups of requests."""

    def __init__(self):
        self.by_request = {}

    async def of(self, request_id):
        return self.by_request.get(request_id, [])


@pytest.fixture
def offers(database):
    return Offers(database)


@pytest.fixture
def resends():
    return KnownResends()


@pytest.fixture
def follow_ups():
    return KnownFollowUps()


@pytest.fixture
def refresher(offers, resends, follow_ups, pending_mentions, clock):
    return OfferRefresher(offers, resends, follow_ups, pending_mentions, clock)


@pytest.fixture
def make_offer(database, offers, clock):
    """Return a function that saves an offer with these targets, as if it was posted."""

    async def create(*targets, offer_id="a" * 16):
        offer = Offer(offer_id, Destination("C0OPS", "1.0"), clock(), targets)
        async with database.write() as transaction:
            await rows.create(transaction, offer, clock() + timedelta(days=1))
        await offers.mark_published(offer)
        return offer

    return create


def order(number, *emails):
    key = f"order:{number}"
    return OfferTarget(key, key, (f"n{number}.example.com",), None, emails or (key,))


@pytest.fixture
def make_resend(clock):
    def create(outcome=LedgerEvent.SENT, at=None, request_id="r1"):
        return LastResend(request_id, "U0ANA", at or clock(), outcome, "n1.example.com", ("admin@example.com",))

    return create


async def test_a_resend_is_noted_with_its_person_and_time_and_the_target_is_still_offered_once(
    refresher, resends, make_offer, make_resend, offers, clock
):
    offer = await make_offer(order(1), order(2))
    clock.advance(seconds=5)
    resends.by_key["order:1:n1.example.com"] = make_resend()

    assert await refresher.refresh()
    assert await refresher.refresh()

    changed = await offers.get(offer.id)
    assert changed.version == 2
    assert (changed.targets[0].resend.user_id, changed.targets[0].resend.at) == ("U0ANA", clock())
    assert [target.is_open for target in changed.targets] == [False, True]
    state = await offers.channel_state("C0OPS", "x", ["order:1"], clock(), clock())
    assert state.open == {"order:1": offer.id}


NO_RESENDS = {
    "before the offer": {"order:1:x": {"at": -MINUTE}},
    "unknown": {"order:1:x": {"outcome": LedgerEvent.UNKNOWN}},
    "of another order": {"order:12:x": {}},
    "of one domain of two": {"domain:7:x": {}},
}


@pytest.mark.parametrize("found", NO_RESENDS.values(), ids=NO_RESENDS)
async def test_what_is_no_resend_of_all_its_emails_changes_nothing(
    refresher, resends, make_offer, make_resend, offers, clock, found
):
    offer = await make_offer(order(1), order(2, "domain:7", "domain:8"))
    for key, how in found.items():
        at = clock() + how["at"] if "at" in how else None
        resends.by_key[key] = make_resend(how.get("outcome", LedgerEvent.SENT), at)

    await refresher.refresh()

    assert await offers.get(offer.id) == dataclasses.replace(offer, published_version=1)


async def test_a_resent_target_is_validated_when_its_request_is_without_a_call_to_digicert(
    refresher, resends, follow_ups, make_offer, make_resend, make_request, offers, clock, certcentral
):
    from bot.models import FollowUp

    offer = await make_offer(order(1))
    resends.by_key["order:1:n1.example.com"] = make_resend()
    follow_up = FollowUp("r1", 0, "order:1", clock(), FollowUpState.VALIDATED, ended_at=clock() + MINUTE)
    follow_ups.by_request["r1"] = [follow_up, dataclasses.replace(follow_up, state=FollowUpState.FOLLOWING)]
    await refresher.refresh()
    before = (await offers.get(offer.id)).targets[0].closed_at

    follow_ups.by_request["r1"] = [follow_up]
    await refresher.refresh()

    target = (await offers.get(offer.id)).targets[0]
    assert before is None
    assert (target.closed_at, target.closed_status) == (clock() + MINUTE, "validated")
    assert (await offers.channel_state("C0OPS", "x", ["order:1"], clock(), clock())).open == {}
    assert not await refresher.refresh()
    assert certcentral.asked == []


CLOSED = {"issued": "validated", "canceled": "canceled", "rejected": "rejected"}


@pytest.mark.parametrize(("status", "word"), CLOSED.items())
async def test_an_order_that_ended_without_a_resend_is_noticed(
    refresher, make_offer, offers, clock, certcentral, status, word
):
    certcentral.add_order(1, "n1.example.com", status=status)
    offer = await make_offer(order(1))
    clock.advance(minutes=1)

    await refresher.refresh()

    target = (await offers.get(offer.id)).targets[0]
    assert (target.closed_at, target.closed_status) == (clock(), word)


async def test_a_domain_that_is_valid_and_an_order_without_an_open_name_are_validated(
    refresher, make_offer, offers, clock, certcentral
):
    certcentral.add_domain(7, "example.org", "admin@example.org", is_pending=False)
    certcentral.add_order(1, "n1.example.com", entries=[certcentral.entry("n1.example.com", is_open=False)])
    assert isinstance(certcentral.account_domains[7].validation, Valid)
    domain = OfferTarget("domain:7", "domain:7", ("example.org",), None, ("domain:7",))
    offer = await make_offer(order(1), domain)
    clock.advance(minutes=1)

    await refresher.refresh()

    assert [each.closed_status for each in (await offers.get(offer.id)).targets] == ["validated", "validated"]


async def test_digicert_is_asked_ever_more_rarely_and_about_few_targets_at_once(
    refresher, make_offer, clock, certcentral
):
    for number in range(1, 9):
        certcentral.add_order(number, f"n{number}.example.com")
    await make_offer(*map(order, range(1, 6)))
    await make_offer(*map(order, range(6, 9)), offer_id="b" * 16)

    asked = []
    for _ in range(3):
        clock.advance(minutes=1)
        certcentral.asked.clear()
        await refresher.refresh()
        asked.append(certcentral.count("order_validation"))
    clock.advance(hours=10)
    await refresher.refresh()
    certcentral.asked.clear()
    clock.advance(hours=1)
    await refresher.refresh()

    assert asked == [MOST_READS, 5, 5]
    assert certcentral.asked == [("order_validation", each) for each in (3, 4, 5)]


async def test_while_digicert_does_not_answer_the_offer_stays(refresher, make_offer, offers, clock, certcentral):
    certcentral.always["order_validation"] = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)
    offer = await make_offer(order(1))
    clock.advance(minutes=1)

    await refresher.refresh()

    assert (await offers.get(offer.id)).targets == offer.targets


async def test_an_offer_that_changed_meanwhile_is_updated_in_the_next_round(offers, make_offer, clock):
    offer = await make_offer(order(1))
    await offers.snooze(offer, "U0ANA", clock() + timedelta(days=1))

    await offers.update_targets(offer, (dataclasses.replace(order(1), closed_at=clock()),))

    assert (await offers.get(offer.id)).targets == offer.targets


async def test_offers_older_than_a_day_are_not_read(refresher, make_offer, clock):
    await make_offer(order(1))
    clock.advance(days=1)

    assert not await refresher.refresh()
