"""The report of `/dcv-resend history`: authorization first, then pages, and links for users who may open them."""

import asyncio
import json
import re
import time

import pytest

from bot.errors import InvalidInput, NotAllowed
from bot.models import Actor, Destination, LedgerEvent
from bot.parsing.commands import PersonRef
from bot.parsing.targets import DomainRef, OrderRef
from bot.policy.rules import Action, Resource, Rule, Rules
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.publishing.delivery import root_key
from bot.services.reports.history import HistoryReport
from bot.store.ledger.entries import Entry, append
from bot.store.ledger.history import RequestHistory
from bot.store.posts import Post
from bot.views.history import PER_PAGE
from tests.bot.services.conftest import shortened

PKI = Destination("C0PKI")
AT_ONCE = shortened(empty_history_delay=0.0)
EVE = Actor("U0EVE", "T0HOME")
BOB = Actor("U0BOB", "T0HOME")


@pytest.fixture
def history_report(authorizer, database, publisher, clock, directory):
    directory.add("U0EVE")
    directory.add("U0BOB")
    return HistoryReport(authorizer, RequestHistory(database), publisher, clock, **AT_ONCE)


@pytest.fixture
def asked(ledger, clock, ana):
    """Return a function that adds a request of Ana's for each of these orders, a minute apart."""

    async def ask(*orders):
        for order_id in orders:
            calls = [{"target": f"order {order_id}", "recipients": {"shop.example.com": ["a@example.com"]}}]
            detail = {"subject": f"order {order_id}", "calls": calls, "reason": None}
            await ledger.append(Entry(LedgerEvent.ACCEPTED, clock(), ana, f"r{order_id}", detail=detail))
            clock.advance(minutes=1)

    return ask


def buttons(message):
    elements = [each for block in message.payload()["blocks"] for each in block.get("elements", ())]
    return {each["text"]["text"]: each["value"] for each in elements}


def orders(message):
    return [int(re.search(r"order (\d+)", line)[1]) for line in message.text.splitlines()[1:]]


async def test_a_user_who_may_not_read_learns_nothing_and_is_in_the_ledger(history_report, asked, rows):
    await asked(1)

    for asking in (
        history_report.report(EVE, PKI, None),
        history_report.report(EVE, PKI, OrderRef(1)),
        history_report.report(EVE, PKI, PersonRef("U0ANA")),
        history_report.page(EVE, None, "order:1|before:9" + "x" * 500),
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


async def test_pages_are_turned_to_and_fro_while_others_ask(history_report, asked, ana):
    await asked(*range(1, 2 * PER_PAGE + 4))

    first = await history_report.report(ana, PKI, None)
    second = await history_report.page(ana, PKI, buttons(first)["Older"])
    await asked(99)
    third = await history_report.page(ana, PKI, buttons(second)["Older"])
    back = await history_report.page(ana, PKI, buttons(third)["Newer"])
    newest = await history_report.page(ana, PKI, buttons(back)["Newer"])

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


async def test_the_items_of_a_plan_share_a_line_with_a_link_to_its_card(
    history_report, authorizer, ledger, posts, clock, ana, asked
):
    await asked(1)
    for order_id in range(101, 141):
        calls = [{"target": f"order {order_id}", "recipients": {"shop.example.com": ["a@example.com"]}}]
        detail = {"subject": f"order {order_id}", "calls": calls, "reason": "rush", "plan": "p1"}
        await ledger.append(Entry(LedgerEvent.ACCEPTED, clock(), ana, f"i{order_id}", detail=detail))
        ending = LedgerEvent.REFUSED if order_id == 101 else LedgerEvent.SENT
        await ledger.append(Entry(ending, clock(), ana, f"i{order_id}", 0, 1, {**calls[0], "words": "No."}))
    await asked(2)
    await posts.save(Post(root_key("p1"), PKI, clock(), "17.5"))

    page = await history_report.report(ana, PKI, None)
    newest = await history_report.newest(ana, PKI, await authorizer.context(ana), "", 2)

    _, first, plan, last = page.text.splitlines()
    assert ("order 2 " in first, "order 1 " in last, buttons(page)) == (True, True, {})
    assert "*Bulk resend: 39 sent, 1 refused* · 40 targets: order 140, order 139, order 138 and 37 more" in plan
    assert "<https://slack.test/C0PKI/17.5|thread> · Reason: rush" in page.blocks[2].to_dict()["text"]["text"]
    assert [len(past.request_ids) for past in newest] == [1, 40]


async def test_an_order_a_name_and_a_person_have_pages_of_their_own(history_report, asked, ana):
    await asked(1, 2)

    assert orders(await history_report.report(ana, PKI, OrderRef(1))) == [1]
    assert orders(await history_report.report(ana, PKI, DomainRef("example.com"))) == [2, 1]
    assert orders(await history_report.report(ana, PKI, PersonRef("U0ANA"))) == [2, 1]
    assert "No requests by <@U0BOB> yet." in (await history_report.report(ana, PKI, PersonRef("U0BOB"))).text


@pytest.mark.parametrize(
    "value", ["", "page:1", "order:1|before:x", "'; --|before:1", "order:1|before:1\n", "|before:-1"]
)
async def test_a_forged_button_has_no_effect(history_report, ana, value):
    with pytest.raises(InvalidInput, match="This list has changed"):
        await history_report.page(ana, PKI, value)


async def test_a_thread_is_linked_for_users_who_may_open_it(history_report, asked, posts, clock, ana):
    await asked(1, 2)
    await posts.save(Post(root_key("r1"), PKI, clock(), "17.5"))
    await posts.save(Post(root_key("r2"), Destination("D0ANA"), clock(), "17.6", "not_in_channel"))

    messages = {reader: (await history_report.report(reader, PKI, None)).text for reader in (ana, BOB)}

    assert messages[ana].count("|thread>") == 2
    assert messages[BOB].count("|thread>") == 1
    assert "<https://slack.test/C0PKI/17.5|thread>" in messages[BOB]


ALL, STATUS = frozenset(Action), frozenset({Action.STATUS})
SHOP, PAY = "shop.example.com", "pay.example.com"
RULES = (
    Rule("no secrets", effect_allows=False, actions=STATUS, names=frozenset({"secret.example.com"})),
    Rule("No order 13", effect_allows=False, actions=STATUS, orders=frozenset({13})),
    Rule("ana", effect_allows=True, actions=ALL, users=frozenset({"U0ANA"})),
    Rule("bob", effect_allows=True, actions=STATUS, users=frozenset({"U0BOB"}), names=frozenset({SHOP, f"*.{SHOP}"})),
    Rule("cat", effect_allows=True, actions=STATUS, users=frozenset({"U0CAT"}), orders=frozenset({7})),
)
CAT = Actor("U0CAT", "T0HOME")


@pytest.fixture
def ruled(directory, ledger, metrics, clock):
    """Return rules: Ana may see all but two targets, Bob the shop, Cat order 7, and Eve nothing."""
    for user_id in ("U0BOB", "U0CAT", "U0EVE"):
        directory.add(user_id)
    rules = Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), RULES)
    return Authorizer(PolicyLoader(rules), directory, ledger, metrics, clock)


@pytest.fixture
def make_history(ruled, database, publisher, clock):
    def create(**more):
        return HistoryReport(ruled, RequestHistory(database), publisher, clock, **AT_ONCE | more)

    return create


@pytest.fixture
def history(make_history):
    return make_history()


@pytest.fixture
def wrote(database, clock):
    """Return a function that writes many accepted or denied rows at once, a minute apart."""

    async def write(*rows):
        for some in range(0, len(rows), 50):
            async with database.write() as transaction:
                for event, user_id, detail in rows[some : some + 50]:
                    await append(transaction, Entry(event, clock(), Actor(user_id, "T0HOME"), detail=detail))
                    clock.advance(minutes=1)

    return write


def accepted(name, order_id=1, user_id="U0EVE", subject=None, target=None):
    calls = [{"target": target or f"order {order_id}", "recipients": {name: [f"admin@{name}"]}}]
    return LedgerEvent.ACCEPTED, user_id, {"subject": subject or f"order {order_id}", "calls": calls}


def refused(user_id="U0EVE", **detail):
    return LedgerEvent.DENIED, user_id, {"action": "resend", "rule": "no-rule", **detail}


async def line_counts(history, *readers, about=None):
    """Return the number of lines on the newest page for each reader."""
    return [len((await history.report(reader, PKI, about)).text.splitlines()) - 1 for reader in readers]


@pytest.mark.fault("L1")
@pytest.mark.parametrize(
    ("detail", "who_sees"),
    [
        ({"text": f"name:{SHOP}", "names": [SHOP]}, (True, True, False)),
        ({"text": PAY, "names": [PAY]}, (True, False, False)),
        ({"text": "7", "order": 7}, (True, False, True)),
        ({"subject": "order 7", "order": 7, "names": [SHOP, PAY]}, (True, False, True)),
        ({"subject": "order 8", "order": 8, "names": [SHOP, PAY]}, (True, False, False)),
        ({"subject": "order 8", "order": 8, "names": [SHOP, f"www.{SHOP}"]}, (True, True, False)),
        ({"text": "secret.example.com", "names": ["secret.example.com"]}, (False, False, False)),
        ({"text": "13", "order": 13}, (False, False, False)),
        ({"history": "all"}, (False, False, False)),
        ({"history": "user:U0ANA"}, (False, False, False)),
        ({"form": "f1"}, (False, False, False)),
        ({"text": "other targets", "times": 480}, (False, False, False)),
        # Rows of an older version hold only the words.
        ({"text": f"name:{SHOP}"}, (True, True, False)),
        ({"status": "order:7"}, (True, False, True)),
        ({"subject": f"domain {PAY}"}, (True, False, False)),
        ({"text": "whatever somebody typed"}, (False, False, False)),
    ],
    ids=str,
)
async def test_a_denial_is_shown_to_those_who_may_see_its_target(history, wrote, ana, detail, who_sees):
    await wrote(refused(**detail))

    assert await line_counts(history, ana, BOB, CAT) == [int(sees) for sees in who_sees]


@pytest.mark.fault("L1")
async def test_a_denial_of_the_authorizer_is_shown_by_the_names_it_checked(history, ruled, ana):
    for resource in (
        Resource("C0PKI", (SHOP, PAY), 8, resolved=True),
        Resource("C0PKI", (SHOP,), 9, resolved=True),
        Resource("C0PKI", (), 7),
    ):
        with pytest.raises(NotAllowed):
            await ruled.require(EVE, Action.RESEND, {"subject": f"order {resource.order}"}, resource)

    assert orders(await history.report(BOB, PKI, PersonRef("U0EVE"))) == [9]
    assert orders(await history.report(CAT, PKI, PersonRef("U0EVE"))) == [7]
    assert orders(await history.report(ana, PKI, PersonRef("U0EVE"))) == [7, 9, 8]


@pytest.mark.fault("L1")
async def test_a_denial_without_a_target_is_shown_to_its_person_alone(history, wrote, ana):
    await wrote(refused("U0BOB", history="all"), refused("U0BOB", names=[PAY], text=PAY))

    assert await line_counts(history, BOB, CAT) == [1, 0]
    assert "pay" not in (await history.report(BOB, PKI, None)).text
    assert await line_counts(history, ana) == [1]


@pytest.mark.parametrize(
    ("row", "who_sees"),
    [
        (accepted(SHOP), (True, True, False)),
        (accepted(PAY), (True, False, False)),
        (accepted(PAY, 7), (True, False, True)),
        (accepted(SHOP, 13), (False, False, False)),
        (accepted("secret.example.com"), (False, False, False)),
        ((LedgerEvent.COOLED_DOWN, *accepted(PAY)[1:]), (True, False, False)),
        pytest.param(
            accepted(SHOP, subject="order 13", target=f"domain 5 ({SHOP})"),
            (False, False, False),
            marks=pytest.mark.fault("M5"),
        ),
        pytest.param(
            accepted(SHOP, subject=f"domain {SHOP}", target="domain 5 (example.com)"),
            (True, False, False),
            marks=pytest.mark.fault("M5"),
        ),
        pytest.param(
            (LedgerEvent.ACCEPTED, "U0EVE", {"subject": "unclear", "calls": []}),
            (False, False, False),
            marks=pytest.mark.fault("M5"),
        ),
    ],
    ids=str,
)
async def test_a_request_is_shown_to_those_who_may_see_all_its_names_and_orders(history, wrote, ana, row, who_sees):
    await wrote(row)

    assert await line_counts(history, ana, BOB, CAT) == [int(sees) for sees in who_sees]


async def test_two_orders_of_one_request_must_both_be_allowed(history, wrote):
    event, user_id, detail = accepted(PAY, 7)
    await wrote((event, user_id, {**detail, "calls": [*detail["calls"], *accepted(PAY, 13)[2]["calls"]]}))

    assert await line_counts(history, CAT) == [0]


async def test_own_requests_are_shown_whatever_the_rules_say_of_their_names_now(history, wrote):
    await wrote(accepted(PAY, user_id="U0BOB"), accepted("secret.example.com", 13, user_id="U0BOB"))

    assert await line_counts(history, BOB) == [2]


@pytest.mark.fault("M5")
async def test_nothing_there_and_nothing_one_may_see_are_one_answer(history, wrote):
    await wrote(*(accepted(PAY, 700001) for _ in range(3 * PER_PAGE)), *(refused(order=700001) for _ in range(40)))

    def without_ids(message):
        return re.sub("70000[12]|U0EVE|U0NOONE", "what was asked for", json.dumps(message.payload()))

    for there, nothing in (
        (OrderRef(700001), OrderRef(700002)),
        (PersonRef("U0EVE"), PersonRef("U0NOONE")),
    ):
        answers = [await history.report(BOB, PKI, about) for about in (there, nothing)]
        assert without_ids(answers[0]) == without_ids(answers[1])
        assert "No requests" in answers[0].text
        assert not any(buttons(each) for each in answers)
    for side in ("before:9", "after:9", "before:999999"):
        turned = [await history.page(BOB, PKI, f"order:{order}|{side}") for order in (700001, 700002)]
        assert without_ids(turned[0]) == without_ids(turned[1])


@pytest.mark.fault("M5")
async def test_an_empty_answer_lasts_equally_long_for_hidden_and_missing_rows(make_history, wrote):
    history = make_history(**shortened())
    await wrote(*(accepted(PAY, 700001) for _ in range(200)))

    async def duration(order_id):
        began = time.monotonic()
        await history.report(BOB, PKI, OrderRef(order_id))
        return time.monotonic() - began

    there, nothing = await duration(700001), await duration(700002)

    assert min(there, nothing) >= 0.45
    assert abs(there - nothing) < 0.25


@pytest.mark.fault("L1")
async def test_pages_are_made_of_what_may_be_seen(history, wrote):
    rows = [accepted(f"n{number}.{SHOP}" if number % 4 == 0 else PAY, number) for number in range(1, 101)]
    await wrote(*rows)
    expected = [number for number in range(100, 0, -1) if number % 4 == 0]

    first = await history.report(BOB, PKI, None)
    second = await history.page(BOB, PKI, buttons(first)["Older"])
    third = await history.page(BOB, PKI, buttons(second)["Older"])
    back = await history.page(BOB, PKI, buttons(third)["Newer"])
    newest = await history.page(BOB, PKI, buttons(back)["Newer"])

    assert [orders(page) for page in (first, second, third)] == [expected[:10], expected[10:20], expected[20:]]
    assert [orders(page) for page in (back, newest)] == [expected[10:20], expected[:10]]
    assert [list(buttons(page)) for page in (first, second, third, back, newest)] == [
        ["Older"],
        ["Newer", "Older"],
        ["Newer"],
        ["Newer", "Older"],
        ["Older"],
    ]


@pytest.mark.fault("L1")
async def test_there_is_no_button_if_no_visible_row_follows(history, wrote):
    shop = [accepted(f"n{number}.{SHOP}", number) for number in range(1, 11)]
    await wrote(accepted(PAY), *shop, accepted(PAY))

    page = await history.report(BOB, PKI, None)

    assert len(orders(page)) == 10
    assert buttons(page) == {}
    assert buttons(await history.page(BOB, PKI, "|before:11")) == {"Newer": "|after:10"}


@pytest.mark.fault("L1")
async def test_denials_of_one_person_are_one_line_of_a_page_and_all_lines_of_theirs(history, wrote, ana):
    await wrote(
        accepted(SHOP, 1),
        *(refused(order=number, text=str(number), subject=f"order {number}") for number in range(100, 130)),
        refused("U0BOB", order=2, subject="order 2"),
        *(refused(order=number, subject=f"order {number}", times=5) for number in range(130, 150)),
        accepted(SHOP, 3),
    )

    everything, theirs = await history.report(ana, PKI, None), await history.report(ana, PKI, PersonRef("U0EVE"))

    assert orders(everything) == [3, 149, 2, 1]
    assert "5 times within an hour · 125 more denials: type" in everything.text
    assert buttons(everything) == {}
    assert orders(theirs) == [3, *range(149, 140, -1)]
    assert list(buttons(theirs)) == ["Older"]


@pytest.mark.fault("L1")
async def test_one_line_for_a_person_is_one_on_the_way_back_too(history, wrote, ana):
    await wrote(
        *(accepted(SHOP, number) for number in range(1, 13)),
        *(refused(order=number, subject=f"order {number}") for number in range(50, 90)),
        *(accepted(SHOP, number) for number in range(14, 21)),
    )

    first = await history.report(ana, PKI, None)
    second = await history.page(ana, PKI, buttons(first)["Older"])
    back = await history.page(ana, PKI, buttons(second)["Newer"])

    assert orders(first) == [*range(20, 13, -1), 89, 12, 11]
    assert orders(second) == [*range(10, 0, -1)]
    assert orders(back) == orders(first)
    assert "39 more denials" in back.text


async def test_what_is_read_for_a_page_is_bounded_and_the_list_continues(make_history, wrote):
    history = make_history(most_read=50)
    await wrote(accepted(SHOP, 1), *(accepted(PAY, 2) for _ in range(120)))

    first = await history.report(BOB, PKI, None)
    second = await history.page(BOB, PKI, buttons(first)["Older"])
    third = await history.page(BOB, PKI, buttons(second)["Older"])

    assert "*Older* to go further back" in first.text
    assert orders(third) == [1]
    assert buttons(third) == {}
    # The same about one order would show that there are rows.
    assert buttons(await history.report(BOB, PKI, OrderRef(2))) == {}


async def test_many_pages_at_once_are_read_while_others_wait_for_nothing(history, wrote, ana):
    await wrote(*(accepted(SHOP, number) for number in range(1, 31)))

    pages = await asyncio.gather(*(history.report(ana, PKI, None) for _ in range(10)))

    assert {tuple(orders(page)) for page in pages} == {tuple(range(30, 20, -1))}
