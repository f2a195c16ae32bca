"""The offer worker: each alert is processed once, in order, and its offer is updated when it changes."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.errors import CaUnavailable, InvalidInput, NotAllowed, SlackRejected, SlackUnavailable
from bot.models import Actor
from bot.parsing.mentions import Mention
from bot.parsing.targets import DomainRef, OrderRef
from bot.policy.rules import Action, Rule, Rules
from bot.services.alerts.ingest import AlertIngester
from bot.services.alerts.offer_refresh import OfferRefresher
from bot.services.alerts.offers import EDIT_SECONDS, MOST_PUT_OFF, OfferWorker
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.lookup.account import AccountCache
from bot.services.lookup.pending_mentions import PendingMentions
from bot.slack.client import Identity
from bot.store.alerts import Alert, Alerts
from bot.store.follow_ups import FollowUps
from bot.store.ledger.history import LastResends
from bot.store.offers import Offers

AWAY = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)
US = Identity("B0US", "U0US", "T0HOME", None, frozenset())
CHANNELS = frozenset({"C0OPS", "C0DEV"})


async def posted(chat, number):
    """Wait for so many messages."""
    while len(chat.messages) < number:
        await chat.began.wait()
        chat.began.clear()
        await asyncio.sleep(0)


@pytest.fixture
def alerts(database):
    return Alerts(database)


@pytest.fixture
def offers(database):
    return Offers(database)


@pytest.fixture
def alert_ingester(alerts, clock):
    return AlertIngester(CHANNELS, US, alerts, clock)


@pytest.fixture
def app():
    """Return a monitoring system that posts by a webhook."""
    from bot.parsing.message_authors import Author

    return Author("B0MON")


@pytest.fixture
def authors(authorizer):
    from bot.services.alerts.authors import AlertAuthors

    return AlertAuthors(authorizer, "T0HOME")


@pytest.fixture
def refresher(offers, database, pending_mentions, clock):
    return OfferRefresher(offers, LastResends(database), FollowUps(database), pending_mentions, clock)


@pytest.fixture
def make_offering(
    alert_ingester, authorizer, pending_mentions, chat, publisher, database, alerts, offers, clock, authors, refresher
):
    """Return a function that makes a worker, as after a start."""

    def create(authors=authors, pending_mentions=pending_mentions, **more):
        return OfferWorker(
            CHANNELS,
            alert_ingester,
            authorizer,
            pending_mentions,
            chat,
            publisher,
            database,
            alerts,
            offers,
            clock,
            authors,
            refresher,
            **more,
        )

    return create


@pytest.fixture
def offer_worker(make_offering):
    return make_offering()


@pytest.fixture
def arrive(alerts, clock, app):
    """Return a function that adds an alert naming these orders."""
    count = iter(range(100, 10_000))

    async def arrive_it(*order_ids, channel="C0OPS", by=None):
        named = tuple(Mention(OrderRef(order_id), True, "the text") for order_id in order_ids)
        alert = Alert(channel, f"{next(count)}.5", clock(), named, by or app)
        await alerts.add([alert])
        return alert

    return arrive_it


@pytest.fixture
def orders(certcentral):
    for order_id in range(1, 31):
        certcentral.add_order(order_id, f"n{order_id}.example.com")
    return certcentral


@pytest.fixture
def once(offer_worker):
    """Return a function that runs the worker once. Edits wait on the event loop's clock."""
    return offer_worker.run_once


def texts(chat, channel="C0OPS"):
    return [text for where, text in chat.texts if where == channel]


async def test_what_waits_is_offered_in_the_thread_of_its_alert(once, arrive, orders, chat, alerts):
    alert = await arrive(1)

    await once()

    [(destination, text, _)] = chat.posts
    assert (destination.channel_id, destination.thread_ts) == ("C0OPS", alert.ts)
    assert text == "Order 1 · n1.example.com is waiting for email approval (30 days)"
    assert await alerts.unread(10) == []


async def test_the_same_target_is_counted_and_edits_come_together(once, arrive, orders, chat):
    await arrive(1)
    await once()
    for _ in range(5):
        await arrive(1)
    await once()
    await once()
    for _ in range(5):
        await arrive(1)
    await once()
    await once()

    assert len(chat.posts) == 1
    assert len(chat.edits) == 1
    assert texts(chat)[0].endswith(" · 5 more alerts since")


async def test_the_same_target_in_another_channel_and_on_another_day_is_offered_again(
    once, arrive, orders, chat, clock
):
    await arrive(1)
    await arrive(1, channel="C0DEV")
    await once()
    clock.advance(hours=24, seconds=1)
    await arrive(1)
    await once()

    assert (len(texts(chat)), len(texts(chat, "C0DEV"))) == (2, 1)


async def test_ten_offers_in_ten_minutes_then_one_summary_then_offers_again(once, arrive, orders, chat, clock):
    for order_id in range(1, 15):
        await arrive(order_id)
    await once()
    await once()
    summary = texts(chat)[-1]
    assert len(chat.posts) == 11
    assert summary.startswith("4 more alerts mention pending orders.")
    assert chat.posts[-1][0].thread_ts is None

    clock.advance(minutes=10, seconds=1)
    await arrive(14)
    await once()

    assert len(chat.posts) == 12
    assert texts(chat)[-1].startswith("Order 14 ")


async def test_a_full_channel_reads_no_more_orders(once, arrive, orders):
    for order_id in range(1, 31):
        await arrive(order_id)

    await once()

    assert orders.count("order_validation") == 10
    assert orders.count("pending_orders") == 1


@pytest.mark.parametrize("closed", ["shared", "unseen", "unlisted", "old"])
async def test_if_nothing_may_be_read_nothing_is_read(once, arrive, orders, chat, clock, alerts, closed):
    await arrive(1, channel="C0PKI" if closed == "unlisted" else "C0OPS")
    if closed == "shared":
        chat.shared.add("C0OPS")
    if closed == "unseen":
        chat.closed["C0OPS"] = "channel_not_found"
    if closed == "old":
        clock.advance(hours=1, seconds=1)

    await once()

    assert (chat.posts, orders.asked, await alerts.unread(10)) == ([], [], [])


async def test_a_digicert_that_is_away_is_asked_again_and_nothing_is_lost(once, arrive, orders, chat, alerts):
    for order_id in range(1, 7):
        await arrive(order_id)
    orders.always["pending_orders"] = AWAY

    with pytest.raises(CaUnavailable):
        await once()
    assert orders.count("pending_orders") == MOST_PUT_OFF + 1
    assert len(await alerts.unread(10)) == 6
    orders.always.clear()
    await once()

    assert [text.split()[1] for text in texts(chat)] == ["1", "2", "3", "4", "5", "6"]


async def test_an_order_that_digicert_cannot_read_delays_no_other(once, arrive, orders, chat, alerts):
    first = await arrive(1)
    await arrive(2)
    orders.failures["order_validation"].append(AWAY)

    await once()
    assert [text.split()[1] for text in texts(chat)] == ["2"]
    assert await alerts.unread(10) == [first]
    await once()

    assert [text.split()[1] for text in texts(chat)] == ["2", "1"]


async def test_an_offer_that_slack_did_not_accept_is_shown_later(once, arrive, orders, chat, offers):
    await arrive(1)
    await arrive(2)
    chat.failures = [None, None, SlackUnavailable("Slack did not answer.")]

    await once()
    assert len(texts(chat)) == 1
    await once()

    assert len(texts(chat)) == 2
    assert await offers.unpublished(10) == []


@pytest.mark.fault("S20")
async def test_an_offer_that_slack_does_not_accept_delays_no_other(once, arrive, orders, chat, offers, monkeypatch):
    """The response to its post was lost, and since then its thread cannot be searched."""
    unclear = await arrive(1)
    chat.lose_next = SlackUnavailable("Slack did not answer.")
    await once()
    find = chat.find

    async def cannot_search(destination, key, since):
        if destination.thread_ts == unclear.ts:
            raise SlackUnavailable("Slack asks us to wait (internal_error).")
        return await find(destination, key, since)

    monkeypatch.setattr(chat, "find", cannot_search)
    await arrive(2)
    await once()
    await arrive(3, channel="C0DEV")
    pause = await once()

    assert [text[:7] for text in texts(chat)] == ["Order 1", "Order 2"]
    assert [text[:7] for text in texts(chat, "C0DEV")] == ["Order 3"]
    assert [offer.destination.thread_ts for offer in await offers.unpublished(9)] == [unclear.ts]
    assert pause <= EDIT_SECONDS


@pytest.mark.fault("S20")
async def test_an_offer_that_slack_did_not_accept_is_shown_once_it_does(make_offering, arrive, orders, chat, offers):
    once = make_offering(retry_seconds=0.0).run_once
    await arrive(1)
    chat.failures += [None, SlackUnavailable("Slack did not answer.")]
    await once()
    chat.failures += [SlackUnavailable("Slack asks us to wait (internal_error).")]
    await once()

    await once()

    assert [text[:7] for text in texts(chat)] == ["Order 1"]
    assert await offers.unpublished(9) == []


async def test_after_a_few_that_fail_slack_counts_as_away(once, arrive, orders, chat, alerts):
    """Slack is then not called for the other offers until it may be available again."""
    chat.failures += [None, *[SlackUnavailable("Slack did not answer.")] * 2 * MOST_PUT_OFF]
    for order_id in range(1, MOST_PUT_OFF + 3):
        await arrive(order_id)
        with suppress(SlackUnavailable):
            await once()
    called = len(chat.failures)

    with suppress(SlackUnavailable):
        await once()

    assert called - len(chat.failures) <= MOST_PUT_OFF


async def test_an_offer_that_a_user_deleted_is_dropped(once, arrive, orders, chat, offers):
    await arrive(1)
    await once()
    chat.messages.clear()
    await arrive(1)

    await once()
    await once()

    assert (len(chat.posts), len(chat.edits)) == (1, 1)
    assert await offers.unpublished(10) == []


async def test_an_alert_that_breaks_the_worker_is_left_out_alone(
    once, arrive, orders, chat, alerts, logged, pending_mentions
):
    await arrive(1)
    pending_mentions.matches, right = _broken(pending_mentions.matches), pending_mentions.matches
    await once()
    pending_mentions.matches = right
    await arrive(2)
    await once()

    assert [text.partition(" ")[2][:1] for text in texts(chat)] == ["2"]
    assert any(entry["log_level"] == "error" for entry in logged)


def _broken(_):
    async def matches(mentions):
        raise ValueError(mentions)

    return matches


async def test_not_now_says_who_and_is_quiet_for_a_day(offer_worker, once, arrive, orders, chat, ana, clock, offers):
    await arrive(1)
    await once()
    [offer_id] = [key.removeprefix("offer.") for _, _, key in chat.posts]

    await offer_worker.snooze(ana, offer_id)
    clock.advance(hours=23)
    await arrive(1)
    await once()

    assert len(chat.posts) == 1
    assert "Snoozed by <@U0ANA> until " in texts(chat)[0]
    offer = await offers.get(offer_id)
    assert (offer.snoozed_by, offer.snoozed_until) == ("U0ANA", clock() + timedelta(hours=1))


async def test_a_second_not_now_changes_nothing(offer_worker, once, arrive, orders, chat, ana, directory):
    directory.add("U0BOB")
    await arrive(1)
    await once()
    offer_id = chat.posts[0][2].removeprefix("offer.")

    await offer_worker.snooze(ana, offer_id)
    await offer_worker.snooze(Actor("U0BOB", "T0HOME"), offer_id)

    assert len(chat.edits) == 1
    assert "Snoozed by <@U0ANA>" in texts(chat)[0]


async def test_who_may_not_resend_may_not_quieten_and_an_old_offer_says_so(offer_worker, ana, directory, rows):
    directory.add("U0EVE")

    with pytest.raises(NotAllowed):
        await offer_worker.snooze(Actor("U0EVE", "T0HOME"), "0" * 16)
    with pytest.raises(InvalidInput):
        await offer_worker.snooze(ana, "0" * 16)

    assert [row["kind"] for row in await rows()] == ["denied"]


@pytest.mark.fault("M9")
async def test_offers_in_a_channel_that_became_shared_are_withdrawn_some_at_a_time(
    offer_worker, once, arrive, orders, chat, database
):
    for order_id in (1, 2, 3):
        await arrive(order_id)
    await arrive(4, channel="C0DEV")
    await once()
    chat.shared.add("C0OPS")

    for _ in range(2):
        await offer_worker.withdraw()

    assert ["example.com" in text for text in texts(chat)] == [False] * 3
    assert "example.com" in texts(chat, "C0DEV")[0]
    assert len(chat.edits) == 3
    async with database.read() as connection:
        assert await Offers(database).channels() == ["C0DEV"]
        assert await connection.scalar(sa.text("SELECT count(*) FROM posts WHERE detour IS NOT NULL")) == 3


@pytest.mark.fault("M9")
async def test_channels_of_which_slack_cannot_say_if_they_are_shared_are_asked_about_again(
    offer_worker, once, arrive, orders, chat
):
    await arrive(1)
    await arrive(2, channel="C0DEV")
    await once()
    chat.shared |= {"C0OPS", "C0DEV"}
    chat.failures = [SlackUnavailable("Slack asks us to wait (ratelimited).")]

    await offer_worker.withdraw()
    after_one = sum("example.com" in text for _, text in chat.texts)
    await offer_worker.withdraw()

    assert after_one == 1
    assert sum("example.com" in text for _, text in chat.texts) == 0


@pytest.mark.fault("M9")
async def test_not_now_in_a_channel_that_became_shared_withdraws_the_offer_and_says_so(
    offer_worker, once, arrive, orders, chat, ana, offers
):
    await arrive(1)
    await once()
    offer_id = chat.posts[0][2].removeprefix("offer.")
    chat.shared.add("C0OPS")

    for _ in range(2):
        with pytest.raises(InvalidInput, match="no longer make suggestions in this channel"):
            await offer_worker.snooze(ana, offer_id)

    assert (await offers.get(offer_id)).snoozed_by is None
    assert "example.com" not in texts(chat)[0]
    assert len(chat.edits) == 1


async def test_the_worker_wakes_for_what_arrives_and_survives_failures(
    make_offering, alert_ingester, arrive, orders, chat
):
    orders.failures["pending_orders"] += [AWAY] * (MOST_PUT_OFF + 1)
    for order_id in range(1, MOST_PUT_OFF + 2):
        await arrive(order_id)

    working = asyncio.create_task(make_offering(retry_seconds=0.01).run())
    try:
        # Less than the worker's own sleep.
        async with asyncio.timeout(0.8 * EDIT_SECONDS):
            await posted(chat, MOST_PUT_OFF + 1)
            await arrive(9)
            alert_ingester.arrived.set()
            await posted(chat, MOST_PUT_OFF + 2)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    assert texts(chat)[-1].startswith("Order 9 ")


async def test_a_name_below_a_waiting_domain_opens_that_scope(once, alerts, certcentral, chat, clock, app):
    certcentral.add_domain(71, "example.org", "admin@example.org")
    named = (Mention(DomainRef("shop.example.org"), True, "the text"),)
    await alerts.add([Alert("C0OPS", "100.5", clock(), named, app, about_certificates=True)])

    await once()

    [(_, message, _)] = chat.messages.values()
    assert message.text.startswith("Domain example.org is waiting for email approval")
    assert "name:shop.example.org" in str(message.payload()["blocks"])


@pytest.fixture
def elsewhere(make_offering, certcentral, clock):
    """Return the worker of another process that considers this one dead. It reads DigiCert itself."""
    reads = PendingMentions(certcentral, AccountCache(certcentral, clock))
    return make_offering(pending_mentions=reads)


@pytest.fixture
def while_it_reads(certcentral, monkeypatch):
    """Return a function that runs something once during the worker's read of an order, as if the worker froze there."""

    def arrange(happen):
        read = certcentral.order_validation

        async def frozen(order_id):
            monkeypatch.setattr(certcentral, "order_validation", read)
            await happen()
            return await read(order_id)

        monkeypatch.setattr(certcentral, "order_validation", frozen)

    return arrange


async def test_a_worker_that_wakes_up_after_another_one_offered_writes_nothing(
    offer_worker, elsewhere, arrive, orders, chat, alerts, while_it_reads
):
    await arrive(1)
    while_it_reads(elsewhere.run_once)

    await offer_worker.run_once()

    assert len(texts(chat)) == 1
    assert await alerts.unread(10) == []


async def test_two_workers_that_check_two_alerts_of_one_order_offer_it_once(
    offer_worker, elsewhere, arrive, orders, chat, alerts, database, while_it_reads
):
    await arrive(1)

    async def process_a_later_one():
        [first] = await alerts.unread(10)
        async with database.write() as transaction:
            await transaction.execute(sa.text("DELETE FROM alerts"))
        await arrive(1)
        await elsewhere.run_once()
        await alerts.add([first])

    while_it_reads(process_a_later_one)
    await offer_worker.run_once()
    await offer_worker.run_once()

    assert len(chat.posts) == 1


async def test_a_published_version_is_never_recorded_as_older(once, arrive, orders, offers, database):
    await arrive(1)
    await once()
    async with database.read() as connection:
        offer_id = await connection.scalar(sa.text("SELECT id FROM offers"))
    offer = await offers.get(offer_id)

    await offers.snooze(offer, "U0ANA", offer.at)
    await offers.mark_published(await offers.get(offer_id))
    await offers.mark_published(offer)

    assert (await offers.get(offer_id)).published_version == 2


PEOPLE = ("U0ANA", "U0BOB")


@pytest.fixture
def person(directory):
    """Return a full member who may read the status, unless the traits say otherwise."""
    from bot.parsing.message_authors import Author

    def create(user_id, bot_id=None, **traits):
        directory.add(user_id, **traits)
        return Author(bot_id, user_id)

    return create


@pytest.mark.parametrize(
    ("user_id", "bot_id", "traits"),
    [
        ("U0ANA", None, {"guest": True}),
        ("U0ANA", None, {"stranger": True}),
        ("U0ANA", None, {"deleted": True}),
        ("U0ANA", None, {"bot": True}),
        ("U0EVE", None, {}),
        # An app that posts in the name of a guest, and one that is a stranger's.
        ("U0ANA", "B0APP", {"guest": True}),
        ("U0EVE", "B0APP", {}),
        ("U0BOT", "B0APP", {"bot": True, "stranger": True}),
    ],
)
async def test_an_author_who_may_not_causes_no_read_and_no_row_of_the_ledger(
    once, arrive, orders, chat, person, alerts, rows, user_id, bot_id, traits
):
    await arrive(1, by=person(user_id, bot_id, **traits))

    await once()

    assert (orders.asked, chat.posts, await alerts.unread(10), await rows()) == ([], [], [], [])


async def test_an_alert_without_an_author_gets_no_offer(once, alerts, orders, chat, clock):
    named = (Mention(OrderRef(1), True, "the text"),)
    await alerts.add([Alert("C0OPS", "100.5", clock(), named)])

    await once()

    assert (orders.asked, chat.posts, await alerts.unread(10)) == ([], [], [])


async def test_slack_is_asked_once_for_a_bot_user_and_never_for_a_webhook(
    once, arrive, orders, chat, person, directory
):
    bot = person("U0BOT", "B0APP", bot=True)
    for order_id in (1, 2):
        await arrive(order_id, by=bot)
        await arrive(order_id + 10)
        await once()

    assert len(texts(chat)) == 4
    assert directory.asked == [("U0BOT", False)]


async def test_people_use_up_only_their_own_allowance(once, arrive, orders, chat, person):
    ana, bob = map(person, PEOPLE)
    for order_id in range(1, 13):
        await arrive(order_id, by=ana)
    await arrive(20, by=bob)
    await arrive(21)

    await once()

    offered = sorted(int(text.split()[1]) for text in texts(chat) if text.startswith("Order "))
    assert offered == [*range(1, 11), 20, 21]


async def test_apps_come_before_people_and_people_alternate(alerts, arrive, person):
    ana, bob = map(person, PEOPLE)
    from bot.parsing.message_authors import Author

    for order_id, author in enumerate([ana, ana, ana, bob, Author("B0MON"), Author("B0CI", "U0CI"), bob], start=1):
        await arrive(order_id, by=author)

    assert [alert.mentions[0].target.order_id for alert in await alerts.unread(10)] == [5, 6, 1, 4, 2, 7, 3]
    assert [alert.mentions[0].target.order_id for alert in await alerts.unread(10, without={"U0ANA", "U0CI"})] == [
        *(5, 4, 7)
    ]
    assert [alert.mentions[0].target.order_id for alert in await alerts.unread(10, only={"U0CI"})] == [5, 6]


async def test_an_app_that_posts_while_alerts_of_people_are_processed_is_next(
    once, arrive, orders, chat, person, monkeypatch
):
    ana, bob = map(person, PEOPLE)
    await arrive(1, by=ana)
    await arrive(2, by=bob)
    read = orders.order_validation

    async def and_an_app_posts(order_id):
        if order_id == 1:
            await arrive(3)
        return await read(order_id)

    monkeypatch.setattr(orders, "order_validation", and_an_app_posts)
    await once()

    assert [text.split()[1] for text in texts(chat)] == ["1", "3", "2"]


@pytest.mark.parametrize("unclear", [{}, {"groups": frozenset(), "unclear": frozenset({"S0PKI"})}])
async def test_an_author_whom_slack_cannot_name_now_is_asked_again_later(
    make_offering, arrive, orders, chat, person, directory, alerts, authorizer, monkeypatch, unclear
):
    offer_worker = make_offering(retry_seconds=0.02)
    alert = await arrive(1, by=person("U0EVE" if unclear else "U0ANA", **unclear))
    if unclear:
        rules = Rules(frozenset({"U0ANA"}), frozenset({"S0PKI"}), frozenset({"T0HOME"}))
        monkeypatch.setattr(authorizer, "_policy_loader", PolicyLoader(rules))
    else:
        directory.failure = SlackUnavailable("Slack did not answer.")

    pause = await offer_worker.run_once()
    before = (orders.asked, chat.posts, await alerts.unread(10))
    assert before == ([], [], [alert])
    assert pause <= 0.02
    directory.failure = None
    directory.add(alert.author.user_id if not unclear else "U0EVE")
    await asyncio.sleep(0.03)
    await offer_worker.run_once()

    assert await alerts.unread(10) == []
    assert len(chat.posts) == (0 if unclear else 1)


async def test_authors_whom_slack_cannot_name_delay_no_app(
    make_offering, arrive, orders, chat, person, directory, alerts
):
    known = person("U0BOT", "B0APP", bot=True)
    await arrive(1, by=known)
    offer_worker = make_offering()
    await offer_worker.run_once()
    directory.failure = SlackUnavailable("Slack did not answer.")
    for number in range(20):
        await arrive(2, by=person(f"U0NEW{number}"))
    await arrive(3)
    await arrive(4, by=known)

    directory.asked.clear()
    await offer_worker.run_once()

    assert [text.split()[1] for text in texts(chat)] == ["1", "3", "4"]
    assert len(await alerts.unread(100)) == 20
    assert len(directory.asked) == MOST_PUT_OFF


@pytest.mark.parametrize(("allowed", "offered"), [("n1.example.com", ["1"]), ("n2.example.com", [])])
async def test_a_person_is_offered_what_they_may_ask_about_and_nothing_else(
    make_offering, directory, ledger, metrics, clock, arrive, orders, chat, person, allowed, offered
):
    from bot.services.alerts.authors import AlertAuthors

    rule = Rule("some", True, frozenset({Action.STATUS}), users=frozenset({"U0ANA"}), names=frozenset({allowed}))
    rules = Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), (rule,))
    authorizer = Authorizer(PolicyLoader(rules), directory, ledger, metrics, clock)
    offer_worker = make_offering(authors=AlertAuthors(authorizer, "T0HOME"))
    orders.add_order(40, "n1.example.com", "n3.example.com")

    await arrive(1, 3, 40, by=person("U0ANA"))
    await offer_worker.run_once()

    assert [text.split()[1] for text in texts(chat)] == offered
    assert all(call[1:] != (3,) for call in orders.asked)


async def test_only_targets_with_a_button_count_as_offered(once, arrive, orders, chat, offers, clock):
    await arrive(1, 2, 3, 4, 5, 6, 7)
    await once()
    await arrive(3)
    await arrive(7)
    await once()

    assert texts(chat)[0].endswith("2 more in this alert are pending.")
    assert [text.split()[1] for text in texts(chat)] == ["1", "7"]


async def test_not_now_does_not_silence_what_got_no_button(offer_worker, once, arrive, orders, chat, ana):
    await arrive(1, 2, 3, 4, 5, 6)
    await once()
    await offer_worker.snooze(ana, chat.posts[0][2].removeprefix("offer."))
    await arrive(5)
    await arrive(6)

    await once()

    assert [text.split()[1] for text in texts(chat)] == ["1", "6"]


async def test_an_offer_that_slack_does_not_accept_is_made_again_for_the_next_alert(once, arrive, orders, chat):
    first = await arrive(1)
    chat.failures = [None, None, SlackRejected("restricted_action_thread_locked")]
    await once()
    assert texts(chat) == []
    second = await arrive(1)

    await once()

    assert [destination.thread_ts for destination, _, _ in chat.posts] == [first.ts, second.ts]
    assert len(texts(chat)) == 1


@pytest.fixture
def mention(alerts, clock, app):
    """Return a function that adds an alert naming these order ids and names."""
    count = iter(range(100, 10_000))

    async def arrive_it(*named, about_certificates):
        targets = [DomainRef(each) if isinstance(each, str) else OrderRef(each) for each in named]
        mentions = tuple(Mention(target, True, "the text") for target in targets)
        await alerts.add(
            [Alert("C0OPS", f"{next(count)}.5", clock(), mentions, app, about_certificates=about_certificates)]
        )

    return arrive_it


@pytest.mark.parametrize(
    ("named", "about_certificates", "offered"),
    [
        (["deep.example.org"], True, ["Domain example.org"]),
        (["deep.example.org"], False, []),
        (["example.org"], False, ["Domain example.org"]),
        # A target that is named itself is pending, so the other hosts are secondary.
        ([1, "deep.example.org"], True, ["Order 1 "]),
        (["deep.example.org", "n1.example.com"], True, ["Order 1 "]),
        # It is named itself, but nothing of it is pending.
        ([50, "deep.example.org"], True, ["Domain example.org"]),
        (["done.example.net", "deep.example.org"], True, ["Domain example.org"]),
    ],
)
async def test_a_parent_counts_for_an_alert_about_certificates_that_names_nothing_pending(
    once, mention, orders, chat, named, about_certificates, offered
):
    orders.add_domain(71, "example.org", "admin@example.org")
    orders.add_domain(72, "done.example.net", is_pending=False)
    orders.add_order(50, "s.example", entries=[orders.entry("s.example", is_open=False)])

    await mention(*named, about_certificates=about_certificates)
    await once()

    assert len(texts(chat)) == len(offered)
    assert all(words in text for words, text in zip(offered, texts(chat), strict=True))


async def test_a_parent_does_not_count_beside_what_was_offered_before(once, mention, orders, chat):
    orders.add_domain(71, "example.org", "admin@example.org")
    await mention(1, about_certificates=True)
    await once()

    await mention(1, "deep.example.org", about_certificates=True)
    await once()

    assert len(texts(chat)) == 1
    assert "example.org" not in texts(chat)[0]
