"""Forms are stored for a day."""

import dataclasses
from datetime import timedelta

import pytest

from bot.models import Address, Destination, DomainTarget, OrderTarget, Plan, WaitingName
from bot.store.forms import Form, Forms
from bot.store.retention import FORM_RETENTION


@pytest.fixture
def forms(database):
    return Forms(database)


@pytest.fixture
def plan():
    addresses = (Address("admin@example.com", "example.com"), Address("dns@example.net", "example.com", txt=True))
    waiting = (
        WaitingName("shop.example.com", "example.com", OrderTarget(1), True, addresses, ("admin@example.com",)),
        WaitingName("example.org", "example.org", DomainTarget(2, "example.org"), False, addresses),
    )
    return Plan("order:1", "1 · bücher.example ☃", waiting, ("a remark",), ("example.org", "a.example.org"))


async def test_a_stored_form_comes_back_with_all_its_options(forms, ana, plan, clock):
    form = Form(ana, Destination("C0PKI"), plan)
    await forms.save(form, clock())

    assert await forms.get(form.id) == form


async def test_each_form_has_an_id_that_cannot_be_guessed(ana):
    ids = {Form(ana, Destination("C0PKI")).id for _ in range(100)}

    assert len(ids) == 100
    assert {len(form_id) for form_id in ids} == {32}


async def test_an_unknown_form_is_none(forms):
    assert await forms.get("") is None
    assert await forms.get("0" * 32) is None


async def test_a_form_is_deleted_after_a_day(forms, ana, clock):
    old, young = Form(ana, Destination("C0PKI")), Form(ana, Destination("C0PKI"))
    await forms.save(old, clock())
    clock.advance(seconds=2)
    await forms.save(young, clock())
    clock.now += FORM_RETENTION - timedelta(seconds=1)

    await forms.save(Form(ana, Destination("C0PKI")), clock())

    assert await forms.get(old.id) is None
    assert await forms.get(young.id) == young


async def test_a_stored_form_never_changes(forms, ana, plan, clock):
    form = Form(ana, Destination("C0PKI"))

    with pytest.raises(dataclasses.FrozenInstanceError):
        form.plan = plan


def test_a_redrawn_form_has_an_id_of_its_own_and_the_same_requester(ana, clock):
    form = Form(ana, Destination("C0PKI"), requested_by="U0BEN")

    redrawn = form.redrawn(None, clock())

    assert redrawn.id != form.id
    assert redrawn == dataclasses.replace(form, id=redrawn.id, drawn_at=clock())
