"""Every element and composition object: its valid containers, and the error when one part is broken."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.slack.blockkit.block_kit_validator import check_message


def plain(text: str = "Hello") -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "*Hello*") -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def option(number: int = 0) -> dict[str, Any]:
    return {"text": plain(f"Order {number}"), "value": f"order-{number}"}


def options(count: int) -> list[dict[str, Any]]:
    return [option(number) for number in range(count)]


def group(*numbers: int) -> dict[str, Any]:
    return {"label": plain("Orders"), "options": [option(number) for number in numbers]}


CONFIRM = {"title": plain(), "text": mrkdwn(), "confirm": plain("Yes"), "deny": plain("No"), "style": "danger"}
DISPATCH = {"trigger_actions_on": ["on_enter_pressed", "on_character_entered"]}
MENU = {"action_id": "a", "placeholder": plain(), "confirm": CONFIRM, "focus_on_load": True}
TYPED = {"action_id": "a", "placeholder": plain(), "focus_on_load": False, "dispatch_action_config": DISPATCH}
FILTER = {"include": ["public", "private"], "exclude_bot_users": True}
RICH_TEXT = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "Hi"}]}],
}
TRIGGER = {"url": "https://example.com/t", "customizable_input_parameters": [{"name": "order", "value": "1"}]}

SAMPLES: dict[str, dict[str, Any]] = {
    "button": {"text": plain(), "action_id": "a", "value": "v", "style": "primary", "confirm": CONFIRM},
    "image": {"image_url": "https://example.com/a.png", "alt_text": "A chart"},
    "overflow": {"action_id": "a", "options": [{**option(), "url": "https://example.com"}], "confirm": CONFIRM},
    "workflow_button": {"text": plain(), "action_id": "a", "workflow": {"trigger": TRIGGER}},
    "static_select": {**MENU, "options": options(3), "initial_option": option(1)},
    "external_select": {**MENU, "min_query_length": 0, "initial_option": option(9)},
    "users_select": {**MENU, "initial_user": "U1"},
    "conversations_select": {**MENU, "filter": FILTER, "default_to_current_conversation": True},
    "channels_select": {**MENU, "initial_channel": "C1"},
    "multi_static_select": {
        **MENU,
        "option_groups": [group(0, 1), group(2)],
        "initial_options": [option(0), option(2)],
        "max_selected_items": 2,
    },
    "multi_external_select": {**MENU, "min_query_length": 3, "initial_options": options(2), "max_selected_items": 3},
    "multi_users_select": {**MENU, "initial_users": ["U1"], "max_selected_items": 1},
    "multi_conversations_select": {**MENU, "filter": FILTER, "initial_conversations": ["C1"]},
    "multi_channels_select": {**MENU, "initial_channels": ["C1", "C2"]},
    "checkboxes": {
        "action_id": "a",
        "options": [{**option(), "text": mrkdwn("*Order 0*"), "description": mrkdwn()}],
        "initial_options": [{**option(), "text": mrkdwn("*Order 0*"), "description": mrkdwn()}],
    },
    "radio_buttons": {"action_id": "a", "options": options(2), "initial_option": option(1)},
    "datepicker": {**MENU, "initial_date": "2026-01-31"},
    "timepicker": {**MENU, "initial_time": "23:59", "timezone": "Europe/Berlin"},
    "datetimepicker": {"action_id": "a", "initial_date_time": 1760000000, "focus_on_load": True},
    "plain_text_input": {**TYPED, "initial_value": "", "multiline": True, "min_length": 0, "max_length": 3000},
    "email_text_input": {**TYPED, "initial_value": "admin@example.com"},
    "url_text_input": {**TYPED, "initial_value": "https://example.com"},
    "number_input": {**TYPED, "is_decimal_allowed": True, "min_value": "-1.5", "max_value": "2", "initial_value": "0"},
    "rich_text_input": {**TYPED, "initial_value": RICH_TEXT},
    "file_input": {"action_id": "a", "filetypes": ["csv"], "max_files": 1},
}
EVERY = {tag: {"type": tag, **sample} for tag, sample in SAMPLES.items()}

PRESSED = {"button", "overflow", "workflow_button"}
WRITTEN = {"plain_text_input", "email_text_input", "url_text_input", "number_input", "file_input"}

HOLDERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "section": lambda element: {"type": "section", "text": mrkdwn(), "accessory": element},
    "actions": lambda element: {"type": "actions", "elements": [element]},
    "input": lambda element: {"type": "input", "label": plain(), "element": element},
    "context": lambda element: {"type": "context", "elements": [element]},
}
STRANGERS = {
    "section": {*WRITTEN, "datetimepicker", "rich_text_input"},
    "actions": {*WRITTEN, "image"},
    "input": {*PRESSED, "image"},
    "context": {*EVERY} - {"image"},
}
INSIDE = {"section": "/accessory", "actions": "/elements/0", "input": "/element", "context": "/elements/0"}


def home_of(tag: str) -> str:
    """Return the name of a block that may contain the element."""
    return next(holder for holder in HOLDERS if tag not in STRANGERS[holder])


def pointers_of(element: dict[str, Any]) -> list[str]:
    """Check an element in a block that may contain it. Return pointers inside the element."""
    holder = home_of(element["type"])
    found = check_message({"text": "Hi", "blocks": [HOLDERS[holder](element)]})
    assert {problem.error for problem in found} <= {"invalid_blocks"}
    return [problem.pointer.removeprefix(f"/blocks/0{INSIDE[holder]}").lstrip("/") for problem in found]


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("tag", EVERY)
def test_an_element_is_valid_only_in_its_containers(tag: str, holder: str) -> None:
    found = check_message({"text": "Hi", "blocks": [HOLDERS[holder](EVERY[tag])]})

    expected = [f"/blocks/0{INSIDE[holder]}/type"] if tag in STRANGERS[holder] else []
    assert [problem.pointer for problem in found] == expected


@pytest.mark.parametrize("tag", EVERY)
def test_an_unknown_field_is_refused(tag: str, changed: Callable[..., Any]) -> None:
    assert pointers_of(changed(EVERY[tag], "colour", "red")) == [""]


@pytest.mark.parametrize("tag", [tag for tag in EVERY if tag != "image"])
def test_an_action_id_is_a_string_of_255(tag: str, changed: Callable[..., Any]) -> None:
    assert pointers_of(changed(EVERY[tag], "action_id", "x" * 255)) == []
    assert pointers_of(changed(EVERY[tag], "action_id", "x" * 256)) == ["action_id"]
    assert pointers_of(changed(EVERY[tag], "action_id", "")) == ["action_id"]


@pytest.mark.parametrize("tag", [tag for tag in EVERY if "placeholder" in EVERY[tag]])
def test_a_placeholder_is_plain_text_of_150(tag: str, changed: Callable[..., Any]) -> None:
    assert pointers_of(changed(EVERY[tag], "placeholder/text", "x" * 150)) == []
    assert pointers_of(changed(EVERY[tag], "placeholder/text", "x" * 151)) == ["placeholder/text"]
    assert pointers_of(changed(EVERY[tag], "placeholder", mrkdwn())) == ["placeholder/type"]


@pytest.mark.parametrize("tag", [tag for tag in EVERY if "focus_on_load" in EVERY[tag]])
def test_focus_on_load_is_true_or_false(tag: str, changed: Callable[..., Any]) -> None:
    assert pointers_of(changed(EVERY[tag], "focus_on_load", "true")) == ["focus_on_load"]


NEEDED = [
    ("button", "text"),
    ("image", "alt_text"),
    ("image", "image_url"),
    ("overflow", "options"),
    ("workflow_button", "workflow"),
    ("static_select", "options"),
    ("multi_static_select", "option_groups"),
    ("checkboxes", "options"),
    ("radio_buttons", "options"),
    ("number_input", "is_decimal_allowed"),
]


@pytest.mark.parametrize(("tag", "field"), NEEDED)
def test_a_missing_field_is_reported_at_the_element(tag: str, field: str, changed: Callable[..., Any]) -> None:
    assert pointers_of(changed(EVERY[tag], field, ...)) == [""]


# element, path of the change, last accepted value, first rejected one, and the reported path if it differs
LIMITS = [
    ("button", "text/text", "x" * 75, "x" * 76, None),
    ("button", "text", plain(), mrkdwn(), "text/type"),
    ("button", "value", "x" * 2000, "x" * 2001, None),
    ("button", "url", "https://" + "x" * 2992, "https://" + "x" * 2993, None),
    ("button", "url", "http://example.com", "javascript:alert(1)", None),
    ("button", "url", "https://example.com", "https://", None),
    ("button", "style", "danger", "default", None),
    ("button", "accessibility_label", "x" * 75, "x" * 76, None),
    ("button", "visible_to_user_ids", ["U1"], "U1", None),
    ("button", "agent_prompt", "x" * 4000, "x" * 4001, None),
    ("button", "confirm/title/text", "x" * 100, "x" * 101, None),
    ("button", "confirm/title", plain(), mrkdwn(), "confirm/title/type"),
    ("button", "confirm/text/text", "x" * 300, "x" * 301, None),
    ("button", "confirm/confirm/text", "x" * 30, "x" * 31, None),
    ("button", "confirm/deny/text", "x" * 30, "x" * 31, None),
    ("button", "confirm/style", "primary", "warning", None),
    ("button", "confirm", CONFIRM, {**CONFIRM, "yes": plain()}, None),
    ("button", "confirm", CONFIRM, {"title": plain(), "text": plain(), "deny": plain()}, None),
    ("image", "alt_text", "x" * 2000, "x" * 2001, None),
    ("workflow_button", "text/text", "x" * 75, "x" * 76, None),
    ("workflow_button", "accessibility_label", "x" * 75, "x" * 76, None),
    ("workflow_button", "workflow/trigger/url", "https://example.com", "example.com", None),
    ("overflow", "options", options(5), options(6), None),
    ("overflow", "options", options(1), [], None),
    ("overflow", "options/0/text/text", "x" * 75, "x" * 76, None),
    ("overflow", "options/0/url", "http://example.com", "example.com", None),
    ("static_select", "options", options(100), options(101), None),
    ("static_select", "options/2/text/text", "x" * 75, "x" * 76, None),
    ("static_select", "options/2/text/text", "x", "", None),
    ("static_select", "options/2/text", plain(), mrkdwn(), "options/2/text/type"),
    ("static_select", "options/2/description", plain("x" * 75), plain("x" * 76), "options/2/description/text"),
    ("static_select", "options/2/value", "x" * 150, "x" * 151, None),
    ("static_select", "options/2/value", "x", "", None),
    ("static_select", "options/2/value", "1", 1, None),
    ("static_select", "options/2", option(), {"text": plain()}, None),
    ("static_select", "options/2", option(), {**option(), "url": "https://example.com"}, None),
    ("static_select", "initial_option", option(2), option(3), None),
    ("static_select", "initial_option", option(2), {**option(2), "text": plain("Other")}, None),
    ("static_select", "option_groups", ..., [group(0)], ""),
    ("multi_static_select", "option_groups", [group(0, 2)] * 100, [group(0, 2)] * 101, None),
    ("multi_static_select", "option_groups/0/label/text", "x" * 75, "x" * 76, None),
    ("multi_static_select", "option_groups/1/options", options(3), [], None),
    ("multi_static_select", "option_groups/1/options", options(100), options(101), None),
    ("multi_static_select", "initial_options", [option(1)], [option(1), option(5)], "initial_options/1"),
    ("multi_static_select", "initial_options", options(2), options(3), None),
    ("multi_static_select", "max_selected_items", 3, 0, None),
    ("multi_static_select", "max_selected_items", 2, True, None),
    ("multi_users_select", "initial_users", ["U1"], ["U1", "U2"], None),
    ("multi_users_select", "initial_users", ["U1"], "U1", None),
    ("external_select", "min_query_length", 0, -1, None),
    ("external_select", "min_query_length", 1, "1", None),
    ("conversations_select", "filter/include", ["im", "mpim"], ["dm"], "filter/include/0"),
    ("conversations_select", "filter/include", ["im"], [], None),
    ("conversations_select", "filter", {"exclude_bot_users": False}, {}, None),
    ("channels_select", "response_url_enabled", True, "true", None),
    ("conversations_select", "filter/exclude_bot_users", False, 1, None),
    ("checkboxes", "options", [*SAMPLES["checkboxes"]["options"], *options(9)], options(11), None),
    ("checkboxes", "initial_options", SAMPLES["checkboxes"]["options"], [option(1)], "initial_options/0"),
    ("checkboxes", "initial_options", SAMPLES["checkboxes"]["options"], [], None),
    ("radio_buttons", "options", options(10), options(11), None),
    ("radio_buttons", "options/0/text", mrkdwn("x" * 75), mrkdwn("x" * 76), "options/0/text/text"),
    ("radio_buttons", "initial_option", option(0), option(4), None),
    ("datepicker", "initial_date", "2026-12-01", "2026-13-01", None),
    ("timepicker", "initial_time", "00:00", "24:00", None),
    ("datetimepicker", "initial_date_time", 1_000_000_000, 999_999_999, None),
    ("datetimepicker", "initial_date_time", 9_999_999_999, 10_000_000_000, None),
    ("plain_text_input", "max_length", 1, 3001, None),
    ("plain_text_input", "min_length", 3000, 3001, None),
    ("plain_text_input", "multiline", False, "false", None),
    ("plain_text_input", "dispatch_action_config/trigger_actions_on", ["on_enter_pressed"], [], None),
    ("email_text_input", "dispatch_action_config/trigger_actions_on/0", "on_enter_pressed", "on_blur", None),
    ("number_input", "min_value", "2", "2.5", None),
    ("number_input", "initial_value", "1.5", "one", None),
    ("number_input", "is_decimal_allowed", False, None, None),
    ("rich_text_input", "initial_value", RICH_TEXT, "Hi", None),
    ("file_input", "max_files", 10, 11, None),
]


@pytest.mark.parametrize(("tag", "path", "last", "first", "where"), LIMITS)
def test_a_limit_holds_on_both_sides(
    tag: str, path: str, last: Any, first: Any, where: str | None, changed: Callable[..., Any]
) -> None:
    if last is not ...:
        assert pointers_of(changed(EVERY[tag], path, last)) == []

    found = pointers_of(changed(EVERY[tag], path, first))

    assert found == [path if where is None else where]


def test_a_text_input_cannot_require_more_than_it_accepts(changed: Callable[..., Any]) -> None:
    short = changed(EVERY["plain_text_input"], "max_length", 5)

    assert pointers_of(changed(short, "min_length", 5)) == []
    assert pointers_of(changed(short, "min_length", 6)) == ["min_length"]
