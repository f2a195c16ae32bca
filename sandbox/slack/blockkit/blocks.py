"""The schemas of the blocks, by surface (message, modal, home)."""

# https://docs.slack.dev/reference/block-kit/blocks

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from sandbox.slack.blockkit.chart_blocks import DATA_VISUALIZATION
from sandbox.slack.blockkit.elements import (
    BUTTON,
    IMAGE,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
)
from sandbox.slack.blockkit.objects import IDENTIFIER, SLACK_FILE, URL, mrkdwn, plain_text, text_object
from sandbox.slack.blockkit.rich_text import RICH_TEXT
from sandbox.slack.blockkit.rules import any_of, distinct, exactly_one_of, not_both
from sandbox.slack.blockkit.schema import (
    ObjectSchema,
    Rule,
    TaggedUnion,
    Validator,
    Violation,
    boolean,
    integer,
    list_of,
    one_of,
    string,
)
from sandbox.slack.blockkit.table_blocks import DATA_TABLE, TABLE

Surface = Literal["message", "modal", "home"]


def _block(tag: str, required: Mapping[str, Validator], *rules: Rule, **optional: Validator) -> ObjectSchema:
    return ObjectSchema(tag, required=required, optional={"block_id": IDENTIFIER, **optional}, rules=rules)


def _files_dispatch_nothing(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
    if value.get("dispatch_action") and value["element"]["type"] == "file_input":
        yield Violation(f"{at}/dispatch_action", "A file_input cannot dispatch actions.")


_IN_CONTEXT = TaggedUnion(plain_text(3000), mrkdwn(3000), IMAGE)

_CARD = _block(
    "card",
    {},
    any_of("hero_image", "title", "actions", "body"),
    not_both("icon", "slack_icon"),
    distinct("action_id", within="actions"),
    hero_image=IMAGE,
    icon=IMAGE,
    slack_icon=ObjectSchema(loose=True),
    title=text_object(150),
    subtitle=text_object(150),
    body=text_object(200),
    actions=list_of(BUTTON, 3),
)
_TASK_CARD = _block(
    "task_card",
    {"task_id": string(), "title": string(), "status": one_of("pending", "in_progress", "complete", "error")},
    details=RICH_TEXT,
    output=RICH_TEXT,
    sources=list_of(ObjectSchema("url", required={"url": URL, "text": string()})),
)

_EVERYWHERE = (
    _block(
        "section",
        {},
        any_of("text", "fields"),
        text=text_object(),
        fields=list_of(text_object(2000), 10),
        accessory=IN_SECTION,
        expand=boolean,
    ),
    _block("header", {"text": plain_text(150)}, level=integer(1, 4)),
    _block("divider", {}),
    _block("context", {"elements": list_of(_IN_CONTEXT, 10)}),
    _block("actions", {"elements": list_of(IN_ACTIONS, 25)}, distinct("action_id", within="elements")),
    _block(
        "input",
        {"label": plain_text(2000), "element": IN_INPUT},
        _files_dispatch_nothing,
        hint=plain_text(2000),
        optional=boolean,
        dispatch_action=boolean,
    ),
    _block(
        "image",
        {"alt_text": string(2000)},
        exactly_one_of("image_url", "slack_file"),
        image_url=URL,
        slack_file=SLACK_FILE,
        title=plain_text(2000),
    ),
    RICH_TEXT,
    _block(
        "video",
        {"alt_text": string(), "title": plain_text(199), "video_url": URL, "thumbnail_url": URL},
        title_url=URL,
        description=plain_text(3000),
        provider_icon_url=URL,
        provider_name=string(),
        author_name=string(49),
    ),
    _CARD,
)
_MODAL_ONLY = (
    _block("alert", {"text": text_object(200)}, level=one_of("default", "info", "warning", "error", "success")),
)
_MESSAGE_AND_HOME = (TABLE, DATA_TABLE, _block("carousel", {"elements": list_of(_CARD, 10)}))
_MESSAGE_ONLY = (
    _block(
        "context_actions",
        {"elements": list_of(IN_CONTEXT_ACTIONS, 5)},
        distinct("action_id", within="elements"),
    ),
    _block("markdown", {"text": string(12_000)}),
    _block("file", {"external_id": string(255), "source": one_of("remote")}),
    _TASK_CARD,
    _block("plan", {"title": string()}, tasks=list_of(_TASK_CARD)),
    DATA_VISUALIZATION,
)


_ON: dict[Surface, tuple[ObjectSchema, ...]] = {
    "modal": (*_EVERYWHERE, *_MODAL_ONLY),
    "message": (*_EVERYWHERE, *_MESSAGE_AND_HOME, *_MESSAGE_ONLY),
    "home": (*_EVERYWHERE, *_MESSAGE_AND_HOME),
}
# Neither data tables nor cards, whatever the surface.
_IN_CONTAINER = frozenset(
    {"actions", "context", "divider", "file", "header", "image", "input", "rich_text", "section", "table", "video"}
)


def _collapsed_only_if_collapsible(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
    if value.get("default_collapsed") and not value.get("is_collapsible"):
        yield Violation(at, "Only a collapsible container can start collapsed.")


def _container(surface: Surface) -> ObjectSchema:
    children = TaggedUnion(*(schema for schema in _ON[surface] if schema.tag in _IN_CONTAINER))
    return _block(
        "container",
        {"child_blocks": list_of(children, 10)},
        any_of("title", "rich_text_title"),
        not_both("is_collapsible", "has_header_divider"),
        _collapsed_only_if_collapsible,
        title=plain_text(150),
        rich_text_title=RICH_TEXT,
        subtitle=text_object(150),
        width=one_of("narrow", "standard", "wide", "full"),
        icon=IMAGE,
        is_collapsible=boolean,
        default_collapsed=boolean,
        has_header_divider=boolean,
    )


BLOCKS: dict[Surface, TaggedUnion] = {
    # Modals have no container block.
    "modal": TaggedUnion(*_ON["modal"]),
    **{surface: TaggedUnion(*_ON[surface], _container(surface)) for surface in ("message", "home")},
}
