"""The schemas of the two kinds of view."""

# https://docs.slack.dev/reference/views

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.slack.blockkit.layout_rules import block_list, find_extra_focus
from sandbox.slack.blockkit.objects import plain_text
from sandbox.slack.blockkit.placed_blocks import iter_blocks
from sandbox.slack.blockkit.schema import ObjectSchema, TaggedUnion, Validator, Violation, boolean, string

_COMMON: dict[str, Validator] = {
    "private_metadata": string(3000, least=0),
    "callback_id": string(255, least=0),
    "external_id": string(255, least=0),
}


def _one_focus(view: Mapping[str, Any], at: str) -> Iterator[Violation]:
    return find_extra_focus(iter_blocks(view["blocks"], f"{at}/blocks"))


def _input_needs_submit(view: Mapping[str, Any], at: str) -> Iterator[Violation]:
    if "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        yield Violation(at, "A modal with an input block needs the field `submit`.")


VIEWS = TaggedUnion(
    ObjectSchema(
        "modal",
        required={"title": plain_text(24), "blocks": block_list("modal", 100, least=1)},
        optional={
            **_COMMON,
            "submit": plain_text(24),
            "close": plain_text(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
        rules=(_input_needs_submit, _one_focus),
    ),
    ObjectSchema("home", required={"blocks": block_list("home", 100, least=1)}, optional=_COMMON, rules=(_one_focus,)),
)
