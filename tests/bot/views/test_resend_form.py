"""The form in each of its states: Slack accepts any content, and the options are those of the plan."""

import dataclasses
import json
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.languages import LANGUAGES
from bot.models import (
    AccountEntry,
    Address,
    Cooldown,
    DomainTarget,
    Kind,
    LedgerEvent,
    OrderTarget,
    Plan,
    ResultRoute,
    WaitingName,
)
from bot.parsing.targets import DomainRef, OrderRef
from bot.recipients import constructed
from bot.views import resend_form
from bot.views.resend_form import Notes, Selections
from bot.views.result_route import result_goes
from tests.quick import examples

# Shrinking a request or plan needs minutes and adds little: a failure names the flaw by itself.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)

ORDER = OrderTarget(700001)


def waiting(name="shop.example.com", scope="example.com", target=ORDER, allowed=None, **more):
    return WaitingName(name, scope, target, more.pop("covers_below", True), allowed or constructed(scope), **more)


def plan_of(*names, key="order:700001", **more):
    return Plan(key, "700001 · example.com", names, **more)


def inputs(view):
    return {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}


def hints(view):
    return [block["hint"]["text"] for block in recipients_of(view)]


def recipients_of(view):
    return [block for block_id, block in inputs(view).items() if block_id.startswith(resend_form.RECIPIENTS)]


def offered(block):
    return [option["text"]["text"] for option in block["element"]["options"]]


def texts(view):
    return json.dumps(view, ensure_ascii=False)


@pytest.fixture
def draw(now):
    def draw_plan(plan, cooldown=None, locale="en", found_in=None, **chosen):
        before = resend_form.cooldown_warning(cooldown, now) if cooldown else None
        notes = Notes("I'll post the result in <#C0PKI>.", before, found_in)
        return resend_form.resend("f1", plan, notes, locale, now, selections=Selections(**chosen))

    return draw_plan


@settings(max_examples=examples(30), deadline=None, phases=UNSHRUNK)
@given(data=st.data())
def test_slack_accepts_the_form_of_any_plan(foreign, slack, now, data):
    plan = data.draw(foreign.plan())
    reason = data.draw(st.one_of(st.none(), foreign.text.map(lambda text: text[:300].strip() or None)))
    locale = data.draw(st.sampled_from([*LANGUAGES, "nl"]))

    cooldown = data.draw(foreign.cooldown)
    before = resend_form.cooldown_warning(cooldown, now) if cooldown else None
    goes = result_goes(data.draw(foreign.destination), data.draw(st.sampled_from(ResultRoute)))
    notes = Notes(goes, before, data.draw(st.none() | foreign.text))
    chosen = Selections(
        data.draw(st.sampled_from([None, "de"])),
        reason,
        {0: [0]},
        data.draw(st.integers(-1, 5)),
        data.draw(st.booleans()),
    )
    view = resend_form.resend("f1", plan, notes, locale, now, selections=chosen)

    assert slack.takes_view(view)
    assert view["submit"]["text"].startswith("Send ")


@settings(max_examples=examples(25), deadline=None, phases=UNSHRUNK)
@given(data=st.data())
def test_slack_accepts_every_other_state_of_the_form(foreign, slack, now, data):
    name = data.draw(foreign.name)
    observer = resend_form.loading("f1", data.draw(st.one_of(st.none(), st.just(name), foreign.text.filter(str.strip))))
    matches = data.draw(st.lists(foreign.listed(), min_size=2, max_size=10)) * data.draw(st.sampled_from([1, 13]))

    views = [
        observer,
        resend_form.empty("f1"),
        resend_form.reloading("f1"),
        resend_form.choice("f1", name, matches, now),
        resend_form.nothing("f1", data.draw(foreign.text), data.draw(foreign.text)),
        resend_form.nothing("f1", "Nothing.", "", f"name:{name}", page="", console="https://console.example"),
        resend_form.unavailable("f1", data.draw(foreign.text), "order:7"),
    ]

    assert all(slack.takes_view(view) for view in views)
    assert not any("Send" in view.get("submit", {"text": ""})["text"] for view in views)


@settings(max_examples=examples(25), deadline=None, phases=UNSHRUNK)
@given(data=st.data())
def test_slack_accepts_the_suggestions_of_any_listing(foreign, slack, now, data):
    lines = data.draw(st.lists(foreign.listed(), max_size=10)) * data.draw(st.sampled_from([1, 13]))
    wanted = data.draw(st.one_of(st.none(), st.integers(1, 10**18 - 1).map(OrderRef), foreign.name.map(DomainRef)))

    options = resend_form.suggestions(lines, wanted, now)

    assert len(options) <= 100
    select = {"type": "static_select", "action_id": "any", "options": options or [{"text": {}, "value": ""}]}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "any"}, "accessory": select}
    title = {"type": "plain_text", "text": "any"}
    assert not options or slack.takes_view({"type": "modal", "title": title, "blocks": [section]})


@pytest.mark.parametrize("target", [ORDER, DomainTarget(1234, "example.com")])
def test_eight_names_with_a_hundred_and_fifty_addresses_each_fit_into_a_form(slack, draw, target):
    allowed = tuple(Address(f"{number}{'x' * 60}@example.com", "example.com", txt=True) for number in range(150))
    names = [waiting(f"n{number}.example.com", target=target, allowed=allowed) for number in range(8)]

    view = draw(plan_of(*names))

    assert slack.takes_view(view)
    assert len(recipients_of(view)) == 8
    assert all(len(offered(block)) == 100 for block in recipients_of(view))


@pytest.mark.parametrize("target", [ORDER, DomainTarget(1234, "example.com")])
def test_an_address_beyond_the_first_hundred_is_offered_first_if_it_was_used_last(draw, target):
    allowed = tuple(Address(f"a{number}@example.com", "example.com") for number in range(150))

    view = draw(plan_of(waiting(target=target, allowed=allowed, preferred=("a149@example.com",))))

    element = recipients_of(view)[0]["element"]
    begin = element.get("initial_option") or element["initial_options"][0]
    assert (begin["text"]["text"], begin["value"]) == ("a149@example.com", "149")
    assert [option["value"] for option in element["options"][:2]] == ["149", "0"]
    assert len(element["options"]) == 100


def test_an_order_has_radio_buttons_per_name_and_a_domain_checkboxes(draw):
    order = draw(plan_of(waiting(), waiting("www.example.com")))
    domain = draw(plan_of(waiting(target=DomainTarget(1, "example.com")), key="domain:1"))

    assert [block["element"]["type"] for block in recipients_of(order)] == ["radio_buttons"] * 2
    assert [block["label"]["text"] for block in recipients_of(order)] == [
        "Recipient for shop.example.com",
        "Recipient for www.example.com",
    ]
    assert [block["element"]["type"] for block in recipients_of(domain)] == ["checkboxes"]
    assert [block["label"]["text"] for block in recipients_of(domain)] == ["Recipients for shop.example.com"]


def test_only_what_digicert_allows_is_offered_used_last_then_dns_contact_then_admin(draw):
    allowed = (
        Address("root@example.com", "example.com"),
        Address("admin@example.com", "example.com"),
        Address("dns@other.example", "example.com", txt=True),
        Address("postmaster@example.com", "example.com"),
    )

    view = draw(plan_of(waiting(allowed=allowed, preferred=("postmaster@example.com",))))

    (block,) = recipients_of(view)
    options = block["element"]["options"]
    assert [(option["text"]["text"], option["description"]["text"], option["value"]) for option in options] == [
        ("postmaster@example.com", "Mailbox of example.com · used last", "3"),
        ("dns@other.example", "DNS contact of example.com", "2"),
        ("admin@example.com", "Mailbox of example.com", "1"),
        ("root@example.com", "Contact of example.com", "0"),
    ]
    assert block["element"]["initial_option"] == options[0]
    # The field that the user fills first has the focus.
    assert block["element"]["focus_on_load"] is True


SCOPES = [
    # One name, the domain of the chosen address, and the text.
    (ORDER, "shop.example.com", "shop.example.com", "Approving validates shop.example.com."),
    (ORDER, "shop.example.com", "example.com", "Approving validates shop.example.com, possibly all of example.com."),
    (
        ORDER,
        "xn--bcher-kva.example",
        "xn--bcher-kva.example",
        "Approving validates bücher.example (xn--bcher-kva.example).",
    ),
    (
        DomainTarget(1, "example.com"),
        "example.com",
        "example.com",
        "Approving validates example.com and everything below it.",
    ),
    (
        DomainTarget(1, "shop.example.com"),
        "shop.example.com",
        "example.com",
        "Approving validates shop.example.com and everything below it, possibly all of example.com.",
    ),
]


@pytest.mark.parametrize(("target", "name", "domain", "sentence"), SCOPES)
def test_the_form_says_what_the_chosen_recipient_approves_under_both_readings(draw, target, name, domain, sentence):
    allowed = (Address("admin@elsewhere.example", "elsewhere.example"), Address(f"admin@{domain}", domain))
    plan = plan_of(waiting(name, name, target, allowed))

    assert hints(draw(plan, recipients={0: [1]})) == [sentence]


def test_an_address_too_long_for_an_option_is_shown_in_full_below(draw):
    email = f"{'a' * 90}@example.com"
    plan = plan_of(waiting(allowed=(Address(email, "example.com"),)))

    assert hints(draw(plan))[0].startswith(f"To {email}. ")


@pytest.mark.parametrize(
    ("names", "chosen", "label"),
    [
        (1, {}, "Send 1 email"),
        (3, {}, "Send 3 emails"),
        (1, {0: [0, 1, 2]}, "Send 3 emails"),
        (1, {0: []}, "Send email"),
        (12, {}, "Send 12 emails"),
    ],
)
def test_the_button_says_how_many_emails_it_sends(draw, names, chosen, label):
    target = DomainTarget(1, "example.com")
    view = draw(
        plan_of(*(waiting(f"n{number}.example.com", target=target) for number in range(names))), recipients=chosen
    )

    assert view["submit"]["text"] == label


def test_more_than_eight_names_share_one_mailbox(draw):
    names = [f"a{number}.example" for number in range(12)]
    view = draw(plan_of(*(waiting(name, name) for name in names)), shared=2)

    (block,) = recipients_of(view)
    assert block["label"]["text"] == "Recipients for 12 domains"
    assert offered(block)[0] == "admin@ at each domain (12 domains)"
    assert (len(offered(block)), block["element"]["initial_option"]["value"]) == (5, "2")
    assert "For a0.example, a1.example, a2.example, a3.example, a4.example and 7 more" in texts(view)
    assert resend_form.DETAILS in texts(view)


def test_the_details_name_every_domain_with_its_address(slack):
    emails = [(f"{'x' * 50}{number}.example", f"admin@{'x' * 50}{number}.example") for number in range(250)]

    view = resend_form.recipient_details(plan_of(waiting()), emails)

    assert slack.takes_view(view)
    assert all(f"{name}: {email}" in texts(view) for name, email in emails)


def test_a_field_gets_another_id_if_it_asks_for_something_else(draw):
    plans = [
        plan_of(waiting()),
        plan_of(waiting("www.example.com")),
        plan_of(waiting(), key="order:700002"),
        plan_of(waiting("www.example.com"), waiting()),
    ]
    ids = [set(inputs(draw(plan))) for plan in plans]
    recipients = [{block_id for block_id in each if block_id.startswith(resend_form.RECIPIENTS)} for each in ids]

    assert all(not recipients[0] & other for other in recipients[1:])
    assert all({resend_form.TARGET, resend_form.REASON} <= each for each in ids)
    assert set(inputs(draw(plans[0]))) == ids[0]


def test_a_cooldown_names_who_sent_and_asks_for_a_reason(draw, now):
    cooldown = Cooldown(
        "U0BOB", now - timedelta(minutes=4), now + timedelta(minutes=11), LedgerEvent.SENT, "https://slack.test/p1"
    )

    view = draw(plan_of(waiting()), cooldown=cooldown)

    assert "*<@U0BOB> resent this 4 minutes ago* (<https://slack.test/p1|thread>)." in texts(view)
    assert "To resend it before <!date^" in texts(view)
    assert inputs(view)[resend_form.REASON]["optional"] is False
    assert inputs(view)[resend_form.REASON]["hint"]["text"].startswith("Required because")
    assert inputs(draw(plan_of(waiting())))[resend_form.REASON]["optional"] is True


def test_a_cooldown_without_a_thread_has_no_link(draw, now):
    view = draw(plan_of(waiting()), cooldown=Cooldown("U0BOB", now, now))

    assert "thread>" not in texts(view)


def test_the_language_begins_with_the_default_even_without_a_name_for_it(draw):
    german, dutch = (
        inputs(draw(plan_of(waiting()), locale=code, shows_more=True))[resend_form.LOCALE]["element"]
        for code in ("de", "nl")
    )

    assert german["initial_option"]["text"]["text"] == "German"
    assert dutch["initial_option"] == dutch["options"][-1]
    assert (dutch["initial_option"]["value"], dutch["initial_option"]["text"]["text"]) == ("nl", "nl")


def test_a_reason_that_was_typed_stays(draw):
    element = inputs(draw(plan_of(waiting()), reason="new mailbox"))[resend_form.REASON]["element"]

    assert element["initial_value"] == "new mailbox"


def test_the_form_says_where_the_result_goes(draw):
    assert "I'll post the result in <#C0PKI>." in texts(draw(plan_of(waiting())))


def test_the_heading_says_what_waits_and_what_is_done(draw, now):
    since = now - timedelta(hours=5)
    order = plan_of(waiting(), product="GeoTrust DV SSL", since=since, validated=("www.example.org",))
    domain = dataclasses.replace(plan_of(waiting(), key="domain:1"), title="1 · example.com")

    assert "*Order 700001* · GeoTrust DV SSL · pending 5 hours" in texts(draw(order))
    assert "Already validated: www.example.org" in texts(draw(order))
    assert "*Domain example.com*" in texts(draw(domain))


def test_language_and_scope_are_behind_more_options(draw):
    scopes = ("example.com", "shop.example.com")
    target = DomainTarget(1, "shop.example.com")
    plan = plan_of(waiting(scope=scopes[1], target=target), key="domain:1", scopes=scopes)

    closed, opened = draw(plan), draw(plan, shows_more=True)

    labels = [[block["label"]["text"] for block in inputs(view).values()] for view in (closed, opened)]
    assert labels[0] == ["Order or domain", "Recipients for shop.example.com", "Reason"]
    assert labels[1] == [*labels[0], "Domain to validate", "Email language"]
    assert resend_form.MORE in texts(closed)
    assert resend_form.MORE not in texts(opened)


def test_more_options_moves_the_focus_to_the_first_of_them_once(draw):
    domain = plan_of(
        waiting(scope="shop.example.com", target=DomainTarget(1, "shop.example.com")),
        key="domain:1",
        scopes=("example.com", "shop.example.com"),
    )

    drawn = [
        draw(plan_of(waiting()), shows_more=True, opened_more=True),
        draw(domain, shows_more=True, opened_more=True),
        draw(domain, shows_more=True),
    ]

    focused = [
        name.partition(".")[0]
        for view in drawn
        for name, block in inputs(view).items()
        if block["element"].get("focus_on_load")
    ]
    assert focused == [resend_form.LOCALE, resend_form.SCOPE, resend_form.RECIPIENTS]


def test_a_domain_with_several_scopes_offers_a_choice(draw):
    scopes = ("example.com", "shop.example.com")
    target = DomainTarget(1, "shop.example.com")
    plan = plan_of(waiting(scope=scopes[1], target=target), key="domain:1", scopes=scopes)

    select = next(
        block["element"]
        for block_id, block in inputs(draw(plan, shows_more=True)).items()
        if block_id.startswith(resend_form.SCOPE)
    )

    assert [option["text"]["text"] for option in select["options"]] == [
        "example.com and its subdomains",
        "shop.example.com and its subdomains",
    ]
    assert select["initial_option"]["value"] == "1"


def test_what_was_chosen_stays_in_view(draw):
    target = draw(plan_of(waiting()))["blocks"][0]["element"]

    assert target["type"] == "external_select"
    assert target["min_query_length"] == 0
    assert target["initial_option"]["value"] == "order:700001"


def test_reading_preserves_the_target_of_the_form():
    assert resend_form.reloading("f1")["private_metadata"] == "f1"


def test_nothing_to_do_says_so_and_leads_to_certcentral():
    page, console = "order:1", "https://console.example"
    view = resend_form.nothing("f1", "Order 1 is issued.", "Reissue it.", "order:1", page=page, console=console)

    assert "Order 1 is issued." in texts(view)
    assert "Reissue it." in texts(view)
    assert "https://console.example/orders/1" in texts(view)
    assert view["submit"]["text"] == "Check again"
    assert view["blocks"][0]["element"]["initial_option"]["text"]["text"] == "Order 1"


@pytest.mark.parametrize(
    ("listed", "text", "description"),
    [
        (
            AccountEntry(
                Kind.ORDER, 7, "shop.example.com", ("shop.example.com", "b.example"), "3 days", True, product="Basic DV"
            ),
            "Order · shop.example.com +1 · waiting 3 days",
            "7 · Basic DV",
        ),
        (AccountEntry(Kind.ORDER, 7, "a.example", ("a.example",), None, True), "Order · a.example · waiting", "7"),
        (
            AccountEntry(Kind.DOMAIN, 8, "a.example", ("a.example",), "3 days", None),
            "Domain · a.example · select to see its status",
            "8",
        ),
    ],
)
def test_a_line_names_what_it_is_and_how_long_it_waits(now, listed, text, description):
    since = now - timedelta(days=3) if listed.since else None
    line = dataclasses.replace(listed, since=since)

    option = resend_form.listed_option(line, now).to_dict()

    assert (option["text"]["text"], option["description"]["text"]) == (text, description)
    assert option["value"] == f"{line.kind}:{line.id}"


def test_a_long_name_is_shortened_so_that_the_age_stays(now):
    line = AccountEntry(Kind.ORDER, 7, f"{'a' * 63}.{'b' * 63}.example", (), now - timedelta(days=3), True)

    text = resend_form.listed_option(line, now).to_dict()["text"]["text"]

    assert (len(text), text.startswith("Order · aaa"), text.endswith(".example · waiting 3 days")) == (75, True, True)


@pytest.mark.parametrize(("number", "kind"), [(2, "radio_buttons"), (5, "radio_buttons"), (6, "static_select")])
def test_several_matches_are_radio_buttons_with_id_product_and_age(now, number, kind):
    matches = [
        AccountEntry(
            Kind.ORDER, 7 + each, "a.example", ("a.example",), now - timedelta(hours=2), True, product="Basic DV"
        )
        for each in range(number)
    ]

    element = resend_form.choice("f1", "a.example", matches, now)["blocks"][-1]["element"]

    assert (element["type"], len(element["options"])) == (kind, number)
    assert element["options"][0]["text"]["text"] == "7 · Basic DV · waiting 2 hours"


def test_what_was_typed_is_the_last_suggestion_even_of_a_long_list(now):
    lines = [AccountEntry(Kind.ORDER, number, "a.example", (), None, True) for number in range(1, 200)]

    by_name = resend_form.suggestions(lines, DomainRef("b.example"), now)
    by_id = resend_form.suggestions(lines, OrderRef(700001), now)

    assert (len(by_name), by_name[-1]["value"]) == (100, "name:b.example")
    assert (len(by_id), by_id[-1]["value"]) == (100, "order:700001")
    assert len(resend_form.suggestions(lines, None, now)) == 100


def test_a_name_too_long_for_an_option_is_not_suggested(now):
    fits, too_long = f"{'a' * 141}.com", f"{'a' * 142}.com"

    assert [option["value"] for option in resend_form.suggestions([], DomainRef(fits), now)] == [f"name:{fits}"]
    assert resend_form.suggestions([], DomainRef(too_long), now) == []


@settings(max_examples=examples(30), deadline=None, phases=UNSHRUNK)
@given(data=st.data())
def test_slack_accepts_every_set_of_mentions(foreign, slack, now, data):
    opens = st.one_of(st.just("order:1"), foreign.name.map(lambda name: f"name:{name}"))
    matches = data.draw(st.lists(st.tuples(foreign.listed(), opens, foreign.text), min_size=2, max_size=120))
    names = st.one_of(st.integers(1, 10**18 - 1).map(OrderRef), foreign.name.map(DomainRef))
    sentence = resend_form.nothing_named(data.draw(st.lists(names, max_size=50)), hides=data.draw(st.booleans()))

    assert slack.takes_view(resend_form.named("f1", matches, now))
    assert slack.takes_view(resend_form.nothing("f1", sentence, "Choose an order or domain."))


def test_a_form_for_a_message_says_where_it_was_named(draw, slack):
    view = draw(plan_of(waiting()), found_in="the field “<!channel>”")

    assert "From the field “&lt;!channel&gt;” of the message" in texts(view)
    assert slack.takes_view(view)
