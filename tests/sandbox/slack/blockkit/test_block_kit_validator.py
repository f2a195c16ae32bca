"""Whole messages and views: what Slack would accept, what it would reject, and the error code."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.blockkit.block_kit_validator import check_message, check_view


def plain(text: str = "Hello") -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def section(text: str = "*Hello*", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def markdown(length: int) -> dict[str, Any]:
    return {"type": "markdown", "text": "x" * length}


def field(action_id: str = "reason", **more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": action_id, **more}
    return {"type": "input", "block_id": action_id, "label": plain(), "element": element}


def modal(*blocks: Any, **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain(), "submit": plain("Resend"), "blocks": [*blocks] or [section()], **more}


def message(*blocks: Any, **more: Any) -> dict[str, Any]:
    return {"text": "Hello", "blocks": [*blocks], **more}


def sized_metadata(size: int) -> dict[str, Any]:
    frame = len('{"event_type":"sent","event_payload":{"x":""}}')
    return {"event_type": "sent", "event_payload": {"x": "x" * (size - frame)}}


DIVIDER = {"type": "divider"}
TABLE = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}
DATA_TABLE = {"type": "data_table", "caption": "Orders", "rows": TABLE["rows"] * 2}
METADATA = {"event_type": "resend_sent", "event_payload": {"request": "r1", "names": ["example.com"]}}
GROUPED = {"type": "container", "title": plain(), "child_blocks": [TABLE]}

TAKEN: dict[str, dict[str, Any]] = {
    "text alone": {"text": "Hello", "channel": "C1", "thread_ts": "1.2", "unfurl_links": False},
    "blocks alone": {"blocks": [section()]},
    "attachments alone": {"attachments": [{"color": "danger", "text": "Hello"}]},
    "nothing but text in every part": {"text": "Hello", "blocks": [], "attachments": [], "metadata": None},
    "blocks as JSON": {"blocks": json.dumps([section()])},
    "blank blocks as in a form": {"text": "Hello", "blocks": "", "attachments": " "},
    "attachments as JSON": {"attachments": json.dumps([{"blocks": [section()]}])},
    "metadata as JSON": {"text": "Hello", "metadata": json.dumps(METADATA)},
    "long text": {"text": "x" * 40_000},
    "50 blocks": message(*[DIVIDER] * 50),
    "100 attachments": {"attachments": [{"text": "x"}] * 100},
    "blocks up to 13,200 characters": message(*[section("x" * 3000)] * 4, section("x" * 1135)),
    "metadata up to 16,000 bytes": {"text": "Hello", "metadata": sized_metadata(16_000)},
    "markdown up to its limit": message(markdown(6000), markdown(6000)),
    "one table": message(section(), TABLE),
    "a full table": message({"type": "table", "rows": [TABLE["rows"][0] * 20] * 100}),
    "a table in an attachment": {"text": "Hello", "attachments": [{"blocks": [TABLE]}]},
    "metadata": message(section(), metadata=METADATA),
    "metadata of every kind": {
        "text": "Hello",
        "metadata": {
            **METADATA,
            "event_payload": {"s": "x", "n": 1.5, "b": False, "o": {"k": 1}, "l": ["x", {"k": 2}]},
        },
    },
    "distinct block ids": message(section(block_id="a"), section(block_id="b"), section(), section()),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_message_is_accepted(name: str) -> None:
    assert check_message(TAKEN[name]) == []


REFUSED: dict[str, tuple[Any, str, str]] = {
    "no object": (["Hello"], "invalid_arguments", ""),
    "nothing": ({"channel": "C1"}, "no_text", ""),
    "blank text": ({"text": " \n", "blocks": []}, "no_text", ""),
    "text of another type": ({"text": 5}, "invalid_arguments", "/text"),
    "too long a text": ({"text": "x" * 40_001}, "msg_too_long", "/text"),
    "51 blocks": (message(*[DIVIDER] * 51), "invalid_blocks", "/blocks"),
    "a block that is no object": (message("divider"), "invalid_blocks", "/blocks/0"),
    "a block without a type": (message({"text": plain()}), "invalid_blocks", "/blocks/0"),
    "an unknown block": (message(DIVIDER, {"type": "footer"}), "invalid_blocks", "/blocks/1/type"),
    "a type that is no string": (message({"type": ["divider"]}), "invalid_blocks", "/blocks/0/type"),
    "blocks that are one block": ({"text": "Hello", "blocks": DIVIDER}, "invalid_blocks_format", "/blocks"),
    "blocks that are no JSON": ({"text": "Hello", "blocks": "[{"}, "invalid_blocks_format", "/blocks"),
    "blocks that are JSON of another kind": ({"blocks": '{"type": "divider"}'}, "invalid_blocks_format", "/blocks"),
    "a bad block inside JSON": ({"blocks": '[{"type": "footer"}]'}, "invalid_blocks", "/blocks/0/type"),
    "a block id twice": (
        message(section(block_id="a"), {**DIVIDER, "block_id": "a"}),
        "invalid_blocks",
        "/blocks/1/block_id",
    ),
    "a block id twice, once nested": (
        message(section(block_id="a"), {**GROUPED, "child_blocks": [section(block_id="a")]}),
        "invalid_blocks",
        "/blocks/1/child_blocks/0/block_id",
    ),
    "more than 13,200 characters": (
        message(*[section("x" * 3000)] * 4, section("x" * 1136)),
        "msg_blocks_too_long",
        "/blocks",
    ),
    "markdown too long in all": (message(markdown(6000), markdown(6001)), "msg_blocks_too_long", "/blocks"),
    "two tables": (message(TABLE, DIVIDER, TABLE), "invalid_attachments", "/blocks/2"),
    "two tables of different kinds": (message(TABLE, DATA_TABLE), "invalid_attachments", "/blocks/1"),
    "a second table in a container": (message(TABLE, GROUPED), "invalid_attachments", "/blocks/1/child_blocks/0"),
    "a second table in an attachment": (
        message(TABLE, attachments=[{"blocks": [TABLE]}]),
        "invalid_attachments",
        "/attachments/0/blocks/0",
    ),
    "101 attachments": ({"attachments": [{"text": "x"}] * 101}, "invalid_attachments", "/attachments"),
    "attachments that are one": ({"attachments": {"text": "x"}}, "invalid_attachments", "/attachments"),
    "attachments that are no JSON": ({"attachments": "none"}, "invalid_attachments", "/attachments"),
    "an attachment that is no object": ({"attachments": ["x"]}, "invalid_attachments", "/attachments/0"),
    "an attachment with a bad block": (
        {"attachments": [{"blocks": [{"type": "header", "text": plain("x" * 151)}]}]},
        "invalid_attachments",
        "/attachments/0/blocks/0/text/text",
    ),
    "metadata without a payload": (
        {"text": "Hello", "metadata": {"event_type": "sent"}},
        "invalid_metadata_format",
        "/metadata",
    ),
    "metadata with a payload that is no object": (
        {"text": "Hello", "metadata": {**METADATA, "event_payload": "r1"}},
        "invalid_metadata_format",
        "/metadata/event_payload",
    ),
    "metadata without a name": (
        {"text": "Hello", "metadata": {**METADATA, "event_type": ""}},
        "invalid_metadata_format",
        "/metadata/event_type",
    ),
    "metadata with an object in an object": (
        {"text": "Hello", "metadata": {**METADATA, "event_payload": {"request": {"ids": {"a": 1}}}}},
        "invalid_metadata_format",
        "/metadata/event_payload/request",
    ),
    "metadata with a list of lists": (
        {"text": "Hello", "metadata": {**METADATA, "event_payload": {"ids": [["a"]]}}},
        "invalid_metadata_format",
        "/metadata/event_payload/ids",
    ),
    "metadata with a null": (
        {"text": "Hello", "metadata": {**METADATA, "event_payload": {"id": None}}},
        "invalid_metadata_format",
        "/metadata/event_payload/id",
    ),
    "metadata that is no JSON": ({"text": "Hello", "metadata": "sent"}, "invalid_metadata_format", "/metadata"),
    "more than 16,000 bytes of metadata": (
        {"text": "Hello", "metadata": sized_metadata(16_001)},
        "metadata_too_large",
        "/metadata",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_message_is_refused(name: str) -> None:
    payload, error, pointer = REFUSED[name]

    [problem] = check_message(payload)

    assert (problem.error, problem.pointer) == (error, pointer)
    assert problem.message.endswith(".")


def test_an_update_accepts_a_shorter_text_than_a_post() -> None:
    assert check_message({"text": "x" * 4_000}, update=True) == []
    assert check_message({"text": "x", "metadata": {}}, update=True) == []
    assert check_message({"text": "x", "metadata": {}}) != []

    [problem] = check_message({"text": "x" * 4_001}, update=True)

    assert (problem.error, problem.pointer) == ("msg_too_long", "/text")
    assert check_message({"text": "x" * 4_001}) == []


def test_every_broken_part_is_reported() -> None:
    found = check_message({"text": 1, "blocks": [{"type": "header"}], "attachments": {}, "metadata": []})

    assert [problem.pointer for problem in found] == ["/text", "/blocks/0", "/attachments", "/metadata"]


VIEWS_TAKEN: dict[str, dict[str, Any]] = {
    "modal without input": {"type": "modal", "title": plain(), "blocks": [section()]},
    "modal with input": modal(field()),
    "modal with all there is": modal(
        close=plain("Back"),
        private_metadata="x" * 3000,
        callback_id="c" * 255,
        external_id="e" * 255,
        clear_on_close=True,
        notify_on_close=True,
    ),
    "words of 24": modal(title=plain("x" * 24), submit=plain("x" * 24), close=plain("x" * 24)),
    "empty private metadata": modal(private_metadata=""),
    "100 blocks": modal(*[DIVIDER] * 100),
    "long blocks": modal(*[section("x" * 3000)] * 50),
    "one element with the focus": modal(field("a", focus_on_load=True), field("b", focus_on_load=False)),
    "home": {"type": "home", "blocks": [section()], "private_metadata": "x", "callback_id": "home"},
    "home of 100 blocks": {"type": "home", "blocks": [DIVIDER] * 100},
    "home with input": {"type": "home", "blocks": [field()]},
}


@pytest.mark.parametrize("name", VIEWS_TAKEN)
def test_a_view_is_accepted(name: str) -> None:
    assert check_view(VIEWS_TAKEN[name]) == []


FOCUSED = {"type": "actions", "elements": [{"type": "users_select", "focus_on_load": True}]}

VIEWS_REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ("modal", ""),
    "no type": ({"title": plain(), "blocks": [section()]}, ""),
    "unknown type": (modal(type="workflow_step"), "/type"),
    "no title": ({"type": "modal", "blocks": [section()]}, ""),
    "long title": (modal(title=plain("x" * 25)), "/title/text"),
    "empty title": (modal(title=plain("")), "/title/text"),
    "title in mrkdwn": (modal(title={"type": "mrkdwn", "text": "*Hi*"}), "/title/type"),
    "title of plain string": (modal(title="Hi"), "/title"),
    "long submit": (modal(submit=plain("x" * 25)), "/submit/text"),
    "submit in mrkdwn": (modal(submit={"type": "mrkdwn", "text": "Go"}), "/submit/type"),
    "submit that is null": (modal(submit=None), "/submit"),
    "long close": (modal(close=plain("x" * 25)), "/close/text"),
    "input without submit": ({"type": "modal", "title": plain(), "blocks": [section(), field()]}, ""),
    "no blocks": ({"type": "modal", "title": plain(), "blocks": []}, "/blocks"),
    "101 blocks": (modal(*[DIVIDER] * 101), "/blocks"),
    "blocks that are no list": (modal(blocks=json.dumps([DIVIDER])), "/blocks"),
    "long private metadata": (modal(private_metadata="x" * 3001), "/private_metadata"),
    "private metadata that is an object": (modal(private_metadata={}), "/private_metadata"),
    "long callback id": (modal(callback_id="x" * 256), "/callback_id"),
    "long external id": (modal(external_id="x" * 256), "/external_id"),
    "clear_on_close of a word": (modal(clear_on_close="yes"), "/clear_on_close"),
    "what only Slack sets": (modal(hash="156772938.1827394"), ""),
    "a block id twice": (modal(field("a"), {**field("b"), "block_id": "a"}), "/blocks/1/block_id"),
    "two elements with the focus": (
        modal(field("a", focus_on_load=True), FOCUSED),
        "/blocks/1/elements/0/focus_on_load",
    ),
    "home of 101 blocks": ({"type": "home", "blocks": [DIVIDER] * 101}, "/blocks"),
    "home with a title": ({"type": "home", "title": plain(), "blocks": [section()]}, ""),
    "home with a submit": ({"type": "home", "submit": plain(), "blocks": [section()]}, ""),
}


@pytest.mark.parametrize("name", VIEWS_REFUSED)
def test_a_view_is_refused(name: str) -> None:
    view, pointer = VIEWS_REFUSED[name]

    [problem] = check_view(view)

    assert (problem.error, problem.pointer) == ("invalid_arguments", pointer)
    assert problem.message.endswith(".")


def sized_modal(size: int) -> dict[str, Any]:
    menu = {"type": "static_select", "options": [{"text": plain("é" * 75), "value": "x" * 150}] * 100}
    view = modal(*[section(accessory=menu)] * 7, private_metadata="")
    frame = len(json.dumps(view, ensure_ascii=False, separators=(",", ":")).encode())
    return {**view, "private_metadata": "x" * (size - frame)}


def test_a_view_has_250_000_bytes_at_most_though_each_part_holds() -> None:
    assert check_view(sized_modal(250_000)) == []

    [problem] = check_view(sized_modal(250_001))

    assert (problem.error, problem.pointer) == ("view_too_large", "")


ALERTS: dict[str, dict[str, Any]] = {
    "plain text of a shell hook": {
        "channel": "certs",
        "username": "acme",
        "mrkdwn": "true",
        "text": "*Renew error*\nErrors certs:\n  shop.example.com\n  *.api.example.com",
    },
    "attachment of an alert router": {
        "channel": "#cert-alerts",
        "attachments": [
            {
                "callback_id": "",
                "color": "danger",
                "fallback": "[FIRING:1] DcvPending (shop.example.com 700001)",
                "fields": [{"title": "order_id", "value": "700001", "short": True}],
                "footer": "",
                "mrkdwn_in": ["fallback", "pretext", "text"],
                "text": "*Alert:* waiting for `shop.example.com`",
                "title": "[FIRING:1] DcvPending",
                "title_link": "https://alerts.example.com/#/alerts",
                "actions": [{"type": "button", "text": "Order", "url": "https://example.com/orders/700001"}],
            }
        ],
    },
    "attachments with numbers and empty words": {
        "text": "",
        "attachments": [
            {"title": "shop.example.com", "text": "", "fields": [{"title": "Endpoints", "value": 2}], "ts": 1795323694},
            {"title": "api.example.com", "fallback": "", "color": "FF0000", "fields": []},
        ],
    },
    "blocks inside an attachment": {
        "text": "[shop.example.com] certificate has expired (order 700001)",
        "attachments": [
            {
                "color": "#e01e5a",
                "blocks": [
                    {"type": "header", "text": plain("shop.example.com")},
                    {"type": "context", "elements": [{"type": "mrkdwn", "text": "_Certs_"}]},
                    {"type": "section", "fields": [plain("Message"), plain("2026-11-22 05:00:00")]},
                    {
                        "type": "actions",
                        "elements": [
                            {"type": "button", "text": plain("Visit"), "value": "Site", "url": "https://example.com"}
                        ],
                    },
                ],
            }
        ],
    },
    "blocks with an offer": message(
        section("Order 700001 waits for *shop.example.com*.", block_id="offer"),
        {
            "type": "actions",
            "block_id": "offer-buttons",
            "elements": [
                {"type": "button", "action_id": "resend", "text": plain("Resend DCV email"), "value": "r1"},
                {"type": "button", "action_id": "dismiss", "text": plain("Not now"), "value": "r1"},
            ],
        },
        metadata=METADATA,
    ),
}


@pytest.mark.parametrize("name", ALERTS)
def test_a_realistic_alert_is_accepted(name: str) -> None:
    assert check_message(ALERTS[name]) == []


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KNOWN = ["type", "text", "blocks", "elements", "element", "rows", "options", "initial_option", "accessory", "fields"]
TAGS = ["section", "actions", "input", "table", "container", "modal", "static_select", "plain_text", "rich_text"]
ANYTHING = st.recursive(
    LEAVES | st.sampled_from(TAGS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KNOWN) | st.text(), inner, max_size=5),
    max_leaves=25,
)
ARGUMENTS = st.fixed_dictionaries(
    {}, optional={"text": ANYTHING, "blocks": ANYTHING, "attachments": ANYTHING, "metadata": ANYTHING}
)


@given(ANYTHING | ARGUMENTS, st.booleans())
def test_checking_a_message_never_raises(payload: Any, update: bool) -> None:
    assert all(problem.message for problem in check_message(payload, update=update))


@given(ANYTHING, ANYTHING)
def test_checking_a_view_never_raises(view: Any, blocks: Any) -> None:
    assert all(problem.message for problem in check_view(view))
    assert all(problem.message for problem in check_view(modal(blocks=blocks)))


SAMPLES = [TAKEN["metadata"], GROUPED, field(), FOCUSED, DATA_TABLE, *ALERTS.values(), *VIEWS_TAKEN.values()]


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """Draw a valid sample in which one value at any depth is replaced by anything."""
    copy = json.loads(json.dumps(draw(st.sampled_from(SAMPLES))))
    place = copy
    while True:
        key = draw(st.sampled_from([*place] if isinstance(place, dict) else range(len(place))))
        if not place[key] or not isinstance(place[key], dict | list) or draw(st.booleans()):
            place[key] = draw(ANYTHING)
            return copy
        place = place[key]


@given(spoilt())
def test_checking_a_spoilt_sample_never_raises(sample: Any) -> None:
    for found in (check_message(sample), check_view(sample), check_message({"blocks": [sample]})):
        assert all(problem.message for problem in found)


@pytest.mark.parametrize("nested", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, "1" * 5_000])
def test_json_too_deep_or_too_long_to_read_is_refused(nested: str) -> None:
    assert [problem.error for problem in check_message({"blocks": nested})] == ["invalid_blocks_format"]
