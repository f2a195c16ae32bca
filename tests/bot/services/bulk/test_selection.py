"""What a list or a filter means, and what is told of the rest to whom."""

from datetime import timedelta

import pytest

from bot.bulk import Audience, BulkState, LeftOutKind, domains
from bot.errors import CaRejected, InvalidInput
from bot.models import CallStep, Destination
from bot.policy.rules import Action, Rule, Rules
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.resend.requests import NewRequest
from bot.views import bulk as views
from bot.views.bulk import plan_value


@pytest.fixture
def left_out(previewed):
    """Return a function that previews, and returns the titles that get no email by the kind of reason."""

    async def preview_it(wanted, **changes):
        plan = await previewed(wanted, **changes)
        return {kind.value: [each.title for each in plan.left_out if each.kind is kind] for kind in LeftOutKind}

    return preview_it


async def test_each_line_is_sent_left_out_or_hidden(left_out, orders, certcentral, clock):
    wanted = orders(2)
    certcentral.add_order(700010, "issued.example.com", status="issued")
    certcentral.add_order(700011, "dns.example.com", method="dns-txt-token")

    assert await left_out(f"{wanted} 700010 700011 999999 nothing.example.net") == {
        "validated": ["Order 700010"],
        "method": ["Order 700011"],
        "cooldown": [],
        "other": [],
        "hidden": ["Order 999999", "nothing.example.net"],
    }


async def test_what_the_rules_do_not_cover_reads_like_what_does_not_exist(
    left_out, orders, certcentral, authorizer, chat, ana
):
    """The counts are for all; the lines are for the requester alone."""
    wanted = orders(3)
    mine = Rule(
        "mine", True, frozenset(Action), users=frozenset({"U0ANA"}), names=frozenset({"shop700001.example.com"})
    )
    authorizer._policy_loader = PolicyLoader(Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), (mine,)))  # noqa: SLF001 - a new version of the rules

    found = await left_out(f"{wanted} 999999")

    [(who, _, whispered)] = chat.ephemerals
    public = "\n".join(
        f"{text} {message.blocks}" for _, message, _ in chat.messages.values() for text in [message.text]
    )
    assert found["hidden"] == ["Order 700002", "Order 700003", "Order 999999"]
    assert (who, whispered.endswith(": 3")) == (ana.user_id, True)
    assert "700002" not in public
    assert "999999" not in public


async def test_one_email_is_shown_once(previewed, certcentral):
    certcentral.add_order(700001, "shop.example.com")

    plan = await previewed("700001 shop.example.com")

    assert (plan.lines, plan.targets, plan.repeated) == (2, 1, 1)


@pytest.mark.parametrize(
    ("wanted", "titles"),
    [
        ("waiting > 3d", ["Order 700001", "Order 700002"]),
        ("waiting > 60d", []),
        ("*.example.com", ["Order 700001"]),
        ("*.example.org and waiting > 1d", ["Order 700002"]),
        ("method email", ["Order 700001", "Order 700002"]),
    ],
)
async def test_filters_choose_what_is_pending(previewed, certcentral, bulk_plans, wanted, titles):
    certcentral.add_order(700001, "shop.example.com")
    certcentral.add_order(700002, "pay.example.org")
    certcentral.add_domain(12, "valid.example.net", "admin@valid.example.net", is_pending=False)

    plan = await previewed(wanted)

    assert [item.title for item in await bulk_plans.items(plan.id)] == titles
    assert bool(titles) == (plan.state is BulkState.READY)


async def test_more_than_a_plan_can_have_is_refused_with_how_to_split_it(previewed, certcentral):
    for number in range(501):
        certcentral.add_order(700001 + number, f"a{number}.{'shop' if number % 3 else 'pay'}.example.com")

    plan = await previewed("waiting > 1d")

    assert plan.state is BulkState.DISCARDED
    assert plan.problem.startswith("501 targets match. A plan has at most 500. Split it by name")
    assert "*.shop.example.com (334), *.pay.example.com (167)" in plan.problem


@pytest.mark.parametrize(
    ("audience", "mailbox", "recipients"),
    [
        (Audience.USED, "", ("pki@corp.example",)),
        (Audience.ADMIN, "", ("admin@one.example.com",)),
        (Audience.MAILBOX, "pki@corp.example", ("pki@corp.example",)),
        (Audience.MAILBOX, "x@corp.example", ()),
        (Audience.EVERYONE, "", ("pki@corp.example", "admin@one.example.com")),
    ],
)
async def test_whom_it_emails(previewed, certcentral, stored, database, bulk_plans, audience, mailbox, recipients):
    emails = ("pki@corp.example", "admin@one.example.com")
    certcentral.add_domain(12, "one.example.com", *emails)
    certcentral.allowed[12] = certcentral.allowed["one.example.com"]

    plan = await previewed("one.example.com", audience=audience, mailbox=mailbox)

    found = [email for item in await bulk_plans.items(plan.id) for email in item.recipients]
    if audience is Audience.USED:
        assert len(found) == 1
    else:
        assert tuple(found) == recipients
    assert plan.everyone == (len(emails) if recipients else 0)


async def test_a_domain_that_is_not_pending_is_left_out_unless_that_was_asked_for(left_out, certcentral, clock):
    certcentral.add_domain(12, "valid.example.com", "admin@valid.example.com", is_pending=False, until=clock.now)

    assert (await left_out("valid.example.com"))["validated"] == ["valid.example.com"]


async def test_expiring_domains_are_submitted_again_without_emailing_anyone_else(
    previewed, bulk, ana, certcentral, bulk_plans, carry_out, clock
):
    until, later = clock.now + timedelta(days=10), clock.now + timedelta(days=90)
    certcentral.add_domain(12, "valid.example.com", "admin@valid.example.com", is_pending=False, until=until)
    certcentral.add_domain(13, "later.example.com", "admin@later.example.com", is_pending=False, until=later)

    plan = await previewed("expiring < 30d")
    items = await bulk_plans.items(plan.id)
    await bulk.send(ana, plan_value(plan))
    await carry_out()

    assert [(item.title, item.revalidates) for item in items] == [("valid.example.com", True)]
    assert plan.emails == 1
    assert domains(items) == {"valid.example.com"}
    assert [call[0] for call in certcentral.sent] == ["submit_domain", "change_domain_to_email", "resend_domain"]
    assert [call.step for call in items[0].calls] == list(CallStep)


async def test_an_interrupted_revalidation_is_named_until_a_person_continues_it(
    previewed, bulk, ana, certcentral, bulk_plans, carry_out, clock, bulk_reporter, reporter, resend, stored
):
    for number, name in enumerate(("one.example.com", "two.example.com"), 12):
        until = clock.now + timedelta(days=number)
        certcentral.add_domain(number, name, f"admin@{name}", is_pending=False, until=until)
    certcentral.failures["change_domain_to_email"] = [CaRejected("Try later.", status=400)]
    plan = await previewed("expiring < 30d")
    await bulk.send(ana, plan_value(plan))
    await carry_out()

    shown = views.card(await bulk_reporter.facts(plan.id))
    [stopped] = (await bulk_reporter.facts(plan.id)).interrupted
    request = await stored.get(stopped.request_id)
    follows = (Destination("C0PKI"), "view:9", request.key, request.subject, request.calls, "en", None)
    await resend.accept(NewRequest(ana, *follows, continues=request.id, revalidates=True))

    assert f"Submitted, but stopped before the email: {stopped.title}" in shown.text
    assert (f"Continue {stopped.title}", request.id) in [
        (button["text"]["text"], button["value"]) for button in shown.blocks[-1].to_dict()["elements"][:-1]
    ]
    assert (await reporter.thread(request)).thread_ts is not None
    assert (await bulk_reporter.facts(plan.id)).interrupted == []


async def test_an_unreadable_list_is_refused_at_its_field(submit):
    with pytest.raises(InvalidInput) as refused:
        await submit("700001\n=1+1")

    assert "Entry 2" in refused.value.fields["wanted"]


async def test_a_long_list_needs_a_reason(submit, orders):
    with pytest.raises(InvalidInput) as refused:
        await submit(orders(11), reason=None)

    assert refused.value.fields == {"reason": "11 targets need a reason."}
