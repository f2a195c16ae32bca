"""Every block: accepted as documented, rejected when one part of it is broken."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.slack.blockkit.block_kit_validator import check_message, check_view

JPG = "https://example.com/a.png"
IMAGE = {"type": "image", "image_url": JPG, "alt_text": "A chart"}


def plain(text: str = "Hello") -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "*Hello*") -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def button(number: int = 0) -> dict[str, Any]:
    return {"type": "button", "text": plain("Send"), "action_id": f"send-{number}"}


def rich_text(*parts: dict[str, Any]) -> dict[str, Any]:
    said = parts or ({"type": "text", "text": "Hello", "style": {"bold": True}},)
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [*said]}]}


def cell(text: str = "a") -> dict[str, Any]:
    return {"type": "raw_text", "text": text}


def segment(label: str = "Email", value: float = 3) -> dict[str, Any]:
    return {"label": label, "value": value}


def series(name: str, *labels: str) -> dict[str, Any]:
    return {"name": name, "data": [segment(label, -1) for label in labels or ("Dec 14", "Dec 7")]}


CARD = {"type": "card", "title": mrkdwn(), "subtitle": plain(), "body": mrkdwn(), "icon": IMAGE, "actions": [button()]}
TASK = {"type": "task_card", "task_id": "t1", "title": "Sent", "status": "complete", "details": rich_text()}

ANYWHERE: dict[str, dict[str, Any]] = {
    "section": {"type": "section", "block_id": "s", "text": mrkdwn(), "fields": [plain(), mrkdwn()], "expand": True},
    "section with accessory": {"type": "section", "text": plain(), "accessory": IMAGE},
    "section of fields": {"type": "section", "fields": [mrkdwn()]},
    "header": {"type": "header", "text": {**plain(), "emoji": True}},
    "divider": {"type": "divider"},
    "context": {"type": "context", "elements": [mrkdwn(), plain(), IMAGE]},
    "actions": {"type": "actions", "elements": [button(0), button(1)]},
    "input": {
        "type": "input",
        "label": plain(),
        "hint": plain(),
        "optional": True,
        "dispatch_action": False,
        "element": {"type": "plain_text_input", "action_id": "reason"},
    },
    "input that dispatches": {
        "type": "input",
        "label": plain(),
        "dispatch_action": True,
        "element": {"type": "plain_text_input", "action_id": "reason"},
    },
    "image": {"type": "image", "image_url": JPG, "alt_text": "A chart", "title": plain()},
    "image of a file": {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "A chart"},
    "rich_text": rich_text(),
    "video": {
        "type": "video",
        "alt_text": "How to",
        "title": plain(),
        "video_url": JPG,
        "thumbnail_url": JPG,
        "author_name": "Ann",
    },
    "card": CARD,
}
MESSAGE_ONLY: dict[str, dict[str, Any]] = {
    "context_actions": {
        "type": "context_actions",
        "elements": [
            {"type": "icon_button", "icon": "trash", "text": plain(), "action_id": "drop"},
            {
                "type": "feedback_buttons",
                "positive_button": {"text": plain("Good"), "value": "good"},
                "negative_button": {"text": plain("Bad"), "value": "bad"},
            },
        ],
    },
    "markdown": {"type": "markdown", "text": "**Hello**"},
    "file": {"type": "file", "external_id": "x", "source": "remote"},
    "task_card": {**TASK, "sources": [{"type": "url", "url": JPG, "text": "Here"}]},
    "plan": {"type": "plan", "title": "Validate", "tasks": [TASK]},
    "pie": {"type": "data_visualization", "title": "Domains", "chart": {"type": "pie", "segments": [segment()]}},
    "bars": {
        "type": "data_visualization",
        "title": "Domains ending per week",
        "chart": {
            "type": "bar",
            "series": [series("Email"), series("DNS")],
            "axis_config": {"categories": ["Dec 7", "Dec 14"], "x_label": "Week", "y_label": "Domains"},
        },
    },
}
MESSAGE_AND_HOME: dict[str, dict[str, Any]] = {
    "table": {
        "type": "table",
        "rows": [[cell(), rich_text()], [cell(), {"type": "raw_number", "value": 1.5, "text": "1.5"}]],
        "column_settings": [{"align": "right"}, {"is_wrapped": True}],
    },
    "data_table": {"type": "data_table", "caption": "Orders", "rows": [[cell()], [rich_text()]], "page_size": 10},
    "carousel": {"type": "carousel", "elements": [CARD, CARD]},
    "container": {
        "type": "container",
        "title": plain(),
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [{"type": "divider"}],
    },
}
MODAL_ONLY: dict[str, dict[str, Any]] = {"alert": {"type": "alert", "level": "warning", "text": mrkdwn()}}

EVERY = {**ANYWHERE, **MESSAGE_ONLY, **MESSAGE_AND_HOME, **MODAL_ONLY}


def modal(block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "modal", "title": plain(), "submit": plain("Go"), "blocks": [block]}


def problems_of(name: str, block: dict[str, Any]) -> list[tuple[str, str]]:
    """Check a block in a valid container. Return errors and pointers inside the block."""
    found = check_view(modal(block)) if name in MODAL_ONLY else check_message({"text": "Hi", "blocks": [block]})
    return [(problem.error, problem.pointer.removeprefix("/blocks/0").lstrip("/")) for problem in found]


@pytest.mark.parametrize("name", [*ANYWHERE, *MESSAGE_ONLY, *MESSAGE_AND_HOME])
def test_a_message_accepts(name: str) -> None:
    assert check_message({"text": "Hi", "blocks": [EVERY[name]]}) == []


@pytest.mark.parametrize("name", [*ANYWHERE, *MODAL_ONLY])
def test_a_modal_accepts(name: str) -> None:
    assert check_view(modal(EVERY[name])) == []


@pytest.mark.parametrize("name", [*ANYWHERE, *MESSAGE_AND_HOME])
def test_a_home_accepts(name: str) -> None:
    assert check_view({"type": "home", "blocks": [EVERY[name]]}) == []


@pytest.mark.parametrize("name", MODAL_ONLY)
def test_a_message_refuses(name: str) -> None:
    [problem] = check_message({"text": "Hi", "blocks": [EVERY[name]]})

    assert (problem.error, problem.pointer) == ("invalid_blocks", "/blocks/0/type")


@pytest.mark.parametrize("name", [*MESSAGE_ONLY, *MESSAGE_AND_HOME])
def test_a_modal_refuses(name: str) -> None:
    [problem] = check_view(modal(EVERY[name]))

    assert (problem.error, problem.pointer) == ("invalid_arguments", "/blocks/0/type")


@pytest.mark.parametrize("name", [*MESSAGE_ONLY, *MODAL_ONLY])
def test_a_home_refuses(name: str) -> None:
    [problem] = check_view({"type": "home", "blocks": [EVERY[name]]})

    assert (problem.error, problem.pointer) == ("invalid_arguments", "/blocks/0/type")


@pytest.mark.parametrize("name", EVERY)
def test_an_unknown_field_is_refused(name: str, changed: Callable[..., Any]) -> None:
    [(_, pointer)] = problems_of(name, changed(EVERY[name], "colour", "red"))

    assert pointer == ""


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("block_id", ["", "x" * 256, 7, None])
def test_a_block_id_is_a_string_of_255(name: str, block_id: Any, changed: Callable[..., Any]) -> None:
    assert problems_of(name, changed(EVERY[name], "block_id", "x" * 255)) == []

    [(_, pointer)] = problems_of(name, changed(EVERY[name], "block_id", block_id))

    assert pointer == "block_id"


NEEDED = [
    ("header", "text"),
    ("context", "elements"),
    ("actions", "elements"),
    ("input", "label"),
    ("input", "element"),
    ("image", "alt_text"),
    ("image", "image_url"),
    ("rich_text", "elements"),
    ("video", "video_url"),
    ("video", "thumbnail_url"),
    ("video", "title"),
    ("video", "alt_text"),
    ("section of fields", "fields"),
    ("context_actions", "elements"),
    ("markdown", "text"),
    ("file", "source"),
    ("task_card", "status"),
    ("task_card", "task_id"),
    ("plan", "title"),
    ("table", "rows"),
    ("data_table", "caption"),
    ("carousel", "elements"),
    ("container", "title"),
    ("container", "child_blocks"),
    ("alert", "text"),
]


@pytest.mark.parametrize(("name", "field"), NEEDED)
def test_a_missing_field_is_reported_at_the_block(name: str, field: str, changed: Callable[..., Any]) -> None:
    [(_, pointer)] = problems_of(name, changed(EVERY[name], field, ...))

    assert pointer == ""


TOOLS = [
    {"type": "icon_button", "icon": "trash", "text": plain(), "action_id": f"drop-{number}"} for number in range(6)
]

# sample, path of the change, last accepted value, first rejected one, and the reported path if it differs
LIMITS = [
    ("section", "text/text", "x" * 3000, "x" * 3001, None),
    ("section", "text/text", "x", "", None),
    ("section", "fields", [plain()] * 10, [plain()] * 11, None),
    ("section", "fields", [plain()], [], None),
    ("section", "fields/0/text", "x" * 2000, "x" * 2001, None),
    ("section", "text/verbatim", False, "no", None),
    ("section", "text/type", "mrkdwn", "markdown", None),
    ("section", "expand", False, 0, None),
    ("header", "text/text", "x" * 150, "x" * 151, None),
    ("header", "level", 4, 5, None),
    ("header", "level", 1, 0, None),
    ("header", "text/emoji", False, "yes", None),
    ("header", "text", plain(), mrkdwn(), "text/type"),
    ("header", "text", plain(), {**plain(), "verbatim": True}, None),
    ("header", "text", plain(), "Hello", None),
    ("context", "elements", [plain()] * 10, [plain()] * 11, None),
    ("context", "elements/0/text", "x" * 3000, "x" * 3001, None),
    ("context", "elements/1/text", "x" * 3000, "x" * 3001, None),
    ("context", "elements/0", mrkdwn(), {**mrkdwn(), "emoji": True}, None),
    ("context", "elements/0", IMAGE, button(), "elements/0/type"),
    ("actions", "elements", [button(n) for n in range(25)], [button(n) for n in range(26)], None),
    ("actions", "elements", [button()], [], None),
    ("actions", "elements/1/action_id", "send-1", "send-0", None),
    ("actions", "elements/1", button(1), IMAGE, "elements/1/type"),
    ("input", "label/text", "x" * 2000, "x" * 2001, None),
    ("input", "hint/text", "x" * 2000, "x" * 2001, None),
    ("input", "label", plain(), mrkdwn(), "label/type"),
    ("input", "hint", plain(), mrkdwn(), "hint/type"),
    ("input", "dispatch_action", True, "true", None),
    ("input", "optional", False, None, None),
    ("input that dispatches", "element", {"type": "email_text_input"}, {"type": "file_input"}, "dispatch_action"),
    ("input", "element", {"type": "email_text_input"}, button(), "element/type"),
    ("image", "alt_text", "x" * 2000, "x" * 2001, None),
    ("image", "image_url", f"{JPG}?{'x' * 2974}", f"{JPG}?{'x' * 2975}", None),
    ("image", "image_url", "http://example.com/a.png", "ftp://example.com/a.png", None),
    ("image", "title/text", "x" * 2000, "x" * 2001, None),
    ("image of a file", "slack_file", {"url": JPG}, {"url": "F1"}, "slack_file/url"),
    ("image of a file", "slack_file", {"url": JPG}, {"id": "F1", "url": JPG}, None),
    ("video", "title/text", "x" * 199, "x" * 200, None),
    ("video", "author_name", "x" * 49, "x" * 50, None),
    ("card", "title/text", "x" * 150, "x" * 151, None),
    ("card", "subtitle/text", "x" * 150, "x" * 151, None),
    ("card", "body/text", "x" * 200, "x" * 201, None),
    ("card", "actions", [button(n) for n in range(3)], [button(n) for n in range(4)], None),
    ("card", "slack_icon", ..., {"type": "icon", "name": "lock"}, ""),
    ("card", "actions", [button(0), button(1)], [button(0), button(0)], "actions/1/action_id"),
    ("context_actions", "elements", TOOLS[:5], TOOLS, None),
    ("context_actions", "elements", TOOLS[:2], [TOOLS[0], TOOLS[0]], "elements/1/action_id"),
    ("context_actions", "elements/0/text/text", "x" * 75, "x" * 76, None),
    ("context_actions", "elements/0/value", "x" * 2000, "x" * 2001, None),
    ("context_actions", "elements/0/accessibility_label", "x" * 75, "x" * 76, None),
    ("context_actions", "elements/0/visible_to_user_ids", ["U1"] * 10, ["U1"] * 11, None),
    ("context_actions", "elements/1/positive_button/text/text", "x" * 75, "x" * 76, None),
    ("context_actions", "elements/1/positive_button/accessibility_label", "x" * 75, "x" * 76, None),
    ("context_actions", "elements/1/positive_button/value", "x" * 2000, "x" * 2001, None),
    ("context_actions", "elements/1/negative_button/text", plain(), mrkdwn(), "elements/1/negative_button/text/type"),
    ("context_actions", "elements/0", EVERY["context_actions"]["elements"][1], button(), "elements/0/type"),
    ("markdown", "text", "x" * 12_000, "x" * 12_001, None),
    ("markdown", "text", "x", plain(), None),
    ("file", "source", "remote", "local", None),
    ("task_card", "status", "in_progress", "done", None),
    ("task_card", "details", rich_text(), plain(), "details/type"),
    ("plan", "tasks", [TASK], [{"type": "divider"}], "tasks/0/type"),
    ("table", "rows", [[cell()] * 20] * 100, [[cell()] * 20] * 101, None),
    ("table", "rows", [[cell()] * 20], [[cell()] * 21], "rows/0"),
    ("table", "rows/0/0", cell(" "), cell(""), "rows/0/0/text"),
    ("table", "rows/0/0", rich_text(), plain(), "rows/0/0/type"),
    ("table", "rows/1/1/value", 2, "2", None),
    ("table", "rows/1/1/text", "2", "", None),
    ("table", "column_settings/1/is_wrapped", False, 0, None),
    ("table", "column_settings", [{}] * 20, [{}] * 21, None),
    ("table", "column_settings/0/align", "center", "middle", None),
    ("data_table", "rows", [[cell()]] * 101, [[cell()]] * 102, None),
    ("data_table", "rows", [[cell()]] * 2, [[cell()]], None),
    ("data_table", "rows/0/0", cell(), rich_text(), "rows/0/0/type"),
    ("data_table", "rows/1", [cell()], [cell(), cell()], None),
    ("data_table", "caption", "Orders", "", None),
    ("data_table", "row_header_column_index", 0, -1, None),
    ("data_table", "page_size", 100, 101, None),
    ("data_table", "page_size", 1, 0, None),
    ("pie", "title", "x" * 50, "x" * 51, None),
    ("pie", "chart/segments/0/label", "x" * 20, "x" * 21, None),
    ("pie", "chart/segments/0/value", 0.5, 0, None),
    ("pie", "chart/segments", [segment()] * 6, [segment()] * 7, None),
    ("pie", "chart", EVERY["bars"]["chart"], {"type": "donut", "segments": [segment()]}, "chart/type"),
    ("bars", "chart/type", "area", "column", None),
    ("bars", "chart/series", [series(f"{n}") for n in range(6)], [series(f"{n}") for n in range(7)], None),
    ("bars", "chart/series/1/name", "x" * 20, "x" * 21, None),
    ("bars", "chart/series/1/name", "x", "Email", None),
    ("bars", "chart/series/0", series("Email"), series("Email", "Dec 7"), "chart/series/0/data"),
    ("bars", "chart/series/0", series("Email"), series("Email", "Dec 7", "Dec 7"), "chart/series/0/data"),
    ("bars", "chart/axis_config/x_label", "x" * 50, "x" * 51, None),
    ("bars", "chart/axis_config/categories", ["Dec 7", "Dec 14"], [], None),
    ("carousel", "elements", [CARD] * 10, [CARD] * 11, None),
    ("carousel", "elements", [CARD], [], None),
    ("container", "child_blocks", [{"type": "divider"}] * 10, [{"type": "divider"}] * 11, None),
    ("container", "child_blocks/0", EVERY["table"], EVERY["container"], "child_blocks/0/type"),
    ("container", "child_blocks/0", ANYWHERE["input"], CARD, "child_blocks/0/type"),
    ("container", "child_blocks/0", ANYWHERE["image"], EVERY["data_table"], "child_blocks/0/type"),
    ("container", "child_blocks/0", ANYWHERE["actions"], EVERY["markdown"], "child_blocks/0/type"),
    ("container", "child_blocks/0", ANYWHERE["section"], MODAL_ONLY["alert"], "child_blocks/0/type"),
    ("container", "title/text", "x" * 150, "x" * 151, None),
    ("container", "subtitle", mrkdwn("x" * 150), mrkdwn("x" * 151), "subtitle/text"),
    ("container", "width", "full", "huge", None),
    ("container", "has_header_divider", False, True, ""),
    ("container", "default_collapsed", False, "no", None),
    ("alert", "text/text", "x" * 200, "x" * 201, None),
    ("alert", "level", "success", "fatal", None),
]


@pytest.mark.parametrize(("name", "path", "last", "first", "where"), LIMITS)
def test_a_limit_holds_on_both_sides(
    name: str, path: str, last: Any, first: Any, where: str | None, changed: Callable[..., Any]
) -> None:
    if last is not ...:
        assert problems_of(name, changed(EVERY[name], path, last)) == []

    [(error, pointer)] = problems_of(name, changed(EVERY[name], path, first))

    assert error == ("invalid_arguments" if name in MODAL_ONLY else "invalid_blocks")
    assert pointer == (path if where is None else where)


@pytest.mark.parametrize("level", ["default", "info", "warning", "error", "success"])
@pytest.mark.parametrize("text", [plain("Check the recipients."), mrkdwn("*Check* the recipients.")])
def test_an_alert_of_every_level_is_valid_in_a_modal(level: str, text: dict[str, Any]) -> None:
    assert check_view(modal({"type": "alert", "level": level, "text": text})) == []


def test_a_container_that_cannot_collapse_cannot_start_collapsed(changed: Callable[..., Any]) -> None:
    assert problems_of("container", changed(EVERY["container"], "is_collapsible", ...)) == [("invalid_blocks", "")]


def test_a_card_needs_more_than_a_subtitle() -> None:
    assert problems_of("card", {"type": "card", "subtitle": plain()}) == [("invalid_blocks", "")]


PARTS = [
    {"type": "text", "text": "Hi", "style": {"bold": True, "italic": True, "strike": True, "code": False}},
    {"type": "link", "url": "mailto:admin@example.com", "text": "Write"},
    {"type": "user", "user_id": "U1"},
    {"type": "usergroup", "usergroup_id": "S1"},
    {"type": "channel", "channel_id": "C1", "style": {"bold": True}},
    {"type": "emoji", "name": "lock"},
    {"type": "date", "timestamp": 1760000000, "format": "{ago}", "fallback": "lately"},
    {"type": "broadcast", "range": "here"},
    {"type": "color", "value": "#ff0000"},
    {"type": "team", "team_id": "T1"},
]
BAD_PARTS = [
    ({"type": "text", "text": ""}, "/text"),
    ({"type": "text"}, ""),
    ({"type": "text", "text": "Hi", "style": {"bold": "yes"}}, "/style/bold"),
    ({"type": "text", "text": "Hi", "style": {"loud": True}}, "/style"),
    ({"type": "link", "text": "Write"}, ""),
    ({"type": "date", "timestamp": "now", "format": "{ago}"}, "/timestamp"),
    ({"type": "broadcast", "range": "all"}, "/range"),
    ({"type": "mrkdwn", "text": "Hi"}, "/type"),
    ("Hi", ""),
]


def test_rich_text_accepts_every_part_in_every_element() -> None:
    section = {"type": "rich_text_section", "elements": PARTS}
    elements = [
        section,
        {"type": "rich_text_list", "style": "ordered", "indent": 8, "offset": 3, "border": 1, "elements": [section]},
        {"type": "rich_text_quote", "elements": PARTS},
        {"type": "rich_text_preformatted", "elements": PARTS[:2], "border": 0},
    ]

    assert problems_of("rich_text", {"type": "rich_text", "elements": elements}) == []


@pytest.mark.parametrize(("part", "where"), BAD_PARTS)
def test_rich_text_refuses_the_part(part: Any, where: str) -> None:
    assert problems_of("rich_text", rich_text(part)) == [("invalid_blocks", f"elements/0/elements/0{where}")]


@pytest.mark.parametrize(
    ("element", "where"),
    [
        ({"type": "rich_text_list", "style": "dotted", "elements": [rich_text()["elements"][0]]}, "/style"),
        ({"type": "rich_text_list", "elements": [rich_text()["elements"][0]]}, ""),
        ({"type": "rich_text_list", "style": "bullet", "elements": [PARTS[0]]}, "/elements/0/type"),
        ({"type": "rich_text_list", "style": "bullet", "elements": [], "indent": 1}, "/elements"),
        ({"type": "rich_text_preformatted", "elements": [PARTS[2]]}, "/elements/0/type"),
        (
            {"type": "rich_text_list", "style": "bullet", "elements": [rich_text()["elements"][0]], "indent": 9},
            "/indent",
        ),
        ({"type": "rich_text_quote", "elements": {}}, "/elements"),
        ({"type": "rich_text_quote", "elements": [], "border": 2}, "/border"),
        (PARTS[0], "/type"),
    ],
)
def test_rich_text_refuses_the_element(element: Any, where: str) -> None:
    block = {"type": "rich_text", "elements": [element]}

    assert problems_of("rich_text", block) == [("invalid_blocks", f"elements/0{where}")]
