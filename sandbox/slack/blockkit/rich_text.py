"""The schema of the rich_text block and of the elements inside it."""

# https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

from collections.abc import Mapping

from sandbox.slack.blockkit.objects import IDENTIFIER
from sandbox.slack.blockkit.schema import (
    ObjectSchema,
    TaggedUnion,
    Validator,
    boolean,
    integer,
    list_of,
    one_of,
    string,
)

_STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_STYLE = ObjectSchema(optional=dict.fromkeys(_STYLES, boolean))
_BORDER = integer(0, 1)


def _part(tag: str, required: Mapping[str, Validator], **optional: Validator) -> ObjectSchema:
    return ObjectSchema(tag, required=required, optional={"style": _STYLE, **optional})


_TEXT = _part("text", {"text": string()})
_LINK = _part("link", {"url": string()}, text=string(), unsafe=boolean)

_PARTS = TaggedUnion(
    _TEXT,
    _LINK,
    _part("broadcast", {"range": one_of("here", "channel", "everyone")}),
    _part("channel", {"channel_id": string()}),
    _part("color", {"value": string()}),
    _part("date", {"timestamp": integer(0), "format": string()}, url=string(), fallback=string()),
    _part("emoji", {"name": string()}, unicode=string(), skin_tone=integer(1, 6), url=string()),
    _part("team", {"team_id": string()}),
    _part("user", {"user_id": string()}),
    _part("usergroup", {"usergroup_id": string()}),
)

_SECTION = ObjectSchema("rich_text_section", required={"elements": list_of(_PARTS, least=0)})

_ELEMENTS = TaggedUnion(
    _SECTION,
    ObjectSchema(
        "rich_text_list",
        required={"style": one_of("bullet", "ordered"), "elements": list_of(_SECTION)},
        optional={"indent": integer(0, 8), "offset": integer(0), "border": _BORDER},
    ),
    ObjectSchema(
        "rich_text_preformatted",
        required={"elements": list_of(TaggedUnion(_TEXT, _LINK), least=0)},
        optional={"border": _BORDER, "language": string()},
    ),
    ObjectSchema("rich_text_quote", required={"elements": list_of(_PARTS, least=0)}, optional={"border": _BORDER}),
)

RICH_TEXT = ObjectSchema("rich_text", required={"elements": list_of(_ELEMENTS)}, optional={"block_id": IDENTIFIER})
