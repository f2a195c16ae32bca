"""The digest worker: each digest and warning once, current while it is the newest, and silence in closed channels."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.errors import CaUnavailable, NotAllowed, SlackUnavailable
from bot.expiry.calendar import shipped_calendar
from bot.expiry.digest_file import DigestRule, DigestTime, QuietTime
from bot.expiry.snoozing import SnoozeChoice
from bot.models import Actor, Expired, LedgerEvent, Valid
from bot.services.expiry.digests import DigestWorker
from bot.services.expiry.inventory import InventoryReader
from bot.services.expiry.snoozing import SnoozeService
from bot.store.digests import Digests, DigestState
from bot.store.ledger.history import LastResends
from bot.views.digest_forms import SnoozeInput

AWAY = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)
BERLIN = ZoneInfo("Europe/Berlin")
SHOP = DigestRule("C0SHOP", ("*.shop.example.com",), "S0SRE", DigestTime(time(9), 0), BERLIN, quiet=(QuietTime(5),))
ALL = DigestRule("C0ALL")
# A Monday. The digest of Berlin is due at 08:00 UTC, that of everything at 09:00.
MONDAY = datetime(2026, 11, 30, 7, 59, tzinfo=UTC)


class Loader:
    """The digests in force, which a test may replace."""

    def __init__(self):
        self.rules = (SHOP, ALL)

    async def digests(self):
        return self.rules


@pytest.fixture
def loader():
    return Loader()


@pytest.fixture
def clock(clock):
    clock.now = MONDAY
    return clock


@pytest.fixture
def digests(database):
    return Digests(database)


@pytest.fixture
def make_worker(loader, account_cache, database, follow_ups, publisher, chat, metrics, clock):
    """Return a function that makes a worker, as after a start."""

    async def owner(owner_id):
        return "@shop-sre"

    def create():
        calendar = shipped_calendar()
        inventory = InventoryReader(account_cache, calendar, LastResends(database), follow_ups, clock, 0.0)
        return DigestWorker(loader, inventory, calendar, Digests(database), publisher, chat, owner, metrics, clock)

    return create


@pytest.fixture
def worker(make_worker):
    return make_worker()


@pytest.fixture
def domains(certcentral):
    """Add four domains, of which one is waiting, one has expired, and two end before long."""
    for number, name in enumerate(("pay", "api", "old", "new"), 1):
        certcentral.add_domain(number, f"{name}.shop.example.com")
    ends = {1: Valid(MONDAY + timedelta(days=20)), 2: Valid(MONDAY + timedelta(days=8)), 3: Expired(MONDAY)}
    for number, validation in ends.items():
        certcentral.account_domains[number] = replace(certcentral.account_domains[number], validation=validation)
    return certcentral.account_domains


def in_shop(chat):
    return [text for channel, text in chat.texts if channel == "C0SHOP"]


async def test_a_digest_is_posted_once_when_it_is_due(make_worker, chat, clock, domains, certcentral):
    await make_worker().run_once()
    before = list(chat.texts)
    clock.advance(minutes=1)
    for _ in range(3):
        await make_worker().run_once()

    [text] = in_shop(chat)
    assert before == []
    assert text.startswith("4 of 4 domains need you before December 30.")
    assert len(chat.messages) == 1
    assert certcentral.count("domains") == 2


async def test_a_crash_after_the_post_causes_no_second_one(make_worker, chat, clock, domains, digests):
    clock.advance(minutes=1)
    chat.lose_next = SlackUnavailable("Slack did not answer.")
    await make_worker().run_once()

    await make_worker().run_once()

    assert len(in_shop(chat)) == 1
    assert (await digests.newest("C0SHOP")).state is DigestState.POSTED


@pytest.mark.parametrize(("hours", "count"), [(1.9, 1), (2.1, 0)])
async def test_after_a_downtime_a_digest_is_posted_if_it_is_less_than_two_hours_late(
    worker, chat, clock, domains, hours, count
):
    clock.advance(minutes=1, hours=hours)

    await worker.run_once()

    assert len(in_shop(chat)) == count


async def test_while_digicert_is_unavailable_a_digest_waits_for_two_hours(worker, chat, clock, domains, certcentral):
    await worker.run_once()
    certcentral.always["domains"] = AWAY
    clock.advance(hours=1, minutes=59)
    await worker.run_once()
    waiting = in_shop(chat)

    clock.advance(minutes=2)
    await worker.run_once()

    [text] = in_shop(chat)
    assert waiting == []
    assert "DigiCert can't be reached. This is what it listed" in text


async def test_without_any_data_the_digest_says_so_and_is_filled_in_later(worker, chat, clock, domains, certcentral):
    certcentral.always["domains"] = AWAY
    clock.advance(minutes=1)
    await worker.run_once()
    clock.advance(hours=2)
    await worker.run_once()
    before = in_shop(chat)

    certcentral.always.clear()
    await worker.run_once()

    assert before[0].startswith("There is no digest yet.")
    assert in_shop(chat)[0].startswith("4 of 4 domains need you")


async def test_the_newest_digest_is_edited_when_something_changes_and_only_then(
    worker, chat, clock, domains, account_cache
):
    clock.advance(minutes=1)
    await worker.run_once()
    await worker.run_once()
    before = len(chat.edits)

    domains[4] = replace(domains[4], validation=Valid(MONDAY + timedelta(days=199)))
    clock.advance(minutes=5)
    await account_cache.warm_up()
    await worker.run_once()

    assert (before, len(chat.edits)) == (0, 1)
    assert in_shop(chat)[0].startswith("3 of 4 domains need you")


async def test_the_next_digest_takes_the_buttons_of_the_one_before(worker, chat, clock, domains):
    clock.advance(minutes=1)
    await worker.run_once()
    clock.advance(days=7)
    await worker.run_once()
    await worker.run_once()

    old, new = [message for where, message, _ in chat.messages.values() if where == where.__class__("C0SHOP")]
    kinds = [[block.to_dict()["type"] for block in message.blocks] for message in (old, new)]
    assert ["actions" in kind for kind in kinds] == [False, True]
    assert "There is a newer digest." in str([block.to_dict() for block in old.blocks])


async def test_a_domain_is_announced_at_seven_days_and_daily_from_then_on(worker, chat, clock, domains):
    clock.advance(minutes=1)
    await worker.run_once()
    found = []
    for _ in range(24 * 9):
        clock.advance(hours=1)
        # The first round posts a digest that is due, and the second one warns in its thread.
        await worker.run_once()
        await worker.run_once()
        replies = [message.text for where, message, _ in chat.messages.values() if where.thread_ts]
        if len(replies) > len(found):
            found.append((clock().astimezone(BERLIN).strftime("%a %H"), replies[-1]))

    # It ends on Tuesday, December 8, at 07:59 UTC, and crosses seven days a week before. Saturday is quiet, and no
    # domain ends on that weekend.
    assert [when for when, _ in found] == ["Tue 09", "Wed 09", "Thu 09", "Fri 09", "Mon 09"]
    assert all(text.startswith("<!subteam^S0SRE>: 1 validation ends within 7 days.") for _, text in found)
    assert "api.shop.example.com ends on December 8, in 7 days" in found[0][1]


@pytest.mark.parametrize("trouble", ["shared", "removed", "archived"])
async def test_a_digest_that_cannot_be_posted_is_reported_once_without_its_content(
    worker, chat, clock, domains, trouble
):
    match trouble:
        case "shared":
            chat.shared.add("C0SHOP")
        case "removed":
            chat.strange.add("C0SHOP")
        case "archived":
            chat.closed["C0SHOP"] = "is_archived"
    clock.advance(minutes=1)

    for _ in range(3):
        await worker.run_once()

    assert chat.texts == [("C0ALL", "The digest for <#C0SHOP> can't be posted.")]


async def test_a_channel_that_becomes_shared_loses_its_digests_and_warnings(worker, chat, clock, domains):
    clock.advance(minutes=1)
    await worker.run_once()
    clock.advance(days=1)
    await worker.run_once()
    before = len(in_shop(chat))
    chat.shared.add("C0SHOP")

    await worker.run_once()

    assert before == 2
    assert all("example.com" not in text for text in in_shop(chat))


async def test_the_metrics_count_the_domains(worker, domains, metrics):
    await worker.run_once()

    shown = metrics.render(None).decode()
    assert 'dcv_domains{state="waiting"} 1.0' in shown
    assert 'dcv_domains_expiring{days="14"} 1.0' in shown
    metrics.show_domains(None)
    assert "dcv_domains{" not in metrics.render(None).decode()


async def test_a_snoozed_domain_is_left_out_until_the_snooze_ends(
    worker, chat, clock, domains, authorizer, database, ana, digests, ledger
):
    clock.advance(minutes=1)
    await worker.run_once()
    key = (await digests.newest("C0SHOP")).post
    service = SnoozeService(authorizer, worker, database, clock)

    channel, confirmation = await service.snooze(
        ana, SnoozeInput(key, ("domain:1", "domain:4"), SnoozeChoice.TOMORROW, "vacation")
    )
    await worker.run_once()
    during = in_shop(chat)[0]
    clock.advance(days=1)
    await worker.run_once()

    assert channel.channel_id == "C0SHOP"
    assert "pay.shop.example.com until" in confirmation.text
    assert during.startswith("2 of 4 domains need you")
    assert "2 are snoozed." in during
    assert in_shop(chat)[0].startswith("4 of 4 domains need you")
    assert (await ledger.head())[0] == 1
    assert LedgerEvent.SNOOZED == "snoozed"


async def test_a_key_of_another_channels_digest_shows_nothing(
    worker, clock, domains, authorizer, database, ana, digests
):
    clock.advance(minutes=1)
    await worker.run_once()
    key = (await digests.newest("C0SHOP")).post
    service = SnoozeService(authorizer, worker, database, clock)

    own, other = await service.form(key, "C0SHOP"), await service.form(key, "C0PKI")

    assert "pay.shop.example.com" in str(own)
    assert "example.com" not in str(other)
    assert await worker.content(key, "C0PKI") is None


async def test_who_may_resend_nothing_in_the_channel_does_not_learn_what_its_digest_lists(
    worker, clock, domains, authorizer, database, digests, directory
):
    clock.advance(minutes=1)
    await worker.run_once()
    key = (await digests.newest("C0SHOP")).post
    directory.add("U0EVE", guest=True)
    service = SnoozeService(authorizer, worker, database, clock)

    for target in ("domain:1", "domain:999"):
        with pytest.raises(NotAllowed):
            await service.snooze(
                Actor("U0EVE", "T0HOME"), SnoozeInput(key, (target,), SnoozeChoice.TOMORROW, "vacation")
            )


async def test_a_digest_is_not_edited_any_more_where_the_bot_was_removed(worker, chat, clock, domains, digests):
    clock.advance(minutes=1)
    await worker.run_once()
    before = in_shop(chat)
    chat.strange.add("C0SHOP")
    domains[4] = replace(domains[4], validation=Expired(MONDAY))
    clock.advance(hours=7)

    await worker.run_once()

    assert in_shop(chat) == before
    assert (await digests.newest("C0SHOP")).state is DigestState.BLOCKED


async def test_a_token_that_slack_does_not_accept_delays_a_digest_but_blocks_no_channel(worker, chat, clock, domains):
    chat.closed["C0SHOP"] = "invalid_auth"
    clock.advance(minutes=1)
    await worker.run_once()
    assert in_shop(chat) == []
    del chat.closed["C0SHOP"]

    await worker.run_once()

    assert len(in_shop(chat)) == 1
