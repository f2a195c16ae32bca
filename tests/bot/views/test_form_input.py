"""Reading a form: the choices come out, and a tampered form raises only InvalidInput."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import InvalidInput, StoreUnavailable
from bot.models import AccountEntry, DomainTarget, Kind, OrderTarget, Plan, WaitingName
from bot.recipients import constructed
from bot.views import resend_form
from bot.views.form_input import NOTHING_TYPED, FormInput, field_errors, read_form, read_selections, read_typed
from bot.views.resend_form import Notes, Selections
from tests.quick import examples

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
BLOCK_IDS = st.sampled_from(
    [
        "recipients.0.abc",
        "recipients.1",
        "recipients.",
        "recipients.x.y",
        "recipients.all.abc",
        "language",
        "reason",
        "",
    ]
)
OPTION = st.fixed_dictionaries(
    {}, optional={"value": st.sampled_from(["0", "1", "-1", "x", "", "9" * 5000, "٣"]) | ANY_JSON}
)
STATE = st.fixed_dictionaries(
    {},
    optional={
        "selected_option": OPTION | ANY_JSON,
        "selected_options": st.lists(OPTION | ANY_JSON, max_size=3) | ANY_JSON,
        "value": ANY_JSON,
    },
)
VALUES = st.dictionaries(BLOCK_IDS, st.dictionaries(st.text(max_size=3), STATE | ANY_JSON, max_size=2) | ANY_JSON)
VIEW = st.fixed_dictionaries(
    {},
    optional={
        "private_metadata": ANY_JSON,
        "state": st.fixed_dictionaries({}, optional={"values": VALUES | ANY_JSON}) | ANY_JSON,
    },
)


def waiting(name, target):
    return WaitingName(name, "example.com", target, True, constructed("example.com"))


def rendered(*names, cooldown=None, now=None, reason=None):
    plan = Plan("order:1", "1 · example.com", names)
    before = resend_form.cooldown_warning(cooldown, now) if cooldown else None
    chosen = Selections(reason=reason, shows_more=True)
    return resend_form.resend("f1", plan, Notes("Here.", before), "de", now, selections=chosen)


def submitted(view, **typed):
    """Return the view as Slack sends it, with the initial values. `typed` maps a field's id to its input."""
    values = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element, block_id = block["element"], block["block_id"]
            state = {"type": element["type"]}
            for initial, key in (("initial_option", "selected_option"), ("initial_options", "selected_options")):
                if initial in element:
                    state[key] = element[initial]
            if element["type"] == "plain_text_input":
                state["value"] = typed.get(block_id, element.get("initial_value"))
            values[block_id] = {element["action_id"]: state}
    return {**view, "id": "V1", "state": {"values": values}}


@pytest.fixture
def order(now):
    return rendered(*(waiting(f"n{number}.example.com", OrderTarget(1)) for number in range(3)), now=now)


def test_a_form_of_an_order_comes_back_as_it_was_rendered(order):
    filled = read_form(submitted(order))

    assert filled == FormInput("f1", {0: [0], 1: [0], 2: [0]}, shared=None, locale="de", reason=None, key="order:1")


def test_a_form_of_a_domain_comes_back_with_several_recipients(now):
    view = submitted(rendered(waiting("example.com", DomainTarget(1, "example.com")), now=now))
    block_id = next(block_id for block_id in view["state"]["values"] if block_id.startswith("recipients"))
    view["state"]["values"][block_id]["recipients"]["selected_options"] = [{"value": "4"}, {"value": "2"}]

    assert read_form(view).recipients == {0: [4, 2]}


def test_one_mailbox_for_all_comes_back_as_such(now):
    view = rendered(*(waiting(f"n{number}.example.com", OrderTarget(1)) for number in range(9)), now=now)

    filled = read_form(submitted(view))

    assert (filled.shared, filled.recipients) == (0, {})


@pytest.mark.parametrize(
    ("typed", "reason"), [("new mailbox", "new mailbox"), ("  why\n", "why"), ("   ", None), ("", None), (None, None)]
)
def test_a_reason_of_blanks_is_none(order, typed, reason):
    assert read_form(submitted(order, reason=typed)).reason == reason


def test_a_reason_that_no_form_accepts_is_invalid_input_at_its_field(order):
    with pytest.raises(InvalidInput) as misunderstood:
        read_form(submitted(order, reason="x" * 301))

    assert list(misunderstood.value.fields) == ["reason"]
    assert read_form(submitted(order, reason="x" * 300)).reason == "x" * 300


def test_a_cleared_choice_is_no_choice(order):
    view = submitted(order)
    for state in view["state"]["values"].values():
        for element in state.values():
            element.pop("selected_option", None)
            element["selected_option"] = None

    filled = read_form(view)

    assert filled.locale is None
    assert filled.recipients == {0: [], 1: [], 2: []}


@settings(max_examples=examples(400))
@given(view=VIEW | ANY_JSON)
def test_a_tampered_form_raises_only_invalid_input(view):
    try:
        filled = read_form(view)
    except InvalidInput:
        return

    assert isinstance(filled.form_id, str)
    assert filled.locale is None or isinstance(filled.locale, str)
    assert filled.reason is None or isinstance(filled.reason, str)
    assert filled.shared is None or isinstance(filled.shared, int)
    assert all(isinstance(index, int) for picked in filled.recipients.values() for index in picked)


@settings(max_examples=examples(200))
@given(data=st.data())
def test_a_form_tampered_with_in_one_place_raises_only_invalid_input(data, now):
    view = submitted(rendered(waiting("example.com", OrderTarget(1)), now=now))
    destination, key = data.draw(st.sampled_from(list(_places(view["state"]))))
    destination[key] = data.draw(ANY_JSON)

    with contextlib.suppress(InvalidInput):
        read_form(view)


@pytest.mark.parametrize("language", [["de"], {"de": 1}, 7, True])
def test_a_language_that_is_no_text_is_invalid_input(order, language):
    view = submitted(order)
    view["state"]["values"]["language"]["language"]["selected_option"] = {"value": language}

    with pytest.raises(InvalidInput):
        read_form(view)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN"])
def test_an_overlong_number_is_invalid_input(order, number):
    view = submitted(order)
    block_id = next(block_id for block_id in view["state"]["values"] if block_id.startswith("recipients"))
    view["state"]["values"][block_id]["recipients"]["selected_option"]["value"] = json.loads(number)

    with pytest.raises(InvalidInput):
        read_form(view)


def test_what_was_typed_so_far_is_read_from_any_state_of_the_form(order):
    assert read_typed(submitted(order, reason="why")) == Selections("de", "why", shows_more=True)
    assert read_typed({**resend_form.empty("f1"), "state": {"values": {}}}) == NOTHING_TYPED
    assert read_typed({"broken": True}) == NOTHING_TYPED


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"recipients.1": "Choose."}, "recipients.1."),
        ({"language": "Choose."}, "language"),
        ({"reason": "Why?"}, "reason"),
        ({"no such field": "Hm."}, "recipients.0."),
        ({}, "recipients.0."),
    ],
)
def test_an_error_is_shown_at_its_field_or_at_the_first(order, fields, expected):
    (block_id,) = field_errors(order, InvalidInput("Choose.", fields))

    assert block_id.startswith(expected)


def test_each_field_has_its_own_sentence(order):
    errors = field_errors(order, InvalidInput("Both.", {"recipients.0": "One.", "reason": "Two."}))

    assert sorted(errors.values()) == ["One.", "Two."]
    assert errors["reason"] == "Two."


def test_any_other_error_appears_at_the_first_field(order):
    errors = field_errors(order, StoreUnavailable("The database is away."))

    assert list(errors.values()) == ["The database is away."]
    assert set(errors) <= {block.get("block_id") for block in order["blocks"]}


def test_a_form_without_fields_shows_errors_at_its_search():
    assert field_errors(resend_form.empty("f1"), InvalidInput("Choose.", {"reason": "Why?"})) == {"target": "Why?"}
    assert field_errors(resend_form.loading("f1", "x"), InvalidInput("Choose.")) == {}


def test_the_choices_so_far_are_read_to_show_them_again(order):
    view = submitted(order, reason="why")

    assert read_selections(view) == Selections("de", "why", {0: [0], 1: [0], 2: [0]}, 0, shows_more=True)


def test_a_chosen_match_goes_before_the_search(now):
    matches = [AccountEntry(Kind.ORDER, each, "a.example", (), now, True) for each in (7, 8)]
    view = submitted(resend_form.choice("f1", "a.example", matches, now))
    view["state"]["values"]["target"]["target"]["selected_option"] = {"value": "name:a.example"}
    before = read_form(view).key
    view["state"]["values"]["match"]["match"]["selected_option"] = {"value": "order:8"}

    assert (before, read_form(view).key) == ("name:a.example", "order:8")


@pytest.mark.parametrize(
    "blocks", [None, 7, "input", [None, "input", {"type": "input"}, {"type": "input", "block_id": 7}]]
)
def test_a_form_whose_fields_were_tampered_with_shows_no_errors(order, blocks):
    assert field_errors({**order, "blocks": blocks}, InvalidInput("Choose.")) == {}


def _places(value):
    """Yield every place in a JSON value that can be overwritten."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _places(inner)
