"""The services of plans around one database, with orders to send and a colleague who may approve."""

import pytest

from bot.bulk import Audience, BulkInput
from bot.expiry.calendar import shipped_calendar
from bot.models import Actor, Destination
from bot.services.bulk import preview, runner
from bot.services.bulk.approval import BulkApproval
from bot.services.bulk.people import PlanPeople
from bot.services.bulk.plans import BulkService
from bot.services.bulk.preview import BulkPreviews
from bot.services.bulk.runner import BulkRunner
from bot.services.bulk.selection import BulkSelection
from bot.services.resend.sender import CallSender
from bot.store.forms import Form, Forms
from bot.views.bulk import BulkFormInput, plan_value

FIRST = 700001
PKI = Destination("C0PKI")


@pytest.fixture
def bob(directory):
    directory.add("U0BOB")
    return Actor("U0BOB", "T0HOME")


@pytest.fixture
def people(authorizer, bulk_plans):
    return PlanPeople(authorizer, bulk_plans)


@pytest.fixture
def sender(database, stored, ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock, people):
    parts = (database, stored, ledger, authorizer, certcentral, addresses, reach, schedule, metrics, clock)
    return CallSender(*parts, plan_check=people.objection)


@pytest.fixture
def selection(finder, account_cache, resend, clock):
    return BulkSelection(finder, account_cache, resend, clock, shipped_calendar())


@pytest.fixture
def bulk_runner(authorizer, people, bulk_plans, selection, resend, bulk_reporter, engine, clock, monkeypatch):
    # The clock stands still, so a pause of the run must not wait for it.
    async def pass_time(seconds):
        clock.advance(seconds=seconds)

    monkeypatch.setattr(runner, "_sleep", pass_time)
    return BulkRunner(authorizer, people, bulk_plans, selection, resend, bulk_reporter, engine, clock)


@pytest.fixture
def previews(authorizer, bulk_plans, selection, bulk_reporter, engine, clock):
    return BulkPreviews(authorizer, bulk_plans, selection, bulk_reporter, engine, clock)


@pytest.fixture
def forms(database):
    return Forms(database)


@pytest.fixture
def bulk(authorizer, people, bulk_limits, bulk_plans, forms, previews, bulk_runner, database, clock):
    parts = (authorizer, people, bulk_limits, bulk_plans, forms, previews, bulk_runner, database)
    return BulkService(*parts, "en", clock)


@pytest.fixture
def approval(authorizer, people, bulk_limits, bulk_plans, bulk_reporter, bulk_runner, publisher, database, clock, bob):
    parts = (authorizer, people, bulk_limits, bulk_plans, bulk_reporter, bulk_runner, publisher, database)
    return BulkApproval(*parts, clock)


@pytest.fixture
def orders(certcentral):
    """Return a function that adds pending DV orders with one name each, and returns their ids as a list."""

    def add(count):
        ids = list(range(FIRST, FIRST + count))
        for order_id in ids:
            certcentral.add_order(order_id, f"shop{order_id}.example.com")
        return " ".join(map(str, ids))

    return add


@pytest.fixture
def submit(bulk, forms, ana, clock):
    """Return a function that submits a form, and returns the id of the plan."""
    views = iter(f"V{number}" for number in range(1, 100))

    async def submit_it(wanted, *, actor=ana, reason="new mailbox", audience=Audience.USED, mailbox="", changes=None):
        form = Form(actor, PKI, changes=changes)
        await forms.save(form, clock())
        asked = BulkInput(wanted, audience, "en", mailbox, reason)
        return await bulk.submit(actor, next(views), BulkFormInput(asked, form.id))

    return submit_it


@pytest.fixture
def previewed(submit, engine, steps, bulk_plans):
    """Return a function that submits a form, makes the preview, and returns the plan."""

    async def preview_it(wanted, **changes):
        plan_id = await submit(wanted, **changes)
        await engine.flows[preview.FLOW](steps, plan_id)
        return await bulk_plans.get(plan_id)

    return preview_it


@pytest.fixture
def asking(previewed, orders, approval, ana):
    """Return a function that makes a plan that waits for approval, and returns it with the value of its buttons."""

    async def ask(count=3):
        plan = await previewed(orders(count))
        value = plan_value(plan)
        await approval.ask(ana, value)
        return plan, value

    return ask


@pytest.fixture
def carry_out(engine, steps):
    """Return a function that carries out the newest run that was started."""

    async def run():
        name, flow_id = engine.started[-1]
        assert name == runner.FLOW
        await engine.flows[name](steps, flow_id)

    return run
