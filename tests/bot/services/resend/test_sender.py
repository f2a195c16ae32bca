"""One attempt of one call: at most one PUT, its row before it, and the right outcome for each of DigiCert's answers."""

import asyncio
import json
from datetime import datetime, timedelta
from functools import partial

import pytest

from bot.errors import CaRateLimited, CaRejected, CaUnavailable, SlackUnavailable
from bot.models import Call, DomainTarget, LedgerEvent, OrderTarget, Recipient
from bot.policy.rules import Action, Rule, Rules
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.resend.sender import ENDED, CallSender
from bot.store.call_guard import FRESH_SECONDS
from bot.store.cluster.membership import SingleInstance
from bot.store.cooldowns import Cooldowns
from bot.store.database import LOCK_SECONDS
from bot.store.ledger.entries import Entry, Ledger
from bot.store.requests import Requests

REFUSED = CaRejected("This order is not pending.", status=400)
LOST = CaUnavailable("The connection dropped before DigiCert replied.", may_have_arrived=True)
UNREACHABLE = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)


@pytest.fixture
async def request_(accept, make_request):
    """Return an accepted request for one order."""
    return await accept(make_request())


@pytest.fixture
async def for_domain(accept, make_request, domain_call, certcentral):
    """Return an accepted request for one domain, whose recipients are allowed."""
    certcentral.add_domain(1234, "example.org", "admin@example.org", "PKI@example.org")
    return await accept(make_request(calls=(domain_call,)))


@pytest.fixture
def kinds(rows):
    async def read():
        return [row["kind"] for row in await rows()]

    return read


@pytest.fixture
def settle(sender, tried_until_ended):
    """Return a function that attempts a call to its end, as the workflow does. It returns the deferred results."""
    return partial(tried_until_ended, sender)


@pytest.fixture
def settle_with(sender, tried_until_ended, monkeypatch):
    """Return the same function for a process with another authorizer."""

    async def settle_it(authorizer, request):
        monkeypatch.setattr(sender, "_authorizer", authorizer)
        return await tried_until_ended(sender, request)

    return settle_it


@pytest.fixture
def tried_until_ended(clock):
    async def settle_it(sender, request, number=0, most=60):
        earlier = []
        while len(earlier) < most:
            result = await sender.attempt(request.id, number, list(earlier))
            if result["ended"]:
                return earlier
            earlier.append(result)
            clock.advance(seconds=result["wait"])
        raise AssertionError("it never ended")

    return settle_it


async def test_a_204_is_sent(sender, certcentral, request_, ledger, kinds):
    result = await sender.attempt("r1", 0, [])

    assert result == ENDED
    assert certcentral.sent == [("resend_order", 700001, request_.calls[0].recipients, "de")]
    assert await kinds() == ["accepted", "sending", "sent"]
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.SENT


async def test_a_domain_is_called_with_its_scope_and_its_addresses(sender, certcentral, for_domain):
    await sender.attempt("r1", 0, [])

    assert certcentral.sent == [("resend_domain", 1234, "example.org", ("admin@example.org", "pki@example.org"), "de")]


async def test_the_row_is_written_before_the_call(sender, certcentral, request_, open_another):
    attempts = []

    async def read_attempts():
        attempts.extend((await Ledger(open_another()).attempts("r1", 0)).attempts)

    certcentral.during_put = read_attempts

    await sender.attempt("r1", 0, [])

    assert [(attempt.number, attempt.closed) for attempt in attempts] == [(1, False)]


@pytest.mark.parametrize(
    ("failure", "outcome", "words"),
    [
        (REFUSED, LedgerEvent.REFUSED, "This order is not pending."),
        (LOST, LedgerEvent.UNKNOWN, "The connection dropped before DigiCert replied."),
        (ValueError("a bug"), LedgerEvent.UNKNOWN, "An internal error interrupted the call to DigiCert."),
    ],
    ids=["refused", "lost", "bug"],
)
async def test_an_answer_other_than_204_ends_the_call_at_once(
    sender, certcentral, request_, ledger, kinds, failure, outcome, words
):
    certcentral.failures["resend_order"].append(failure)

    result = await sender.attempt("r1", 0, [])

    ending = (await ledger.attempts("r1", 0)).result
    assert result == ENDED
    assert (ending.outcome, ending.message) == (outcome, words)
    assert await kinds() == ["accepted", "sending", outcome.value]
    assert len(certcentral.sent) == 1


async def test_a_bug_on_our_side_is_not_shown(sender, certcentral, request_, rows):
    certcentral.failures["resend_order"].append(ValueError("secret inside"))

    await sender.attempt("r1", 0, [])

    assert not any("secret inside" in row["detail"] for row in await rows())


@pytest.mark.parametrize(
    ("failure", "stands"), [(None, True), (LOST, True), (REFUSED, False)], ids=["sent", "unknown", "refused"]
)
async def test_the_cooldown_stays_unless_nothing_was_sent(
    sender, certcentral, request_, database, stored, clock, failure, stands
):
    if failure:
        certcentral.failures["resend_order"].append(failure)

    await sender.attempt("r1", 0, [])

    cooldown = await Cooldowns(database).active(request_.calls[0].cooldown_keys, clock())
    remembered = await stored.last_recipients(["shop.example.com"])
    assert bool(cooldown) is stands
    assert bool(remembered) is stands


async def test_a_call_that_has_ended_is_never_made_again(sender, certcentral, request_, kinds):
    await sender.attempt("r1", 0, [])

    again = await sender.attempt("r1", 0, [])

    assert again == ENDED
    assert len(certcentral.sent) == 1
    assert await kinds() == ["accepted", "sending", "sent"]


async def test_an_open_row_found_after_a_crash_ends_as_unknown_without_a_call(
    sender, certcentral, request_, ledger, kinds, clock, ana
):
    await ledger.append(Entry(LedgerEvent.SENDING, clock(), ana, "r1", 0, 1))

    result = await sender.attempt("r1", 0, [])

    ending = (await ledger.attempts("r1", 0)).result
    assert result == ENDED
    assert certcentral.asked == []
    assert ending.outcome is LedgerEvent.UNKNOWN
    assert "stopped before DigiCert replied" in ending.message
    assert await kinds() == ["accepted", "sending", "unknown"]


async def test_a_crash_in_the_middle_of_a_call_ends_as_unknown(sender, certcentral, request_, ledger):
    inside = asyncio.Event()

    async def hang():
        inside.set()
        await asyncio.Event().wait()

    certcentral.during_put = hang
    trying = asyncio.create_task(sender.attempt("r1", 0, []))
    await inside.wait()
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)

    await sender.attempt("r1", 0, [])

    assert len(certcentral.sent) == 1
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.UNKNOWN


async def test_a_crash_before_the_row_makes_the_call_after_all(sender, certcentral, directory, request_, kinds):
    directory.failure = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await sender.attempt("r1", 0, [])
    directory.failure = None

    await sender.attempt("r1", 0, [])

    assert len(certcentral.sent) == 1
    assert await kinds() == ["accepted", "sending", "sent"]


async def test_after_a_crash_the_wait_for_a_429_continues(sender, certcentral, request_, kinds, ledger, clock, ana):
    for event in (LedgerEvent.SENDING, LedgerEvent.TURNED_AWAY):
        await ledger.append(Entry(event, clock(), ana, "r1", 0, 1, {"words": str(CaRateLimited(None))}))

    result = await sender.attempt("r1", 0, [])

    assert (result["ended"], result["busy"]) == (False, True)
    assert certcentral.sent == []
    assert await kinds() == ["accepted", "sending", "turned_away"]


async def test_a_crash_after_a_429_that_outlasted_all_patience_still_ends(sender, request_, ledger, clock, ana):
    began = clock()
    for event in (LedgerEvent.SENDING, LedgerEvent.TURNED_AWAY):
        await ledger.append(Entry(event, clock(), ana, "r1", 0, 2, {"words": str(CaRateLimited(None))}))
    clock.advance(hours=8)

    result = await sender.attempt("r1", 0, [{"ended": False, "busy": True, "wait": 5.0, "at": began.isoformat()}])

    assert result == ENDED
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.NOT_SENT


async def test_a_429_waits_longer_each_time_and_five_minutes_in_all(settle, certcentral, request_, ledger, clock):
    certcentral.always["resend_order"] = CaRateLimited(None)
    began = clock()

    turned_away = await settle(request_)

    waits = [result["wait"] for result in turned_away]
    wanted = [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0]
    assert all(0.8 * base <= wait <= 1.2 * base for wait, base in zip(waits, wanted, strict=False))
    assert 6 <= len(waits) <= 8
    assert timedelta(minutes=3) < clock() - began <= timedelta(minutes=5)
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.NOT_SENT
    assert "kept limiting requests" in (await ledger.attempts("r1", 0)).result.message


async def test_each_try_after_a_429_has_a_row_of_its_own(settle, certcentral, request_, rows):
    certcentral.failures["resend_order"] += [CaRateLimited(None), CaRateLimited(None)]

    await settle(request_)

    assert [(row["kind"], row["attempt"]) for row in await rows()][1:] == [
        ("sending", 1),
        ("turned_away", 1),
        ("sending", 2),
        ("turned_away", 2),
        ("sending", 3),
        ("sent", 3),
    ]
    assert len(certcentral.sent) == 3


async def test_a_429_says_when_to_retry(sender, certcentral, request_, clock):
    certcentral.failures["resend_order"].append(CaRateLimited(42.0))

    result = await sender.attempt("r1", 0, [])

    assert (result["ended"], result["busy"]) == (False, True)
    assert 42.0 <= result["wait"] <= 43.0
    assert datetime.fromisoformat(result["at"]) == clock()
    assert datetime.fromisoformat(result["again_at"]) == clock() + timedelta(seconds=result["wait"])
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize(("retry_after", "tries"), [(299.0, 2), (301.0, 1), (86400.0, 1)])
async def test_a_429_that_asks_for_more_than_five_minutes_is_not_sent(
    settle, certcentral, request_, ledger, retry_after, tries
):
    certcentral.always["resend_order"] = CaRateLimited(retry_after)

    await settle(request_)

    assert len(certcentral.sent) == tries
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.NOT_SENT


async def test_unreachable_is_tried_three_times_within_a_minute(settle, certcentral, request_, ledger, database, clock):
    certcentral.always["resend_order"] = UNREACHABLE
    began = clock()

    turned_away = await settle(request_)

    ending = (await ledger.attempts("r1", 0)).result
    assert len(certcentral.sent) == 3
    assert [result["busy"] for result in turned_away] == [False, False]
    assert clock() - began < timedelta(seconds=60)
    assert ending.outcome is LedgerEvent.NOT_SENT
    assert ending.message == "DigiCert cannot be reached. I tried 3 times."
    assert await Cooldowns(database).active(request_.calls[0].cooldown_keys, began) is None


async def test_a_call_that_gets_through_in_the_end_is_sent(settle, certcentral, request_, ledger):
    certcentral.failures["resend_order"] += [UNREACHABLE, CaRateLimited(1.0), UNREACHABLE]

    await settle(request_)

    assert len(certcentral.sent) == 4
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.SENT


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"deleted": True}, "deactivated"), ({"guest": True}, "guest"), ({"stranger": True}, "other-workspace")],
)
async def test_the_policy_is_asked_right_before_the_call(
    sender, certcentral, directory, request_, ledger, database, clock, logged, changes, rule
):
    directory.add("U0ANA", **changes)

    result = await sender.attempt("r1", 0, [])

    ending = (await ledger.attempts("r1", 0)).result
    assert result == ENDED
    assert certcentral.sent == []
    assert ending.outcome is LedgerEvent.NOT_SENT
    assert "lost permission" in ending.message
    assert rule in [line.get("rule") for line in logged]
    assert directory.asked == [("U0ANA", True)]
    assert await Cooldowns(database).active(request_.calls[0].cooldown_keys, clock()) is None


@pytest.mark.fault("M3")
async def test_if_slack_cannot_identify_the_user_the_check_is_retried_and_the_call_is_made(
    sender, certcentral, directory, request_, kinds
):
    directory.failure = SlackUnavailable("Slack did not answer.")
    result = await sender.attempt("r1", 0, [])
    sent = list(certcentral.sent)
    directory.failure = None

    assert await sender.attempt("r1", 0, [result]) == ENDED
    assert (result["ended"], sent, len(certcentral.sent)) == (False, [], 1)
    assert json.loads(json.dumps(result)) == result
    assert await kinds() == ["accepted", "sending", "sent"]


@pytest.mark.fault("M3")
@pytest.mark.parametrize("unclear", [None, "S0PKI"])
async def test_if_slack_cannot_identify_the_user_for_a_minute_nothing_is_sent(
    database, ledger, metrics, clock, settle_with, certcentral, directory, request_, unclear
):
    if unclear:
        directory.add("U0ANA", unclear=frozenset({unclear}))
    else:
        directory.failure = SlackUnavailable("Slack did not answer.")
    rules = Rules(frozenset(), frozenset({"S0PKI"}), frozenset({"T0HOME"}))
    began = clock()

    turned_away = await settle_with(Authorizer(PolicyLoader(rules), directory, ledger, metrics, clock), request_)

    ending = (await ledger.attempts("r1", 0)).result
    assert certcentral.sent == []
    assert timedelta(seconds=30) < clock() - began <= timedelta(seconds=65)
    assert 4 <= len(turned_away) <= 10
    assert ending.outcome is LedgerEvent.NOT_SENT
    assert "Slack didn't confirm" in ending.message
    assert "lost permission" not in ending.message
    assert await Cooldowns(database).active(request_.calls[0].cooldown_keys, began) is None


@pytest.mark.fault("M3")
@pytest.mark.parametrize(("retry_after", "tries"), [(20.0, 3), (60.0, 1), (90.0, 0)])
async def test_slack_is_asked_again_as_late_as_it_wants_and_for_a_minute_in_all(
    settle, directory, certcentral, request_, ledger, retry_after, tries
):
    directory.failure, directory.retry_after = SlackUnavailable("Slack asks us to wait.", retry_after), retry_after

    turned_away = await settle(request_)

    assert len(turned_away) == tries
    assert all(retry_after <= result["wait"] <= retry_after + 1.0 for result in turned_away)
    assert certcentral.sent == []
    assert "Slack didn't confirm" in (await ledger.attempts("r1", 0)).result.message


async def test_silence_of_slack_uses_up_none_of_the_tries_to_reach_digicert(
    sender, directory, certcentral, request_, ledger, clock
):
    certcentral.failures["resend_order"] += [UNREACHABLE, UNREACHABLE]
    earlier = []
    for _ in range(6):
        directory.failure = None if len(earlier) % 2 else SlackUnavailable("Slack did not answer.")
        result = await sender.attempt("r1", 0, list(earlier))
        if result["ended"]:
            break
        earlier.append(result)
        clock.advance(seconds=result["wait"])

    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.SENT
    assert [result["permission_unknown"] for result in earlier] == [True, False, True, False, True]


@pytest.mark.fault("M3")
async def test_silence_of_slack_after_the_row_puts_the_call_off_and_the_next_process_says_why(
    slowly, sender, certcentral, directory, request_, kinds
):
    def unreachable():
        directory.failure = SlackUnavailable("Slack did not answer.")

    result = await slowly(unreachable).attempt("r1", 0, [])
    replayed = await sender.attempt("r1", 0, [])
    directory.failure = None

    assert (result["ended"], result["permission_unknown"], replayed["permission_unknown"]) == (False, True, True)
    assert await sender.attempt("r1", 0, [result]) == ENDED
    assert len(certcentral.sent) == 1
    assert await kinds() == ["accepted", "sending", "turned_away", "sending", "sent"]


async def test_the_policy_is_asked_again_before_each_try(settle, certcentral, directory, request_, ledger):
    async def deactivate_user():
        directory.add("U0ANA", deleted=True)

    certcentral.failures["resend_order"].append(CaRateLimited(None))
    certcentral.during_put = deactivate_user

    await settle(request_)

    assert len(certcentral.sent) == 1
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.NOT_SENT


@pytest.fixture
def slowly(database, authorizer, certcentral, addresses, reach, schedule, metrics, clock):
    """Return a function that sends as a process whose database is unavailable for a minute before the attempt's row."""

    class SlowLedger(Ledger):
        """A ledger that runs `meanwhile` in that minute."""

        async def begin_attempt(self, entry, confirm_in=None):
            clock.advance(seconds=61)
            meanwhile()
            return await super().begin_attempt(entry, confirm_in)

    def begin(happens):
        nonlocal meanwhile
        meanwhile = happens
        ledger = SlowLedger(database)
        return CallSender(
            database, Requests(database), ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock
        )

    meanwhile = None
    return begin


async def test_a_permission_that_grew_old_while_the_database_was_away_is_asked_for_again(
    slowly, certcentral, directory, request_, ledger, kinds, database, clock
):
    sender = slowly(lambda: directory.add("U0ANA", deleted=True))

    assert await sender.attempt("r1", 0, []) == ENDED

    assert certcentral.sent == []
    assert await kinds() == ["accepted", "sending", "not_sent"]
    assert "lost permission" in (await ledger.attempts("r1", 0)).result.message
    assert await Cooldowns(database).active(request_.calls[0].cooldown_keys, clock()) is None


async def test_a_permission_that_grew_old_while_addresses_were_read_is_asked_for_again(
    sender, certcentral, directory, for_domain, kinds, clock, monkeypatch
):
    read = certcentral.allowed_addresses

    async def slow(domain):
        clock.advance(seconds=20)
        directory.add("U0ANA", deleted=True)
        return await read(domain)

    monkeypatch.setattr(certcentral, "allowed_addresses", slow)

    assert await sender.attempt("r1", 0, []) == ENDED

    assert certcentral.sent == []
    assert await kinds() == ["accepted", "sending", "not_sent"]


async def test_addresses_that_cannot_be_read_again_after_such_a_wait_get_no_mail(
    slowly, certcentral, for_domain, kinds
):
    sender = slowly(lambda: certcentral.failures["allowed_addresses"].append(UNREACHABLE))

    assert await sender.attempt("r1", 0, []) == ENDED

    assert certcentral.sent == []
    assert await kinds() == ["accepted", "sending", "not_sent"]


async def test_a_permission_that_still_holds_after_such_a_wait_sends(slowly, certcentral, directory, request_, kinds):
    await slowly(lambda: None).attempt("r1", 0, [])

    assert directory.asked == [("U0ANA", True)] * 2
    assert await kinds() == ["accepted", "sending", "sent"]


@pytest.mark.parametrize(("age", "readings", "sent"), [(59, 1, 1), (61, 2, 0)])
async def test_a_list_of_allowed_addresses_counts_for_a_minute(
    sender, certcentral, addresses, for_domain, ledger, clock, age, readings, sent
):
    await addresses.get(1234)
    certcentral.allow(1234, "admin@example.org")
    clock.advance(seconds=age)

    await sender.attempt("r1", 0, [])

    assert certcentral.count("allowed_addresses") == readings
    assert len(certcentral.sent) == sent


async def test_an_address_that_is_no_longer_allowed_stops_the_call(sender, certcentral, for_domain, ledger, kinds):
    certcentral.allow(1234, "admin@example.org")

    result = await sender.attempt("r1", 0, [])

    ending = (await ledger.attempts("r1", 0)).result
    assert result == ENDED
    assert certcentral.sent == []
    assert ending.outcome is LedgerEvent.NOT_SENT
    assert "pki@example.org" in ending.message
    assert "admin@example.org" not in ending.message
    assert await kinds() == ["accepted", "not_sent"]


async def test_an_unknown_domain_allows_no_recipients(sender, certcentral, for_domain, ledger):
    del certcentral.allowed[1234]

    await sender.attempt("r1", 0, [])

    assert certcentral.sent == []
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.NOT_SENT


@pytest.mark.fault("H1")
@pytest.mark.parametrize(
    ("of_domain", "of_scope", "emails", "is_sent"),
    [
        (["a@example.org"], ["b@example.org"], ["a@example.org", "b@example.org"], True),
        (["a@example.org", "b@example.org"], ["b@example.org"], ["b@example.org"], True),
        (["a@example.org"], ["b@example.org"], ["a@example.org"], False),
        (["a@example.org"], ["b@example.org"], ["b@example.org"], False),
        (["a@example.org"], [], ["a@example.org"], False),
        (["a@example.org"], None, ["a@example.org"], False),
        (["a@example.org", "c@example.org"], ["b@example.org"], ["c@example.org", "d@example.org"], False),
    ],
)
async def test_another_scope_is_called_only_with_an_address_of_each_list(
    sender, certcentral, accept, make_request, ledger, of_domain, of_scope, emails, is_sent
):
    scope = "shop.example.org"
    certcentral.add_domain(1234, "example.org", *of_domain)
    if of_scope is not None:
        certcentral.allow(scope, *of_scope)
    recipients = tuple(Recipient(scope, email) for email in emails)
    await accept(make_request(calls=(Call(DomainTarget(1234, scope), recipients),)))

    await sender.attempt("r1", 0, [])

    assert (await ledger.attempts("r1", 0)).result.outcome is (LedgerEvent.SENT if is_sent else LedgerEvent.NOT_SENT)
    assert certcentral.sent == ([("resend_domain", 1234, scope, tuple(emails), "de")] if is_sent else [])


async def test_an_order_needs_no_list_of_addresses(sender, certcentral, request_):
    await sender.attempt("r1", 0, [])

    assert certcentral.count("allowed_addresses") == 0


async def test_if_the_list_cannot_be_read_nothing_is_sent(settle, certcentral, for_domain, ledger, kinds):
    certcentral.always["allowed_addresses"] = UNREACHABLE

    turned_away = await settle(for_domain)

    assert len(turned_away) == 2
    assert certcentral.sent == []
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.NOT_SENT
    assert await kinds() == ["accepted", "not_sent"]


async def test_if_the_list_is_rejected_the_call_is_rejected(sender, certcentral, for_domain, ledger):
    certcentral.failures["allowed_addresses"].append(CaRejected("No permission.", status=403))

    await sender.attempt("r1", 0, [])

    ending = (await ledger.attempts("r1", 0)).result
    assert certcentral.sent == []
    assert (ending.outcome, ending.message) == (LedgerEvent.REFUSED, "No permission.")


@pytest.mark.parametrize("lock_seconds", [LOCK_SECONDS])
async def test_a_database_that_is_away_does_not_lose_the_ending(sender, certcentral, request_, ledger, open_another):
    locked = asyncio.Event()

    async def lock():
        async with open_another().write():
            locked.set()
            await asyncio.sleep(1.3 * LOCK_SECONDS)  # longer than a writer waits

    holding = []

    async def lock_it():
        holding.append(asyncio.create_task(lock()))
        await locked.wait()

    certcentral.during_put = lock_it

    result = await sender.attempt("r1", 0, [])

    await holding[0]
    assert result == ENDED
    assert len(certcentral.sent) == 1
    assert (await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.SENT


async def test_each_call_of_a_request_ends_by_itself(
    sender, certcentral, accept, make_request, order_call, ledger, database, clock
):
    other = Call(OrderTarget(700002), (Recipient("b.example", "admin@b.example"),))
    await accept(make_request(calls=(order_call, other)))
    certcentral.failures["resend_order"].append(REFUSED)

    for number in (0, 1):
        await sender.attempt("r1", number, [])

    results = await ledger.results("r1")
    held = Cooldowns(database)
    assert {number: ending.outcome for number, ending in results.items()} == {
        0: LedgerEvent.REFUSED,
        1: LedgerEvent.SENT,
    }
    assert await held.active(order_call.cooldown_keys, clock()) is None
    assert await held.active(other.cooldown_keys, clock())


@pytest.fixture
def elsewhere(open_another, authorizer, certcentral, addresses, reach, schedule, metrics, clock):
    """Return the same step in another process that considers this one dead."""
    database = open_another()
    return CallSender(
        database,
        Requests(database),
        Ledger(database),
        authorizer,
        certcentral,
        addresses,
        reach,
        schedule,
        metrics,
        clock,
        "two/1",
    )


async def test_who_wakes_up_after_another_process_sent_does_not_send_again(
    sender, elsewhere, certcentral, request_, kinds
):
    async def frozen():
        await elsewhere.attempt("r1", 0, [])

    certcentral.during_turn = frozen

    assert await sender.attempt("r1", 0, []) == ENDED
    assert len(certcentral.sent) == 1
    assert await kinds() == ["accepted", "sending", "sent"]


async def test_a_process_that_wakes_after_nothing_sent_was_reported_sends_nothing(
    sender, elsewhere, certcentral, directory, request_, kinds
):
    async def frozen():
        directory.add("U0ANA", deleted=True)
        await elsewhere.attempt("r1", 0, [])
        directory.add("U0ANA")

    certcentral.during_turn = frozen

    assert await sender.attempt("r1", 0, []) == ENDED
    assert certcentral.sent == []
    assert await kinds() == ["accepted", "not_sent"]


async def test_who_wakes_up_at_the_first_try_while_another_process_is_at_the_second_does_not_send(
    sender, elsewhere, certcentral, request_, kinds
):
    waits, answer, tasks = asyncio.Event(), asyncio.Event(), []

    async def put_is_held():
        waits.set()
        await answer.wait()

    async def frozen():
        certcentral.during_put = put_is_held
        tasks.append(asyncio.create_task(elsewhere.attempt("r1", 0, [{"busy": False, "at": "2026-07-01T10:00:00Z"}])))
        await waits.wait()
        asyncio.get_running_loop().call_later(0.3, answer.set)

    certcentral.during_turn = frozen

    assert await sender.attempt("r1", 0, []) == ENDED
    await asyncio.gather(*tasks)
    assert len(certcentral.sent) == 1
    assert await kinds() == ["accepted", "sending", "sent"]


async def test_who_may_not_send_any_more_does_not_say_so_while_another_process_sends(
    sender, elsewhere, certcentral, directory, request_, kinds
):
    waits, answer, tasks = asyncio.Event(), asyncio.Event(), []

    async def put_is_held():
        waits.set()
        await answer.wait()

    async def frozen():
        certcentral.during_put = put_is_held
        tasks.append(asyncio.create_task(elsewhere.attempt("r1", 0, [])))
        await waits.wait()
        directory.add("U0ANA", deleted=True)
        asyncio.get_running_loop().call_later(0.3, answer.set)

    certcentral.during_turn = frozen

    assert await sender.attempt("r1", 0, []) == ENDED
    await asyncio.gather(*tasks)
    assert len(certcentral.sent) == 1
    assert await kinds() == ["accepted", "sending", "sent"]


async def test_the_row_before_a_call_names_its_process(elsewhere, request_, rows):
    await elsewhere.attempt("r1", 0, [])

    assert json.loads((await rows())[1]["detail"])["by"] == "two/1"


@pytest.mark.fault("M4")
async def test_a_call_that_another_process_ends_before_its_bytes_are_written_is_not_made(
    sender, elsewhere, certcentral, request_, kinds, clock
):
    async def frozen():
        certcentral.before_put = None
        clock.advance(seconds=FRESH_SECONDS)
        await elsewhere.attempt("r1", 0, [])

    certcentral.before_put = frozen

    assert await sender.attempt("r1", 0, []) == ENDED
    assert certcentral.sent == []
    assert await kinds() == ["accepted", "sending", "unknown"]


@pytest.mark.fault("M4")
async def test_a_permission_that_grew_old_while_the_connection_was_made_is_asked_for_again(
    sender, certcentral, directory, request_, kinds, ledger, clock
):
    async def connects_slowly():
        clock.advance(seconds=4)
        directory.add("U0ANA", deleted=True)

    certcentral.before_put = connects_slowly

    assert await sender.attempt("r1", 0, []) == ENDED
    assert certcentral.sent == []
    assert await kinds() == ["accepted", "sending", "not_sent"]
    assert "lost permission" in (await ledger.attempts("r1", 0)).result.message


@pytest.mark.fault("M4")
async def test_a_try_of_which_nothing_arrived_is_not_closed_after_another_process_ended_the_call(
    sender, elsewhere, certcentral, request_, kinds
):
    async def frozen():
        await elsewhere.attempt("r1", 0, [])

    certcentral.during_put = frozen
    certcentral.failures["resend_order"].append(UNREACHABLE)

    assert await sender.attempt("r1", 0, []) == ENDED
    assert await kinds() == ["accepted", "sending", "unknown"]


class Excluded(SingleInstance):
    """A member that the others consider dead in its first `times` attempts, at the row and before the call."""

    def __init__(self, times):
        super().__init__()
        self.answers = 2 * times

    async def renew(self, connection):
        self.answers -= 1
        return self.answers < 0


@pytest.mark.parametrize(("times", "sent"), [(1, 1), (2, 1), (3, 0)])
async def test_a_process_considered_dead_retries_and_sends_at_most_once(
    database, authorizer, certcentral, addresses, reach, schedule, metrics, clock, request_, ledger, rows, times, sent
):
    from bot.store.call_guard import CallGuard

    guard = CallGuard(database, Excluded(times))
    requests = Requests(database)
    sender = CallSender(
        database, requests, ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock, "one/1", guard
    )
    earlier = []

    while not (result := await sender.attempt("r1", 0, list(earlier)))["ended"]:
        earlier.append(result)

    ending = (await ledger.attempts("r1", 0)).result
    closed = [row["kind"] for row in await rows()].count("turned_away")
    assert len(certcentral.sent) == sent
    assert ending.outcome is (LedgerEvent.SENT if sent else LedgerEvent.NOT_SENT)
    assert (len(earlier), closed) == (min(times, 2), times)
    assert all("didn't respond" in each["words"] for each in earlier)
    assert sent or "didn't respond" in ending.message


@pytest.mark.fault("H2")
@pytest.mark.parametrize(
    ("names", "orders", "is_denied"),
    [({"pay.example.org"}, (), True), ((), {700002}, True), ({"pay.example.com"}, (), False), ((), {700003}, False)],
)
async def test_a_deny_that_came_after_the_submit_holds_for_all_that_the_call_would_validate(
    sender, certcentral, for_domain, authorizer, monkeypatch, ledger, names, orders, is_denied
):
    certcentral.add_order(700002, "pay.example.org", is_dv=False)
    certcentral.add_order(700003, "pay.example.org", is_dv=True)
    deny = Rule("frozen", False, frozenset({Action.RESEND}), names=frozenset(names), orders=frozenset(orders))
    rules = Rules(frozenset({"U0ANA"}), frozenset(), frozenset({"T0HOME"}), (deny,))
    monkeypatch.setattr(authorizer, "_policy_loader", PolicyLoader(rules))

    await sender.attempt("r1", 0, [])

    ending = (await ledger.attempts("r1", 0)).result
    assert (ending.outcome is LedgerEvent.NOT_SENT) == is_denied
    assert ("lost permission" in ending.message) == is_denied
    assert (certcentral.sent == []) == is_denied


@pytest.mark.fault("H2")
@pytest.mark.parametrize(("denied", "is_denied"), [("late.example.com", True), ("other.example.com", False)])
async def test_a_name_that_joined_a_dv_order_after_the_submit_is_denied_at_the_call(
    sender, certcentral, request_, authorizer, monkeypatch, ledger, denied, is_denied
):
    deny = Rule("frozen", False, frozenset({Action.RESEND}), names=frozenset({denied}))
    rules = Rules(frozenset({"U0ANA"}), frozenset(), frozenset({"T0HOME"}), (deny,))
    monkeypatch.setattr(authorizer, "_policy_loader", PolicyLoader(rules))
    certcentral.add_order(700001, "shop.example.com", "late.example.com")

    await sender.attempt("r1", 0, [])

    assert ((await ledger.attempts("r1", 0)).result.outcome is LedgerEvent.NOT_SENT) == is_denied
    assert (certcentral.sent == []) == is_denied
