"""The rich_text block and the elements inside it."""

# https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

from collections.abc import Mapping

from sandbox.slack.blockkit.objects import IDENTIFIER
from sandbox.slack.blockkit.schema import Choice, Kind, Shape, flag, many, string, whole, word

_STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_STYLE = Shape(optional=dict.fromkeys(_STYLES, flag))
_BORDER = whole(0, 1)


def _part(tag: str, required: Mapping[str, Kind], **optional: Kind) -> Shape:
    return Shape(tag, required=required, optional={"style": _STYLE, **optional})


_TEXT = _part("text", {"text": string()})
_LINK = _part("link", {"url": string()}, text=string(), unsafe=flag)

_PARTS = Choice(
    _TEXT,
    _LINK,
    _part("broadcast", {"range": word("here", "channel", "everyone")}),
    _part("channel", {"channel_id": string()}),
    _part("color", {"value": string()}),
    _part("date", {"timestamp": whole(0), "format": string()}, url=string(), fallback=string()),
    _part("emoji", {"name": string()}, unicode=string(), skin_tone=whole(1, 6), url=string()),
    _part("team", {"team_id": string()}),
    _part("user", {"user_id": string()}),
    _part("usergroup", {"usergroup_id": string()}),
)

_SECTION = Shape("rich_text_section", required={"elements": many(_PARTS, least=0)})

_ELEMENTS = Choice(
    _SECTION,
    Shape(
        "rich_text_list",
        required={"style": word("bullet", "ordered"), "elements": many(_SECTION)},
        optional={"indent": whole(0, 8), "offset": whole(0), "border": _BORDER},
    ),
    Shape(
        "rich_text_preformatted",
        required={"elements": many(Choice(_TEXT, _LINK), least=0)},
        optional={"border": _BORDER, "language": string()},
    ),
    Shape("rich_text_quote", required={"elements": many(_PARTS, least=0)}, optional={"border": _BORDER}),
)

RICH_TEXT = Shape("rich_text", required={"elements": many(_ELEMENTS)}, optional={"block_id": IDENTIFIER})
