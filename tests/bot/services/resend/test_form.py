"""The form service: authorization first, each form under its own id, and submissions as calls."""

import dataclasses
import json

import pytest

from bot.errors import CaUnavailable, CooldownActive, InvalidInput, NotAllowed, StoreUnavailable
from bot.models import Actor, Call, CallStep, Destination, DomainTarget, Interaction, OrderTarget, Recipient
from bot.parsing.commands import ResendNow
from bot.parsing.mentions import Mention
from bot.parsing.targets import DomainRef, OrderRef
from bot.policy.rules import Action, Rule, Rules
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.publishing.result_routes import ResultRoutes
from bot.services.resend.form import ResendFormService
from bot.services.resend.requests import NewRequest
from bot.store.database import LOCK_SECONDS
from bot.store.forms import Forms
from bot.views.form_input import NOTHING_TYPED, FormInput
from bot.views.resend_form import Selections

PKI = Destination("C0PKI")
EVE = Actor("U0EVE", "T0HOME")
BOB = Actor("U0BOB", "T0HOME")


@pytest.fixture
def form_service(authorizer, finder, pending_mentions, resend, database, chat, clock, directory):
    directory.add("U0EVE")
    directory.add("U0BOB")
    return ResendFormService(
        authorizer, finder, pending_mentions, resend, Forms(database), ResultRoutes(chat), "en", clock
    )


@pytest.fixture
async def form(form_service, ana):
    """Return an empty form that Ana opened."""
    form = await form_service.start(ana, PKI, "")
    await form_service.save(form)
    return form


@pytest.fixture
def order(certcentral):
    certcentral.allow("shop.example.com", "admin@shop.example.com", "pki@shop.example.com")
    return certcentral.add_order(700001, "shop.example.com", "www.example.com")


def filled(view, recipients=None, *, shared=None, locale="en", reason=None):
    return FormInput(view["private_metadata"], recipients or {}, shared, locale, reason)


def words(view):
    return json.dumps(view, ensure_ascii=False)


async def test_a_user_who_may_not_read_gets_no_form(form_service, rows):
    with pytest.raises(NotAllowed):
        await form_service.start(EVE, PKI, "x" * 5000)

    (row,) = await rows()
    detail = json.loads(row["detail"])
    assert (row["kind"], detail["action"], detail["channel"], len(detail["text"])) == ("denied", "resend", "C0PKI", 200)


async def test_digicert_is_not_called_for_a_user_who_may_not_read(form_service, certcentral, form):
    for asking in (
        form_service.options(EVE, form.id, "shop"),
        form_service.form(EVE, form.id),
        form_service.submit(EVE, "V1", filled({"private_metadata": form.id})),
    ):
        with pytest.raises(NotAllowed):
            await asking

    assert certcentral.asked == []


async def test_another_users_form_cannot_be_used(form_service, form):
    with pytest.raises(InvalidInput, match="has expired"):
        await form_service.form(BOB, form.id)


@pytest.mark.parametrize("form_id", ["", "0" * 32, "x" * 5000])
async def test_a_forged_form_is_too_old(form_service, ana, form_id):
    with pytest.raises(InvalidInput, match="has expired"):
        await form_service.form(ana, form_id)


async def test_a_pending_target_is_rendered_and_stored_under_its_own_id(form_service, form, ana, order):
    view = await form_service.find_target(form, OrderRef(700001))

    kept = await form_service.form(ana, view["private_metadata"])
    assert kept.id != form.id
    assert [waiting.name for waiting in kept.plan.waiting] == ["shop.example.com", "www.example.com"]
    assert kept.destination == PKI
    assert "submit" in view


async def test_not_resendable_is_rendered_in_words_without_a_submit_button(form_service, form, ana, certcentral):
    certcentral.add_order(700001, "shop.example.com", status="issued")

    view = await form_service.find_target(form, OrderRef(700001))

    assert "has been issued" in words(view)
    assert view["submit"]["text"] == "Check again"
    with pytest.raises(InvalidInput, match="Choose an order"):
        await form_service.submit(ana, "V1", filled(view))


async def test_if_digicert_is_unavailable_the_form_says_so_and_stays_usable(form_service, form, certcentral):
    certcentral.always["order"] = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)

    view = await form_service.find_target(form, OrderRef(700001))

    assert "DigiCert cannot be reached. Nothing was sent" in words(view)
    assert view["blocks"][0]["element"]["type"] == "external_select"


async def test_several_matches_are_a_choice_and_the_choice_is_rendered(form_service, form, ana, certcentral):
    for number in (700001, 700002):
        certcentral.add_order(number, "shop.example.com")
    choice = await form_service.find_target(form, DomainRef("shop.example.com"))

    view = await form_service.choose(
        await form_service.form(ana, choice["private_metadata"]), "order:700002", NOTHING_TYPED
    )

    assert "2 pending orders include shop.example.com" in words(choice)
    kept = await form_service.form(ana, view["private_metadata"])
    assert kept.plan.key == "order:700002"


async def test_what_was_typed_stays_when_another_order_is_chosen(form_service, form, order):
    view = await form_service.choose(form, "order:700001", Selections("de", "new mailbox"))

    inputs = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert inputs["language"]["initial_option"]["value"] == "de"
    assert inputs["reason"]["initial_value"] == "new mailbox"


async def test_a_tampered_language_begins_as_the_default(form_service, form, order):
    view = await form_service.choose(form, "order:700001", Selections("klingon", shows_more=True))

    inputs = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert inputs["language"]["initial_option"]["value"] == "en"


async def test_another_scope_of_a_domain_is_rendered(form_service, form, ana, certcentral):
    certcentral.add_domain(1234, "example.com", "admin@example.com")
    certcentral.allow("shop.example.com", "admin@shop.example.com")
    certcentral.add_order(700009, "shop.example.com", is_dv=False)
    domain = await form_service.find_target(form, DomainRef("shop.example.com"))

    view = await form_service.rescope(await form_service.form(ana, domain["private_metadata"]), 1, NOTHING_TYPED)

    kept = await form_service.form(ana, view["private_metadata"])
    assert kept.plan.waiting[0].target == DomainTarget(1234, "shop.example.com")


async def test_a_search_offers_what_the_account_holds(form_service, form, ana, order):
    options = await form_service.options(ana, form.id, "shop")

    assert [option["value"] for option in options] == ["order:700001"]


async def test_a_submitted_form_becomes_calls(form_service, form, ana, order):
    view = await form_service.find_target(form, OrderRef(700001))

    asked = await form_service.submit(ana, "V1", filled(view, {0: [1], 1: [0]}, locale="de", reason="why"))

    expected = Call(
        OrderTarget(700001),
        (
            Recipient("shop.example.com", "pki@shop.example.com"),
            Recipient("www.example.com", "admin@www.example.com"),
        ),
    )
    assert asked == NewRequest(
        ana, PKI, "view:V1", "order:700001", "order 700001", (expected,), "de", "why", asked.seen_at, asked.reach
    )


async def test_a_domains_form_is_titled_by_its_name(form_service, form, ana, certcentral):
    certcentral.add_domain(1234, "example.com", "admin@example.com", "pki@example.com")
    view = await form_service.find_target(form, DomainRef("example.com"))

    asked = await form_service.submit(ana, "V1", filled(view, {0: [0, 1]}))

    assert asked.subject == "domain example.com"
    assert [recipient.email for recipient in asked.calls[0].recipients] == ["admin@example.com", "pki@example.com"]


async def test_a_form_from_a_card_or_a_question_becomes_a_request_that_knows_it(
    form_service, form, ana, order, make_request
):
    earlier = make_request(key="order:700001", answers="a1")
    view = await form_service.repeat(form, earlier, None)
    drawn = await form_service.form(ana, view["private_metadata"])

    view = await form_service.choose(drawn, "order:700001")
    asked = await form_service.submit(ana, "V1", filled(view, {0: [0], 1: [0]}))

    assert (asked.follows, asked.answers) == ("r1", "a1")


async def test_one_mailbox_for_many_names_becomes_one_call(form_service, form, ana, certcentral):
    certcentral.add_order(700001, *(f"a{number}.example" for number in range(12)))
    view = await form_service.find_target(form, OrderRef(700001))

    asked = await form_service.submit(ana, "V1", filled(view, shared=2))

    (call,) = asked.calls
    assert [recipient.email for recipient in call.recipients] == [
        f"webmaster@a{number}.example" for number in range(12)
    ]


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"recipients": {}}, "recipients.0"),
        ({"recipients": {0: [0]}}, "recipients.1"),
        ({"recipients": {0: [99], 1: [0]}}, "recipients.0"),
        ({"recipients": {0: [0], 1: [0]}, "locale": "klingon"}, "language"),
    ],
)
async def test_what_must_be_mended_is_named_by_its_field(form_service, form, ana, order, choice, field):
    view = await form_service.find_target(form, OrderRef(700001))

    with pytest.raises(InvalidInput) as refused:
        await form_service.submit(ana, "V1", filled(view, **choice))

    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize("shared", [None, -1, 5])
async def test_a_mailbox_that_was_not_offered_is_invalid_input(form_service, form, ana, certcentral, shared):
    certcentral.add_order(700001, *(f"a{number}.example" for number in range(9)))
    view = await form_service.find_target(form, OrderRef(700001))

    with pytest.raises(InvalidInput):
        await form_service.submit(ana, "V1", filled(view, {0: [0]}, shared=shared))


async def test_a_recent_resend_is_shown_and_asks_for_a_reason(form_service, form, ana, order, resend):
    view = await form_service.find_target(form, OrderRef(700001))
    await resend.accept(await form_service.submit(ana, "V1", filled(view, {0: [0], 1: [0]})))

    again = await form_service.find_target(form, OrderRef(700001))

    reason = next(block for block in again["blocks"] if block.get("block_id") == "reason")
    assert reason["optional"] is False
    assert "<@U0ANA> requested this" in words(again)


@pytest.mark.parametrize("refused_before", [False, True])
async def test_a_reason_counts_if_the_clock_is_behind_the_senders_clock(
    form_service, form, ana, order, resend, clock, refused_before
):
    early = await form_service.find_target(form, OrderRef(700001))
    clock.advance(minutes=3)
    await resend.accept(await form_service.submit(ana, "V1", filled(early, {0: [1], 1: [0]})))
    clock.advance(minutes=-3)

    if refused_before:
        answer = filled(early, {0: [1], 1: [0]})
        with pytest.raises(CooldownActive) as cooled:
            await resend.accept(await form_service.submit(ana, "V2", answer))
        view = await form_service.with_cooldown(ana, answer, cooled.value.cooldown)
    else:
        view = await form_service.find_target(form, OrderRef(700001))
    again = await form_service.submit(ana, "V2", filled(view, {0: [1], 1: [0]}, reason="new mailbox"))

    assert await resend.accept(again)


async def test_the_place_of_a_form_and_its_address_are_known_to_the_user_who_opened_it(form_service, ana, tmp_path):
    form = await form_service.start(ana, PKI, "", response_url="https://hooks.example/1")
    await form_service.save(form)

    assert await form_service.interaction(ana, form.id) == Interaction(ana, PKI, "https://hooks.example/1")
    assert await form_service.interaction(BOB, form.id) == Interaction(BOB, PKI)
    assert await form_service.interaction(ana, "0" * 32) == Interaction(ana, None)
    assert "hooks.example" not in repr(form)


async def test_a_redrawn_form_retains_its_address_and_its_warning(form_service, form, ana, order, resend):
    form = await form_service.start(ana, PKI, "", response_url="https://hooks.example/1")
    view = await form_service.find_target(form, OrderRef(700001))
    answer = filled(view, {0: [1], 1: [0]})
    await resend.accept(await form_service.submit(ana, "V1", answer))
    warned = await form_service.find_target(form, OrderRef(700001))
    changed = await form_service.redraw(ana, warned["private_metadata"], Selections(recipients={0: [0], 1: [2]}))

    assert changed["private_metadata"] == warned["private_metadata"]
    assert "<@U0ANA> requested this less than a minute ago" in words(changed)
    assert (await form_service.interaction(ana, changed["private_metadata"])).response_url == "https://hooks.example/1"


async def test_the_details_of_a_shared_mailbox_name_every_address(form_service, form, ana, certcentral):
    certcentral.add_order(700001, *(f"a{number}.example" for number in range(12)))
    view = await form_service.find_target(form, OrderRef(700001))

    details = await form_service.recipient_details(ana, view["private_metadata"], Selections(shared=2))

    assert "a11.example: webmaster@a11.example" in words(details)
    with pytest.raises(InvalidInput):
        await form_service.recipient_details(ana, view["private_metadata"], Selections(shared=9))


@pytest.mark.parametrize("lock_seconds", [LOCK_SECONDS])
async def test_a_form_that_cannot_be_stored_is_an_error_before_a_user_fills_it_in(
    form_service, form, order, open_another
):
    async with open_another().write():
        with pytest.raises(StoreUnavailable):
            await form_service.find_target(form, OrderRef(700001))


def named(*order_ids):
    return [Mention(OrderRef(order_id), True, "the title") for order_id in order_ids]


async def test_what_a_message_names_fills_the_form_in_and_says_where_it_was(form_service, form, order):
    view = await form_service.from_message(form, [*named(700001), Mention(DomainRef("a.example"), False, "a link")])

    assert "From the title of the message" in words(view)
    assert view["submit"]["text"] == "Send 2 emails"


async def test_several_that_wait_are_a_choice_and_none_is_a_sentence(form_service, form, order, certcentral):
    certcentral.add_order(700002, "other.example.com")
    certcentral.add_order(700003, "done.example.com", status="issued")

    assert "This message mentions 2 pending orders" in words(
        await form_service.from_message(form, named(700001, 700002, 700003))
    )
    none = words(await form_service.from_message(form, named(700003)))
    assert "Nothing is pending for order 700003." in none
    assert "has been issued" in none
    two = words(await form_service.from_message(form, named(700003, 700004)))
    assert "Nothing is pending for order 700003 and order 700004." in two
    weak = [Mention(DomainRef(f"a{number}.example"), False, "a link") for number in range(7)]
    assert "a0.example, a1.example, a2.example, a3.example, a4.example and 2 more" in words(
        await form_service.from_message(form, weak)
    )
    assert "find an order number or domain in this message" in words(await form_service.from_message(form, []))


async def test_an_unavailable_digicert_is_reported_in_a_form_for_a_message(form_service, form, certcentral):
    certcentral.always["pending_orders"] = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)

    assert "DigiCert cannot be reached." in words(await form_service.from_message(form, named(700001)))


def strong(*names):
    return [Mention(DomainRef(name), True, "the text") for name in names]


@pytest.mark.fault("K18")
async def test_of_dotted_keys_and_a_real_name_the_real_one_is_explained(form_service, form, certcentral):
    certcentral.add_order(700501, "done.example.org", status="issued")

    view = words(
        await form_service.from_message(form, strong("monitor.name", "host.name", "done.example.org", "event.id"))
    )

    assert "Nothing is pending for done.example.org." in view
    assert "Order 700501 (done.example.org) has been issued." in view
    assert "host.name" not in view


async def test_of_several_real_names_all_are_named_and_of_unknown_ones_those_that_are_no_keys(
    form_service, form, certcentral, ana
):
    certcentral.add_order(700501, "done.example.org", status="issued")
    certcentral.add_order(700502, "over.example.org", status="canceled")

    several = words(await form_service.from_message(form, strong("host.name", "done.example.org", "over.example.org")))
    keys = [dataclasses.replace(each, is_key=True) for each in strong("host.name", "event.id")]
    unknown = words(await form_service.from_message(form, [*keys, *strong("nowhere.example.org")]))
    only_keys = words(await form_service.from_message(form, keys))

    assert "Nothing is pending for done.example.org and over.example.org." in several
    assert "Nothing is pending for nowhere.example.org." in unknown
    assert "Nothing is pending for host.name and event.id." in only_keys


async def test_names_that_a_person_may_not_ask_for_are_not_read(
    finder, pending_mentions, resend, database, form, certcentral, directory, ledger, metrics, chat, clock
):
    rule = Rule("some", True, frozenset(Action), users=frozenset({"U0ANA"}), names=frozenset({"a.example.org"}))
    rules = Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), (rule,))
    authorizer = Authorizer(PolicyLoader(rules), directory, ledger, metrics, clock)
    routes = ResultRoutes(chat)
    form_service = ResendFormService(authorizer, finder, pending_mentions, resend, Forms(database), routes, "en", clock)

    await form_service.from_message(form, strong("a.example.org", "b.example.org"))

    assert [call for call in certcentral.asked if call[0] == "orders_named"] == [("orders_named", "a.example.org")]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("skala.net", "No pending order includes skala.net itself. Use an order number: 700301."),
        ("twice.net", "Several domains are called twice.net. Choose one with /dcv-resend twice.net."),
    ],
)
async def test_a_line_without_a_form_sends_nothing_for_what_only_belongs_to_the_name(
    form_service, ana, certcentral, typed, sentence
):
    certcentral.add_order(700301, "shop.skala.net")
    certcentral.add_domain(9001, "twice.net")
    certcentral.add_domain(9002, "twice.net")

    with pytest.raises(InvalidInput, match=rf"Nothing was sent\. {sentence}"):
        await form_service.from_command(ana, PKI, "c1", ResendNow(DomainRef(typed), ("admin@skala.net",)))


async def test_a_choice_says_what_the_matches_have_to_do_with_the_name(form_service, form, certcentral):
    for order_id, name in ((700301, "shop.skala.net"), (700302, "pay.skala.net")):
        certcentral.add_order(order_id, name)
    certcentral.add_domain(9001, "twice.net")
    certcentral.add_domain(9002, "twice.net")

    assert "2 pending orders belong to skala.net" in words(await form_service.find_target(form, DomainRef("skala.net")))
    assert "2 pending domains are called twice.net" in words(
        await form_service.find_target(form, DomainRef("twice.net"))
    )


async def test_the_form_offers_a_choice_of_given_targets_and_opens_a_single_one(form_service, certcentral, ana, order):
    certcentral.add_domain(1234, "example.org", "admin@example.org")
    form = await form_service.start(ana, Destination("C0PKI"), "a digest")

    both = await form_service.from_keys(form, ["domain:1234", "order:700001", "domain:9"])
    one = await form_service.from_keys(form, ["domain:1234"])
    none = await form_service.from_keys(form, ["domain:9"])

    assert "Choose one of 2" in str(both)
    assert "admin@example.org" in str(one)
    assert "Nothing here that you can resend is pending." in str(none)


async def test_a_continuation_keeps_the_reason_but_not_its_effect_on_later_cooldowns(
    form_service, form, make_request, certcentral, ana
):
    certcentral.allow("example.org", "admin@example.org")
    certcentral.add_domain(1234, "example.org", "admin@example.org")
    target, recipients = DomainTarget(1234, "example.org"), (Recipient("example.org", "admin@example.org"),)
    calls = tuple(Call(target, recipients, step=step) for step in CallStep)
    request = dataclasses.replace(make_request(calls=calls), key="domain:1234", reason="new mailbox", revalidates=True)

    asked = await form_service.continuation(ana, form, "trigger:1", request)

    assert (asked.reason, asked.seen_at, asked.continues) == ("new mailbox", request.at, request.id)
