"""Readers of Slack's payloads: user, channel, thread and values."""

import pytest

from bot.errors import InvalidInput
from bot.models import Actor, Destination, Interaction
from handlers.listeners.payloads import (
    menu_entry,
    read_actor,
    read_button_interaction,
    read_choice,
    read_command_interaction,
    read_destination,
    read_form_destination,
    read_form_id,
    read_home_opening,
    read_index,
    read_menu,
    read_screen_interaction,
    read_thread,
)

COMMAND = {
    "user_id": "U0ANA",
    "user_name": "ana",
    "team_id": "T0HOME",
    "channel_id": "C0PKI",
    "command": "/dcv-resend",
    "text": "",
    "response_url": "https://hooks.example/1",
    "trigger_id": "1.2.3",
}


def picked(value):
    return {"actions": [{"action_id": "target", "selected_option": {"value": value, "text": {}}}]}


def test_a_command_tells_who_typed_it_where():
    interaction = read_command_interaction(COMMAND)

    assert interaction == Interaction(
        Actor("U0ANA", "T0HOME"), Destination("C0PKI"), "https://hooks.example/1", "/dcv-resend"
    )
    assert read_destination(COMMAND) == Destination("C0PKI")


def test_a_command_without_an_address_is_read_all_the_same():
    without = {key: value for key, value in COMMAND.items() if key != "response_url"}

    assert read_command_interaction(without).response_url is None


@pytest.mark.parametrize("missing", ["user_id", "team_id", "channel_id"])
def test_a_command_that_does_not_say_who_or_where_is_misunderstood(missing):
    with pytest.raises(InvalidInput):
        read_command_interaction({key: value for key, value in COMMAND.items() if key != missing})


@pytest.mark.parametrize(
    ("body", "team"),
    [
        ({"user": {"id": "U0ANA", "team_id": "T0HOME"}, "team": {"id": "T0HOME"}}, "T0HOME"),
        ({"user": {"id": "U0ANA"}, "team": {"id": "T0HOME"}}, "T0HOME"),
        ({"user": {"id": "U0ANA", "team_id": "T0HOME"}, "team": None, "enterprise": {"id": "E0GRID"}}, "T0HOME"),
        ({"user": {"id": "U0ANA", "team_id": "T0OTHER"}, "team": {"id": "T0HOME"}}, "T0OTHER"),
        ({"user": {"id": "U0ANA"}, "team": None, "enterprise": {"id": "E0GRID"}}, "E0GRID"),
    ],
)
def test_an_interaction_tells_who_acted(body, team):
    assert read_actor(body) == Actor("U0ANA", team)


@pytest.mark.parametrize(
    "body",
    [
        {"user": {"id": "U0ANA"}},
        {"user": {"id": "U0ANA"}, "team": None},
        {"user": "U0ANA", "team": "T0HOME"},
        {"user": {"id": 7}, "team": {"id": "T0HOME"}},
        {"user": {"id": "U0\ud800"}, "team": {"id": "T0HOME"}},
        {"team": {}},
        {},
    ],
)
def test_an_interaction_without_a_person_or_a_team_is_misunderstood(body):
    with pytest.raises(InvalidInput):
        read_actor(body)


def test_a_form_carries_an_opaque_id():
    assert read_form_id({"view": {"private_metadata": "f1"}}) == "f1"


@pytest.mark.parametrize("body", [{}, {"view": None}, {"view": {}}, {"view": {"private_metadata": ["f1"]}}])
def test_a_form_that_carries_none_is_nobodys_form(body):
    assert read_form_id(body) == ""


@pytest.mark.parametrize(
    ("body", "thread_ts"),
    [
        ({"container": {"channel_id": "C0PKI", "message_ts": "2.0", "thread_ts": "1.0"}}, "1.0"),
        ({"container": {"channel_id": "C0PKI", "message_ts": "2.0"}, "message": {"thread_ts": "1.0"}}, "1.0"),
        ({"container": {"channel_id": "C0PKI", "message_ts": "2.0"}, "message": {"ts": "2.0"}}, "2.0"),
        ({"container": {"channel_id": "C0PKI", "message_ts": "2.0"}, "message": None}, "2.0"),
    ],
)
def test_a_button_tells_the_thread_of_its_message(body, thread_ts):
    assert read_thread(body) == Destination("C0PKI", thread_ts)


@pytest.mark.parametrize(
    ("body", "choice"),
    [
        (picked("order:700001"), "order:700001"),
        ({"actions": [{"selected_option": None}]}, None),
        ({"actions": [{}]}, None),
        ({"actions": [{"value": "r1"}]}, "r1"),
    ],
)
def test_a_choice_is_the_value_that_was_picked(body, choice):
    assert read_choice(body) == choice


@pytest.mark.parametrize("value", [7, [], {"id": 1}, "a\nb", "\ud800"])
def test_a_value_that_is_none_of_ours_is_misunderstood(value):
    with pytest.raises(InvalidInput):
        read_choice(picked(value))


def test_a_picked_index_is_a_number():
    assert read_index(picked("1")) == 1


@pytest.mark.parametrize("value", ["", "one", "1.5", "order:1", "9" * 5000])
def test_a_picked_value_that_is_no_number_is_misunderstood(value):
    with pytest.raises(InvalidInput):
        read_index(picked(value))


def test_a_cleared_choice_is_no_index():
    with pytest.raises(InvalidInput):
        read_index({"actions": [{"selected_option": None}]})


@pytest.mark.parametrize(
    ("is_ephemeral", "thread_ts", "response_url"), [(True, None, "https://hooks.example/2"), (False, None, None)]
)
def test_only_a_click_on_an_ephemeral_message_may_replace_it(is_ephemeral, thread_ts, response_url):
    container = {"type": "message", "message_ts": "1.0", "channel_id": "C0PKI", "is_ephemeral": is_ephemeral}
    body = {
        "user": {"id": "U0ANA", "team_id": "T0HOME"},
        "container": container,
        "response_url": "https://hooks.example/2",
    }

    interaction = read_button_interaction(body)

    assert (interaction.destination, interaction.response_url) == (Destination("C0PKI", thread_ts), response_url)


async def test_an_entry_of_a_menu_is_matched_alone():
    option = {"value": "details:r1"}
    body = {"actions": [{"selected_option": option}]}

    assert read_menu(body) == ("details", "r1")
    assert [await menu_entry(entry)(body=body) for entry in ("details", "stop_tracking")] == [True, False]


HOME = {
    "user": {"id": "U0ANA", "team_id": "T0HOME"},
    "view": {"id": "V1", "type": "home", "hash": "1.a"},
    "container": {"type": "view", "view_id": "V1"},
}


def test_home_has_no_channel_and_its_forms_report_directly():
    assert read_screen_interaction(HOME) == Interaction(Actor("U0ANA", "T0HOME"), None)
    assert read_form_destination(HOME) == Destination("U0ANA")


@pytest.mark.parametrize(
    ("event", "read"),
    [
        ({"user": "U0ANA", "tab": "home"}, (Actor("U0ANA", "T0HOME"), None)),
        ({"user": "U0ANA", "tab": "home", "view": {"hash": "1.a"}}, (Actor("U0ANA", "T0HOME"), "1.a")),
        ({"user": "U0ANA", "tab": "messages"}, None),
        ("forged", None),
    ],
)
def test_an_opening_of_home_says_who_and_which_version(event, read):
    assert read_home_opening({"team_id": "T0HOME", "event": event}) == read
