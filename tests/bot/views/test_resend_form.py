"""The form in each of its states: Slack accepts any content, and the options are those of the plan."""

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
    Destination,
    DomainTarget,
    Kind,
    LedgerEvent,
    OrderTarget,
    Plan,
    WaitingName,
)
from bot.parsing.targets import DomainRef, OrderRef
from bot.recipients import constructed
from bot.views import resend_form
from tests.quick import examples

# Shrinking a request or plan needs minutes and adds little: a failure names the flaw by itself.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)

ORDER = OrderTarget(700001)
PLACE = Destination("C0PKI")


def waiting(name="shop.example.com", scope="example.com", target=ORDER, allowed=None, **more):
    return WaitingName(name, scope, target, more.pop("covers_below", True), allowed or constructed(scope), **more)


def plan_of(*names, key="order:700001", **more):
    return Plan(key, "700001 · example.com", names, **more)


def inputs(view):
    return {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}


def recipients_of(view):
    return [block for block_id, block in inputs(view).items() if block_id.startswith(resend_form.RECIPIENTS)]


def offered(block):
    return [option["text"]["text"] for option in block["element"]["options"]]


def texts(view):
    return json.dumps(view, ensure_ascii=False)


@pytest.fixture
def draw(now):
    def draw_plan(plan, destination=PLACE, cooldown=None, locale="en", **more):
        before = resend_form.cooldown_warning(cooldown, now) if cooldown else None
        return resend_form.resend("f1", plan, destination, locale=locale, before=before, **more)

    return draw_plan


@settings(max_examples=examples(30), deadline=None, phases=UNSHRUNK)
@given(data=st.data())
def test_slack_accepts_the_form_of_any_plan(foreign, slack, now, data):
    plan = data.draw(foreign.plan())
    reason = data.draw(st.one_of(st.none(), foreign.text.map(lambda text: text[:300].strip() or None)))
    locale = data.draw(st.sampled_from([*LANGUAGES, "nl"]))

    destination, cooldown = data.draw(foreign.destination), data.draw(foreign.cooldown)
    before = resend_form.cooldown_warning(cooldown, now) if cooldown else None
    view = resend_form.resend("f1", plan, destination, locale=locale, reason=reason, before=before)

    assert slack.takes_view(view)
    assert "submit" in view


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
    ]

    assert all(slack.takes_view(view) for view in views)
    assert not any("submit" in view for view in views)


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
def test_an_address_beyond_the_first_hundred_is_offered_if_it_was_used_last(draw, target):
    allowed = tuple(Address(f"a{number}@example.com", "example.com") for number in range(150))

    view = draw(plan_of(waiting(target=target, allowed=allowed, preferred=("a149@example.com",))))

    element = recipients_of(view)[0]["element"]
    begin = element.get("initial_option") or element["initial_options"][0]
    assert (begin["text"]["text"], begin["value"]) == ("a149@example.com", "149")
    assert len(element["options"]) == 100
    assert element["options"][0]["value"] == "0"


def test_an_order_has_one_select_per_name_and_a_domain_a_multi_select(draw):
    order = draw(plan_of(waiting(), waiting("www.example.com")))
    domain = draw(plan_of(waiting(target=DomainTarget(1, "example.com")), key="domain:1"))

    assert [block["element"]["type"] for block in recipients_of(order)] == ["static_select"] * 2
    assert [block["label"]["text"] for block in recipients_of(order)] == [
        "Recipients for shop.example.com",
        "Recipients for www.example.com",
    ]
    assert [block["element"]["type"] for block in recipients_of(domain)] == ["multi_static_select"]


def test_only_what_digicert_allows_is_offered(draw):
    allowed = (Address("pki@example.com", "example.com"), Address("dns@other.example", "example.com", txt=True))

    block = recipients_of(draw(plan_of(waiting(allowed=allowed))))[0]

    assert offered(block) == ["pki@example.com", "dns@other.example"]
    assert block["element"]["options"][1]["description"]["text"] == "DNS TXT contact"
    assert block["element"]["initial_option"]["value"] == "1"


def test_the_form_says_what_the_mail_validates(draw):
    below = draw(plan_of(waiting(scope="xn--bcher-kva.example")))
    exact = draw(plan_of(waiting(covers_below=False)))

    assert "validates bücher.example (xn--bcher-kva.example) and all below it" in texts(below)
    assert "validates example.com." in texts(exact)


def test_more_than_eight_names_share_one_mailbox(draw):
    view = draw(plan_of(*(waiting(f"www.a{number}.example", f"a{number}.example") for number in range(9))))

    (block,) = recipients_of(view)
    assert block["label"]["text"] == "Recipients for 9 names"
    assert len(block["element"]["options"]) == 5
    assert block["element"]["initial_option"]["text"]["text"].startswith("admin@")
    assert "www.a8.example" in texts(view)


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
    assert all({resend_form.LOCALE, resend_form.REASON} <= each for each in ids)
    assert set(inputs(draw(plans[0]))) == ids[0]


def test_a_cooldown_names_who_sent_and_asks_for_a_reason(draw, now):
    cooldown = Cooldown(
        "U0BOB", now - timedelta(minutes=4), now + timedelta(minutes=11), LedgerEvent.SENT, "https://slack.test/p1"
    )

    view = draw(plan_of(waiting()), cooldown=cooldown)

    assert "Sent 4 minutes ago by <@U0BOB>" in texts(view)
    assert "<https://slack.test/p1|thread>" in texts(view)
    assert inputs(view)[resend_form.REASON]["optional"] is False
    assert inputs(draw(plan_of(waiting())))[resend_form.REASON]["optional"] is True


def test_a_cooldown_without_a_thread_has_no_link(draw, now):
    view = draw(plan_of(waiting()), cooldown=Cooldown("U0BOB", now, now))

    assert "thread>" not in texts(view)


def test_the_language_begins_with_the_default_even_without_a_name_for_it(draw):
    german, dutch = (
        inputs(draw(plan_of(waiting()), locale=code))[resend_form.LOCALE]["element"] for code in ("de", "nl")
    )

    assert german["initial_option"]["text"]["text"] == "German"
    assert dutch["initial_option"] == dutch["options"][-1]
    assert (dutch["initial_option"]["value"], dutch["initial_option"]["text"]["text"]) == ("nl", "nl")


def test_a_reason_that_was_typed_stays(draw):
    element = inputs(draw(plan_of(waiting()), reason="new mailbox"))[resend_form.REASON]["element"]

    assert element["initial_value"] == "new mailbox"


@pytest.mark.parametrize(
    ("channel", "where"), [("C0PKI", "<#C0PKI>"), ("G0PKI", "this conversation"), ("D0ANA", "this conversation")]
)
def test_the_form_says_where_the_result_goes(draw, channel, where):
    assert f"The result goes to {where}, or to you alone" in texts(
        draw(plan_of(waiting()), destination=Destination(channel))
    )


def test_a_domain_with_several_scopes_offers_a_choice(draw):
    scopes = ("example.com", "shop.example.com")
    target = DomainTarget(1, "shop.example.com")
    plan = plan_of(waiting(scope=scopes[1], target=target), key="domain:1", scopes=scopes)

    select = next(
        block["accessory"] for block in draw(plan)["blocks"] if resend_form.SCOPE in block.get("block_id", "")
    )

    assert [option["text"]["text"] for option in select["options"]] == [
        "example.com and all below it",
        "shop.example.com and all below it",
    ]
    assert select["initial_option"]["value"] == "1"


def test_what_was_chosen_stays_in_view(draw):
    target = draw(plan_of(waiting()))["blocks"][0]["accessory"]

    assert target["type"] == "external_select"
    assert target["min_query_length"] == 0
    assert target["initial_option"]["value"] == "order:700001"


def test_reading_preserves_the_target_of_the_form():
    assert resend_form.reloading("f1")["private_metadata"] == "f1"


def test_nothing_to_do_says_so_and_has_no_submit_button():
    view = resend_form.nothing("f1", "Order 1 is issued.", "Reissue it.")

    assert "Order 1 is issued." in texts(view)
    assert "Reissue it." in texts(view)
    assert "submit" not in view


@pytest.mark.parametrize(
    ("listed", "text", "description"),
    [
        (
            AccountEntry(Kind.ORDER, 7, "shop.example.com", ("shop.example.com", "b.example"), "3 days", True),
            "7 · shop.example.com +1",
            "order, waits for 3 days",
        ),
        (AccountEntry(Kind.ORDER, 7, "a.example", ("a.example",), None, True), "7 · a.example", "order, waits"),
        (
            AccountEntry(Kind.DOMAIN, 8, "a.example", ("a.example",), "3 days", False),
            "8 · a.example",
            "domain, nothing waits",
        ),
        (
            AccountEntry(Kind.DOMAIN, 8, "a.example", ("a.example",), None, None),
            "8 · a.example",
            "domain, choose it to see what waits",
        ),
    ],
)
def test_a_line_names_id_name_and_how_long_it_waits(now, listed, text, description):
    since = now - timedelta(days=3) if listed.since else None
    line = AccountEntry(listed.kind, listed.id, listed.name, listed.names, since, listed.waiting)

    option = resend_form.listed_option(line, now).to_dict()

    assert (option["text"]["text"], option["description"]["text"]) == (text, description)
    assert option["value"] == f"{line.kind}:{line.id}"


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
    assert slack.takes_view(resend_form.nothing("f1", sentence, "Choose an order or a domain to go on."))


def test_a_form_for_a_message_says_where_it_was_named_and_where_the_result_goes(draw, slack):
    view = draw(plan_of(waiting()), destination=Destination("C0PKI", "17.5"), found_in="the field “<!channel>”")

    assert "Found in the field “&lt;!channel&gt;” of the message." in texts(view)
    assert "goes to the thread of the message, or to you alone" in texts(view)
    assert slack.takes_view(view)
