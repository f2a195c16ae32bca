"""The blocks, and on which surfaces (message, modal, home) each may stand."""

# https://docs.slack.dev/reference/block-kit/blocks

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from sandbox.slack.blockkit.elements import (
    BUTTON,
    IMAGE,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
)
from sandbox.slack.blockkit.objects import IDENTIFIER, SLACK_FILE, URL, mrkdwn, plain, words
from sandbox.slack.blockkit.rich_text import RICH_TEXT
from sandbox.slack.blockkit.rules import any_of, distinct, exactly_one_of, not_both
from sandbox.slack.blockkit.schema import Choice, Flaw, Kind, Rule, Shape, flag, many, string, word
from sandbox.slack.blockkit.table_blocks import DATA_TABLE, TABLE

Surface = Literal["message", "modal", "home"]


def _block(tag: str, required: Mapping[str, Kind], *rules: Rule, **optional: Kind) -> Shape:
    return Shape(tag, required=required, optional={"block_id": IDENTIFIER, **optional}, rules=rules)


_IN_CONTEXT = Choice(plain(3000), mrkdwn(3000), IMAGE)

_CARD = _block(
    "card",
    {},
    any_of("hero_image", "title", "actions", "body"),
    not_both("icon", "slack_icon"),
    distinct("action_id", within="actions"),
    hero_image=IMAGE,
    icon=IMAGE,
    slack_icon=Shape(loose=True),
    title=words(150),
    subtitle=words(150),
    body=words(200),
    actions=many(BUTTON, 3),
)
_TASK_CARD = _block(
    "task_card",
    {"task_id": string(), "title": string(), "status": word("pending", "in_progress", "complete", "error")},
    details=RICH_TEXT,
    output=RICH_TEXT,
    sources=many(Shape("url", required={"url": URL, "text": string()})),
)

_EVERYWHERE = (
    _block(
        "section",
        {},
        any_of("text", "fields"),
        text=words(),
        fields=many(words(2000), 10),
        accessory=IN_SECTION,
        expand=flag,
    ),
    _block("header", {"text": plain(150)}),
    _block("divider", {}),
    _block("context", {"elements": many(_IN_CONTEXT, 10)}),
    _block("actions", {"elements": many(IN_ACTIONS, 25)}, distinct("action_id", within="elements")),
    _block(
        "input",
        {"label": plain(2000), "element": IN_INPUT},
        hint=plain(2000),
        optional=flag,
        dispatch_action=flag,
    ),
    _block(
        "image",
        {"alt_text": string(2000)},
        exactly_one_of("image_url", "slack_file"),
        image_url=URL,
        slack_file=SLACK_FILE,
        title=plain(2000),
    ),
    RICH_TEXT,
    _block(
        "video",
        {"alt_text": string(), "title": plain(199), "video_url": URL, "thumbnail_url": URL},
        title_url=URL,
        description=plain(3000),
        provider_icon_url=URL,
        provider_name=string(),
        author_name=string(49),
    ),
    _CARD,
)
_MODAL_ONLY = (_block("alert", {"text": words(200)}, level=word("default", "info", "warning", "error", "success")),)
_MESSAGE_AND_HOME = (TABLE, DATA_TABLE, _block("carousel", {"elements": many(_CARD, 10)}))
_MESSAGE_ONLY = (
    _block(
        "context_actions",
        {"elements": many(IN_CONTEXT_ACTIONS, 5)},
        distinct("action_id", within="elements"),
    ),
    _block("markdown", {"text": string(12_000)}),
    _block("file", {"external_id": string(255), "source": word("remote")}),
    _TASK_CARD,
    _block("plan", {"title": string()}, tasks=many(_TASK_CARD)),
)


_CHILDREN: dict[Surface, tuple[Shape, ...]] = {
    "message": (*_EVERYWHERE, *_MESSAGE_AND_HOME, *_MESSAGE_ONLY),
    "home": (*_EVERYWHERE, *_MESSAGE_AND_HOME),
}


def _collapsed_only_if_collapsible(value: Mapping[str, Any], at: str) -> Iterator[Flaw]:
    if value.get("default_collapsed") and not value.get("is_collapsible"):
        yield Flaw(at, "Only a collapsible container can start collapsed.")


def _container(children: tuple[Shape, ...]) -> Shape:
    return _block(
        "container",
        {"child_blocks": many(Choice(*children), 10)},
        any_of("title", "rich_text_title"),
        not_both("is_collapsible", "has_header_divider"),
        _collapsed_only_if_collapsible,
        title=plain(150),
        rich_text_title=RICH_TEXT,
        subtitle=words(150),
        width=word("narrow", "standard", "wide", "full"),
        icon=IMAGE,
        is_collapsible=flag,
        default_collapsed=flag,
        has_header_divider=flag,
    )


BLOCKS: dict[Surface, Choice] = {
    "modal": Choice(*_EVERYWHERE, *_MODAL_ONLY),
    **{surface: Choice(*children, _container(children)) for surface, children in _CHILDREN.items()},
}
