"""Accepting a request: one winner among concurrent users, one request per cause, and none without permission."""

import asyncio
import dataclasses
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot import errors
from bot.errors import CaRateLimited, CooldownActive, NotAllowed, SlackUnavailable, StoreUnavailable
from bot.models import Actor, Call, Destination, OrderTarget, Recipient
from bot.policy.rules import Action, Rule, Rules
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.resend.requests import FLOW, NewRequest
from bot.store import schema
from bot.store.database import LOCK_SECONDS

BOB = Actor("U0BOB", "T0HOME")


@pytest.fixture
def asked(ana, order_call, directory):
    directory.add("U0BOB")

    def ask(cause="view:V1", actor=ana, calls=None, reason=None):
        return NewRequest(
            actor, Destination("C0PKI"), cause, "order:700001", "order 700001", calls or (order_call,), "en", reason
        )

    return ask


async def test_of_many_who_ask_at_once_one_wins(make_resend, database, open_another, asked, rows, stored, ana):
    services = [make_resend(database), make_resend(open_another())]

    answers = await asyncio.gather(
        *(services[number % 2].accept(asked(f"view:V{number}", (ana, BOB)[number % 2])) for number in range(10)),
        return_exceptions=True,
    )

    winners = [answer for answer in answers if isinstance(answer, str)]
    kinds = sorted(row["kind"] for row in await rows())
    assert len(winners) == 1
    assert all(isinstance(answer, CooldownActive) for answer in answers if not isinstance(answer, str))
    assert kinds == ["accepted", *["cooled_down"] * 2]
    assert await stored.unreported() == winners


async def test_one_target_in_common_is_enough_to_cool_down(resend, asked, order_call, domain_call):
    await resend.accept(asked("view:V1", calls=(order_call,)))

    with pytest.raises(CooldownActive) as cooled:
        await resend.accept(asked("view:V2", BOB, calls=(domain_call, order_call)))

    assert cooled.value.cooldown.user_id == "U0ANA"
    await resend.accept(asked("view:V3", BOB, calls=(domain_call,)))


@pytest.mark.fault("M3")
async def test_if_slack_cannot_say_who_may_override_the_cooldown_nothing_is_decided(
    make_resend, database, asked, directory, ledger, metrics, clock, rows, authorizer
):
    allowing = Rule("pki", True, frozenset({Action.RESEND}), users=frozenset({"U0ANA"}))
    overriding = Rule("leads", True, frozenset({Action.OVERRIDE}), groups=frozenset({"S0LEADS"}))
    rules = Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), (allowing, overriding))
    resend = make_resend(database, Authorizer(PolicyLoader(rules), directory, ledger, metrics, clock))
    directory.add("U0ANA", unclear=frozenset({"S0LEADS"}))
    await resend.accept(asked("view:V1"))

    with pytest.raises(errors.PermissionUnknown):
        await resend.accept(asked("view:V2", reason="lost"))

    assert [row["kind"] for row in await rows()] == ["accepted"]


async def test_a_reason_is_accepted_and_stored(resend, asked, rows, stored):
    await resend.accept(asked("view:V1"))

    again = await resend.accept(asked("view:V2", BOB, reason="new mailbox"))

    assert (await stored.get(again)).reason == "new mailbox"
    assert json.loads((await rows())[-1]["detail"])["reason"] == "new mailbox"


async def test_a_cooldown_ends(resend, asked, clock):
    await resend.accept(asked("view:V1"))
    clock.advance(minutes=15)

    assert await resend.accept(asked("view:V2"))


async def test_the_same_cause_is_the_same_request(resend, asked, rows):
    ids = await asyncio.gather(*(resend.accept(asked("view:V1")) for _ in range(5)))

    assert len(set(ids)) == 1
    assert [row["kind"] for row in await rows()] == ["accepted"]


async def test_a_reported_request_is_not_started_again_however_late_its_cause_is_repeated(
    resend, asked, stored, engine, clock, rows
):
    request_id = await resend.accept(asked("view:V1"))
    await stored.reported(request_id, clock())
    clock.advance(hours=30)

    assert await resend.accept(asked("view:V1")) is None
    await resend.send(asked("view:V1"))

    assert engine.started == []
    assert [row["kind"] for row in await rows()] == ["accepted"]


async def test_workflows_and_cooldowns_are_deleted_an_hour_after_their_end(resend, asked, engine, database, clock):
    async def claimed():
        async with database.read() as connection:
            return list(await connection.scalars(sa.select(schema.cooldowns.c.request_id)))

    old = await resend.accept(asked("view:V1"))
    clock.advance(minutes=60 + 14)
    await resend.clean_up()
    kept = await claimed()
    clock.advance(minutes=2)
    await resend.clean_up()

    assert kept == [old]
    assert await claimed() == []
    assert clock() - engine.purged_before == timedelta(hours=1)


def calls_of(number):
    """Return a different call for each number, so that no cooldown interferes."""
    return (Call(OrderTarget(number), (Recipient("shop.example.com", "admin@example.com", "example.com"),)),)


@pytest.mark.fault("M10")
async def test_a_person_over_the_request_limit_learns_when_to_continue(
    make_resend, database, asked, rows, stored, clock
):
    resend = make_resend(database, person_limits=[(3, 600.0)])
    for number in range(3):
        await resend.accept(asked(f"view:V{number}", calls=calls_of(number)))
        clock.advance(seconds=30)

    for number in (3, 4, 5):
        with pytest.raises(errors.LimitReached) as limited:
            await resend.accept(asked(f"view:V{number}", calls=calls_of(number)))

    assert str(limited.value) == "You asked for 3 resends in the last 10 minutes. You can continue at 10:10 UTC."
    assert [row["kind"] for row in await rows()] == ["accepted"] * 3 + ["limited"]
    assert json.loads((await rows())[-1]["detail"]) == {
        "requests": 3,
        "seconds": 600,
        "subject": "order 700001",
        "until": "2026-07-01T10:10:00.000000Z",
    }
    assert len(await stored.unreported()) == 3
    await resend.accept(asked("view:B", BOB, calls=calls_of(6)))
    clock.advance(minutes=9)
    await resend.accept(asked("view:V7", calls=calls_of(7)))


@pytest.mark.fault("M10")
async def test_of_many_requests_at_once_no_more_than_allowed_are_accepted(
    make_resend, database, open_another, asked, rows
):
    services = [make_resend(each, person_limits=[(3, 600.0)]) for each in (database, open_another())]

    answers = await asyncio.gather(
        *(services[number % 2].accept(asked(f"view:V{number}", calls=calls_of(number))) for number in range(8)),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, str) for answer in answers) == 3
    assert sum(isinstance(answer, errors.LimitReached) for answer in answers) == 5
    assert sorted(row["kind"] for row in await rows()) == ["accepted"] * 3 + ["limited"]


@pytest.mark.fault("M10")
async def test_a_cause_that_is_repeated_counts_once_and_is_answered_over_the_limit_too(
    make_resend, database, asked, rows
):
    resend = make_resend(database, person_limits=[(2, 600.0)])
    first = [await resend.accept(asked("view:V1", calls=calls_of(1))) for _ in range(5)]
    second = await resend.accept(asked("view:V2", calls=calls_of(2)))

    assert {*first, second} == {first[0], await resend.accept(asked("view:V2", calls=calls_of(2)))}
    assert [row["kind"] for row in await rows()] == ["accepted"] * 2


@pytest.mark.parametrize(
    ("requests", "span", "words"),
    [
        (30, timedelta(minutes=10), "You asked for 30 resends in the last 10 minutes."),
        (1, timedelta(minutes=1), "You asked for 1 resend in the last minute."),
        (2, timedelta(hours=36), "You asked for 2 resends in the last 36 hours."),
        (5, timedelta(days=1), "You asked for 5 resends in the last day."),
    ],
)
def test_a_limit_is_reported_in_words(requests, span, words, clock):
    error = errors.LimitReached(requests, span, clock() + timedelta(seconds=1), clock())

    assert str(error) == f"{words} You can continue at 10:01 UTC."


async def test_another_cause_or_workspace_is_another_request(resend, asked, ana):
    ids = {
        await resend.accept(asked("view:V1")),
        await resend.accept(asked("view:V2", reason="again")),
        await resend.accept(asked("view:V1", dataclasses.replace(ana, team_id="T0OTHER"), reason="again")),
    }

    assert len(ids) == 3


async def test_without_permission_nothing_is_accepted(resend, asked, directory, rows, stored):
    directory.add("U0EVE")

    with pytest.raises(NotAllowed):
        await resend.accept(asked(actor=Actor("U0EVE", "T0HOME")))

    assert [row["kind"] for row in await rows()] == ["denied"]
    assert await stored.unreported() == []


@pytest.mark.parametrize("lock_seconds", [LOCK_SECONDS])
async def test_a_database_that_is_away_accepts_nothing(resend, asked, open_another, rows, stored):
    async with open_another().write():
        with pytest.raises(StoreUnavailable):
            await resend.accept(asked())

    assert await rows() == []
    assert await stored.unreported() == []


async def test_unreported_requests_are_started_again(resend, asked, engine):
    request_id = await resend.accept(asked())

    await resend.start_pending()

    assert engine.started == [(FLOW, request_id)]


async def test_a_cooldown_links_to_the_thread_of_its_request(resend, asked, engine, steps, order_call, certcentral):
    request_id = await resend.accept(asked())
    await engine.flows[FLOW](steps, request_id)

    cooldown = await resend.active_cooldown([order_call])

    assert cooldown.user_id == "U0ANA"
    assert cooldown.link == "https://slack.test/C0PKI/1.0"
    assert await resend.active_cooldown([]) is None


async def test_a_thread_that_is_somebodys_own_is_not_linked(resend, asked, engine, steps, order_call, chat):
    chat.closed["C0PKI"] = "not_in_channel"
    request_id = await resend.accept(asked())
    await engine.flows[FLOW](steps, request_id)

    assert (await resend.active_cooldown([order_call])).link is None


async def test_the_workflow_announces_sends_each_call_and_reports(
    resend, asked, engine, steps, order_call, domain_call, certcentral, chat
):
    certcentral.add_domain(1234, "example.org", "admin@example.org", "pki@example.org")
    request_id = await resend.accept(asked(calls=(order_call, domain_call)))

    await engine.flows[FLOW](steps, request_id)

    assert steps.ran == ["announce", "send", "progress", "send", "report"]
    assert [call[0] for call in certcentral.sent] == ["resend_order", "resend_domain"]
    assert chat.texts[0][1].startswith("📨 ")


async def test_the_workflow_waits_as_long_as_digicert_asks(resend, asked, engine, steps, certcentral, chat):
    certcentral.failures["resend_order"].append(CaRateLimited(30.0))
    request_id = await resend.accept(asked())

    await engine.flows[FLOW](steps, request_id)

    assert steps.ran == ["announce", "send", "waiting", "send", "report"]
    assert 30.0 <= steps.slept[0] <= 31.0
    assert chat.texts[0][1].startswith("📨 ")


async def test_the_workflow_reports_the_outcome_however_long_slack_is_unavailable(
    resend, asked, engine, steps, chat, stored
):
    request_id = await resend.accept(asked())
    chat.failures = [SlackUnavailable("away")] * 12

    await engine.flows[FLOW](steps, request_id)

    assert steps.ran.count("report") == 12
    assert steps.slept[:3] == [1.0, 2.0, 4.0]
    assert max(steps.slept) == 300.0
    assert await stored.unreported() == []
