"""The two kinds of view, with the blocks they may hold."""

# https://docs.slack.dev/reference/views

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.slack.blockkit.layout_rules import focused_twice, placed, stack
from sandbox.slack.blockkit.objects import plain
from sandbox.slack.blockkit.schema import Choice, Flaw, Kind, Shape, flag, string

_COMMON: dict[str, Kind] = {
    "private_metadata": string(3000, least=0),
    "callback_id": string(255, least=0),
    "external_id": string(255, least=0),
}


def _one_focus(view: Mapping[str, Any], at: str) -> Iterator[Flaw]:
    return focused_twice(placed(view["blocks"], f"{at}/blocks"))


def _input_needs_submit(view: Mapping[str, Any], at: str) -> Iterator[Flaw]:
    if "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        yield Flaw(at, "A modal with an input block needs the field `submit`.")


VIEWS = Choice(
    Shape(
        "modal",
        required={"title": plain(24), "blocks": stack("modal", 100, least=1)},
        optional={
            **_COMMON,
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": flag,
            "notify_on_close": flag,
            "submit_disabled": flag,
        },
        rules=(_input_needs_submit, _one_focus),
    ),
    Shape("home", required={"blocks": stack("home", 100, least=1)}, optional=_COMMON, rules=(_one_focus,)),
)
