"""What stands behind `/dcv-resend history`: the gate first, then pages, and links for those who may follow them."""

import json

import pytest

from bot.command import WantedPerson
from bot.errors import Misunderstood, NotAllowed
from bot.models import Actor, Place
from bot.services.chronicle import Chronicle
from bot.services.reporting import root_key
from bot.store.history import Past
from bot.store.ledger import Entry, Event
from bot.store.posts import Post
from bot.targets import WantedName, WantedOrder
from bot.views.history import PER_PAGE

PKI = Place("C0PKI")
EVE = Actor("U0EVE", "T0HOME")
BOB = Actor("U0BOB", "T0HOME")


@pytest.fixture
def chronicle(gate, database, board, clock, directory):
    directory.add("U0EVE")
    directory.add("U0BOB")
    return Chronicle(gate, Past(database), board, clock)


@pytest.fixture
def asked(ledger, clock, ana):
    """A request of Ana's for each of these orders, a minute apart."""

    async def ask(*orders):
        for order_id in orders:
            calls = [{"target": f"order {order_id}", "recipients": {"shop.example.com": ["a@example.com"]}}]
            detail = {"subject": f"order {order_id}", "calls": calls, "reason": None}
            await ledger.record(Entry(Event.ACCEPTED, clock(), ana, f"r{order_id}", detail=detail))
            clock.advance(minutes=1)

    return ask


def buttons(message):
    elements = [each for block in message.payload()["blocks"] for each in block.get("elements", ())]
    return {each["text"]["text"]: each["value"] for each in elements}


def orders(message):
    return [int(line.split("order ")[1].split()[0]) for line in message.text.splitlines()[1:]]


async def test_somebody_who_may_not_look_is_told_nothing_and_is_in_the_ledger(chronicle, asked, rows):
    await asked(1)

    for asking in (
        chronicle.of(EVE, PKI, None),
        chronicle.of(EVE, PKI, WantedOrder(1)),
        chronicle.of(EVE, PKI, WantedPerson("U0ANA")),
        chronicle.turn(EVE, None, "order:1|before:9" + "x" * 500),
    ):
        with pytest.raises(NotAllowed):
            await asking

    details = [json.loads(row["detail"]) for row in (await rows())[1:]]
    assert [(detail["action"], detail["history"][:20], detail["channel"]) for detail in details] == [
        ("status", "all", "C0PKI"),
        ("status", "order:1", "C0PKI"),
        ("status", "user:U0ANA", "C0PKI"),
        ("status", "order:1|before:9xxxx", ""),
    ]


async def test_pages_are_turned_to_and_fro_while_others_ask(chronicle, asked, ana):
    await asked(*range(1, 2 * PER_PAGE + 4))

    first = await chronicle.of(ana, PKI, None)
    second = await chronicle.turn(ana, PKI, buttons(first)["Older"])
    await asked(99)
    third = await chronicle.turn(ana, PKI, buttons(second)["Older"])
    back = await chronicle.turn(ana, PKI, buttons(third)["Newer"])
    newest = await chronicle.turn(ana, PKI, buttons(back)["Newer"])

    assert [orders(page) for page in (first, second, third, back, newest)] == [
        [*range(23, 13, -1)],
        [*range(13, 3, -1)],
        [3, 2, 1],
        [*range(13, 3, -1)],
        [*range(23, 13, -1)],
    ]
    assert [list(buttons(page)) for page in (first, second, third, newest)] == [
        ["Older"],
        ["Newer", "Older"],
        ["Newer"],
        ["Newer", "Older"],
    ]


async def test_an_order_a_name_and_a_person_have_pages_of_their_own(chronicle, asked, ana):
    await asked(1, 2)

    assert orders(await chronicle.of(ana, PKI, WantedOrder(1))) == [1]
    assert orders(await chronicle.of(ana, PKI, WantedName("example.com"))) == [2, 1]
    assert orders(await chronicle.of(ana, PKI, WantedPerson("U0ANA"))) == [2, 1]
    assert "nothing that was asked by <@U0BOB>" in (await chronicle.of(ana, PKI, WantedPerson("U0BOB"))).text


@pytest.mark.parametrize(
    "value", ["", "page:1", "order:1|before:x", "'; --|before:1", "order:1|before:1\n", "|before:-1"]
)
async def test_a_button_that_somebody_made_up_leads_nowhere(chronicle, ana, value):
    with pytest.raises(Misunderstood, match="no page of this list"):
        await chronicle.turn(ana, PKI, value)


async def test_a_thread_is_linked_for_whoever_may_open_it(chronicle, asked, posts, clock, ana):
    await asked(1, 2)
    await posts.save(Post(root_key("r1"), PKI, clock(), "17.5"))
    await posts.save(Post(root_key("r2"), Place("D0ANA"), clock(), "17.6", "not_in_channel"))

    told = {reader: (await chronicle.of(reader, PKI, None)).text for reader in (ana, BOB)}

    assert told[ana].count("|thread>") == 2
    assert told[BOB].count("|thread>") == 1
    assert "<https://slack.test/C0PKI/17.5|thread>" in told[BOB]
