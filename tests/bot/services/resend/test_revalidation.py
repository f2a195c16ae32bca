"""A revalidation: three steps with a row each. After a failure, a lost answer or a crash no further call is made."""

import dataclasses

import pytest

from bot.errors import CaRejected, CaUnavailable, CooldownActive, NotAllowed, NotResendable
from bot.models import Call, CallStep, Destination, DomainTarget, LedgerEvent, Pending, Recipient
from bot.policy.rule_file import read_policy
from bot.policy.rules import Action, Rule, Rules
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.resend.requests import NewRequest
from bot.services.resend.sender import CallSender
from bot.store.cooldowns import Cooldowns
from bot.store.ledger.entries import Entry

REFUSED = CaRejected("The domain is locked.", status=400)
LOST = CaUnavailable("The connection dropped before DigiCert replied.", may_have_arrived=True)
UNREACHABLE = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)
SENT, UNKNOWN, NOT_SENT, REJECTED = LedgerEvent.SENT, LedgerEvent.UNKNOWN, LedgerEvent.NOT_SENT, LedgerEvent.REFUSED
CALLS = ["submit_domain", "change_domain_to_email", "resend_domain"]
EMAIL = "admin@example.org"


@pytest.fixture
def steps():
    """Return the three calls of a revalidation."""
    target, recipients = DomainTarget(1234, "example.org"), (Recipient("example.org", EMAIL),)
    return tuple(Call(target, recipients, step=step, validation_types=("ov", "ev")) for step in CallStep)


@pytest.fixture
async def revalidation(accept, make_request, steps, certcentral):
    """Return an accepted revalidation of a domain whose recipient is allowed."""
    certcentral.add_domain(1234, "example.org", EMAIL, is_pending=False)
    return await accept(dataclasses.replace(make_request(calls=steps), revalidates=True))


@pytest.fixture
def carry_out(clock, ledger):
    """Return a function that attempts each step to its end, as the workflow does. It returns the outcomes."""

    async def carry_it_out(sender, first=0):
        for number in range(first, 3):
            earlier = []
            while not (result := await sender.attempt("r1", number, list(earlier)))["ended"]:
                earlier.append(result)
                clock.advance(seconds=result["wait"])
        results = await ledger.results("r1")
        return [results[number].outcome for number in range(3)]

    return carry_it_out


@pytest.fixture
def restarted(database, stored, ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock):
    """Return the sender of another process."""
    return CallSender(database, stored, ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock)


async def test_each_step_is_one_call_with_its_own_row(sender, carry_out, revalidation, certcentral, rows):
    assert await carry_out(sender) == [SENT] * 3

    assert certcentral.sent == [
        ("submit_domain", 1234, ("ov", "ev")),
        ("change_domain_to_email", 1234, (EMAIL,), "de"),
        ("resend_domain", 1234, "example.org", (EMAIL,), "de"),
    ]
    assert [(row["kind"], row["call_no"]) for row in await rows()][1:] == [
        (kind, number) for number in range(3) for kind in ("sending", "sent")
    ]


@pytest.mark.parametrize("failing", range(3))
@pytest.mark.parametrize(("failure", "outcome"), [(REFUSED, REJECTED), (LOST, UNKNOWN)], ids=["refused", "lost"])
async def test_nothing_follows_a_step_that_did_not_succeed(
    sender, carry_out, revalidation, certcentral, failing, failure, outcome
):
    certcentral.failures[CALLS[failing]].append(failure)

    outcomes = await carry_out(sender)

    assert outcomes == [*[SENT] * failing, outcome, *[NOT_SENT] * (2 - failing)]
    assert [call[0] for call in certcentral.sent] == CALLS[: failing + 1]


@pytest.mark.parametrize(
    ("failing", "outcomes"),
    [(0, [SENT, NOT_SENT, NOT_SENT]), (1, [SENT, SENT, NOT_SENT]), (2, [SENT, SENT, UNKNOWN])],
)
async def test_a_step_whose_answer_was_lost_is_done_if_digicert_lists_its_effect(
    sender, carry_out, revalidation, certcentral, ledger, failing, outcomes
):
    certcentral.lost_takes_effect = True
    certcentral.failures[CALLS[failing]].append(LOST)

    assert await carry_out(sender) == outcomes

    # Also then a person decides what follows.
    assert [call[0] for call in certcentral.sent] == CALLS[: failing + 1]
    results = await ledger.results("r1")
    if failing < 2:
        assert "DigiCert lists the domain " in results[failing].message
        assert "answer to the step before it was lost" in results[failing + 1].message


async def test_if_the_effect_cannot_be_read_the_step_is_unknown(sender, carry_out, revalidation, certcentral):
    certcentral.lost_takes_effect = True
    certcentral.failures["submit_domain"].append(LOST)
    certcentral.failures["domain"] += [None, UNREACHABLE]

    assert await carry_out(sender) == [UNKNOWN, NOT_SENT, NOT_SENT]


@pytest.mark.parametrize(("took_effect", "outcome"), [(True, SENT), (False, UNKNOWN)])
async def test_after_a_crash_during_a_step_its_effect_is_looked_up(
    restarted, ledger, ana, clock, revalidation, certcentral, took_effect, outcome
):
    await ledger.append(Entry(LedgerEvent.SENDING, clock(), ana, "r1", 0, 1, {"by": "another"}))
    if took_effect:
        certcentral.change_domain(1234, validation=Pending(), method="dns-txt-token")

    await restarted.attempt("r1", 0, [])

    assert (await ledger.results("r1"))[0].outcome is outcome
    assert certcentral.sent == []


async def test_a_domain_that_is_pending_by_now_is_not_submitted(
    sender, carry_out, revalidation, certcentral, database, clock
):
    certcentral.change_domain(1234, validation=Pending(), method="email")

    assert await carry_out(sender) == [NOT_SENT] * 3

    assert certcentral.sent == []
    assert await Cooldowns(database).active(revalidation.calls[0].cooldown_keys, clock()) is None


@pytest.mark.parametrize("failing", [None, 0, 1, 2])
async def test_a_revalidation_that_has_ended_takes_no_memory(sender, carry_out, revalidation, certcentral, failing):
    if failing is not None:
        certcentral.failures[CALLS[failing]].append(LOST)

    await carry_out(sender)

    assert sender.revalidations_under_way == 0


async def test_one_that_another_process_ends_is_forgotten_after_an_hour(
    sender, revalidation, accept, steps, make_request, clock
):
    await sender.attempt("r1", 0, [])
    clock.advance(minutes=59)
    later = await accept(dataclasses.replace(make_request("r2", calls=steps), revalidates=True))
    assert sender.revalidations_under_way == 1

    clock.advance(minutes=2)
    await sender.attempt(later.id, 0, [])

    assert sender.revalidations_under_way == 1


@pytest.mark.parametrize("failing", range(3))
async def test_a_step_that_never_reached_digicert_is_tried_again(sender, carry_out, revalidation, certcentral, failing):
    certcentral.failures[CALLS[failing]].append(UNREACHABLE)

    assert await carry_out(sender) == [SENT] * 3


@pytest.mark.parametrize(
    ("failing", "failure", "is_free"),
    [(0, REFUSED, True), (0, LOST, False), (1, REFUSED, False), (2, REFUSED, False)],
    ids=["first refused", "first lost", "second refused", "third refused"],
)
async def test_the_cooldown_ends_only_if_no_step_had_an_effect(
    sender, carry_out, revalidation, certcentral, database, clock, failing, failure, is_free
):
    certcentral.failures[CALLS[failing]].append(failure)

    await carry_out(sender)

    keys = revalidation.calls[0].cooldown_keys
    assert (await Cooldowns(database).active(keys, clock()) is None) is is_free


@pytest.mark.parametrize("done", [1, 2])
async def test_after_a_crash_between_two_steps_no_further_call_is_made(
    sender, restarted, carry_out, revalidation, certcentral, ledger, done
):
    for number in range(done):
        await sender.attempt("r1", number, [])

    outcomes = await carry_out(restarted, done)

    assert outcomes == [*[SENT] * done, *[NOT_SENT] * (3 - done)]
    assert [call[0] for call in certcentral.sent] == CALLS[:done]
    assert (await ledger.results("r1"))[done].message == "The bot was restarted between two steps."


async def test_recipients_and_follow_up_begin_with_the_emails(
    sender, revalidation, certcentral, stored, follow_ups, carry_out
):
    await sender.attempt("r1", 0, [])
    await sender.attempt("r1", 1, [])
    assert await stored.last_recipients(["example.org"]) == {}
    assert await follow_ups.of("r1") == []

    await carry_out(sender, 2)

    assert await stored.last_recipients(["example.org"]) == {"example.org": (EMAIL,)}
    assert [follow_up.call_no for follow_up in await follow_ups.of("r1")] == [2]


@pytest.mark.parametrize("step", [1, 2])
async def test_addresses_are_checked_right_before_each_step_that_may_email(
    sender, revalidation, certcentral, addresses, clock, carry_out, step
):
    for number in range(step):
        await sender.attempt("r1", number, [])
    certcentral.allow(1234, "other@example.org", of="example.org")
    clock.advance(minutes=2)

    outcomes = await carry_out(sender, step)

    assert outcomes[step] is NOT_SENT
    assert len(certcentral.sent) == step


def make_authorizer(rules, directory, ledger, metrics, clock):
    return Authorizer(PolicyLoader(rules), directory, ledger, metrics, clock)


def ana_may(*actions):
    rule = Rule("pki", True, frozenset(actions), users=frozenset({"U0ANA"}))
    return Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), (rule,))


@pytest.fixture
def asked(ana, steps):
    def ask(cause="view:V1", calls=None, continues=None, reason=None):
        place = Destination("C0PKI")
        values = (ana, place, cause, "domain:1234", "example.org", calls or steps, "en", reason)
        return NewRequest(*values, revalidates=True, continues=continues)

    return ask


@pytest.mark.parametrize(("action", "may"), [(Action.REVALIDATE, True), (Action.RESEND, False), (Action.STATUS, False)])
async def test_it_needs_its_own_action(
    make_resend, database, directory, ledger, metrics, clock, asked, rows, action, may
):
    resend = make_resend(database, make_authorizer(ana_may(action), directory, ledger, metrics, clock))
    if may:
        await resend.accept(asked())
    else:
        with pytest.raises(NotAllowed):
            await resend.accept(asked())

    assert [row["kind"] for row in await rows()] == ["accepted" if may else "denied"]


@pytest.mark.parametrize(("deny", "may"), [("resend", False), ("revalidate", False), ("status", True)])
async def test_a_deny_of_resend_denies_it_too(
    make_resend, database, directory, ledger, metrics, clock, asked, deny, may
):
    text = f'''
        [[rule]]
        name = "pki"
        allow = ["resend", "revalidate"]
        users = ["U0ANA"]
        [[rule]]
        name = "frozen"
        deny = ["{deny}"]
        names = ["example.org"]
    '''
    rules = Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), read_policy(text.encode(), "policy.toml"))
    resend = make_resend(database, make_authorizer(rules, directory, ledger, metrics, clock))
    if may:
        assert await resend.accept(asked())
    else:
        with pytest.raises(NotAllowed):
            await resend.accept(asked())


async def test_its_cooldown_stops_another_request_but_not_its_own_continuation(resend, asked, steps):
    first = await resend.accept(asked())

    with pytest.raises(CooldownActive):
        await resend.accept(asked("view:V2"))
    assert await resend.accept(asked("continue:1", steps[1:], first)) != first


async def test_it_is_continued_once_however_often_and_for_whatever_reason_that_is_asked(resend, asked, steps, rows):
    first = await resend.accept(asked())
    await resend.accept(asked("trigger:1", steps[1:], first, "urgent"))

    with pytest.raises(NotResendable, match="continued already"):
        await resend.accept(asked("trigger:2", steps[1:], first, "urgent"))

    assert [row["kind"] for row in await rows()] == ["accepted", "accepted"]
